"""LIFE-1 to LIFE-5, on small journals."""

from journals import Visit, verdict

from harness.contract.observation import Observation


def renewed(last: str = "3:12:00") -> Observation:
    """Return a healthy visit whose item is renewed 10 min before each expiry, and used."""
    visit = Visit()
    visit.embed()
    visit.use("5:00", "embed-1")
    visit.renew("50:00", "embed-2")
    visit.use("1:05:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.renew("2:30:00", "embed-4")
    visit.use("3:00:00", "embed-4")
    return visit.end(last)


def test_life_1_passes_when_every_data_request_has_a_valid_token() -> None:
    found = verdict("LIFE-1", renewed())

    assert (found.outcome, found.message) == (
        "passed",
        "3 data requests in 1 healthy visit, none with an expired token.",
    )
