"""Passes: good for a minute, for who they name, and only where the same token file is."""

import json
from pathlib import Path

import pytest

from shared import tokens as module
from shared.clock import wall_seconds
from shared.settings import ConfigurationInvalid
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Tokens

OMAR = Bearer(clinic_id="riverside", system="st-omar", role="operator")


def loaded(folder: Path, content: object) -> Tokens:
    path = folder / "tokens.json"
    path.write_text(json.dumps(content))
    return Tokens.load(path)


def test_a_pass_stands_for_who_it_was_written_for(tmp_path: Path) -> None:
    tokens = loaded(tmp_path, {})
    assert tokens.bearer(f"Bearer {tokens.pass_for(OMAR)}", "operator") == OMAR
    with pytest.raises(NotAllowed):
        tokens.bearer(f"Bearer {tokens.pass_for(OMAR)}", "clinician")


def test_it_is_over_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = loaded(tmp_path, {})
    written, then = tokens.pass_for(OMAR), wall_seconds()
    monkeypatch.setattr(module, "wall_seconds", lambda: then + 61)
    with pytest.raises(NotAuthenticated):
        tokens.bearer(f"Bearer {written}")


def test_nobody_else_can_write_or_change_one(tmp_path: Path) -> None:
    tokens = loaded(tmp_path, {})
    other = loaded(tmp_path, {"0" * 64: OMAR.model_dump()})
    kind, said, signature = tokens.pass_for(OMAR).split(".")
    *_, ada = tokens.pass_for(OMAR.model_copy(update={"clinic_id": "elsewhere"})).split(".")
    forged = [
        other.pass_for(OMAR), f"{kind}.{said}.{ada}", f"{kind}.{said}.", f"{kind}.{said}", f"{kind}..", kind,
        f"{kind}.{said}.ä", f"{kind}.{said}=.{signature}x", f"issued.{said}.{signature}",
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(NotAuthenticated):
            tokens.bearer(f"Bearer {token}")


def test_without_a_key_there_are_none() -> None:
    with pytest.raises(NotAuthenticated):
        Tokens({}).bearer(f"Bearer {Tokens({}, b'').pass_for(OMAR)}")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"tokens\.json"):
        loaded(tmp_path, {"x": 1})
