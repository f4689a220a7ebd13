"""A jar is used only when it is the one of the lock file."""

from pathlib import Path

import pytest

from stride.embedded.errors import BadConfiguration, JarMismatch
from stride.embedded.jars import LOCK_FILE, ensure_jars, jar_folder, read_lock


@pytest.fixture
def one_jar_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file of one jar, and an empty cache."""
    monkeypatch.setenv("STRIDE_CACHE", str(tmp_path / "cache"))
    lock = tmp_path / "one.lock"
    lock.write_text("org.example:thing:1.0 " + "0" * 64 + "\n")
    folder = jar_folder(lock)
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(b"tampered")
    return lock


def test_a_tampered_jar_is_refused(one_jar_lock: Path) -> None:
    with pytest.raises(JarMismatch, match=r"thing:1\.0: sha256 is .* Delete .*thing-1\.0\.jar"):
        ensure_jars(lambda _: None, one_jar_lock)


def test_a_jar_tampered_with_after_it_was_verified_is_refused(one_jar_lock: Path) -> None:
    import hashlib

    good = b"as it should be"
    one_jar_lock.write_text(f"org.example:thing:1.0 {hashlib.sha256(good).hexdigest()}\n")
    folder = jar_folder(one_jar_lock)
    folder.mkdir()
    jar = folder / "thing-1.0.jar"
    jar.write_bytes(good)
    assert ensure_jars(lambda _: None, one_jar_lock) == [jar]

    jar.write_bytes(b"no longer so")

    with pytest.raises(JarMismatch):
        ensure_jars(lambda _: None, one_jar_lock)


def test_a_malformed_lock_file_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "bad.lock"
    lock.write_text("only-one-word\n")
    with pytest.raises(BadConfiguration, match="bad.lock"):
        read_lock(lock)


def test_the_committed_lock_names_kafka_and_no_host() -> None:
    coordinates = [jar.coordinate for jar in read_lock()]
    assert "org.apache.kafka:kafka_2.13:4.4.0" in coordinates
    assert "://" not in LOCK_FILE.read_text()
