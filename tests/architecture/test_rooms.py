"""House rules that no linter knows: the same rooms in every service, handlers that match the map."""

import importlib

import pytest

from shared.flow import FLOW, consumed_topics, dead_letter_topic, fact_topics
from shared.messaging.errors import FlowDisagrees
from shared.messaging.service import Service, check_flow
from shared.messaging.topics import wanted
from shared.settings import ROOT

ROOMS = ("domain", "tables", "store", "handlers", "main", "__main__")


@pytest.mark.parametrize("name", sorted(FLOW))
def test_every_service_of_the_map_has_every_room_and_a_paragraph_that_says_what_it_owns(name: str) -> None:
    for room in ROOMS:
        importlib.import_module(f"services.{name}.{room}") if room != "__main__" else None
        folder = ROOT / "services" / name
        assert (folder / f"{room}.py").exists() or (folder / room / "__init__.py").exists(), f"{name} lacks {room}"
    assert len((importlib.import_module(f"services.{name}").__doc__ or "").split()) > 8
    assert (ROOT / "services" / name / "migrations" / "versions").is_dir()


@pytest.mark.parametrize("name", sorted(FLOW))
def test_handlers_agree_with_the_map(name: str) -> None:
    service: Service = importlib.import_module(f"services.{name}.main").SERVICE
    check_flow(name, service.handlers)


@pytest.mark.parametrize("name", sorted(FLOW))
def test_a_service_without_one_of_its_handlers_does_not_start(name: str) -> None:
    service: Service = importlib.import_module(f"services.{name}.main").SERVICE
    missing = FLOW[name].consumes[0]
    fewer = {fact: handler for fact, handler in service.handlers.items() if fact is not missing}
    with pytest.raises(FlowDisagrees, match=missing.NAME):
        check_flow(name, fewer)


def test_every_consumed_fact_is_published_by_somebody() -> None:
    published = {fact for service in FLOW.values() for fact in service.publishes}
    for name, service in FLOW.items():
        assert set(service.consumes) <= published, name


def test_topics_are_provisioned_with_the_same_partitions_and_stated_retention() -> None:
    topics = {topic.name: topic for topic in wanted(partitions=4, replicas=1)}
    assert set(fact_topics()) < set(topics)
    assert {topics[name].num_partitions for name in fact_topics()} == {4}
    assert topics["patient.registered"].topic_configs["cleanup.policy"] == "compact"
    assert topics["session.logged"].topic_configs["retention.ms"] == "-1"
    for name in FLOW:
        for topic in consumed_topics(name):
            assert dead_letter_topic(name, topic) in topics
