"""Settings: a secret may be in a file, and an unusable one is named without its value."""

from pathlib import Path

import pytest

from shared.settings import ConfigurationInvalid, load_settings


@pytest.fixture(autouse=True)
def _servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("DATABASE_URL", "postgresql://stride_intake@db:5432/stride")


def test_a_password_in_a_file_gets_into_the_url_whatever_its_letters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("p@ss/wörd:%\n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_PASSWORD", f"@{tmp_path}/password")
    url = load_settings().resolved_database_url
    assert url == "postgresql://stride_intake:p%40ss%2Fw%C3%B6rd%3A%25@db:5432/stride"


def test_an_url_with_its_password_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://a:b@db/stride\n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", f"@{tmp_path}/url")
    assert load_settings().resolved_database_url == "postgresql://a:b@db/stride"


def test_the_mail_server_with_its_account_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("smtps://user:secret@mail.example:465\n", encoding="utf-8")
    monkeypatch.setenv("STRIDE_SMTP", f"@{tmp_path}/smtp")
    assert load_settings().stride_smtp == "smtps://user:secret@mail.example:465"


def test_a_secret_file_that_is_not_there_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", f"@{tmp_path}/missing")
    with pytest.raises(ConfigurationInvalid, match="DATABASE_PASSWORD"):
        load_settings()
