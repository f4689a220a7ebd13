"""`stride account`: who may sign in to the console."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from shared.clinics import StaffMember
from shared.messaging.errors import Unavailable
from stride.cli import exits
from stride.cli.entrances import LINK_MINUTES, link_of
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.embedded import Addresses
from stride.embedded.logins import add_account, known_clinics, read_accounts, remove_account

_Name = Annotated[str, typer.Argument(metavar="E-MAIL", help="The user name: an e-mail address.")]
_Secrets = Annotated[
    Path | None, typer.Option("--secrets", help="Folder with accounts.json. Default: the home's; compose: secrets.")
]

account = typer.Typer(
    name="account", help="Lists, makes and removes accounts of the console.", no_args_is_help=True, add_completion=False
)


@account.command("list")
def list_(*, home: HomeOption = DEFAULT_HOME, secrets: _Secrets = None, json: JsonOption = False) -> None:
    """Lists the accounts, with their clinics and roles."""
    output = Output(as_json=json)
    known = read_accounts(secrets or home / "secrets")
    shown = {name: {key: one[key] for key in ("clinic_id", "name", "roles")} for name, one in sorted(known.items())}
    if json:
        output.result({"accounts": shown})
        return
    for name, one in shown.items():
        output.human.print(f"{name}  {one['clinic_id']}  {one['name']}  {', '.join(one['roles'])}", highlight=False)


@account.command()
def reset(name: _Name, *, home: HomeOption = DEFAULT_HOME, secrets: _Secrets = None, json: JsonOption = False) -> int:
    """Gives a member of a clinic's staff (`clinics/*.yaml`) an account, or a new password; prints it once."""
    output, found = Output(as_json=json), _member(name)
    if found is None:
        output.error(f"No clinic's file has {name} among its staff: add them there first.", exits.CONFIGURATION)
        return exits.CONFIGURATION
    password = add_account(secrets or home / "secrets", *found)
    if json:
        output.result({"account": name.lower(), "password": password})
    else:
        output.human.print(f"{name.lower()} signs in with {password}", highlight=False)
    return exits.OK


@account.command()
def remove(name: _Name, *, home: HomeOption = DEFAULT_HOME, secrets: _Secrets = None, json: JsonOption = False) -> int:
    """Takes an account away; whoever has signed in with it is signed out at the next click."""
    output = Output(as_json=json)
    if not remove_account(secrets or home / "secrets", name):
        output.error(f"There is no account {name}: `stride account list` shows them.", exits.FAILED)
        return exits.FAILED
    if json:
        output.result({"removed": name.lower()})
    return exits.OK


@account.command()
def link(name: _Name, *, home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> int:
    """Prints a link that signs in once, within 12 hours, on this home's running stack."""
    output, addresses = Output(as_json=json), Addresses.load(home)
    if addresses is None or name.lower() not in read_accounts(home / "secrets"):
        output.error(f"No stack runs from {home}, or it has no account {name}.", exits.CONFIGURATION)
        return exits.CONFIGURATION
    try:
        made = asyncio.run(link_of(addresses, name.lower(), LINK_MINUTES))
    except Unavailable:
        output.error("The stack does not answer: start it with `stride up`.", exits.UNAVAILABLE)
        return exits.UNAVAILABLE
    if json:
        output.result({"link": made})
    else:
        output.human.print(made, highlight=False, soft_wrap=True)
    return exits.OK


def _member(name: str) -> tuple[str, StaffMember] | None:
    everybody = ((clinic.clinic_id, member) for clinic in known_clinics() for member in clinic.staff)
    return next((found for found in everybody if found[1].email.lower() == name.lower()), None)
