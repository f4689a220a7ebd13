"""Exit codes. Scripts rely on them: they never change their meaning."""

OK = 0
FAILED = 1
"""A check failed, or an invariant was broken."""
USAGE = 2
"""The command line was wrong."""
UNAVAILABLE = 69
"""A server could not be reached, or did not get ready."""
BUG = 70
"""Stride itself went wrong."""
CONFIGURATION = 78
"""A setting, secret or file is missing or wrong."""
INTERRUPTED = 130
"""Ctrl-C before the command was through."""
