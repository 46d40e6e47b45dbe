"""What is judged all at once ends as if each row were looked at by itself."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.ingest.intake import Intake, Message
from twin.ingest.mapping import parse_mapping
from twin.ingest.payloads.fields import FieldError, instant
from twin.ingest.payloads.forms import decode
from twin.ingest.payloads.instants import instants
from twin.store.embedded import EmbeddedStore

from .small_twin import (
    DAY,
    ENERGY,
    HEAT,
    HOUR,
    QUARTERLY,
    TEMPERATURE,
    VOLUME,
    clock,
    small_model,
    standing,
)

MODEL = small_model()

MAPPING = parse_mapping(f"""device,name,point,unit,factor,valid_from,valid_to,time
m1,energy,{ENERGY},MWh,,,2026-11-20T12:00Z,
m2,energy,{ENERGY},kWh,,2026-11-20T12:00Z,,
room,t,{TEMPERATURE},degF,,,,
room,r,b1/indoor/temperature,degC,,,,arrival
any,*,b1/heat/power,W,,,2026-11-20T06:00Z,
any,*,b1/pv/power,W,-1,2026-11-20T06:00Z,,
noise,n,-,,,,,
gone,g,b9/heat/power,kW,,,,
""")

NAMES = [
    {"point": HEAT},
    {"point": TEMPERATURE},
    {"point": QUARTERLY},
    {"point": VOLUME},
    {"point": ENERGY},
    {"point": "b7/none/none"},
    {"device": "m1", "name": "energy"},
    {"device": "m2", "name": "energy"},
    {"device": "room", "name": "t"},
    {"device": "room", "name": "r"},
    {"device": "any", "name": "one"},
    {"device": "any", "name": "other"},
    {"device": "noise", "name": "n"},
    {"device": "gone", "name": "g"},
    {"device": "stranger", "name": "x"},
    {"point": 7},
    {},
]
TIMES = [
    *({"time_us": DAY + k * HOUR // 4} for k in range(60)),
    {"time": "2026-11-20T03:00:00Z"},
    {"time": "2026-11-20T03:30:00.25Z"},
    {"time": "2026-11-20T05:00:00+01:00"},
    {"time": "2026-11-22T14:14:59Z"},
    {"time": "2026-11-22T14:00:00Z"},
    {"time": "2026-11-22T14:15:00.1Z"},
    {"time": "2027-01-01T00:00:00Z"},
    {"time": "2026-02-30T00:00:00Z"},
    {"time": "2026-11-20 03:00"},
    {"time": None},
    {"time_us": 3},
    {},
]
VALUES = [*(20 + k / 8 for k in range(30)), 0, -0.0, -3, None, 1e9, 1e308, True, "7", [1]]
MORE = [
    *[{}] * 6,
    {"source": "bms"},
    {"source": "Simulated"},
    {"source": "simulated"},
    {"source": "x" * 65},
    {"source": None},
    {"quality": 1024},
    {"quality": ["manual"]},
    {"quality": 2, "version": 3},
    {"version": -1},
    {"version": 1},
]
UNITS = [{}, {"unit": ""}, {"unit": "kW"}, {"unit": "degC"}, {"unit": "furlong"}]


def own(name: dict) -> dict:
    """Return the unit of a point, so that most rows hold."""
    units = {
        HEAT: "kW",
        TEMPERATURE: "degC",
        QUARTERLY: "m3/h",
        VOLUME: "m3",
        ENERGY: "kWh",
    }
    return {"unit": units[name["point"]]} if name.get("point") in units else {}


@st.composite
def rows(draw):
    """Draw rows of which most hold; some messages hold none but good ones."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    odd = draw(st.sampled_from([0.0, 0.02, 0.3]))
    names = chance.sample(NAMES[:5] + NAMES[6:11], draw(st.integers(1, 4)))
    made = []
    for _ in range(draw(st.sampled_from([3, 64, 130]))):
        some = [name if chance.random() > odd else chance.choice(NAMES) for name in names]
        name = chance.choice(some)
        plain = {**name, **chance.choice(TIMES[:60]), "value": chance.choice(VALUES[:30])}
        plain |= own(name)
        for kind in (TIMES, [{"value": value} for value in VALUES], UNITS, MORE):
            if chance.random() < odd:
                plain |= chance.choice(kind)
        made.append(plain)
    return made


