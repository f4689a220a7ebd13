"""Templates and translations: every language whole, private in the open, and short enough for a text message."""

import shutil
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notifications.letters import Letters, Wordings
from services.notifications.letters.checking import Checker, broken_seals
from services.notifications.letters.privacy import PrivateWords
from services.notifications.letters.samples import sample_values
from services.notifications.letters.sms import is_gsm, segments
from services.notifications.letters.translations import FOLDER as LOCALES
from services.notifications.letters.translations import Translations
from services.notifications.letters.wordings import FOLDER
from shared.clinics import load_clinics
from shared.protocols import load_protocols
from shared.settings import ROOT

CLINICS = load_clinics(ROOT / "clinics")
PROTOCOLS = load_protocols(ROOT / "protocols").by_id.values()
WORDINGS = Wordings()
PRIVATE = PrivateWords.load(PROTOCOLS)
LETTERS = Letters(WORDINGS, "https://stride.example/")


def checker(folder: Path = FOLDER, locales: Path = LOCALES) -> Checker:
    letters = Letters(Wordings(folder, Translations.load(locales)), "https://stride.example/")
    return Checker(letters, CLINICS, PrivateWords.load(PROTOCOLS, folder))


def changed(tmp_path: Path, topic: str, **parts: Any) -> Path:
    folder = shutil.copytree(FOLDER, tmp_path / "templates")
    file = folder / topic / "1.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text(encoding="utf-8")), **parts}), encoding="utf-8")
    return folder


def test_what_is_shipped_has_no_problem() -> None:
    assert list(checker().problems()) == []
    assert list(broken_seals()) == []
    assert {"en", "es", "de", "fr", "ar"} <= set(WORDINGS.languages)


@pytest.mark.parametrize(
    "text",
    [
        "Your acupuncture is tomorrow", "Reminder: foot drop", "M21.371", "Ihre Physiotherapie", "Fußheber",
        "Su rehabilitación", "Votre rééducation", "جلسة العلاج", "الوخز بالإبر", "votre douleur",
    ],
)  # fmt: skip
def test_a_word_that_tells_what_somebody_is_treated_for_is_found(text: str) -> None:
    assert list(PRIVATE.found_in(text))


def test_words_of_every_day_are_harmless() -> None:
    assert not list(PRIVATE.found_in("Your appointment is on Wednesday. Please call us. موعدك الأربعاء، نرجو الاتصال"))


@pytest.mark.parametrize("part", ["subject", "sms"])
def test_such_a_word_is_refused_where_strangers_may_read_it(tmp_path: Path, part: str) -> None:
    problems = list(checker(changed(tmp_path, "reminder", **{part: "Ihre Physiotherapie"})).problems())
    assert any(f"reminder/1/ar: {part} says" in problem for problem in problems), problems


def test_a_calendar_entry_is_as_open_as_a_subject_line(tmp_path: Path) -> None:
    entry = {"summary": "Acupuncture", "description": "Come"}
    assert any(
        "calendar says 'Acupuncture'" in p for p in checker(changed(tmp_path, "booked", calendar=entry)).problems()
    )


def test_the_words_of_the_protocols_themselves_are_private() -> None:
    assert list(PRIVATE.found_in("G57.31: popliteal")) == ["G57.31", "popliteal"]
    assert not list(PrivateWords.load().found_in("popliteal"))


def test_a_clinic_whose_name_tells_needs_a_discreet_one() -> None:
    riverside = CLINICS["riverside"].model_copy(update={"discreet_name": ""})
    found = list(Checker(LETTERS, {"riverside": riverside}, PRIVATE).problems())
    assert any("senders show 'Acupuncture'" in problem for problem in found)


def test_an_english_text_message_must_fit_in_one(tmp_path: Path) -> None:
    long = changed(tmp_path, "milestone", sms="{{ clinic_short }} " + "more " * 40)
    assert any("160 of GSM-7" in problem for problem in checker(long).problems())


def test_one_character_outside_gsm_makes_english_too_dear(tmp_path: Path) -> None:
    assert any("GSM-7" in p for p in checker(changed(tmp_path, "milestone", sms="Well done …")).problems())


def test_a_translation_that_is_missing_or_names_something_else_is_found(tmp_path: Path) -> None:
    locales = shutil.copytree(LOCALES, tmp_path / "locales")
    file = locales / "de.po"
    content = file.read_text(encoding="utf-8")
    content = content.replace('msgstr "Ein Schritt nach vorn"', 'msgstr ""').replace(
        'bei %(practitioner)s"', 'bei %(doctor)s"'
    )
    file.write_text(content, encoding="utf-8")
    problems = list(checker(locales=locales)._untranslated())  # pyright: ignore[reportPrivateUsage]
    assert "de: not translated: 'A step forward'" in problems
    assert any("de: names doctor" in problem for problem in problems)


def test_a_sealed_template_may_not_change_and_a_new_one_must_be_sealed(tmp_path: Path) -> None:
    folder = changed(tmp_path, "reminder", subject="Something else")
    shutil.copy(folder / "ended" / "1.yaml", folder / "ended" / "2.yaml")
    (folder / "moved" / "1.yaml").unlink()
    found = [problem.split(";")[0] for problem in broken_seals(folder)]
    assert found == ["ended/2: new", "moved/1: is gone", "reminder/1: was changed"]


