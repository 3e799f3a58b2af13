"""Where it lies: deliveries, tickets and what must leave, in one SQL text for both databases."""
