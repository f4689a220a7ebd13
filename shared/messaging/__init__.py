"""The one way through every service: inbox, load, decide, save, outbox, commit, relay."""
