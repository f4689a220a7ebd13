"""Which providers there are, from a YAML file (`STRIDE_CHANNELS`); without it, one mail server (`STRIDE_SMTP`)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.data_files import read_data_file
from shared.settings import MaybeInFile, Settings


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DkimKey(_Entry):
    """Where receivers find the public key: `<selector>._domainkey.<domain>`. `key` is a private RSA key in PEM."""

    domain: str
    selector: str
    key: MaybeInFile


class _Provider(_Entry):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """Stands in the ledger and in the address of its reports; keep it for ever."""
    per_second: Annotated[float, Field(gt=0)] | None = None
    """How many messages a second it may be given, by all processes together; None: as many as go."""
    burst: Annotated[int, Field(ge=1)] = 10
    """How many at once after a pause."""


class SmtpServer(_Provider):
    """See `gateways/email/smtp.py`."""

    kind: Literal["smtp"] = "smtp"
    url: MaybeInFile
    authorities: str | None = None
    dkim: DkimKey | None = None
    reports_secret: MaybeInFile = ""


class GatewayAccount(_Provider):
    """See `gateways/sms/gateway.py` and docs/notifications.md."""

    kind: Literal["gateway"]
    url: str
    token: MaybeInFile
    sender: str
    reports_secret: MaybeInFile


class TwilioAccount(_Provider):
    """See `gateways/sms/twilio.py`."""

    kind: Literal["twilio"]
    url: str = "https://api.twilio.com"
    account: str
    token: MaybeInFile
    sender: str


class Channels(_Entry):
    """The providers of each channel; the first one is used while it can be."""

    email: tuple[SmtpServer, ...] = ()
    sms: tuple[Annotated[GatewayAccount | TwilioAccount, Field(discriminator="kind")], ...] = ()
    chat: dict[str, dict[str, MaybeInFile]] = Field(default_factory=dict)
    """Per clinic and member of staff (or `*` for all of the clinic), an Apprise address."""
    webhooks_to_private_addresses: bool = False
    """Whether webhooks may call into private networks, and without TLS. Keep it off where clinics choose addresses."""


def load_channels(settings: Settings) -> Channels:
    """The channels as set.

    Raises:
        ConfigurationInvalid: the file is missing or wrong.
    """
    if not settings.stride_channels:
        return Channels(email=_one_server(settings))
    found = read_data_file(Path(settings.stride_channels), Channels)
    return found if found.email else found.model_copy(update={"email": _one_server(settings)})


def _one_server(settings: Settings) -> tuple[SmtpServer, ...]:
    return (SmtpServer(name="smtp", url=settings.stride_smtp),)
