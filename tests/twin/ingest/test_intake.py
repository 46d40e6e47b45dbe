"""Whatever comes is kept or put aside: the counts add up, and order makes no difference."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.ingest.checks import EARLY
from twin.ingest.intake import Intake, Message
from twin.ingest.mapping import parse_mapping
from twin.store.embedded import EmbeddedStore
from twin.store.records import Quality

from .small_twin import (
    DAY,
    ENERGY,
    HEAT,
    HOUR,
    NOW,
    QUARTERLY,
    TEMPERATURE,
    clock,
    message,
    row,
    small_model,
    standing,
)

MODEL = small_model()

MAPPING = parse_mapping(f"""device,name,point,unit,factor,valid_from,valid_to,time
m1,energy,{ENERGY},MWh,,,2026-11-20T12:00Z,
m2,energy,{ENERGY},kWh,,2026-11-20T12:00Z,,
room,t,{TEMPERATURE},degF,,,,
pulse,p,{HEAT},kW,-2,,,arrival
any,*,b1/heat/power,W,,,,
noise,n,-,,,,,
""")


@pytest.fixture
def store(tmp_path):
    with EmbeddedStore(tmp_path / "live.sqlite") as opened:
        yield opened


@pytest.fixture
def intake(store) -> Intake:
    return Intake(MODEL, store, MAPPING, clock=clock)


def reasons(admission) -> list[str]:
    return [refused.reason for refused in admission.refused]


# -- what holds ---------------------------------------------------------------------------


def test_foreign_names_become_points_and_units_are_converted(intake, store):
    admission = intake.take(
        [
            message(
                {"device": "m1", "name": "energy", "time_us": DAY, "value": 1.5},
                {"device": "room", "name": "t", "time_us": DAY, "value": 68},
                row(HEAT, 0, 2500, "W"),
            )
        ]
    )
    assert admission.refused == ()
    kept = {one.point: one.value for one in store.since(0)}
    assert kept == {ENERGY: 1500.0, TEMPERATURE: pytest.approx(20), HEAT: 2.5}
    assert {one.source for one in store.since(0)} == {"measured"}


def test_what_the_mapping_does_not_want_is_counted_and_not_kept(intake, store):
    told = {"device": "noise", "name": "n", "time_us": DAY, "value": 1}
    assert intake.take([message(told, told)]).receipt.refused == 0
    assert (intake.unwanted, store.sequence) == (2, 0)


def test_a_gap_is_a_statement(intake, store):
    intake.take([message(row(HEAT, 0, None, "kW"))])
    assert store.since(0)[0].value is None


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(Message(b"41.2", "x", "hid/v1/me/b2/heat/power/obs"), id="topic"),
        pytest.param(message({"device": "pulse", "name": "p", "value": -20.6}), id="map"),
    ],
)
def test_arrival_counts_where_somebody_says_so(intake, store, sent):
    assert intake.take([sent]).refused == ()
    (kept,) = store.since(0)
    assert (kept.point, kept.value, kept.time) == (HEAT, 41.2, NOW)
    assert kept.quality == Quality.CLOCK


def test_arrival_is_when_the_message_says_it_came(intake, store):
    pack = b'[{"n": "room/t", "v": 68}]'
    intake.take([Message(pack, "x", arrived=DAY)])
    assert store.since(0)[0].time == DAY


def test_made_up_values_say_so_in_source_and_flag_and_may_lie_ahead(intake, store):
    intake.take([message(row(HEAT, 1000, 1, "kW", source=" Simulated"))])
    (kept,) = store.since(0)
    assert (kept.source, kept.quality) == ("simulated", Quality.SIMULATED)


@pytest.mark.parametrize("first", ["simulated", "meter"])
def test_a_store_takes_made_up_values_or_measured_ones(intake, store, first):
    second = {"simulated": "meter", "meter": "simulated"}[first]
    rows = [row(HEAT, k, 1, "kW", source=s) for k, s in enumerate((first, second))]
    assert reasons(intake.take([message(*rows)])) == ["mixed"], "in one batch too"
    assert reasons(intake.take([message(rows[1])])) == ["mixed"]
    assert store.sources() == (first,)


# -- what does not ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "reason", "told"),
    [
        (row("ghost", 0, 1, "kW"), "point", "one of the twin's"),
        (
            {"device": "m9", "name": "e", "time_us": DAY, "value": 1},
            "point",
            "must name 'e' of device 'm9'",
        ),
        (row(HEAT, 0, 1, "kWh"), "unit", "a unit of energy"),
        (row(HEAT, 0, 1, ""), "unit", "must be told"),
        (row(HEAT, 0, 1, "mw"), "unit", "small m is milli"),
        (row(HEAT, 0, -1, "kW"), "range", "0 to 20000 kW, got -1.0"),
        ({"point": HEAT, "value": 1, "unit": "kW"}, "time", "has none"),
        (
            {"point": HEAT, "time": "2026-11-20T00:00", "value": 1, "unit": "kW"},
            "time",
            "time zone",
        ),
        (
            {"point": HEAT, "time": "1999-11-20T00:00Z", "value": 1, "unit": "kW"},
            "time",
            "2000 to 2200",
        ),
        (row(HEAT, 0, "1", "kW"), "value", "finite number"),
        (row(HEAT, 0, 1, "kW", source="x" * 65), "shape", "source must be"),
        ([1], "shape", "must be an object"),
    ],
)
def test_a_row_that_does_not_hold_is_put_aside_whole(intake, store, sent, reason, told):
    good = row(HEAT, 5, 1, "kW")
    admission = intake.take([message(good, sent, origin="mqtt://x")])
    (refused,) = admission.refused
    assert (refused.reason, refused.number, refused.origin) == (reason, 1, "mqtt://x")
    assert told in refused.message
    assert refused.form == "native"
    assert json.loads(refused.payload), "it can be fed again"
    assert admission.receipt.new == 1, "the good row beside it is kept"
    assert store.quarantine()[0].payload == refused.payload


@pytest.mark.parametrize(
    ("point", "unit", "length"),
    [(HEAT, "kW", HOUR), (QUARTERLY, "m3/h", HOUR // 4), (TEMPERATURE, "degC", 0)],
)
def test_a_flow_is_known_when_its_interval_is_over(store, point, unit, length):
    """A state at its instant; clocks may be five minutes ahead."""
    start = DAY + 3 * HOUR
    for moment, holds in (
        (start + length - EARLY, True),
        (start + length - EARLY - 1, False),
    ):
        intake = Intake(MODEL, store, clock=lambda moment=moment: moment)
        admission = intake.take([message(row(point, 3, 1, unit))])
        assert reasons(admission) == ([] if holds else ["future"])


def test_a_flow_told_between_the_starts_of_intervals_is_one_at_an_instant(store):
    intake = Intake(MODEL, store, clock=lambda: DAY + 3 * HOUR + HOUR // 2)
    assert intake.take([message(row(HEAT, 3.4, 1, "kW"))]).refused == ()


def test_two_names_where_any_would_do_are_not_mixed(intake):
    rows = [{"device": "any", "name": n, "time_us": DAY, "value": 1} for n in "ab"]
    assert reasons(intake.take([message(*rows)])) == ["point"]


def test_a_mapping_to_a_point_of_another_twin_is_told(store):
    intake = Intake(
        MODEL, store, parse_mapping("device,name,point,unit\nd,n,gone/p,kW"), clock=clock
    )
    told = {"device": "d", "name": "n", "time_us": DAY, "value": 1}
    (refused,) = intake.take([message(told)]).refused
    assert "which the twin does not have" in refused.message


# -- registers and rates ------------------------------------------------------------------


def energy(hour: float, value: float, device: str = "m2") -> dict:
    time = DAY + round(hour * HOUR)
    return {"device": device, "name": "energy", "time_us": time, "value": value}


def test_a_register_must_not_run_backwards(intake):
    assert intake.take([message(energy(13, 5000), energy(14, 5001))]).refused == ()
    (refused,) = intake.take([message(energy(15, 4000), energy(16, 5002))]).refused
    assert refused.reason == "register"
    assert "got 4000 kWh" in refused.message
    assert "after 5001 at 2026-11-20T14:00:00Z" in refused.message


def test_a_late_reading_is_held_against_the_one_before_it(intake, store):
    intake.take([message(energy(13, 5000), energy(16, 5003))])
    assert reasons(intake.take([message(energy(14, 4999))])) == ["register"]
    assert intake.take([message(energy(15, 5002), energy(14, 5001))]).refused == ()
    assert [kept.value for kept in store.between(DAY, NOW)] == [5000, 5001, 5002, 5003]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(30.0, id="set back near zero"),
        pytest.param(9_700.0 - 1e-7, id="rounded on the way"),
    ],
)
def test_some_falls_are_no_faults(intake, after):
    assert intake.take([message(energy(13, 9_700), energy(14, after))]).refused == ()


def test_a_register_may_pass_its_largest_number(intake):
    assert intake.take([message(energy(13, 9_990), energy(14, 980))]).refused == ()
    assert reasons(intake.take([message(energy(15, 600))])) == ["register"]


def test_another_meter_told_by_the_mapping_may_show_less(intake):
    rows = [energy(11, 5.5, "m1"), energy(13, 3000)]
    assert intake.take([message(*rows)]).refused == ()
    assert reasons(intake.take([message(energy(14, 2900))])) == ["register"]


def test_a_quantity_cannot_change_faster_than_it_can(intake):
    def told(hour, value):
        return row(TEMPERATURE, hour, value, "degC")

    (refused,) = intake.take([message(told(1, 20), told(2, 36), told(3, 21))]).refused
    assert (refused.reason, refused.number) == ("rate", 1)
    assert intake.take([message(told(6, 50))]).refused == (), "29 K in three hours"


def test_what_was_kept_may_be_told_again_whatever_came_before_it_since(intake, store):
    kept = message(energy(14, 4000))
    intake.take([kept])
    intake.take([message(energy(13, 5000))])
    before = standing(store)
    receipt = intake.take([kept]).receipt
    assert (receipt.repeated, receipt.refused) == (1, 0)
    assert standing(store) == before


def test_another_writer_is_seen(store):
    one, other = (Intake(MODEL, store, MAPPING, clock=clock) for _ in range(2))
    one.take([message(energy(13, 5000))])
    other.take([message(energy(14, 5600))])
    assert reasons(one.take([message(energy(15, 5500))])) == ["register"]


def test_nothing_of_a_batch_that_failed_is_remembered(intake, store, monkeypatch):
    intake.take([message(energy(13, 5000))])

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(store, "append", full)
        with pytest.raises(OSError, match="No space"):
            intake.take([message(energy(14, 8000))])
    assert intake.take([message(energy(14, 6000))]).refused == ()


# -- laws ---------------------------------------------------------------------------------

BODIES = [
    message(row(HEAT, 0, 2, "kW"), energy(13, 5000)).body,
    b'{"device":"room","name":"t","time":"2026-11-20T00:00Z","value":68}\n{"value":1}\n',
    b'[{"bn":"room/","n":"t","u":"Cel","v":68,"bt":1763596800}]',
    b'{"deviceId":"d","observations":[{"sensorId":"s","value":1,'
    b'"observationTime":"2026-11-20T00:00Z"}]}',
    b'{"id":"urn:x","type":"T","p":{"type":"Property","value":3,"unitCode":"KWT",'
    b'"observedAt":"2026-11-20T00:00:00Z"}}',
    b'{"result":1,"phenomenonTime":"2026-11-20T00:00Z","Datastream":{"@iot.id":1}}',
    b'{"end_device_ids":{"dev_eui":"94193A010B000001"},"uplink_message":{"frm_payload":'
    b'"DAYFAA==","received_at":"2026-11-20T00:00:00Z"}}',
    b"12.5",
]


@st.composite
def bodies(draw) -> bytes:
    """Draw bytes of any kind, often a message that was damaged on the way."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    body = bytearray(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(body)))
        if draw(st.booleans()):
            del body[place : place + draw(st.integers(1, 9))]
        else:
            body[place:place] = draw(st.binary(max_size=4) | st.sampled_from([b"\n", b"9"]))
    return bytes(body)


