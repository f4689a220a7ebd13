"""The same question to every service's schema."""

from shared.flow import FLOW


def in_every_schema(query: str) -> str:
    """`query` for each service, with `{service}` for the schema's name, as one statement."""
    return " UNION ALL ".join(query.format(service=service) for service in FLOW)
