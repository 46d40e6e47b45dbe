"""What the mapping tells of a meter is held against its readings, by every way in."""

import pytest

from gis.errors import TableError
from twin.ingest.files import feed_file
from twin.ingest.intake import Intake
from twin.ingest.mapping import parse_mapping
from twin.store.embedded import EmbeddedStore
from twin.store.records import Quality

from .small_twin import DAY, ENERGY, HOUR, TEMPERATURE, clock, message, small_model

MODEL = small_model()
HEADER = "device,name,point,unit,factor,offset,digits,most"


def mapped(line: str):
    return parse_mapping(f"{HEADER}\nm,e,{line}\n")


def by_message(store, mapping, told, folder, *, singly=False):
    intake = Intake(MODEL, store, mapping, clock=clock, singly=singly)
    rows = [
        {"device": "m", "name": "e", "time_us": DAY + hour * HOUR, "value": value}
        for hour, value in told
    ]
    # Many enough that they are judged at once.
    return [row.reason for row in intake.take([message(*rows, *rows * 40)]).refused]


def by_file(store, mapping, told, folder):
    path = folder / "m.csv"
    lines = [f"m,e,2026-11-20T{hour:02d}:00Z,{value}" for hour, value in told]
    path.write_text("\n".join(["device,name,time,value", *lines]))
    load = feed_file(path, MODEL, store, mapping).load
    return [reason for reason, count in load.reasons.items() for _ in range(count)]


@pytest.mark.parametrize("way", [by_message, by_file])
@pytest.mark.parametrize(
    ("line", "told", "reasons"),
    [
        pytest.param(",kWh,,,,", (95_000, 4_000), [], id="any power of ten may be its end"),
        pytest.param(",kWh,,,5,", (95_000, 4_000), [], id="it has five digits"),
        pytest.param(",kWh,,,6,", (95_000, 4_000), ["register"], id="it has six"),
        pytest.param(",kWh,,,5,", (85_000, 4_000), ["register"], id="not near its end"),
        pytest.param(",kWh,,,5,20000", (85_000, 4_000), [], id="near enough for its rate"),
        pytest.param(",kWh,,,5,8999", (95_000, 4_000), ["register"], id="not for this one"),
        pytest.param(",Wh,10,,5,", (99_000, 2_000), [], id="in pulses of 10 Wh"),
        pytest.param(",Wh,10,,6,", (99_000, 2_000), ["register"], id="of six digits"),
        pytest.param(",MWh,,,3,", (980, 20), [], id="digits are those of the unit"),
        pytest.param(",kWh,,7,5,", (99_990, 500), [], id="with an offset"),
        pytest.param(",kWh,,,,10", (100, 110), [], id="as fast as it can"),
        pytest.param(",kWh,,,,10", (100, 110.5), ["rate"], id="faster"),
        pytest.param(",Wh,,,,10", (100, 110.5), ["rate"], id="the rate is of the unit too"),
    ],
)
def test_a_register_knows_its_digits_and_its_rate(tmp_path, way, line, told, reasons):
    with EmbeddedStore(tmp_path / "live.sqlite") as store:
        found = way(store, mapped(f"{ENERGY}{line}"), list(enumerate(told)), tmp_path)
        assert sorted(set(found)) == reasons
        assert (store.sequence == 2) == (not reasons)


def test_a_rate_holds_for_states_too_and_over_long_gaps_for_longer(tmp_path):
    mapping = mapped(f"{TEMPERATURE},degF,,,,1.8")
    with EmbeddedStore(tmp_path / "live.sqlite") as store:
        told = [(0, 68), (1, 69.8), (2, 72), (5, 75.2)]
        found = by_message(store, mapping, told, tmp_path, singly=True)
        assert set(found) == {"rate"}
        assert len(store.between(0, 2**62)) == 3, "1 K an hour, and 3 K in four"


@pytest.mark.parametrize(("digits", "flag"), [("5", Quality.ROLLOVER), ("", Quality.RESET)])
def test_cleaning_tells_a_roll_over_from_a_new_meter(tmp_path, digits, flag):
    path = tmp_path / "m.csv"
    values = [99_960 + 10 * k for k in range(4)] + [10 * k for k in range(4)]
    lines = [f"m,e,2026-11-20T{k:02d}:00Z,{value}" for k, value in enumerate(values)]
    path.write_text("\n".join(["device,name,time,value", *lines]))
    with EmbeddedStore(tmp_path / "live.sqlite") as store:
        mapping = mapped(f"{ENERGY},kWh,,,{digits},")
        load = feed_file(path, MODEL, store, mapping, clean=True).load
        assert not load.reasons
        flags = [kept.quality for kept in store.between(0, 2**62)]
    assert flags == [0, 0, 0, 0, flag, 0, 0, 0]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (",,0,", "digits must be a whole number of 1 to 15, got '0'"),
        (",,16,", "digits must be"),
        (",,-3,", "digits must be"),
        (",,5.5,", "digits must be"),
        (",,\u0665,", "digits must be"),
        (",,,0", "most must be above 0"),
        (",,,-1", "most must be above 0"),
        (",,,inf", "most must be a number"),
    ],
)
def test_limits_that_do_not_hold_are_told(cells, why):
    with pytest.raises(TableError, match="line 2") as told:
        mapped(f"{ENERGY},kWh,{cells}")
    assert why in str(told.value)


def test_files_without_limits_are_valid():
    target = parse_mapping("device,name,point,unit\nm,e,p,kWh\n").find("m", "e", 0)
    assert (target.digits, target.most) == (0, 0.0)
    lines = ("device;name;point;unit;digits;most", f"m;e;{ENERGY};kWh;6;1,5", "")
    mapping = parse_mapping("\n".join(lines))
    assert mapping.find("m", "e", 0).most == 1.5
