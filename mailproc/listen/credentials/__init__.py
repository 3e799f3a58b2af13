"""Who may log in: passwords of our own, or another server's word, and a brake on guessing."""
