"""The whole loop on embedded parts in a temporary directory, to be seen before anything is installed."""
