"""What leaves: the worker, the retry schedule, the relay."""
