"""`stride init`: generated secrets instead of default passwords."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stride.cli import compose_secrets
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.embedded.credentials import Credentials, clinics_of
from stride.embedded.logins import clear_passwords, ensure_accounts, known_clinics

_USES = {"compose": "docker compose", "embedded": "the embedded stack"}
_Clinic = Annotated[
    list[str] | None,
    typer.Option("--clinic", help="Id of a clinic to make tokens for; may be repeated. Default: clinics/*.yaml."),
]
_Only = Annotated[
    Literal["compose", "embedded"] | None, typer.Option("--only", help="Make only one stack's secrets, not both.")
]
_Secrets = Annotated[Path, typer.Option("--secrets", help="Folder for the secrets of docker compose.")]


def init(
    *,
    home: HomeOption = DEFAULT_HOME,
    secrets: _Secrets = Path("secrets"),
    clinic: _Clinic = None,
    only: _Only = None,
    json: JsonOption = False,
) -> None:
    """Generates passwords, accounts and API tokens into files; what is there already stays as it is."""
    output = Output(as_json=json)
    clinics = clinic or clinics_of()
    made: dict[str, Credentials] = {}
    if only != "embedded":
        made["compose"] = compose_secrets.ensure(secrets, clinics)
    if only != "compose":
        made["embedded"] = Credentials.ensure(home / "secrets", clinics)
        ensure_accounts(home / "secrets", known_clinics(clinics))
    if json:
        folders = {use: credentials.folder for use, credentials in made.items()}
        output.result({"clinics": clinics, "folders": folders})
        return
    output.human.print(f"Secrets for the clinics {', '.join(clinics)} are ready:", highlight=False)
    for use, credentials in made.items():
        output.human.print(f"  {_USES[use]}: {credentials.folder}", highlight=False, soft_wrap=True)
        output.human.print(f"  its API tokens: {credentials.clear_tokens}", highlight=False, soft_wrap=True)
        passwords = clear_passwords(credentials.folder)
        output.human.print(f"  its accounts of the console: {passwords}", highlight=False, soft_wrap=True)
