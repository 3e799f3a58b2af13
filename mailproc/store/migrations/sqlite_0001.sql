-- Times are seconds since 1970 in UTC.  Every table of a desk carries the desk, so that it can be
-- distributed by desk.  Names of states are those of model/ticket.py.

CREATE TABLE raw_mail (
    sha256  BLOB PRIMARY KEY,
    size    INTEGER NOT NULL,
    codec   INTEGER NOT NULL,           -- 0 as it came, 1 zstd
    content BLOB NOT NULL
);

CREATE TABLE delivery (
    id        INTEGER PRIMARY KEY,
    key       BLOB NOT NULL UNIQUE,     -- Envelope.delivery_key
    desk      TEXT NOT NULL,
    mail_from TEXT NOT NULL,            -- '' is the null reverse-path
    rcpt_to   TEXT NOT NULL,
    sha256    BLOB NOT NULL,
    received  REAL NOT NULL,
    state     TEXT NOT NULL,            -- Outcome
    repeats   INTEGER NOT NULL DEFAULT 0,
    attempts  INTEGER NOT NULL DEFAULT 0,
    due       REAL NOT NULL,            -- not before
    lease     REAL NOT NULL DEFAULT 0,  -- taken by a worker until
    worker    TEXT NOT NULL DEFAULT '', -- by which
    ticket    INTEGER,
    problem   TEXT NOT NULL DEFAULT '',
    history   INTEGER NOT NULL DEFAULT 0 -- 1 where it was imported: never acknowledged
);
CREATE INDEX delivery_waiting ON delivery (history, due, id) WHERE state = 'waiting';
CREATE INDEX delivery_set_aside ON delivery (state, id) WHERE state IN ('ignored', 'quarantined');

CREATE TABLE ticket (
    id          INTEGER PRIMARY KEY,
    number      TEXT NOT NULL UNIQUE,
    desk        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    subject_key TEXT NOT NULL,          -- model/subject.py: without prefixes and tags
    state       TEXT NOT NULL,
    owner       TEXT NOT NULL DEFAULT '',
    customer    TEXT NOT NULL DEFAULT '',
    opened      REAL NOT NULL,
    updated     REAL NOT NULL,
    closed      REAL,
    snoozed     REAL,                   -- until then, in state snoozed
    topic       TEXT NOT NULL DEFAULT '',
    language    TEXT NOT NULL DEFAULT '',
    spam        REAL NOT NULL DEFAULT 0.5,
    merged_into INTEGER
);
CREATE INDEX ticket_state ON ticket (desk, state, id);
CREATE INDEX ticket_snoozed ON ticket (snoozed) WHERE state = 'snoozed';
CREATE INDEX ticket_subject ON ticket (desk, subject_key, updated);

CREATE TABLE message (
    id             INTEGER PRIMARY KEY,
    ticket         INTEGER NOT NULL,
    desk           TEXT NOT NULL,
    delivery       INTEGER,
    sha256         BLOB NOT NULL,
    direction      TEXT NOT NULL,
    sender         TEXT NOT NULL,
    recipients     TEXT NOT NULL,       -- JSON array
    subject        TEXT NOT NULL,
    date           REAL,
    message_id     TEXT NOT NULL,
    size           INTEGER NOT NULL,
    automatic      TEXT NOT NULL,
    agent          TEXT NOT NULL DEFAULT '',
    status         TEXT NOT NULL,
    joined_by      TEXT NOT NULL DEFAULT '',
    joined_reasons TEXT NOT NULL DEFAULT '[]',
    at             REAL NOT NULL
);
CREATE INDEX message_ticket ON message (ticket, id);
CREATE INDEX message_mail ON message (sha256, desk);

-- Which Message-IDs belong to which ticket.  kind: ours (we sent it), known (we received it),
-- mentioned (it stood in In-Reply-To or References of a mail of this ticket).
CREATE TABLE thread_id (
    desk       TEXT NOT NULL,
    message_id TEXT NOT NULL,
    ticket     INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (message_id, desk, ticket, kind)
) WITHOUT ROWID;

