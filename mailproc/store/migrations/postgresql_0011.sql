CREATE TABLE ticket_summary (
    ticket bigint PRIMARY KEY,
    calendar text COLLATE "C" NOT NULL,
    first double precision NOT NULL,
    last double precision NOT NULL,
    content text COLLATE "C" NOT NULL
);
CREATE INDEX ticket_summary_last ON ticket_summary (last, first);

CREATE TABLE summary_mark (
    id bigint PRIMARY KEY CHECK (id = 1),
    event bigint NOT NULL,
    message bigint NOT NULL,
    calendars text COLLATE "C" NOT NULL
);
