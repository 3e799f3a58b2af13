"""Reading hostile mail, and header surgery on mail that leaves.

Nothing here raises for what a mail holds.
"""
