"""A model of PostgreSQL: transactions that read what is committed, row and advisory locks, identities.

It knows the runtime's statements by their text (`statements.py`), not SQL. What it may be trusted
in is what `test_conformance_postgres.py` shows on it and on the real server alike.
"""
