"""What a desk did in figures: reports, digests, and calendar files of what is due."""
