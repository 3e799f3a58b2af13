-- Full-text search.  The index keeps no text of its own: rowid is message.id, the mail is in raw_mail.  What a
-- message says never changes; which ticket it belongs to is looked up when somebody searches.
CREATE VIRTUAL TABLE search_text USING fts5 (
    subject, sender, recipient, body,
    content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0'
);

-- How far it has come: the messages up to this one are indexed.
CREATE TABLE search_mark (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    message INTEGER NOT NULL
);
INSERT INTO search_mark (id, message) VALUES (1, 0);

-- Tickets that were merged, for all that a search found: a few of many.
CREATE INDEX ticket_merge ON ticket (id, merged_into) WHERE merged_into IS NOT NULL;
