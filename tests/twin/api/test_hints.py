"""Hints of faults are those of `ask`, found within bounds and no oftener than needed."""

import threading

import httpx
import numpy as np
import pytest

from twin.api.desk import Desk
from twin.api.hint_desk import MOST_VALUES, REUSED, WAITING, Busy, HintDesk, Question
from twin.expectation.asking import Answer, ask
from twin.live import open_live
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation

from .conftest import HOUR, START

HEAT = "b2/heat/power"
DAYS = 21
STUCK = slice(19 * 24 + 3, 20 * 24 + 9)
END = START + DAYS * 24 * HOUR
LEARNED = START + 22 * 24 * HOUR
MENDED = LEARNED + 24 * HOUR
EMPTY = Answer((), "nothing", 0, {}, "", None)


def course(*, faulty: bool) -> np.ndarray:
    """Return heat of three weeks, its last but one day stuck where it is faulty."""
    hour = np.arange(24 * DAYS)
    kw = 60 + 25 * np.cos(2 * np.pi * (hour % 24 - 6) / 24)
    kw += np.random.default_rng(3).normal(0, 1.5, len(hour))
    if faulty:
        kw[STUCK] = kw[STUCK.start]
    return kw


def feed(folder, point, values, *, known, version=0):
    with EmbeddedStore(folder / "live.sqlite") as store:
        store.append(
            [
                Observation(point, START + k * HOUR, float(v), "meter", 0, version)
                for k, v in enumerate(values)
            ],
            known=known,
        )


@pytest.fixture
def faulty(whole):
    """Return a folder with a stuck meter and one that is well."""
    feed(whole, HEAT, course(faulty=True), known=LEARNED)
    feed(whole, "b1/heat/power", course(faulty=False) + 10, known=LEARNED)
    return whole


def test_hints_are_those_of_the_command(faulty, served):
    client = served(faulty)
    told = client.get("/api/hints", params={"least": 0}).json()
    values = {
        name: (START + HOUR * np.arange(24 * DAYS), course(faulty=bad) + more)
        for name, bad, more in ((HEAT, True, 0), ("b1/heat/power", False, 10))
    }
    expected = ask(open_live(faulty), values, sources=["meter"])
    key = [(hint.point, hint.kind, hint.evidence) for hint in expected.hints]
    found = [(hint["point"], hint["kind"], hint["evidence"]) for hint in told["hints"]]
    assert sorted(found) == sorted(key)
    assert told["total"] == len(key)
    assert told["compared_with"] == expected.compared
    assert told["points"] == expected.points == 2


def test_the_stuck_meter_is_told_with_its_evidence(faulty, served):
    told = served(faulty).get("/api/hints", params={"building": "b2"}).json()
    (hint,) = told["hints"]
    assert (hint["kind"], hint["point"], hint["building"]) == ("stuck", HEAT, "b2")
    assert hint["start"] == "2026-07-10T03:00:00Z"
    assert 0.5 <= hint["confidence"] <= 1
    assert hint["evidence"]
    assert hint["figures"]
    assert hint["meaning"].startswith("the same value")


def test_only_what_is_asked(faulty, served):
    client = served(faulty)

    def kinds(**params: object) -> list[str]:
        answer = client.get("/api/hints", params=params)
        assert answer.status_code == 200, answer.text
        return [hint["kind"] for hint in answer.json()["hints"]]

    assert kinds(point=HEAT) == ["stuck"]
    assert kinds(point=HEAT, kind="gap") == []
    assert kinds(building="b1") == []
    assert kinds(end="2026-07-09T00:00Z") == []
    early = client.get("/api/hints", params={"point": HEAT, "limit": 1, "least": 0}).json()
    assert len(early["hints"]) == 1 <= early["total"]


def test_the_clearest_come_first(faulty, served):
    told = served(faulty).get("/api/hints", params={"least": 0}).json()
    scores = [hint["confidence"] for hint in told["hints"]]
    assert scores == sorted(scores, reverse=True)


def test_hints_as_they_were_known(faulty, served):
    feed(faulty, HEAT, course(faulty=False), known=MENDED, version=1)
    client = served(faulty)

    def kinds(**params: object) -> list[str]:
        told = client.get("/api/hints", params={"building": "b2", **params}).json()
        return [hint["kind"] for hint in told["hints"]]

    assert kinds() == []
    assert kinds(known_at="2026-07-13T12:00:00Z") == ["stuck"]
    assert kinds(known_at="2026-07-14T12:00:00Z") == []
    assert kinds(known_at="2026-07-12T23:59:00Z") == [], "nothing had been learned"


