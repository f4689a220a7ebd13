"""`stride init`: generated secrets instead of default passwords."""

from pathlib import Path
from typing import Annotated

import typer

from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.embedded.credentials import Credentials, clinics_of

_Clinic = Annotated[
    list[str] | None,
    typer.Option("--clinic", help="Id of a clinic to make tokens for; may be repeated. Default: clinics/*.yaml."),
]
_Secrets = Annotated[Path, typer.Option("--secrets", help="Folder for the secrets of docker compose.")]


def init(
    *,
    home: HomeOption = DEFAULT_HOME,
    secrets: _Secrets = Path("secrets"),
    clinic: _Clinic = None,
    json: JsonOption = False,
) -> None:
    """Generates passwords and API tokens into files; what is there already stays as it is."""
    output = Output(as_json=json)
    clinics = clinic or clinics_of()
    made = [Credentials.ensure(folder, clinics) for folder in (secrets, home / "secrets")]
    if json:
        folders = {"compose": made[0].folder, "embedded": made[1].folder}
        output.result({"clinics": clinics, "folders": folders})
        return
    output.human.print(f"Secrets for the clinics {', '.join(clinics)} are ready:", highlight=False)
    for use, credentials in zip(("docker compose", "the embedded stack"), made, strict=True):
        output.human.print(f"  {use}: {credentials.folder}", highlight=False, soft_wrap=True)
        output.human.print(f"  its API tokens: {credentials.clear_tokens}", highlight=False, soft_wrap=True)
