"""The shared store: PostgreSQL, for several workers on several machines."""
