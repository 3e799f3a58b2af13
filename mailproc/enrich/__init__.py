"""Sources that are asked about the author of a mail: SQL databases, LDAP, HTTP with JSON, CSV files."""
