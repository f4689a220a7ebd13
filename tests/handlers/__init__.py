"""Services through their real door, on real PostgreSQL."""
