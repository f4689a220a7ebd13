"""Everything that must be there before services start: schemas, tables, topics. Safe to repeat."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import driver_url
from shared.flow import FLOW
from shared.messaging.topics import cluster_id, provision
from shared.schemas import prepare_schemas
from shared.settings import ConfigurationInvalid, load_settings
from shared.telemetry import configure_logging, log

_REMEMBER = text("INSERT INTO public.stride_kafka (cluster_id) VALUES (:cluster) ON CONFLICT DO NOTHING")
_KNOWN = text("SELECT cluster_id FROM public.stride_kafka")


async def prepare(database_url: str, kafka_bootstrap: str, passwords: Mapping[str, str] | None = None) -> None:
    """Bring the database's schemas and Kafka's topics up to date; `passwords` as in `prepare_schemas`.

    Raises:
        ConfigurationInvalid: the database belongs to another Kafka.
    """
    await prepare_schemas(database_url, passwords)
    await _keep_together(database_url, await cluster_id(kafka_bootstrap))
    await provision(kafka_bootstrap)


async def _keep_together(database_url: str, cluster: str) -> None:
    """The database remembers which offsets it applied, of one Kafka.

    Another Kafka counts from zero again: its first events would be taken for known and lost.
    """
    engine = create_async_engine(driver_url(database_url))
    try:
        async with engine.begin() as tx:
            await tx.execute(
                text("""
                CREATE TABLE IF NOT EXISTS public.stride_kafka (
                    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                    cluster_id text NOT NULL)
                """)
            )
            await tx.execute(_REMEMBER, {"cluster": cluster})
            known = await tx.scalar(_KNOWN)
    finally:
        await engine.dispose()
    if known != cluster:
        raise ConfigurationInvalid(
            "This database was used with another Kafka cluster: its applied offsets mean nothing here, and new "
            "events would be taken for old ones. Connect the Kafka it belongs to, or start with an empty database "
            "(`stride up --fresh` on the embedded stack)."
        )


def _passwords(folder: Path) -> dict[str, str]:
    try:
        return {service: (folder / f"postgres_{service}").read_text(encoding="utf-8").strip() for service in FLOW}
    except OSError as error:
        raise ConfigurationInvalid(f"{error.filename}: {error.strerror}. `stride init` makes it.") from None


def main() -> None:
    """Prepare the servers that the environment names, then end: 0, or 78 on bad configuration."""
    parser = argparse.ArgumentParser(prog="python -m shared.provision", description=__doc__)
    parser.add_argument("--passwords", type=Path, help="let services log in: folder with a file postgres_SERVICE each")
    folder: Path | None = parser.parse_args().passwords
    configure_logging("provision")
    try:
        settings = load_settings()
        passwords = _passwords(folder) if folder else None
        asyncio.run(prepare(settings.resolved_database_url, settings.kafka_bootstrap, passwords))
    except ConfigurationInvalid as error:
        log().error("cannot-prepare", reason=str(error))
        sys.exit(os.EX_CONFIG)
    log().info("prepared")


if __name__ == "__main__":
    main()
