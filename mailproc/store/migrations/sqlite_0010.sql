-- Reports ask what happened in a period.  Both indexes grow at their end, as the tables do.
CREATE INDEX event_at ON event (at, ticket);
CREATE INDEX message_at ON message (at, ticket);

-- What is done regularly (reports, digests): the last moment for which it was done.
CREATE TABLE timetable (
    name   TEXT PRIMARY KEY,
    moment REAL NOT NULL
) WITHOUT ROWID;
