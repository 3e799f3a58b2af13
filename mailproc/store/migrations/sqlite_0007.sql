-- Full-text search.  The index keeps no text of its own: rowid is message.id, and the mail is in raw_mail.
-- What a message says never changes; which ticket it belongs to may.
CREATE VIRTUAL TABLE search_text USING fts5 (
    subject, sender, recipient, body,
    content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0'
);

-- The ticket of each message that is indexed, in rows so small that thousands are looked up in milliseconds.
CREATE TABLE search_entry (
    message INTEGER PRIMARY KEY,
    ticket  INTEGER NOT NULL
);
CREATE TRIGGER search_entry_moved AFTER UPDATE OF ticket ON message BEGIN
    UPDATE search_entry SET ticket = NEW.ticket WHERE message = NEW.id;
END;
CREATE TRIGGER search_entry_gone AFTER DELETE ON message BEGIN
    DELETE FROM search_entry WHERE message = OLD.id;
END;

-- How far it has come: the messages up to this one are indexed.
CREATE TABLE search_mark (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    message INTEGER NOT NULL
);
INSERT INTO search_mark (id, message) VALUES (1, 0);
