-- SQLite's index gets one for beginnings; this one finds them as it is.
SELECT 1;
