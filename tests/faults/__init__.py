"""What breaks, and what may not break with it."""
