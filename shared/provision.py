"""Everything that must be there before services start: schemas, tables, topics. Safe to repeat."""

from shared.database import prepare_schemas
from shared.messaging.topics import provision


async def prepare(database_url: str, kafka_bootstrap: str) -> None:
    """Bring the database's schemas and Kafka's topics up to date."""
    await prepare_schemas(database_url)
    await provision(kafka_bootstrap)
