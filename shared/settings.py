"""Settings from the environment. A service that lacks one says which, and how to set it."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

ROOT = Path(__file__).resolve().parent.parent


class ConfigurationInvalid(Exception):
    """The environment or a data file is not usable; starting again would not help."""

    exit_code = 78


def _from_file(value: object) -> object:
    """What the file says where the setting is `@/path/of/a/file`; else the setting itself."""
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8").strip()
    except OSError:
        raise ValueError("its file can't be read") from None


MaybeInFile = Annotated[str, BeforeValidator(_from_file)]
"""A setting that may hold a secret: itself, or `@/path` of the file that holds it."""


class Settings(BaseSettings):
    """What a service is told when it starts."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    kafka_bootstrap: Annotated[str, Field(min_length=1)]
    """`host:port` of a broker, or several separated by commas."""
    database_url: Annotated[MaybeInFile, Field(min_length=1)]
    """`postgresql://user:password@host:port/database`; `@/path` reads the URL from a file."""
    database_password: MaybeInFile = ""
    """The URL's password where the URL has none; `@/path` reads it from a file."""
    stride_http_host: str = "127.0.0.1"
    stride_http_port: int = 8080
    stride_smtp: MaybeInFile = "smtp://127.0.0.1:1025"
    """`smtp://[user:password@]host:port`; `smtps://` for TLS from the start; `@/path` reads it from a file."""
    stride_channels: str = ""
    """A YAML file of providers for e-mail, SMS and staff chat; empty: `STRIDE_SMTP` alone."""
    stride_mailbox: str = ""
    """Address of a mail inbox that can be asked whether a message arrived; empty where there is none."""
    stride_send_lease_seconds: Annotated[float, Field(gt=0)] = 15
    """How long a message may be on its way before it counts as perhaps sent; a slow mail server needs more."""
    stride_clock: str = ""
    """Path of a driven clock (demo, tests); empty for the machine's clock."""
    stride_clinics: Path = ROOT / "clinics"
    stride_protocols: Path = ROOT / "protocols"
    stride_measures: Path = ROOT / "measures"
    stride_tokens: Path = ROOT / ".stride" / "secrets" / "tokens.json"
    stride_accounts: Path | None = None
    """The console's local accounts; `accounts.json` beside the token file where it is not given."""
    stride_session_minutes: Annotated[int, Field(ge=1, le=720)] = 15
    """Somebody who has not touched the console for so long is signed out."""
    stride_console_url: str = "http://127.0.0.1:8082"
    """Where browsers reach the console: mails to staff link there, and a sign-in provider sends people back."""
    stride_oidc_issuer: str = ""
    """The OpenID Connect provider that vouches for people; empty for local accounts alone."""
    stride_oidc_name: str = "OpenID Connect"
    """As people call the provider."""
    stride_oidc_client: str = "stride-console"
    stride_oidc_secret: MaybeInFile = ""
    """Of a confidential client; `@/path` reads it from a file. PKCE is used either way."""
    stride_oidc_clinic_claim: str = "stride_clinic"
    """The claim of the ID token that names the person's clinic."""
    stride_oidc_roles_claim: str = "stride_roles"
    """The claim that holds the person's roles: clinician, front-desk, operator, auditor."""
    stride_link_keys: MaybeInFile = ""
    """Keys that sign patients' links, newest first, separated by commas; else one follows from the token file."""
    stride_public_url: str = "http://127.0.0.1:8080"
    stride_services: str = ""
    """Where the console reaches the services for operators: `intake=http://...,scheduling=http://...`."""
    stride_offers_url: str = ""
    """Where patients reach scheduling's pages (`/o/...`); `STRIDE_PUBLIC_URL` where it is empty."""

    @property
    def services(self) -> dict[str, str]:
        """The address of each service that `stride_services` names."""
        pairs = (pair.partition("=") for pair in self.stride_services.split(",") if pair.strip())
        return {name.strip(): url.strip().rstrip("/") for name, _, url in pairs}

    @property
    def accounts_file(self) -> Path:
        """Where the console's local accounts are."""
        return self.stride_accounts or self.stride_tokens.with_name("accounts.json")

    @property
    def resolved_database_url(self) -> str:
        """The database's URL with its password."""
        if not self.database_password:
            return self.database_url
        url = make_url(self.database_url).set(password=self.database_password)
        return url.render_as_string(hide_password=False)


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationInvalid: a variable is missing or malformed; names it, never its value.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue]  # filled from the environment
    except ValidationError as error:
        names = ", ".join(str(item["loc"][0]).upper() for item in error.errors(include_input=False))
        raise ConfigurationInvalid(
            f"Environment variables missing or malformed: {names}. "
            "`stride up` sets them all; see docs/operations.md for a start by hand."
        ) from None
