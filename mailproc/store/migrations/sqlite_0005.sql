-- Mails that a stage wants to see again, because something that it asks was away: pipeline/delivery.py.
CREATE TABLE postponed (
    message  INTEGER NOT NULL,
    stage    TEXT NOT NULL,
    desk     TEXT NOT NULL,              -- whose chain the stage is in
    tags     TEXT NOT NULL,              -- JSON array: what goes when the stage has what it waits for
    since    REAL NOT NULL,
    due      REAL NOT NULL,              -- not before
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (message, stage)
) WITHOUT ROWID;
CREATE INDEX postponed_due ON postponed (due);
CREATE INDEX postponed_stage ON postponed (desk, stage);
