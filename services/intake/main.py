"""Builds intake and runs it."""

from services.intake.api import edge
from services.intake.api.inbound import inbound_decoder
from services.intake.handlers import HANDLERS
from services.intake.store import PatientFiles
from shared.flow import INBOUND_TOPIC
from shared.messaging.service import Service, run
from shared.protocols import load_protocols
from shared.tokens import Tokens

SERVICE = Service(
    name="intake",
    handlers=HANDLERS,
    store=lambda settings: PatientFiles(load_protocols(settings.stride_protocols, settings.stride_measures)),
    edge=lambda running, app: edge(
        running,
        app,
        Tokens.load(running.settings.stride_tokens),
        load_protocols(running.settings.stride_protocols, running.settings.stride_measures),
    ),
    decoders=lambda settings: {INBOUND_TOPIC: inbound_decoder(Tokens.load(settings.stride_tokens))},
)


def main() -> None:
    """Run until stopped."""
    run(SERVICE)
