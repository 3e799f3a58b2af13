-- Who tries to send an item, and whether any of it may have left: what was not begun is given to others as soon as
-- nothing is heard of him.
ALTER TABLE outbox ADD COLUMN worker TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;

-- Which key signs, as far as a stranger may know it: machines that share a store must share the key.
CREATE TABLE site_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint BLOB NOT NULL
);
