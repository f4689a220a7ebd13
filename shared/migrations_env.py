"""What every service's Alembic `env.py` does: run on the connection that `prepare_schemas` opened."""

from alembic import context


def run() -> None:
    """Run the migrations of one service inside its schema, in one transaction."""
    options = context.config.attributes
    context.configure(connection=options["connection"], version_table_schema=options["schema"])
    with context.begin_transaction():
        context.run_migrations()
