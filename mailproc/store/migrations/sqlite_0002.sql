-- The agents' side: the shared folder, who answered what, and who watches.

-- A turn is one mail of a customer that a person wrote; automatic mail makes none.  An answer is for a turn,
-- and one conditional UPDATE of these columns decides whether it may leave.
ALTER TABLE ticket ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN turn_answered INTEGER NOT NULL DEFAULT -1;
ALTER TABLE ticket ADD COLUMN answered_by TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;  -- in: which it made; out: which it answers

-- Tickets whose copies in the folder may not be as they should; level-triggered: a row says "look again".
-- One that went to another desk has work at both.
CREATE TABLE folder_work (
    ticket     INTEGER NOT NULL,
    desk       TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,  -- grows with every change, so that none is missed meanwhile
    due        REAL NOT NULL DEFAULT 0,     -- not before
    PRIMARY KEY (ticket, desk)
) WITHOUT ROWID;
CREATE INDEX folder_work_due ON folder_work (desk, due);
INSERT INTO folder_work (ticket, desk) SELECT id, desk FROM ticket;

-- Where each copy was last put or seen by us; what the folder really holds, only the folder knows.
CREATE TABLE folder_copy (
    name    TEXT NOT NULL,              -- what X-Mailproc-Id names: m17 is message row 17, e5 event row 5
    desk    TEXT NOT NULL,
    place   TEXT NOT NULL DEFAULT '',   -- model/folder.py: 'new', '@alice', 'snoozed/1d' …; '' is nowhere yet
    aim     TEXT NOT NULL DEFAULT '',   -- where a write of ours may have put it; '' when no write is under way
    missing REAL,                       -- not seen anywhere since
    PRIMARY KEY (desk, name)
) WITHOUT ROWID;

-- What a copy of a message in the folder shows above it, beside what its ticket says.
CREATE TABLE copy_header (
    message INTEGER PRIMARY KEY,
    headers TEXT NOT NULL               -- JSON array of [name, value]
);

-- A ticket that an agent called spam, or no spam, is learnt when the time to change one's mind is over.
CREATE TABLE lesson_due (
    ticket INTEGER PRIMARY KEY,
    label  TEXT NOT NULL,               -- ham, spam
    at     REAL NOT NULL                -- when the agent said so
);

ALTER TABLE ticket ADD COLUMN shelf TEXT NOT NULL DEFAULT '';  -- the place that shows it while it is snoozed
CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ticket_claimed ON ticket (desk, updated) WHERE state = 'claimed';

-- What only one worker of all may do: watch a desk's folder, keep the time.
CREATE TABLE lease (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    token   INTEGER NOT NULL,           -- grows with every new holder (fencing)
    expires REAL NOT NULL
) WITHOUT ROWID;

-- What agents handed in, so that a client which did not see our 250 can repeat it.
CREATE TABLE submission (
    key        BLOB PRIMARY KEY,        -- SHA-256 of agent, Message-ID, recipients and body
    agent      TEXT NOT NULL,
    message_id TEXT NOT NULL,           -- as the agent's client made it
    desk       TEXT NOT NULL,
    ticket     INTEGER,                 -- NULL where it is no ticket's
    message    INTEGER,                 -- the row that it became
    text       BLOB NOT NULL,           -- SHA-256 of what the agent wrote anew
    at         REAL NOT NULL
);
CREATE INDEX submission_message_id ON submission (agent, message_id);
CREATE INDEX submission_ticket ON submission (ticket, agent);

-- Answers that do not leave until somebody decides: model/held.py.
CREATE TABLE held_answer (
    message INTEGER PRIMARY KEY,
    ticket  INTEGER NOT NULL,
    desk    TEXT NOT NULL,
    agent   TEXT NOT NULL,
    reason  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    other   INTEGER,                    -- the message that is in its way
    since   REAL NOT NULL,
    told    REAL NOT NULL,              -- when its author was told last …
    notices INTEGER NOT NULL            -- … and how often
);
CREATE INDEX held_answer_told ON held_answer (told);
CREATE INDEX held_answer_ticket ON held_answer (ticket);

-- Standard answers that lie as mails in a desk's folder Canned, as they were seen there last.
CREATE TABLE canned (
    desk     TEXT NOT NULL,
    name     TEXT NOT NULL,
    language TEXT NOT NULL,             -- '' for any
    sha256   BLOB NOT NULL,             -- of the mail, in raw_mail
    at       REAL NOT NULL,
    PRIMARY KEY (desk, name, language)
) WITHOUT ROWID;

-- What became of a message at each of its recipients.
CREATE INDEX outbox_message ON outbox (message) WHERE message IS NOT NULL;

-- Which standard answers stood in which answers: what answered one mail may answer a similar one.
CREATE TABLE canned_use (
    message INTEGER NOT NULL,
    name    TEXT NOT NULL,
    desk    TEXT NOT NULL,
    words   TEXT NOT NULL,              -- JSON array: of the customer's mail
    PRIMARY KEY (message, name)
) WITHOUT ROWID;
CREATE INDEX canned_use_desk ON canned_use (desk, message);

-- Drafts that agents are writing to tickets, where they let us see that (headers only): one row for an
-- agent and a ticket, however often the draft is saved.
CREATE TABLE draft (
    agent   TEXT NOT NULL,
    ticket  INTEGER NOT NULL,
    since   REAL NOT NULL,
    saved   REAL NOT NULL,              -- when last, by the IMAP server's clock
    claimed INTEGER NOT NULL DEFAULT 0, -- 1 where the agent has the ticket because of it
    told    INTEGER NOT NULL DEFAULT 0, -- 1 where the agent knows that somebody else has it
    PRIMARY KEY (agent, ticket)
) WITHOUT ROWID;

-- Drafts that we laid into agents' Drafts, each once for an agent and a turn: model/draft.py.
CREATE TABLE laid_draft (
    id          INTEGER PRIMARY KEY,
    agent       TEXT NOT NULL,
    ticket      INTEGER NOT NULL,
    turn        INTEGER NOT NULL,
    at          REAL NOT NULL,
    state       TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL DEFAULT 0,
    uid         INTEGER NOT NULL DEFAULT 0,
    size        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent, ticket, turn)
);
CREATE INDEX laid_draft_open ON laid_draft (agent) WHERE state <> 'over';
