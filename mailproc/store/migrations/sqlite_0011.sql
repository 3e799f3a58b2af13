-- What reports count of a ticket that rests, found out once: reports/summary.py.  A row tells all that its
-- ticket's events and messages up to the mark say; what has newer ones is looked at anew.
CREATE TABLE ticket_summary (
    ticket   INTEGER PRIMARY KEY,
    calendar TEXT NOT NULL,             -- digest of the business time that it was counted in
    first    REAL NOT NULL,             -- the earliest and the latest of its moments
    last     REAL NOT NULL,
    content  TEXT NOT NULL              -- JSON array
);
CREATE INDEX ticket_summary_last ON ticket_summary (last, first);

CREATE TABLE summary_mark (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    event     INTEGER NOT NULL,
    message   INTEGER NOT NULL,
    calendars TEXT NOT NULL             -- digest of all desks' calendars
);
