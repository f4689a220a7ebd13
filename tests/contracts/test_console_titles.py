"""What notifications and protocols say in English, the console says in its reader's language."""

from pathlib import Path

import pytest

from services.console.api.alert_titles import SENTENCES, alert_title
from services.console.api.words import DEFAULT_LANGUAGE, ENGLISH, LANGUAGES, Reader, Words
from services.notifications.domain.alerts import RULES
from shared.events.base import Fact
from shared.messaging import wire
from shared.protocols import load_protocols
from shared.settings import ROOT

WORDS = Words.load()
OTHERS = sorted(set(LANGUAGES) - {DEFAULT_LANGUAGE})
GOLDEN = Path(__file__).parent / "golden"


def reader(language: str) -> Reader:
    return Reader(language, WORDS.by_language[language].gettext)


def examples() -> list[Fact]:
    """One of every fact that leads to an alert, in each of its revisions."""
    known = [(kind, path) for kind in RULES for path in sorted((GOLDEN / kind.wire_type()).glob("*.json"))]
    return [wire.read_fact(kind, path.read_bytes()) for kind, path in known]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("fact", examples(), ids=lambda fact: fact.NAME)
def test_a_title_of_notifications_is_known_in_every_language(fact: Fact, language: str) -> None:
    rule = RULES[type(fact)]
    title = rule.title(fact)
    assert alert_title(rule.kind, title, ENGLISH) == title
    assert alert_title(rule.kind, title, reader(language)) != title


def test_every_kind_of_alert_has_its_sentences() -> None:
    assert {rule.kind for rule in RULES.values()} == SENTENCES.keys()
    assert {type(fact) for fact in examples()} == RULES.keys()


def test_parts_of_a_title_are_translated_where_they_are_known_and_else_stay() -> None:
    german = reader("de")
    assert alert_title("regression", "Worse beyond noise: Pain (0 to 10)", german).endswith(": Schmerz (0 bis 10)")
    assert alert_title("regression", "Worse beyond noise: Grip", german) == "Schlechter, über die Streuung hinaus: Grip"
    reached = alert_title("milestone", "Milestone reached: Pain down by 40% during care", german)
    assert reached == "Meilenstein erreicht: Schmerz um 40 % geringer während der Behandlung"
    assert alert_title("milestone", "Milestone reached: our own", german) == "Meilenstein erreicht: our own"
    assert alert_title("roster-gap", "Nobody is on duty as clinician: a to b", german).startswith("Niemand hat Dienst")
    assert alert_title("milestone", "Said otherwise by a newer release", german) == "Said otherwise by a newer release"
    assert alert_title("of-a-newer-release", "As it comes", german) == "As it comes"


@pytest.mark.parametrize("language", OTHERS)
def test_titles_of_the_protocols_that_come_with_stride_are_known(language: str) -> None:
    protocols = load_protocols(ROOT / "protocols", ROOT / "measures").by_id.values()
    titles = {protocol.title for protocol in protocols}
    titles |= {rule.title for protocol in protocols for rule in protocol.milestones if rule.title}
    rungs = [rung for protocol in protocols for rung in protocol.ladder]
    titles |= {name for rung in rungs for name in (rung.name, *(phase.name for phase in rung.phases))}
    assert [title for title in sorted(titles) if reader(language).translate(title) == title] == []
