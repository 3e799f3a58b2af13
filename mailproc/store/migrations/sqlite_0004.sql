-- Topics: what mails are about, as people said, and the models that were learnt from that.

-- A mail and its topic at a desk, or at every desk where desk is ''.  One row for a mail: who says otherwise
-- later changes it.
CREATE TABLE topic_lesson (
    desk   TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    topic  TEXT NOT NULL,               -- 'none': about none of the topics
    who    TEXT NOT NULL,               -- an agent, 'folder', or '' for the command line
    tags   TEXT NOT NULL,               -- JSON array: what filters had said of the mail
    size   INTEGER NOT NULL DEFAULT -1, -- of its tokens before they were packed; -1: not read yet
    codec  INTEGER NOT NULL DEFAULT 0,
    tokens BLOB,                        -- as lines
    at     REAL NOT NULL,
    PRIMARY KEY (desk, sha256)
);
CREATE INDEX topic_lesson_unread ON topic_lesson (at) WHERE size < 0;

-- The model of a desk, of '' for desks without lessons of their own.
CREATE TABLE topic_model (
    desk    TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 0, -- grows with every model
    stale   INTEGER NOT NULL DEFAULT 0, -- grows with every lesson that the model does not know
    took    REAL NOT NULL DEFAULT 0,    -- seconds, to learn it
    at      REAL NOT NULL DEFAULT 0,    -- when it was learnt
    size    INTEGER NOT NULL DEFAULT 0,
    codec   INTEGER NOT NULL DEFAULT 0,
    content BLOB
);
