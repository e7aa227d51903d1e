"""Tests of faults: when they apply to a request, and what they do to the cloud's own endpoints."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from cloud_client import Client
from support.manual_clock import START, Clock

from fake_pbi.cloud import Cloud
from fake_pbi.faults import Faults
from harness.base.journal import Journal

GROUPS = "https://api.powerbi.com/v1.0/myorg/groups"
TOKEN = "https://app.example/api/token"


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return Journal(clock.now)


@pytest.fixture
def faults(clock: Clock, journal: Journal) -> Faults:
    return Faults(clock.now, journal)


def test_fault_applies_from_its_beginning_to_its_end_and_is_journalled(
    faults: Faults, journal: Journal, clock: Clock
) -> None:
    fault = faults.add("*/api/token*", status=503, for_="2min")
    assert faults.for_request(f"{TOKEN}?user=1#top", "POST") is fault
    assert faults.for_request("https://app.example/", "GET") is None
    clock.advance(minutes=2)
    assert faults.for_request(TOKEN, "POST") is None
    clock.advance(minutes=1)
    faults.end(fault)
    assert [(entry.at - START, entry.kind, entry.data) for entry in journal] == [
        (timedelta(0), "fault.began", {"fault": "fault-1", "url": "*/api/token*"}),
        (timedelta(0), "fault.hit", {"fault": "fault-1", "url": f"{TOKEN}?user=1", "method": "POST"}),
        (timedelta(minutes=2), "fault.ended", {"fault": "fault-1", "url": "*/api/token*"}),
    ]


def test_end_of_a_fault_that_is_ended_early_is_journalled_once(faults: Faults, journal: Journal, clock: Clock) -> None:
    fault = faults.add("*", drop=True, for_="10min")
    clock.advance(minutes=1)
    faults.end(fault)
    faults.end(fault)
    clock.advance(minutes=20)
    assert faults.for_request(TOKEN, "GET") is None
    assert [entry.at - START for entry in journal.of("fault.ended")] == [timedelta(minutes=1)]


def test_later_fault_applies_first_and_fault_without_a_duration_lasts(faults: Faults, clock: Clock) -> None:
    lasting = faults.add("*", status=500)
    later = faults.add("*/token", garbage="html", for_="1h")
    clock.advance(minutes=59)
    assert faults.for_request(TOKEN, "GET") is later
    clock.advance(days=1)
    assert faults.for_request(TOKEN, "GET") is lasting


@pytest.mark.parametrize(
    ("garbage", "content_type", "begins"),
    [("html", "text/html", "<!DOCTYPE html>"), ("json", "application/json", '{"token": "'), ("no token", None, "{")],
)
def test_garbage_is_an_answer_with_status_200_without_a_token(
    faults: Faults, garbage: Any, content_type: str | None, begins: str
) -> None:
    fault = faults.add("*", garbage=garbage)
    assert (fault.kind, fault.status, fault.content_type) == ("garbage", 200, content_type or "application/json")
    assert fault.body.startswith(begins)


@pytest.mark.parametrize("wrong", [{}, {"status": 500, "drop": True}, {"garbage": "html", "status": 200}])
def test_fault_that_is_none_or_several_kinds_is_refused(faults: Faults, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        faults.add("*", **wrong)


def test_cloud_answers_requests_but_not_preflights_with_the_fault(cloud: Cloud, client: Client, clock: Clock) -> None:
    cloud.faults.add("https://api.powerbi.com/*", status=503, for_="1min")
    answer = client.get(GROUPS, params={"top": 1})
    assert (answer.status_code, answer.text) == (503, "Service Unavailable")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert cloud.journal.of("fault.hit")[0]["url"] == f"{GROUPS}?top=1"
    assert client.options(GROUPS, headers={"Access-Control-Request-Method": "GET"}).status_code == 204
    clock.advance(minutes=1)
    assert client.get(GROUPS).status_code == 401
    cloud.faults.add("https://api.powerbi.com/*", garbage="no token")
    assert client.get(GROUPS).json() == {"message": "ok"}


def test_cloud_closes_the_connection_of_a_dropped_request(cloud: Cloud, client: Client) -> None:
    fault = cloud.faults.add("*", drop=True)
    with pytest.raises(requests.ConnectionError):
        client.get(GROUPS)
    cloud.faults.end(fault)
    assert client.get(GROUPS).status_code == 401
