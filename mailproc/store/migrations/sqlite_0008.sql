-- Targets: how long a customer may wait, and what happens when that is too long (model/target.py).

-- The state that a ticket is in from this event on; NULL where the event changes none.
ALTER TABLE event ADD COLUMN state TEXT;
UPDATE event SET state = CASE what
        WHEN 'opened' THEN 'new'
        WHEN 'claimed' THEN 'claimed'
        WHEN 'released' THEN CASE WHEN detail NOT LIKE 'an answer of %' THEN 'new' END
        WHEN 'answered' THEN CASE WHEN detail NOT LIKE '%, an older mail' THEN 'answered' END
        WHEN 'snoozed' THEN 'snoozed'
        WHEN 'woken' THEN 'claimed'
        WHEN 'closed' THEN 'closed'
        WHEN 'reopened' THEN 'claimed'
        WHEN 'marked_spam' THEN 'spam'
        WHEN 'unmarked_spam' THEN 'new'
        WHEN 'undelivered' THEN 'problem'
        WHEN 'quarantined' THEN 'problem'
        WHEN 'transferred' THEN 'new'
        ELSE (SELECT 'claimed' FROM message
              WHERE message.ticket = event.ticket AND direction = 'in' AND automatic = 'none'
                AND sender = event.who AND message.at <= event.at LIMIT 1)
    END
WHERE what IN ('opened', 'claimed', 'released', 'answered', 'snoozed', 'woken', 'closed', 'reopened',
               'marked_spam', 'unmarked_spam', 'undelivered', 'quarantined', 'transferred', 'follow_up');

-- What is due of each ticket whose desk has targets.
CREATE TABLE ticket_due (
    ticket INTEGER PRIMARY KEY,
    desk   TEXT NOT NULL,
    next   REAL,                        -- when the clock must look at it again; NULL: when it changes
    kind   TEXT NOT NULL DEFAULT '',    -- of the clock that is due first: first, next, solution …
    due    REAL                         -- … and when; NULL where none is, or the ticket rests
);
CREATE INDEX ticket_due_next ON ticket_due (next) WHERE next IS NOT NULL;

-- How far each desk's tickets were looked at: up to this event, and under which targets and steps.
CREATE TABLE target_mark (
    desk  TEXT PRIMARY KEY,
    event INTEGER NOT NULL,
    rules TEXT NOT NULL,                -- a digest of them
    since REAL NOT NULL                 -- when the desk got targets: what was due before does nothing
) WITHOUT ROWID;

-- Steps that were taken, each once for a clock: model/escalation.py.
CREATE TABLE escalation (
    ticket  INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    started REAL NOT NULL,              -- of the clock
    step    TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (ticket, kind, started, step)
) WITHOUT ROWID;

-- Who is to be told of steps, gathered into mails; a row goes when its mail is in the outbox.
CREATE TABLE escalation_call (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,             -- of the step: unlike any other, ever
    agent    TEXT NOT NULL,
    desk     TEXT NOT NULL,
    ticket   INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    moment   REAL,
    template TEXT NOT NULL
);

-- Mails that were laid on top of their folder again: the newest row stands for the message's copy, as l5.
CREATE TABLE laid_again (
    id      INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    at      REAL NOT NULL,              -- what the folder shows as its time of arrival
    headers TEXT NOT NULL               -- JSON array of [name, value]: why
);
CREATE INDEX laid_again_message ON laid_again (message, id);
