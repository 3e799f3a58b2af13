-- The spam classifier: who taught what, so that it can be taken back by agent, and a log of changes, by which the
-- caches of all workers stay right.

CREATE TABLE trained_by (
    sha256 BLOB PRIMARY KEY,
    label  TEXT NOT NULL,               -- ham, spam
    codec  INTEGER NOT NULL,            -- of the tokens: store/codec.py
    size   INTEGER NOT NULL,            -- of the tokens, unpacked
    tokens BLOB NOT NULL,               -- JSON array: what untrain must take back
    agent  TEXT NOT NULL DEFAULT '',    -- '' is the command line
    at     REAL NOT NULL
);
INSERT INTO trained_by (sha256, label, codec, size, tokens, at)
    SELECT sha256, label, 0, length(CAST(words AS BLOB)), CAST(words AS BLOB), at FROM trained;
DROP TABLE trained;
ALTER TABLE trained_by RENAME TO trained;
CREATE INDEX trained_agent ON trained (agent, at);

-- A row for each mail that was learnt or taken back; only the newest are kept.
CREATE TABLE token_change (
    change INTEGER PRIMARY KEY,
    codec  INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    tokens BLOB NOT NULL
);

ALTER TABLE lesson_due ADD COLUMN agent TEXT NOT NULL DEFAULT '';
