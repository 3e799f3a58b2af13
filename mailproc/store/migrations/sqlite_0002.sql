-- The agents' side: the shared folder, who answered what, and who watches.

-- A turn is one mail of a customer that a person wrote; automatic mail makes none.  An answer is for a turn,
-- and one conditional UPDATE of these columns decides whether it may leave.
ALTER TABLE ticket ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN turn_answered INTEGER NOT NULL DEFAULT -1;
ALTER TABLE ticket ADD COLUMN answered_by TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;  -- in: which it made; out: which it answers

-- Tickets whose copies in the folder may not be as they should; level-triggered: a row says "look again".
CREATE TABLE folder_work (
    ticket     INTEGER PRIMARY KEY,
    desk       TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,  -- grows with every change, so that none is missed meanwhile
    due        REAL NOT NULL DEFAULT 0      -- not before
);
CREATE INDEX folder_work_due ON folder_work (desk, due);

-- Where each copy was last put or seen by us; what the folder really holds, only the folder knows.
CREATE TABLE folder_copy (
    name    TEXT NOT NULL,              -- what X-Mailproc-Id names: 'm17' is message row 17
    ticket  INTEGER NOT NULL,
    desk    TEXT NOT NULL,
    place   TEXT NOT NULL,              -- model/folder.py: 'new', '@alice', 'snoozed/1d' …
    missing REAL,                       -- not seen anywhere since
    at      REAL NOT NULL,
    PRIMARY KEY (desk, name)
) WITHOUT ROWID;
CREATE INDEX folder_copy_ticket ON folder_copy (ticket);

-- What only one worker of all may do: watch a desk's folder, keep the time.
CREATE TABLE lease (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    token   INTEGER NOT NULL,           -- grows with every new holder (fencing)
    expires REAL NOT NULL
) WITHOUT ROWID;