def told(admission) -> tuple:
    return admission.receipt, admission.refused


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(rows(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_all_at_once_is_as_one_by_one(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("stores")
    with (
        EmbeddedStore(folder / "a.sqlite") as fast,
        EmbeddedStore(folder / "b.sqlite") as slow,
    ):
        intakes = [
            Intake(MODEL, fast, MAPPING, clock=clock),
            Intake(MODEL, slow, MAPPING, clock=clock, singly=True),
        ]
        # What came before comes again at the end.
        for batch in [*batches, batches[0], *batches]:
            messages = [Message(json.dumps(some).encode(), "x") for some in batch]
            one, other = (intake.take_each(messages) for intake in intakes)
            assert told(one[0]) == told(other[0])
            assert one[1] == other[1]
        assert standing(fast) == standing(slow)
        assert fast.sources() == slow.sources()
        assert intakes[0].unwanted == intakes[1].unwanted


def test_a_table_ends_as_rows_do(tmp_path):
    """More than `twin.ingest.admission.MANY` statements go in as a table."""
    chance = random.Random(7)
    names = [HEAT, TEMPERATURE, ENERGY, VOLUME, QUARTERLY]
    made = []
    for k in range(24_000):
        point = names[k % len(names)]
        time = DAY - (k // len(names)) * HOUR // 4
        value: object = 20 + chance.random()
        if point in (ENERGY, VOLUME):
            value = 5e4 - k / 8
        if chance.random() < 0.001:
            value = chance.choice([None, 1e9, 0.0, -40.0, 35.0])
        row = {"point": point, "time_us": time, "value": value, **own({"point": point})}
        if chance.random() < 0.001:
            row["version"] = 1
        made.append(row)
    made += chance.sample(made, 300)
    chance.shuffle(made)
    with EmbeddedStore(tmp_path / "a") as fast, EmbeddedStore(tmp_path / "b") as slow:
        intakes = [
            Intake(MODEL, fast, clock=clock),
            Intake(MODEL, slow, clock=clock, singly=True),
        ]
        for some in (made[:500], made, made[100:]):
            body = Message("\n".join(map(json.dumps, some)).encode(), "x")
            one, other = (intake.take([body]) for intake in intakes)
            assert one.refused == other.refused
            assert one.receipt == other.receipt
        assert len(one.refused) > 5
        assert standing(fast) == standing(slow)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([f"2026-11-20T03:{k:02d}:00Z" for k in range(60)]),
            st.text("0123456789-:TZ+. ", min_size=17, max_size=27),
            st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
        ),
        min_size=1,
        max_size=130,
    )
)
def test_times_at_once_are_as_one_by_one(texts):
    try:
        expected = [instant(text) for text in texts]
    except FieldError:
        expected = None
    assert instants(texts) == expected


@pytest.mark.parametrize("digits", range(7))
def test_plain_times_at_once(digits):
    chance = random.Random(digits)
    fraction = "." + "".join(chance.choices("0123456789", k=digits)) if digits else ""
    texts = [
        f"{chance.randrange(2000, 2200)}-{chance.randrange(1, 13):02d}"
        f"-{chance.randrange(1, 29):02d}T{chance.randrange(24):02d}"
        f":{chance.randrange(60):02d}:{chance.randrange(60):02d}{fraction}Z"
        for _ in range(300)
    ]
    assert instants(texts) == [instant(text) for text in texts]
    for bad in ("2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-04-31"):
        assert instants([*texts, f"{bad}T00:00:00{fraction}Z"]) is None


@given(rows())
def test_rows_that_are_alike_are_read_as_each_by_itself(made):
    together = decode(json.dumps(made).encode())
    if together.form != "native":
        return
    single = [
        decode(json.dumps([{"point": "p", "value": 0}, one]).encode()) for one in made
    ]
    assert together.readings == [reading for one in single for reading in one.readings[1:]]
    assert [row.message for row in together.refused] == [
        row.message for one in single for row in one.refused
    ]


@given(rows())
def test_a_table_by_columns_says_what_its_rows_say(made):
    keys = ("point", "time_us", "value", "unit")
    # A list as value would make the row a table.
    made = [row for row in made if {*row} == {*keys} and row["value"] != [1]]
    if not made:
        return
    table = {name: [row[name] for row in made] for name in keys}
    one, other = (decode(json.dumps(told).encode()) for told in (table, made))
    assert one.readings == other.readings
    assert [row.message for row in one.refused] == [row.message for row in other.refused]
