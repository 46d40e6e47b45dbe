"""What waits in the quarantine goes in once its cause is mended, and waits on if not."""

import json
import os

import pytest

from twin.ingest.files import feed_file
from twin.ingest.intake import Intake, Message
from twin.ingest.mapping import parse_mapping
from twin.ingest.replay import release_file, replay, stub
from twin.store.embedded import EmbeddedStore
from twin.store.records import Refused

from .small_twin import (
    DAY,
    ENERGY,
    HEAT,
    HOUR,
    NOW,
    TEMPERATURE,
    clock,
    message,
    row,
    small_model,
    standing,
)

MODEL = small_model()
HEADER = "device,name,point,unit,factor,valid_from,valid_to,time\n"
MENDED = parse_mapping(
    f"{HEADER}m1,e,{ENERGY},,,,2026-11-20T02:00Z,\nm2,e,{ENERGY},,,2026-11-20T02:00Z,,\n"
    f"room,t,{TEMPERATURE},degC,,,,arrival\n"
    f"12,,{HEAT},kW,,,,\n"
)


@pytest.fixture
def store(tmp_path):
    with EmbeddedStore(tmp_path / "live.sqlite") as opened:
        yield opened


def energy(device: str, hour: int, value: float) -> dict:
    time = DAY + hour * HOUR
    return {"device": device, "name": "e", "time_us": time, "value": value, "unit": "kWh"}


def waiting(store) -> list[str]:
    return sorted(one.reason for one in store.quarantine(waiting=True))


def test_rows_hold_once_the_mapping_is_mended(store):
    intake = Intake(MODEL, store, clock=clock)
    intake.take([message(energy("m1", 0, 900), energy("m1", 1, 901), energy("m2", 2, 5))])
    assert waiting(store) == ["point"] * 3
    done = replay(store, MODEL, MENDED, clock=clock)
    assert (done.waited, done.released, done.new, done.reasons) == (3, 3, 3, {})
    assert [k.value for k in store.between(0, NOW)] == [900, 901, 5]
    assert waiting(store) == []
    assert replay(store, MODEL, MENDED, clock=clock).waited == 0


def test_what_still_does_not_hold_waits_on_and_is_not_counted_again(store):
    intake = Intake(MODEL, store, clock=clock)
    intake.take([message(row(HEAT, 0, -1, "kW"), energy("m9", 0, 1)), Message(b"x", "y")])
    before = store.refusals()
    done = replay(store, MODEL, MENDED, clock=clock)
    assert (done.released, done.new) == (0, 0)
    assert done.reasons == {"point": 1, "range": 1, "shape": 1}
    assert store.refusals() == before
    assert len(waiting(store)) == 3


def test_a_row_refused_for_another_reason_waits_once(store):
    intake = Intake(MODEL, store, clock=clock)
    intake.take([message(energy("m1", 0, -5))])
    (before,) = store.quarantine()
    for _ in range(2):
        done = replay(store, MODEL, MENDED, clock=clock)
        assert (done.waited, done.released, done.reasons) == (1, 0, {"range": 1})
        assert done.changed[before.number].reason == "range"
        assert sum(store.refusals().values()) == 1
    assert [row.number for row in store.quarantine()] == [before.number]


def test_a_message_of_which_some_hold_waits_for_the_others_and_counts_once(store):
    """As where a form is known that was not: it is fed whole, and known rows repeat."""
    body = json.dumps([energy("m1", 0, 5), energy("m9", 0, 5)]).encode()
    store.append([], refused=[Refused(0, "form", "no form", "", "f", "", body)])
    for new, repeated in ((1, 0), (0, 1)):
        done = replay(store, MODEL, MENDED, clock=clock)
        assert (done.new, done.repeated, done.released) == (new, repeated, 0)
        assert (done.reasons, len(waiting(store))) == ({"point": 1}, 1)
    assert store.refusals() == {"form": 1}


def test_files_of_values_without_a_time_stand_where_they_would_have_stood(store, tmp_path):
    """Whether the mapping was there from the start or was mended later."""
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"device": "room", "name": "t", "value": 21}))
    os.utime(path, ns=(NOW * 1000, (DAY + HOUR) * 1000))
    feed_file(path, MODEL, store)
    assert replay(store, MODEL, MENDED).released == 1
    with EmbeddedStore(tmp_path / "right.sqlite") as right:
        feed_file(path, MODEL, right, MENDED)
        assert standing(store) == standing(right)
        assert [row.time for row in right.latest()] == [DAY + HOUR]


