-- Times: who is absent, and since when tickets wait for their customers.

-- Absences of agents beside those of the configuration; days as text, both included.
CREATE TABLE absence (
    agent  TEXT NOT NULL,
    first  TEXT NOT NULL,
    last   TEXT NOT NULL,               -- 9999-12-31: until it is taken back
    origin TEXT NOT NULL,               -- command, mail, notice
    at     REAL NOT NULL,
    PRIMARY KEY (agent, first, origin)
) WITHOUT ROWID;

-- Whose absence has begun at which desk: the claims there were released.
CREATE TABLE away (
    agent TEXT NOT NULL,
    desk  TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (agent, desk)
) WITHOUT ROWID;

ALTER TABLE ticket ADD COLUMN answered REAL;  -- since when it waits for its customer, in state answered
ALTER TABLE ticket ADD COLUMN warned REAL;    -- when the customer was told that it will be closed
UPDATE ticket SET answered = updated WHERE state = 'answered';
CREATE INDEX ticket_answered ON ticket (desk, answered) WHERE state = 'answered';
