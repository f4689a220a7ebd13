"""docker-compose.yml keeps the rules of docs/operations.md: every container closed, no secret in sight."""

import re
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from shared.flow import FLOW
from shared.settings import ROOT, Settings
from stride.cli import compose_secrets

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"migrate", "init"}
PUBLISHED = {"intake": 8080, "scheduling": 8080, "notifications": 8080, "console": 8080, "mailbox": 8025}
OURS = re.compile(r"stride:\$\{STRIDE_VERSION:-\d+\.\d+\.\d+\}")
PINNED = re.compile(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)*(@sha256:[0-9a-f]{64})?")
SETTINGS = {name.upper() for name in Settings.model_fields}
GIB = 2**30

each_container = pytest.mark.parametrize("name", sorted(SERVICES))
each_service = pytest.mark.parametrize("name", sorted(FLOW))


def test_the_services_of_the_map_are_the_ones_that_run() -> None:
    assert set(SERVICES) == set(FLOW) | ONE_SHOT | {"kafka", "postgres", "mailbox"}
    assert {name: SERVICES[name]["command"] for name in FLOW} == {name: [f"services.{name}"] for name in FLOW}


@each_container
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    uid, gid = service["user"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 256
    assert _bytes(service["mem_limit"]) <= GIB
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_all_that_stays_up_fits_into_two_and_a_half_gibibytes() -> None:
    assert sum(_bytes(service["mem_limit"]) for name, service in SERVICES.items() if name not in ONE_SHOT) <= 2.5 * GIB


@each_container
def test_a_container_is_checked_and_started_again_or_ends_by_itself(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert "healthcheck" not in service
        assert service.get("restart", "no").startswith(("no", "on-failure"))
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"].keys() == {"test", "interval", "timeout", "retries", "start_period"}


@each_container
def test_a_container_waits_for_health_and_not_for_mere_starts(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if other in ONE_SHOT else "service_healthy")


@each_service
def test_a_service_starts_on_prepared_servers(name: str) -> None:
    assert set(SERVICES[name]["depends_on"]) == {"kafka", "postgres", "migrate"}


@each_container
def test_an_image_is_pinned_to_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert OURS.fullmatch(image) or PINNED.fullmatch(image), image


def test_our_image_is_built_on_a_pinned_one_from_hashed_packages_and_runs_below_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases), bases
    assert "--require-hashes" in dockerfile
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert not re.search(r"^(ADD|ARG) ", dockerfile, re.MULTILINE)


def test_only_what_the_image_holds_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sent == set(copied)


@each_container
def test_no_secret_is_in_an_environment_variable(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        secret = re.search(r"PASSWORD|SECRET|TOKEN|_KEY|SMTP", variable)
        assert not secret or re.match(r"@?/run/secrets/", value), variable
        assert not re.search(r"://[^/@]*:[^/@]*@", value), f"{variable} has a password in its URL"


@each_container
def test_a_container_is_told_only_what_its_program_knows(name: str) -> None:
    if SERVICES[name]["image"].startswith("stride:"):
        assert set(SERVICES[name].get("environment", {})) <= SETTINGS


@each_container
def test_ports_are_published_on_the_loopback_address_only(name: str) -> None:
    ports = [port.rsplit(":", 1) for port in SERVICES[name].get("ports", [])]
    assert [int(inside) for _, inside in ports] == ([PUBLISHED[name]] if name in PUBLISHED else [])
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{STRIDE_[A-Z]+_PORT:-\d{4}\}", outside) for outside, _ in ports)
    # A network without a way out can't publish; one with it is for those that must.
    assert ("edge" in SERVICES[name].get("networks", [])) == (name in PUBLISHED)


def test_the_servers_are_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert SERVICES["kafka"]["networks"] == SERVICES["postgres"]["networks"] == ["data"]


@each_service
def test_a_service_logs_in_under_its_own_role_with_its_own_password(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["DATABASE_URL"] == f"postgresql://stride_{name}@postgres:5432/stride"
    assert environment["DATABASE_PASSWORD"] == f"@/run/secrets/postgres_{name}"
    passwords = {secret for secret in _secrets(name) if secret.startswith("postgres_")}
    assert passwords == {f"postgres_{name}"}


def test_the_migration_knows_every_password_that_it_sets() -> None:
    assert set(_secrets("migrate")) == {"postgres_migrator", *(f"postgres_{name}" for name in FLOW)}


@each_service
@pytest.mark.parametrize(("setting", "secret"), [("stride_tokens", "tokens.json"), ("stride_smtp", "smtp_url")])
def test_a_service_gets_the_secrets_that_its_code_reads_and_no_other(name: str, setting: str, secret: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / name).rglob("*.py"))
    assert (setting in code) == (secret in _secrets(name)) == (setting.upper() in SERVICES[name]["environment"])


def test_init_makes_every_secret_that_is_mounted_and_containers_may_read_it(tmp_path: Path) -> None:
    compose_secrets.ensure(tmp_path, ["north"])
    for name, secret in COMPOSE["secrets"].items():
        path = tmp_path / Path(secret["file"]).relative_to("secrets")
        assert path.stat().st_mode & 0o777 == 0o644, name
        assert path.read_text().strip()
    assert {secret for name in SERVICES for secret in _secrets(name)} == set(COMPOSE["secrets"])
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_what_must_last_is_in_named_volumes() -> None:
    kept = {name: next(_target(volume) for volume in SERVICES[name]["volumes"]) for name in COMPOSE["volumes"]}
    assert kept == {"kafka": "/var/lib/kafka/data", "postgres": "/var/lib/postgresql", "mailbox": "/data"}


def test_the_health_check_tells_an_answer_of_200_from_any_other() -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/ready" else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the parent's parameter
            """Nothing: the test's output stays readable."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert _healthy(f"{url}/health/ready")
        assert not _healthy(f"{url}/broken")
        server.shutdown()
    assert not _healthy(f"{url}/health/ready")


def test_every_setting_is_in_the_operators_table() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {f"`{name}`" for name in SETTINGS} <= set(re.findall(r"`[A-Z_]+`", guide))


def _healthy(url: str) -> bool:
    check = [sys.executable, "-I", str(ROOT / "deploy" / "healthy.py"), url]
    return subprocess.run(check, check=False).returncode == 0


def _secrets(name: str) -> list[str]:
    named: list[Any] = SERVICES[name].get("secrets", [])
    return [secret if isinstance(secret, str) else secret["source"] for secret in named]


def _target(volume: str) -> str:
    return volume.split(":")[1]


def _bytes(limit: str) -> int:
    return int(limit[:-1]) * {"m": 2**20, "g": GIB}[limit[-1]]
