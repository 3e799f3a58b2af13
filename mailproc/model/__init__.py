"""Values and rules: what a mail desk talks about.  No input, no output, no clock of its own."""
