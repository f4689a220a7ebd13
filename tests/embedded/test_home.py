"""A home remembers its ports, and is wiped without losing them or its secrets."""

import socket
from pathlib import Path

from stride.embedded.home import Home


def test_ports_are_the_same_next_time(tmp_path: Path) -> None:
    assert Home(tmp_path).ports(["a", "b"]) == Home(tmp_path).ports(["a", "b"])


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = Home(tmp_path).ports(["a", "b"])
    with socket.create_server(("127.0.0.1", first["a"])):
        second = Home(tmp_path).ports(["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_wiping_keeps_ports_and_secrets(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ports = home.ports(["a"])
    (home.folder("kafka") / "data").write_text("records")
    (home.folder("secrets") / "password").write_text("kept")

    home.wipe()

    assert not (tmp_path / "kafka").exists()
    assert (tmp_path / "secrets" / "password").read_text() == "kept"
    assert home.ports(["a"]) == ports


def test_a_home_is_locked_only_while_it_is_held(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not home.is_locked()
    with home.locked():
        assert home.is_locked()
    assert not home.is_locked()
