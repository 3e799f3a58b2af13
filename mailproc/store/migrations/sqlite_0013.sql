-- Originals that lie in a bucket (store/originals.py): codec 2, and no content.  What may be moved there, and what
-- was; the smallest that ever is, is LEAST_EVER there.
CREATE INDEX raw_mail_here ON raw_mail (size) WHERE codec < 2 AND size >= 16384;
CREATE INDEX raw_mail_in_bucket ON raw_mail (sha256, size) WHERE codec = 2;
