"""Verdicts in words: the same in each language, and nothing left out."""

import re

import pytest

from shared.events.clinical import Side
from shared.events.progress import MilestoneReached, MilestoneRetracted, RegressionDetected
from shared.explaining import explain_reached, explain_regression, explain_retracted
from shared.explaining.words import SPOKEN
from tests.domain.progress_story import Story, published_of, tell

STORY = Story()


def placeholders(phrase: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", phrase))


@pytest.mark.parametrize("language", sorted(set(SPOKEN) - {"en"}))
def test_a_language_has_each_phrase_with_its_placeholders(language: str) -> None:
    english, other = SPOKEN["en"].phrases, SPOKEN[language].phrases
    assert other.keys() == english.keys()
    wanting = {key for key, phrase in english.items() if placeholders(phrase) != placeholders(other[key])}
    assert wanting == set()


def test_a_milestone_and_its_retraction_are_explained_in_german() -> None:
    course = [STORY.plan(), *STORY.course([6, 6, 6, 2, 2, 3]), STORY.corrected("m-5-0", 8, 12)]
    facts = tell(course)[1]
    (reached,) = (fact for fact in published_of(MilestoneReached, facts) if fact.milestone == "pain-40")
    evidence = reached.evidence.model_copy(update={"measure": "pain-nrs", "side": Side.RIGHT})
    assert explain_reached(evidence, reached.reached_at, "de") == (
        "Schmerz (0 bis 10), rechts: gesunken von 6 (Mittel von 2 Messwerten vor der Behandlung) auf 2,33 "
        "(Mittel von 3 Messwerten, 14. Jan. 2026 bis 20. Jan. 2026); das Ziel ist 3,6. Bei einer Streuung von"
        " 1,17 je Messwert ist die Wahrscheinlichkeit, dass sie allein das Mittel über das Ziel bringt, 7 %; "
        "die Regel lässt 10 % zu. 3 der 3 Messwerte erfüllen es für sich (2 müssen es). Während der "
        "Behandlung erreicht am 20. Jan. 2026 (Regelfassung 1)."
    )
    (gone,) = published_of(MilestoneRetracted, facts)
    told = explain_retracted(gone.before, gone.cause, gone.after, "de")
    assert told.startswith("Zurückgenommen, denn ein Messwert, auf dem es beruhte, wurde berichtigt. Beruht hatte es")
    assert "Was jetzt bekannt ist: " in told


def test_a_regression_is_explained_in_both_languages() -> None:
    facts = tell([STORY.plan(), *STORY.course([3, 3, 3, 3, 3, 3, 3, 8, 8, 8])])[1]
    (worse,) = published_of(RegressionDetected, facts)
    assert explain_regression(worse.evidence).startswith("Pain got worse: from 3 (mean of 6 readings) to 8")
    assert "mehr, als die Streuung von 1 je Messwert erklärt" in explain_regression(worse.evidence, "de")
