"""Stand-ins for services, for the supervisor to run."""