def test_a_new_version_is_the_one_that_is_sent(tmp_path: Path) -> None:
    folder = changed(tmp_path, "reminder")
    second = {"subject": "Soon", "body": "{{ p(patient_name) }}"}
    (folder / "reminder" / "2.yaml").write_text(yaml.safe_dump(second), encoding="utf-8")
    assert Wordings(folder).find("reminder", "fr").name == "reminder/2/fr"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "لا مواعيد"), (1, "موعد واحد"), (2, "موعدان"), (3, "3 مواعيد"), (10, "10 مواعيد"), (11, "11 موعدًا"),
        (99, "99 موعدًا"), (100, "100 موعد"), (103, "103 مواعيد"),
    ],
)  # fmt: skip
def test_arabic_has_its_six_plurals(number: int, words: str) -> None:
    arabic = WORDINGS.translations.by_language["ar"]
    assert isinstance(arabic, GNUTranslations)
    assert arabic.ngettext("%(num)s appointment", "%(num)s appointments", number) % {"num": number} == words


def values(topic: str, language: str, count: int = 1, clinic: str = "riverside") -> dict[str, Any]:
    return sample_values(CLINICS[clinic], LETTERS, WORDINGS.find(topic, language), count)


@pytest.mark.parametrize(
    ("language", "clinic", "shown"),
    [
        ("en", "riverside", "Wednesday, 23 September 2026, 14:30"),
        ("en", "hillcrest", "Wednesday, September 23, 2026, 9:30 AM"),
        ("de", "riverside", "Mittwoch, 23. September 2026, 14:30"),
        ("es", "riverside", "miércoles, 23 de septiembre de 2026, 14:30"),
        ("fr", "riverside", "mercredi 23 septembre 2026, 14:30"),
        ("ar", "riverside", "الأربعاء، 23 سبتمبر 2026، 2:30 م"),
    ],
)
def test_dates_have_the_form_of_the_language_and_the_clinics_country(language: str, clinic: str, shown: str) -> None:
    text = WORDINGS.find("reminder", language).mail(values("reminder", language, clinic=clinic)).text
    assert shown in text.replace("\u202f", " ")


def test_a_right_to_left_mail_says_so_and_keeps_names_and_numbers_apart() -> None:
    mail = WORDINGS.find("booked", "ar").mail(values("booked", "ar", 3))
    assert '<html lang="ar" dir="rtl">' in mail.html
    assert '<body dir="rtl"' in mail.html
    assert "<bdi>Ada Lindqvist</bdi>" in mail.html
    assert "<bdi>+44 20 7946 0101</bdi>" in mail.html
    assert "\u2068Ada Lindqvist\u2069" in mail.text
    assert "\u2068" not in mail.html
    english = WORDINGS.find("booked", "en").mail(values("booked", "en", 3))
    assert "\u2068" not in english.text


def test_a_name_of_the_other_direction_is_kept_apart_in_any_language() -> None:
    given = {**values("reminder", "en"), "patient_name": sample_values(
        CLINICS["riverside"], LETTERS, WORDINGS.find("reminder", "ar"), 1)["patient_name"]}  # fmt: skip
    assert "Hello \u2068ليلى حداد\u2069," in WORDINGS.find("reminder", "en").mail(given).text


def test_the_first_message_shows_the_course_as_a_whole() -> None:
    text = WORDINGS.find("booked", "en").mail(values("booked", "en", 8)).text
    assert "8 appointments, from Wednesday, 23 September 2026 to Wednesday, 4 November 2026." in text
    assert "Weeks 2 to 3: 2 appointments a week" in text
    assert text.count("with Ada Lindqvist") == 8


def test_a_missed_visit_names_its_cost_where_the_clinic_says_so() -> None:
    with_cost = WORDINGS.find("missed", "en").mail(values("missed", "en")).text
    without = WORDINGS.find("missed", "en").mail(values("missed", "en", clinic="hillcrest")).text
    assert "costs the clinic £45.00" in with_cost
    assert "cost" not in without
    assert "I would like another appointment: https://" in with_cost


def every_sms() -> Iterator[tuple[str, str, str]]:
    for topic, allowed in WORDINGS.allowed.items():
        for language in WORDINGS.languages if allowed.sms else ():
            text = WORDINGS.find(topic, language).sms(values(topic, language, 3))
            assert text is not None
            yield topic, language, text


def test_every_text_message_tells_how_to_end_them_and_takes_few_segments() -> None:
    found = list(every_sms())
    assert len(found) == 13 * 5
    for topic, language, text in found:
        assert ("STOP" in text) is (topic != "stopped"), text
        assert segments(text) <= (1 if language == "en" else 4), text


@pytest.mark.parametrize(
    ("text", "gsm", "parts"),
    [
        ("a" * 160, True, 1), ("a" * 161, True, 2), ("a" * 306, True, 2), ("a" * 307, True, 3), ("", True, 1),
        ("€" * 80, True, 1), ("€" * 81, True, 2), ("ß" * 160, True, 1), ("á" * 70, False, 1), ("á" * 71, False, 2),
        ("م" * 134, False, 2), ("م" * 135, False, 3), ("😀" * 35, False, 1), ("😀" * 36, False, 2),
    ],
)  # fmt: skip
def test_segments_are_counted_as_the_networks_count_them(text: str, gsm: bool, parts: int) -> None:
    assert (is_gsm(text), segments(text)) == (gsm, parts)
