"""A service's state made anew from the log, beside the running one: compared with it, or put in its place."""