@settings(max_examples=150, deadline=None)
@given(
    sent=st.lists(bodies(), min_size=1, max_size=4),
    topic=st.sampled_from(["", "hid/v1/me/b2/heat/power/obs", "v1.1/Datastreams(1)"]),
)
def test_whatever_comes_is_kept_or_put_aside(tmp_path_factory, sent, topic):
    path = tmp_path_factory.mktemp("intake") / "live.sqlite"
    with EmbeddedStore(path) as store:
        intake = Intake(MODEL, store, MAPPING, clock=clock)
        admission, by_message = intake.take_each([Message(b, "x", topic) for b in sent])
        receipt = admission.receipt
        assert receipt.refused == len(admission.refused) == sum(store.refusals().values())
        assert sum(len(one) for one in by_message) == receipt.refused
        kept = receipt.new + receipt.repeated + receipt.revised
        assert store.sequence == receipt.new + receipt.revised
        for refused in admission.refused:
            assert refused.payload or b"" in sent
        # Every message left a trace, or held nothing but answers and notes.
        alone = [intake.judge([Message(b, "x", topic)]) for b in sent]
        told = sum(one.receipt.new + one.receipt.refused for one in alone)
        assert told == kept + receipt.refused
        # Feeding everything again changes nothing of what stands.
        before = standing(store)
        intake.take([Message(b, "x", topic) for b in sent])
        assert standing(store) == before


