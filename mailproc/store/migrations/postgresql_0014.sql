-- As on SQLite.
ALTER TABLE outbox ADD COLUMN worker text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN begun bigint NOT NULL DEFAULT 0;

CREATE TABLE site_key (
    id bigint PRIMARY KEY CHECK (id = 1),
    fingerprint bytea NOT NULL
);
