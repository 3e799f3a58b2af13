-- Beginnings of two and three letters, the shortest that are searched for, have an index of their own: thousands of
-- words need not be put together for one.  All is indexed anew, in the background.
DROP TABLE search_text;
CREATE VIRTUAL TABLE search_text USING fts5 (
    subject, sender, recipient, body,
    content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3'
);
DELETE FROM search_entry;
UPDATE search_mark SET message = 0;
