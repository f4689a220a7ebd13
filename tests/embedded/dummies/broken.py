"""Ends before it is ready."""

raise SystemExit("it does not start")
