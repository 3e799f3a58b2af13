-- When mailproc gave an agent a ticket of a desk last; turn grows with each ticket given out at the desk.
CREATE TABLE assignment (
    desk  TEXT NOT NULL,
    agent TEXT NOT NULL,
    turn  INTEGER NOT NULL,
    at    REAL NOT NULL,
    PRIMARY KEY (desk, agent)
) WITHOUT ROWID;