@st.composite
def deliveries(draw):
    """Draw statements of rising registers, slow temperatures, corrections and gaps."""
    rows = []
    for point, unit, step in ((ENERGY, "kWh", 3.0), (TEMPERATURE, "degC", 0.1)):
        hours = draw(st.lists(st.integers(0, 48), unique=True, max_size=12))
        for hour in hours:
            rows.append(row(point, hour, 20 + step * hour, unit))
            if draw(st.booleans()):
                # What is meant to stand instead says so by a higher version.
                value = draw(st.sampled_from([None, 20 + step * hour + 0.01]))
                rows.append(row(point, hour, value, unit, version=draw(st.integers(1, 3))))
    hours = draw(st.lists(st.integers(0, 48), unique=True, max_size=12))
    rows += [row(HEAT, hour, hour + 0.5, "kW", quality=["estimated"]) for hour in hours]
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=deliveries(), seed=st.integers(0, 2**32), size=st.integers(1, 9))
def test_delivery_in_any_order_and_twice_converges(tmp_path_factory, rows, seed, size):
    keys = [(one["point"], one["time_us"], one.get("version", 0)) for one in rows]
    rows = [one for k, one in enumerate(rows) if keys.index(keys[k]) == k]
    chance = random.Random(seed)
    shuffled = rows + chance.choices(rows, k=len(rows) // 2) if rows else []
    chance.shuffle(shuffled)
    seen = []
    for name, order in (("clean", rows), ("shuffled", shuffled)):
        path = tmp_path_factory.mktemp(name) / "live.sqlite"
        with EmbeddedStore(path) as store:
            intake = Intake(MODEL, store, MAPPING, clock=clock)
            for start in range(0, len(order), size):
                admission = intake.take([message(*order[start : start + size])])
                assert admission.refused == ()
            seen.append((standing(store), store.latest()))
    assert seen[0][0] == seen[1][0]
    latest = [{(k.point, k.time, k.value) for k in latest} for _, latest in seen]
    assert latest[0] == latest[1]
