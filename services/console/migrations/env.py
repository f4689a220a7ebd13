"""Alembic enters here; the work is the same for every service."""

from shared.migrations_env import run

run()
