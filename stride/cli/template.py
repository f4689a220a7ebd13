"""`stride template`: the messages to patients and staff, looked at and checked before anybody gets one."""

from enum import StrEnum
from typing import Annotated

import typer
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from services.notifications.letters import Letters, Wordings
from services.notifications.letters.checking import Checker, broken_seals, seal
from services.notifications.letters.privacy import PrivateWords
from services.notifications.letters.samples import sample_values
from services.notifications.letters.sms import is_gsm, segments
from services.notifications.letters.translations import FOLDER
from services.notifications.letters.wordings import Wording
from shared.clinics import Clinic, load_clinics
from shared.protocols import load_protocols
from shared.settings import ROOT, ConfigurationInvalid
from stride.cli import exits
from stride.cli.options import JsonOption
from stride.cli.output import Output

template = typer.Typer(
    help="Looks at and checks the messages to patients and staff (templates and translations).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_SAMPLE_URL = "https://stride.example/"


class Channel(StrEnum):
    """How the message travels."""

    EMAIL = "email"
    HTML = "html"
    SMS = "sms"
    CALENDAR = "calendar"


_Name = Annotated[str, typer.Argument(metavar="NAME", help="The topic, for instance reminder.")]
_Lang = Annotated[str, typer.Option("--lang", help="The reader's language (BCP 47), for instance ar.")]
_Channel = Annotated[Channel, typer.Option("--channel", help="email (its text), html, sms or calendar.")]
_Count = Annotated[int, typer.Option("--count", min=1, max=200, help="How many appointments the message tells of.")]
_Clinic = Annotated[str, typer.Option("--clinic", help="In which clinic's name; the first one's if not given.")]


@template.command()
def preview(
    name: _Name,
    *,
    lang: _Lang = "en",
    channel: _Channel = Channel.EMAIL,
    count: _Count = 1,
    clinic: _Clinic = "",
    json: JsonOption = False,
) -> int:
    """Shows a message with made-up values, as a reader would get it."""
    output = Output(as_json=json)
    try:
        letters, clinics = _letters(), load_clinics(ROOT / "clinics")
        wording = _found(letters, name, lang)
        shown = _shown(letters, _clinic(clinics, clinic), wording, channel, count)
    except ConfigurationInvalid as error:
        output.error(str(error), exits.CONFIGURATION)
        return exits.CONFIGURATION
    if json:
        output.result({"wording": wording.name, **shown})
    else:
        for field, value in shown.items():
            typer.echo(f"{field}: {value}" if "\n" not in str(value) else f"\n{value}")
    return exits.OK


@template.command()
def check(*, json: JsonOption = False) -> int:
    """Refuses what no patient should get.

    Words that tell what somebody is treated for, in a text message, a subject line or a calendar entry, in any
    language; what is not translated; English text messages of more than 160 GSM-7 characters; a template that was
    changed although its version is for ever.
    """
    output = Output(as_json=json)
    try:
        checker = _checker()
        problems = [*checker.problems(), *broken_seals()]
    except ConfigurationInvalid as error:
        problems = str(error).splitlines()
        checker = None
    counted = len(list(checker.wordings())) if checker else 0
    if json:
        output.result({"wordings": counted, "problems": problems, "ok": not problems})
    else:
        for problem in problems:
            output.human.print(problem, soft_wrap=True, markup=False, highlight=False)
        output.human.print(f"{counted} wordings, {len(problems)} problems.")
    return exits.FAILED if problems else exits.OK


@template.command(name="seal")
def seal_new(*, json: JsonOption = False) -> int:
    """Makes new templates unchangeable: from now on, `check` refuses any change to them."""
    output = Output(as_json=json)
    names = seal()
    if json:
        output.result({"sealed": names})
    else:
        output.human.print(f"Sealed: {', '.join(names) or 'nothing new'}.", highlight=False)
    return exits.OK


@template.command()
def language(lang: Annotated[str, typer.Argument(metavar="LANG", help="A language code, for instance pt.")]) -> int:
    """Begins a new language: a catalogue with all that there is to translate."""
    path = FOLDER / f"{lang}.po"
    if path.exists():
        Output(as_json=False).error(f"{path.relative_to(ROOT)} is there already: translate it.", exits.USAGE)
        return exits.USAGE
    catalog = Catalog(locale=lang, charset="utf-8", fuzzy=False)
    for words in _checker().messages():
        catalog.add(words)
    with path.open("wb") as file:
        write_po(file, catalog, width=120)
    typer.echo(f"Translate {path.relative_to(ROOT)}, then run `stride template check`.")
    return exits.OK


def _letters() -> Letters:
    return Letters(Wordings(), _SAMPLE_URL)


def _checker() -> Checker:
    protocols = load_protocols(ROOT / "protocols").by_id.values()
    return Checker(_letters(), load_clinics(ROOT / "clinics"), PrivateWords.load(protocols))


def _found(letters: Letters, name: str, lang: str) -> Wording:
    if name not in letters.wordings.allowed:
        known = ", ".join(sorted(letters.wordings.allowed))
        raise ConfigurationInvalid(f"There is no template {name}. There are: {known}.")
    return letters.wordings.find(name, lang)


def _clinic(clinics: dict[str, Clinic], name: str) -> Clinic:
    found = clinics.get(name) if name else next(iter(clinics.values()))
    if found is None:
        raise ConfigurationInvalid(f"There is no clinic {name}. There are: {', '.join(clinics)}.")
    return found


def _shown(letters: Letters, clinic: Clinic, wording: Wording, channel: Channel, count: int) -> dict[str, object]:
    values = sample_values(clinic, letters, wording, count)
    match channel:
        case Channel.EMAIL | Channel.HTML:
            mail = wording.mail(values)
            return {"subject": mail.subject, channel.value: str(mail.html if channel is Channel.HTML else mail.text)}
        case Channel.SMS:
            text = wording.sms(values)
            if text is None:
                raise ConfigurationInvalid(f"{wording.topic} is not sent as a text message.")
            return {"sms": text, "characters": len(text), "gsm": is_gsm(text), "segments": segments(text)}
        case Channel.CALENDAR:
            entry = wording.calendar(values)
            if entry is None:
                raise ConfigurationInvalid(f"{wording.topic} brings no calendar entry.")
            return {"summary": entry[0], "description": entry[1]}
