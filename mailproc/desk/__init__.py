"""What a mail desk does, one verb per file."""