def test_rows_of_before_tell_their_arrival_in_their_text(store):
    told = {"device": "room", "name": "t", "value": 21}
    text = json.dumps({**told, "arrived_us": DAY})
    payload = json.dumps(told).encode()
    store.append([], refused=[Refused(0, "point", "", text, "f", "native", payload)])
    assert replay(store, MODEL, MENDED, clock=clock).new == 1
    assert store.latest()[0].time == DAY


def test_what_was_to_come_holds_when_it_has_come(store):
    Intake(MODEL, store, clock=lambda: DAY).take([message(row(HEAT, 5, 1, "kW"))])
    assert waiting(store) == ["future"]
    assert replay(store, MODEL, clock=lambda: DAY + 6 * HOUR).new == 1


def test_a_register_told_backwards_holds_once_the_swap_is_told(store):
    one = parse_mapping(f"{HEADER}m1,e,{ENERGY},,,,,\n")
    intake = Intake(MODEL, store, one, clock=clock)
    intake.take([message(energy("m1", 1, 900), energy("m1", 3, 500))])
    assert waiting(store) == ["register"]
    told = parse_mapping(
        f"{HEADER}m1,e,{ENERGY},,,,2026-11-20T02:00Z,\nm1,e,{ENERGY},,,2026-11-20T02:00Z,,\n"
    )
    assert replay(store, MODEL, told, clock=clock).new == 1
    assert [k.value for k in store.between(0, NOW)] == [900, 500]


def test_values_without_a_time_are_of_when_they_came(store):
    timeless = {"device": "room", "name": "t", "value": 21}
    for arrived in (DAY, DAY + HOUR):
        Intake(MODEL, store, clock=lambda: NOW).take([message(timeless, arrived=arrived)])
    assert len(waiting(store)) == 2, "two that say the same are two"
    assert replay(store, MODEL, MENDED, clock=clock).released == 2


def test_the_topic_of_a_message_is_known_again(store):
    sent = Message(
        b'{"result": 5, "phenomenonTime": "2026-11-20T00:00Z"}',
        "mqtt://broker",
        "v1.1/Datastreams(12)/Observations",
    )
    Intake(MODEL, store, clock=clock).take([sent])
    (row_,) = store.quarantine()
    assert row_.origin.startswith("mqtt://broker topic v1.1/")
    mapping = parse_mapping(stub([row_]).replace(",,,,,,,", f",{HEAT},kW,,,,,"))
    assert replay(store, MODEL, mapping, clock=clock).new == 1


def test_only_one_reason(store):
    intake = Intake(MODEL, store, clock=clock)
    intake.take([message(energy("m1", 0, 9), row(HEAT, 0, -1, "kW"))])
    assert replay(store, MODEL, MENDED, reason="range", clock=clock).waited == 1
    assert waiting(store) == ["point", "range"]


def test_the_stub_names_what_nobody_mapped(store):
    intake = Intake(MODEL, store, clock=clock)
    intake.take(
        [
            message(energy("m1", 0, 1), energy("m1", 1, 1), energy("m2", 0, 1)),
            Message(b"", ""),
        ]
    )
    lines = stub(store.quarantine()).splitlines()
    assert lines[2:] == ["m1,e,,kWh,,,,,,,", "m2,e,,kWh,,,,,,,"]


def test_a_file_fed_with_a_mended_mapping_releases_its_rows(store, tmp_path):
    path = tmp_path / "m1.csv"
    path.write_text("time,e,x\n2026-11-20T00:00Z,5,1\n2026-11-20T01:00Z,6,1\n")
    feed_file(path, MODEL, store)
    assert waiting(store) == ["point", "point"]
    text = stub(store.quarantine())
    assert "m1,e,," in text
    done = replay(store, MODEL, MENDED, clock=clock)
    assert (done.without_payload, done.released) == (2, 0)
    later = store.quarantine()[0].last_known + 1
    mapping = parse_mapping(f"{HEADER}m1,e,{ENERGY},kWh,,,,\n")
    feed_file(path, MODEL, store, mapping)
    assert release_file(store, "m1.csv", later) == 1
    assert waiting(store) == ["point"]