def test_a_building_that_fell_silent_is_told_by_the_clock_of_the_others(whole, served):
    feed(whole, HEAT, course(faulty=False)[: 18 * 24], known=LEARNED)
    feed(whole, "b1/heat/power", course(faulty=False) + 10, known=LEARNED)
    told = served(whole).get("/api/hints", params={"building": "b2"}).json()
    assert [hint["kind"] for hint in told["hints"]] == ["gap"]


@pytest.mark.parametrize(
    ("params", "code", "word"),
    [
        ({"building": "ghost"}, 404, "ghost"),
        ({"point": "ghost"}, 404, "ghost"),
        ({"building": "b1", "point": HEAT}, 404, "belong"),
        ({"start": "2026-06-21T00:00Z", "end": "2026-06-20T00:00Z"}, 422, "before"),
        ({"start": "2000-01-01T00:00Z", "end": "2190-01-01T00:00Z"}, 422, "shorter"),
        ({"kind": "ghost"}, 422, "kind"),
        ({"least": "nan"}, 422, "least"),
        ({"least": "2"}, 422, "least"),
        ({"limit": "0"}, 422, "limit"),
        ({"what": "1"}, 422, "what"),
    ],
)
def test_wrong_questions(faulty, served, params, code, word):
    answer = served(faulty).get("/api/hints", params=params)
    assert answer.status_code == code
    assert word in answer.json()["detail"]


def test_nothing_is_found_in_an_empty_log(whole, served):
    told = served(whole).get("/api/hints").json()
    assert (told["hints"], told["points"], told["sequence"]) == ([], 0, 0)


def test_values_that_come_more_often_than_told_are_counted_first(whole):
    second = HOUR // 3600
    with EmbeddedStore(whole / "live.sqlite") as store:
        store.append(Observation(HEAT, START + k * second, 1.0, "m") for k in range(3000))
    desk = Desk(open_live(whole))
    found = HintDesk(desk, find=lambda *_, **__: EMPTY)
    question = Question(point=HEAT, start=START, end=START + HOUR)
    assert found.ask(question).over.start == START
    assert MOST_VALUES > 3000, "an hour of seconds passes"
    desk.close()


@pytest.fixture
def counted(faulty):
    """Return a place to ask hints at that counts, its clock, and a way to add a value."""
    desk = Desk(open_live(faulty))
    seen: list[object] = []
    clock = [0.0]

    def find(*_: object, **__: object) -> Answer:
        seen.append(1)
        return EMPTY

    yield HintDesk(desk, find=find, time=lambda: clock[0]), seen, clock, faulty
    desk.close()


def test_the_same_log_is_looked_at_once(counted):
    hints, seen, clock, _ = counted
    for question in (Question(), Question(), Question(building="b2"), Question()):
        hints.ask(question)
        clock[0] += 10 * REUSED
    assert len(seen) == 2, "two different questions"


def test_the_present_is_looked_at_again_after_a_while_the_past_at_once(counted):
    hints, seen, clock, folder = counted
    past = Question(end=END)
    hints.ask(Question())
    hints.ask(past)
    feed(folder, "b3/heat/power", [1.0], known=None)
    first = hints.ask(Question())
    assert len(seen) == 2, "still serves"
    assert hints.ask(past).sequence > first.sequence
    assert len(seen) == 3
    clock[0] += 2 * REUSED
    assert hints.ask(Question()).sequence > first.sequence
    assert len(seen) == 4


def test_who_comes_when_many_wait_is_sent_away(faulty):
    desk = Desk(open_live(faulty))
    busy, done = threading.Event(), threading.Event()

    def find(*_: object, **__: object) -> Answer:
        busy.set()
        assert done.wait(60)
        return EMPTY

    hints = HintDesk(desk, find=find)
    outcomes: list[str] = []

    def come() -> None:
        try:
            hints.ask(Question())
        except Busy:
            outcomes.append("busy")
            done.set()
        else:
            outcomes.append("told")

    threads = [threading.Thread(target=come) for _ in range(WAITING + 2)]
    threads[0].start()
    assert busy.wait(60)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["busy", *["told"] * (WAITING + 1)]
    desk.close()


def test_measured_light_without_geometry_falls_back_to_the_year(faulty, served):
    feed(faulty, "weather/ghi", np.full(48, 100.0), known=LEARNED)
    (faulty / "buildings.gpkg").unlink()
    client: httpx.Client = served(faulty)
    answer = client.get("/api/hints")
    assert answer.status_code == 200, answer.text
    assert "typical" in answer.json()["compared_with"]