CREATE TABLE participant (
    ticket  INTEGER NOT NULL,
    address TEXT NOT NULL,              -- lower-case addr-spec
    desk    TEXT NOT NULL,
    role    TEXT NOT NULL,              -- customer, participant, new (joined by an id, never asked)
    since   REAL NOT NULL,
    PRIMARY KEY (ticket, address)
) WITHOUT ROWID;
CREATE INDEX participant_address ON participant (desk, address, ticket);

CREATE TABLE author (
    desk    TEXT NOT NULL,
    address TEXT NOT NULL,
    mails   INTEGER NOT NULL,
    aligned INTEGER NOT NULL,           -- how many of them had DMARC alignment
    first   REAL NOT NULL,
    last    REAL NOT NULL,
    PRIMARY KEY (desk, address)
) WITHOUT ROWID;

CREATE TABLE tag (
    ticket INTEGER NOT NULL,
    name   TEXT NOT NULL,
    desk   TEXT NOT NULL,
    PRIMARY KEY (ticket, name)
) WITHOUT ROWID;
CREATE INDEX tag_name ON tag (name, ticket);

CREATE TABLE event (
    id     INTEGER PRIMARY KEY,
    ticket INTEGER NOT NULL,
    desk   TEXT NOT NULL,
    at     REAL NOT NULL,
    what   TEXT NOT NULL,
    who    TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX event_ticket ON event (ticket, id);

CREATE TABLE link (
    ticket INTEGER NOT NULL,
    other  INTEGER NOT NULL,
    desk   TEXT NOT NULL,
    why    TEXT NOT NULL,
    PRIMARY KEY (ticket, other)
) WITHOUT ROWID;

-- What must leave.  key makes each item unique: a crash between two steps never makes a second one.
CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY,
    key       TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL,            -- OutboxKind
    desk      TEXT NOT NULL,
    ticket    INTEGER,
    message   INTEGER,                  -- the message row whose status follows
    mail_from TEXT NOT NULL,
    content   BLOB NOT NULL,            -- the mail, CRLF
    state     TEXT NOT NULL,            -- waiting, held, sent, failed
    attempts  INTEGER NOT NULL DEFAULT 0,
    created   REAL NOT NULL,
    due       REAL NOT NULL,
    lease     REAL NOT NULL DEFAULT 0,
    problem   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';
CREATE INDEX outbox_state ON outbox (state);

CREATE TABLE outbox_recipient (
    outbox    INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    state     TEXT NOT NULL,            -- waiting, sent, failed
    reply     TEXT NOT NULL DEFAULT '', -- the relay's last reply
    PRIMARY KEY (outbox, recipient)
) WITHOUT ROWID;

-- Automatic answers sent, for the limits per thread, recipient, domain and in total.
CREATE TABLE auto_answer (
    id        INTEGER PRIMARY KEY,
    desk      TEXT NOT NULL,
    ticket    INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    domain    TEXT NOT NULL,
    vouched   INTEGER NOT NULL,         -- 1 where the sender was authenticated
    at        REAL NOT NULL
);
CREATE INDEX auto_answer_recipient ON auto_answer (recipient, at);
CREATE INDEX auto_answer_domain ON auto_answer (domain, at);
CREATE INDEX auto_answer_at ON auto_answer (at);
CREATE INDEX auto_answer_ticket ON auto_answer (ticket);

CREATE TABLE mac_failure (
    id     INTEGER PRIMARY KEY,
    desk   TEXT NOT NULL,
    sender TEXT NOT NULL,
    at     REAL NOT NULL
);
CREATE INDEX mac_failure_at ON mac_failure (at);

CREATE TABLE sequence (
    desk   TEXT NOT NULL,
    period TEXT NOT NULL,               -- '20261121' for dates, '' for a plain sequence
    last   INTEGER NOT NULL,
    PRIMARY KEY (desk, period)
) WITHOUT ROWID;

CREATE TABLE token (
    word TEXT PRIMARY KEY,
    spam INTEGER NOT NULL,
    ham  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE trained (
    sha256 BLOB PRIMARY KEY,
    label  TEXT NOT NULL,               -- ham, spam
    words  TEXT NOT NULL,               -- JSON array: what untrain must take back
    at     REAL NOT NULL
);
