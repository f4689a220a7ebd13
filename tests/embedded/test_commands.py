"""The command line says what it did, in words or as one JSON object, and by its exit code."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from stride.cli.run import run
from stride.embedded import Servers

pytestmark = pytest.mark.timeout(60)


def _stride(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, Any]:
    """Runs a command with --json: its exit code and the last line of its standard output."""
    code = run([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def _init(capsys: pytest.CaptureFixture[str], folder: Path, *clinics: str) -> int:
    named = [word for clinic in clinics for word in ("--clinic", clinic)]
    code, _ = _stride(capsys, "init", "--home", folder / "home", "--secrets", folder / "secrets", *named)
    return code


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_init_generates_secrets_that_only_the_user_may_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _init(capsys, tmp_path, "north", "south") == 0

    embedded, compose = tmp_path / "home" / "secrets", tmp_path / "secrets"
    for folder in (embedded, compose):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        # Containers read theirs under accounts of their own; the folder keeps everybody else out.
        for path in folder.iterdir():
            mounted = folder == compose and path.name != "tokens.txt"
            assert stat.S_IMODE(path.stat().st_mode) == (0o644 if mounted else 0o600), path.name
        tokens = json.loads((folder / "tokens.json").read_text())
        for line in (folder / "tokens.txt").read_text().splitlines():
            clinic, system, role, token = line.split()
            entry = tokens[hashlib.sha256(token.encode()).hexdigest()]
            assert entry == {"clinic_id": clinic, "system": system, "role": role}
        assert {entry["clinic_id"] for entry in tokens.values()} == {"north", "south"}


def test_init_again_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _init(capsys, tmp_path, "north")
    before = _contents(tmp_path / "secrets")

    assert _init(capsys, tmp_path, "north") == 0

    assert _contents(tmp_path / "secrets") == before


def test_init_refuses_a_clinic_id_that_could_not_be_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _init(capsys, tmp_path, "no such/id") == 78
    assert not (tmp_path / "secrets").exists()


def test_init_for_one_more_clinic_keeps_the_tokens_of_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _init(capsys, tmp_path, "north")
    before = json.loads((tmp_path / "secrets" / "tokens.json").read_text())

    _init(capsys, tmp_path, "south")

    after = json.loads((tmp_path / "secrets" / "tokens.json").read_text())
    assert before.items() < after.items()


def test_doctor_tells_each_finding_with_a_way_to_mend_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, report = _stride(capsys, "doctor", "--home", tmp_path)

    assert code == (0 if report["ok"] else 1)
    assert len(report["checks"]) >= 15
    for check in report["checks"]:
        assert check["status"] in {"ok", "warn", "fail"}
        assert check["detail"]
        assert bool(check["fix"]) == (check["status"] != "ok")


def test_doctor_tells_which_layer_of_a_server_is_broken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:9")

    code, report = _stride(capsys, "doctor", "--home", tmp_path)

    status = {check["check"]: check["status"] for check in report["checks"]}
    assert code == 1
    assert (status["kafka name"], status["kafka port"], status["kafka protocol"]) == ("ok", "fail", "fail")


async def test_a_home_in_use_is_an_error_with_its_own_exit_code(servers: Servers) -> None:
    import asyncio

    from tests.embedded.processes import start_stride

    stride = await start_stride("up", "--json", "--home", servers.home.path)
    async with asyncio.timeout(30):
        out, err = await stride.communicate()

    assert stride.returncode == 69
    assert json.loads(out.splitlines()[-1])["exit_code"] == 69
    assert b"is in use by the stack of process" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("arguments", [["nonsense"], ["up", "--nonsense"], ["up", "one", "two"]])
def test_a_wrong_command_line_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, error = _stride(capsys, *arguments)
    assert code == 2
    assert error["exit_code"] == 2
