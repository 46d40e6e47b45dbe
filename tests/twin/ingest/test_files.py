"""Files of many kinds go in by what stands in them, once, and nothing of them is lost."""

import csv
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import SourceError, TableError
from twin.ingest.checks import microseconds
from twin.ingest.exports import Reader
from twin.ingest.files import feed_file
from twin.ingest.local_time import Label
from twin.ingest.mapping import parse_mapping
from twin.ingest.sheet import MOST_REFUSED
from twin.store.embedded import EmbeddedStore
from twin.store.records import Quality

from .small_twin import (
    DAY,
    ENERGY,
    HEAT,
    HOUR,
    QUARTERLY,
    TEMPERATURE,
    VOLUME,
    row,
    small_model,
    standing,
)

MODEL = small_model()
SWEDISH = Reader(zone="Europe/Stockholm")


@pytest.fixture
def store(tmp_path):
    with EmbeddedStore(tmp_path / "live.sqlite") as opened:
        yield opened


def utc(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def times(count: int) -> list[str]:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    return [f"{start + timedelta(hours=k):%Y-%m-%dT%H:%MZ}" for k in range(count)]


def mapped(text: str):
    return parse_mapping("device,name,point,unit,factor,valid_from,valid_to,time\n" + text)


# -- forms of tables ----------------------------------------------------------------------


def test_a_long_table_names_points_or_devices(store, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "Time,point,device,name,Value,unit,version\n"
        f"{times(1)[0]},{HEAT},,,1.5,kW,\n"
        f"{times(1)[0]},,d7,t,68,degF,2\n"
        f"{times(2)[1]},,d7,t,,degF,\n"
    )
    load = feed_file(path, MODEL, store, mapped(f"d7,t,{TEMPERATURE},,,,,")).load
    assert (load.new, load.reasons) == (3, {})
    kept = [(k.point, k.time, k.value, k.version) for k in store.between(0, 2**62)]
    assert kept == [
        (HEAT, DAY, 1.5, 0),
        (TEMPERATURE, DAY, pytest.approx(20), 2),
        (TEMPERATURE, DAY + HOUR, None, 0),
    ]


def test_a_wide_table_has_a_series_in_each_column(store, tmp_path):
    path = tmp_path / "meter-7.csv"
    path.write_text(f"time,{HEAT},T (degF)\n{times(1)[0]},1.5,68\n{times(2)[1]},2.5,\n")
    mapping = mapped(f"meter-7,T (degF),{TEMPERATURE},,,,,")
    load = feed_file(path, MODEL, store, mapping, how=Reader(unit="kW")).load
    assert (load.new, load.reasons) == (4, {})
    assert [k.value for k in store.between(0, 2**62)] == [1.5, 2.5, pytest.approx(20), None]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_a_swedish_export(store, tmp_path, encoding):
    """Semicolons, decimal commas, letters of Windows, local time over a 25 h day."""
    wall = ["2025-10-26 01:00", "2025-10-26 02:00", "2025-10-26 02:00", "2025-10-26 03:00"]
    shown = ["1 234,5", "1234,75", "1.235,25", "1236"]
    lines = ["Tid;Värme (MWh);Mätare"]
    lines += [f"{when};{value};å7" for when, value in zip(wall, shown, strict=True)]
    path = tmp_path / "export.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    mapping = mapped(f"å7,Värme (MWh),{ENERGY},,,,,")
    load = feed_file(path, MODEL, store, mapping, how=SWEDISH).load
    assert (load.new, load.reasons) == (4, {})
    kept = [(k.time, k.value) for k in store.between(0, 2**62)]
    start = utc("2025-10-25T23:00")
    expected = [1_234_500, 1_234_750, 1_235_250, 1_236_000]
    assert kept == [(start + k * HOUR, value) for k, value in enumerate(expected)]


def test_labels_of_the_end_become_starts_over_a_day_of_23_hours(store, tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(
        "Tid;e\n2026-03-29 01:00;1,5\n2026-03-29 03:00;2,5\n2026-03-29 04:00;3,5\n"
    )
    how = Reader(zone="Europe/Stockholm", label=Label.END)
    feed_file(path, MODEL, store, mapped(f"e,e,{HEAT},kW,,,,"), how=how)
    kept = [k.time for k in store.between(0, 2**62)]
    assert kept == [utc("2026-03-28T23:00") + k * HOUR for k in range(3)]


def test_local_times_without_a_zone_are_put_aside(store, tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("Tid;e\n2026-03-29 01:00;1,5\n")
    load = feed_file(path, MODEL, store, mapped(f"e,e,{HEAT},kW,,,,")).load
    assert (load.new, load.reasons) == (0, {"time": 1})
    assert "--zone Europe/Stockholm" in load.refused[0].message


@pytest.mark.parametrize("zone", ["UTC", None])
def test_parquet(store, tmp_path, zone):
    path = tmp_path / "p.parquet"
    when = pd.date_range("2026-11-20 01:00", periods=3, freq="h", tz=zone, unit="us")
    pd.DataFrame({"time": when, "q": [1.0, np.nan, 3.0]}).to_parquet(path)
    how = Reader(zone="" if zone else "Europe/Stockholm")
    load = feed_file(path, MODEL, store, mapped(f"p,q,{HEAT},kW,,,,"), how=how).load
    assert (load.new, load.reasons) == (3, {})
    first = DAY + (HOUR if zone else 0)
    assert [k.time for k in store.between(0, 2**62)] == [first + k * HOUR for k in range(3)]


def test_one_column_to_one_point(store, tmp_path):
    path = tmp_path / "any.csv"
    path.write_text(f"time;effect;other\n{times(1)[0]};1,5;x\n")
    how = Reader(column="effect", device="*")
    load = feed_file(path, MODEL, store, mapped(f"*,effect,{HEAT},kW,,,,"), how=how).load
    assert (load.new, load.reasons) == (1, {})


# -- messages in files --------------------------------------------------------------------


def test_a_dump_with_a_document_on_each_line(store, tmp_path):
    path = tmp_path / "dump.ndjson"
    entity = {"id": "urn:room", "type": "Room"}
    lines = [
        {**entity, "t": {"type": "Property", "value": 20 + k / 10, "observedAt": when}}
        for k, when in enumerate(times(20))
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n{broken\n")
    fed = feed_file(path, MODEL, store, mapped(f"urn:room,t,{TEMPERATURE},degC,,,,"))
    assert fed.form == "ngsi-lines"
    assert (fed.load.new, fed.load.reasons) == (20, {"shape": 1})


def test_a_message_of_edge_on_each_line(store, tmp_path):
    path = tmp_path / "dump.json"
    lines = [
        {
            "deviceId": "d",
            "observations": [{"sensorId": "s", "observationTime": t, "value": 3.5}],
        }
        for t in times(5)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    load = feed_file(path, MODEL, store, mapped(f"d,s,{HEAT},kW,,,,")).load
    assert (load.new, load.reasons) == (5, {})


# -- laws ---------------------------------------------------------------------------------


def big(path, hours: int = 3000) -> None:
    """Write a table with all kinds of points, long enough to be loaded as a whole."""
    steps = np.arange(hours)
    when = pd.date_range("2026-03-01", periods=hours, freq="h", tz="UTC")
    points = {
        HEAT: 5 + steps % 7,
        TEMPERATURE: 20 + np.sin(steps / 5),
        ENERGY: 100 + steps * 5.0,
        VOLUME: 10 + steps * 0.1,
        QUARTERLY: 0.5 + steps % 3,
    }
    names = [f"{point}" for point in points]
    units = dict(zip(names, ("kW", "degC", "kWh", "m3", "m3/h"), strict=True))
    parts = [
        pd.DataFrame({"time": when, "point": name, "value": value, "unit": units[name]})
        for name, value in points.items()
    ]
    pd.concat(parts * 2).iloc[: hours * 8].to_parquet(path)


def test_feeding_again_adds_nothing(store, tmp_path):
    path = tmp_path / "big.parquet"
    big(path)
    first = feed_file(path, MODEL, store).load
    assert (first.new, first.repeated, first.reasons) == (15_000, 9_000, {})
    before = standing(store)
    again = feed_file(path, MODEL, store).load
    assert (again.new, again.repeated, again.revised) == (0, 24_000, 0)
    assert standing(store) == before


def test_a_file_and_messages_come_to_the_same(tmp_path):
    """Fast equals slow: the same rows, with faults among them, by both ways."""
    rows = [row(ENERGY, hour, 100 + hour, "kWh") for hour in range(40)]
    rows += [row(TEMPERATURE, hour, 20 + hour % 3, "degC") for hour in range(40)]
    rows[7]["value"], rows[50]["value"] = 3, 99
    rows[20]["value"], rows[55]["value"] = -1, 45
    both = []
    for name in ("rows.csv", "rows.json"):
        path = tmp_path / name
        if name.endswith("csv"):
            pd.DataFrame(rows).to_csv(path, index=False)
        else:
            path.write_text(json.dumps(rows))
        with EmbeddedStore(tmp_path / f"{name}.sqlite") as s:
            load = feed_file(path, MODEL, s).load
            both.append((standing(s), dict(s.refusals()), load.reasons))
    assert both[0] == both[1]
    assert both[0][1] == {"range": 2, "rate": 1, "register": 1}


def test_a_dry_run_writes_nothing(store, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(
        f"time,point,value,unit\n{times(1)[0]},{HEAT},1,kW\n{times(1)[0]},x,1,kW\n"
    )
    load = feed_file(path, MODEL, store, dry=True).load
    assert (load.new, load.reasons) == (1, {"point": 1})
    assert (store.sequence, store.quarantine()) == (0, [])


def test_many_faults_alike_are_counted_and_few_are_kept(store, tmp_path):
    count = MOST_REFUSED + 500
    when = pd.date_range("2026-01-01", periods=count, freq="h", tz="UTC")
    path = tmp_path / "f.parquet"
    pd.DataFrame({"time": when, "point": HEAT, "value": -5.0, "unit": "kW"}).to_parquet(
        path
    )
    load = feed_file(path, MODEL, store).load
    assert (load.new, load.reasons) == (0, {"range": count})
    assert len(store.quarantine(count=10_000)) == MOST_REFUSED + 1


def test_a_mapping_that_begins_within_the_file_cuts_it(store, tmp_path):
    path = tmp_path / "c.csv"
    lines = [f"{when},{k + 1}" for k, when in enumerate(times(10))]
    path.write_text("time,e\n" + "\n".join(lines))
    mapping = mapped(
        f"c,e,{HEAT},kW,,2026-11-20T03:00Z,2026-11-20T06:00Z,\n"
        "c,e,-,,,2026-11-20T06:00Z,2026-11-20T08:00Z,"
    )
    load = feed_file(path, MODEL, store, mapping).load
    assert (load.new, load.unwanted, load.reasons) == (3, 2, {"point": 5})
    assert load.rows == 10


def test_a_register_that_stands_out_is_put_aside_when_cleaning(store, tmp_path):
    """Else one reading too high makes all after it seem to run backwards."""
    path = tmp_path / "c.csv"
    shown = [100.0 + k for k in range(30)]
    shown[10] = 150.0
    lines = [f"{when},{value}" for when, value in zip(times(30), shown, strict=True)]
    path.write_text("time,e\n" + "\n".join(lines))
    mapping = mapped(f"c,e,{ENERGY},kWh,,,,")
    with EmbeddedStore(tmp_path / "plain.sqlite") as plain:
        assert feed_file(path, MODEL, plain, mapping).load.reasons == {"register": 19}
    load = feed_file(path, MODEL, store, mapping, clean=True).load
    assert load.reasons == {"register": 1}
    assert load.new == 29
    assert "150 kWh stands out" in load.findings[0].message


def test_a_sensor_that_stands_still_or_leaps_is_flagged_when_cleaning(store, tmp_path):
    path = tmp_path / "c.csv"
    values = [20 + 0.1 * (k % 5) for k in range(80)]
    values[10] = 30.0
    values[40:70] = [21.0] * 30
    lines = [f"{when},{v}" for when, v in zip(pd.date_range(
        "2026-03-01", periods=80, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%MZ"),
        values, strict=True)]  # fmt: skip
    path.write_text("time,t\n" + "\n".join(lines))
    load = feed_file(
        path, MODEL, store, mapped(f"c,t,{TEMPERATURE},degC,,,,"), clean=True
    ).load
    assert (load.new, load.reasons) == (80, {})
    quality = [k.quality for k in store.between(0, 2**62)]
    assert quality[10] == Quality.SPIKE
    assert quality[40:70] == [Quality.STUCK] * 30
    assert sum(map(bool, quality)) == 31
    assert {f.kind.value for f in load.findings} == {"spike", "stuck"}


# -- files that cannot be read ------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"hello", "must be a table, a message"),
        (b"a,b\n1,2\n", "must have a column of times"),
        (b"time,time\n1,2\n", "names of their own"),
        (b"time,source\n", None),
        (b"PAR1 and no more", "must be a Parquet file"),
        (b"\x00\x01,\x02\n\x00,", "must be a table"),
        (b'time,value,point\n"2026', None),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(store, tmp_path, content, told):
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    if told is None:
        assert feed_file(path, MODEL, store).load.new == 0
        return
    with pytest.raises((TableError, SourceError), match=told):
        feed_file(path, MODEL, store)


def test_a_missing_file_is_told(store, tmp_path):
    with pytest.raises(SourceError, match="must be readable"):
        feed_file(tmp_path / "none.csv", MODEL, store)


def test_sources_and_flags_of_a_table_are_held_against_the_same_rules(store, tmp_path):
    path = tmp_path / "s.csv"
    line = f"{times(1)[0]},{HEAT},1,kW"
    long = "x" * 65
    path.write_text(
        f"time,point,value,unit,source,quality\n{line},bms,1\n{line},{long},\n{line},,\n"
    )
    load = feed_file(path, MODEL, store).load
    assert (load.new, load.revised, load.reasons) == (1, 1, {"shape": 1})
    assert store.sources() == ("bms", "measured")
    path.write_text(f"time,point,value,unit,quality\n{line},99999\n")
    with pytest.raises(TableError, match="quality must hold whole numbers up to"):
        feed_file(path, MODEL, store)


def test_made_up_tables_stay_alone(store, tmp_path):
    path = tmp_path / "s.csv"
    ahead = "2090-01-01T00:00Z"
    path.write_text(f"time,point,value,unit,source\n{ahead},{HEAT},1,kW,Simulated\n")
    assert feed_file(path, MODEL, store).load.new == 1
    (kept,) = store.since(0)
    assert (kept.source, kept.quality) == ("simulated", Quality.SIMULATED)
    path.write_text(f"time,point,value,unit,source\n{times(1)[0]},{HEAT},1,kW,bms\n")
    assert feed_file(path, MODEL, store).load.reasons == {"mixed": 1}


CELLS = st.sampled_from(
    ["", "1", "1,5", "-999", "x", '"', "2026-03-29 02:30", "2026-10-25 02:00", times(1)[0],
     HEAT, TEMPERATURE, "kW", "degC", "nan", "1e400", "\0", "å", "m7"]
)  # fmt: skip
HEADS = st.sampled_from(
    [
        "time",
        "Tid",
        "value",
        "point",
        "device",
        "name",
        "unit",
        "version",
        HEAT,
        "e [kW]",
        "",
    ]
)


@settings(max_examples=120, deadline=None)
@given(
    heads=st.lists(HEADS, min_size=1, max_size=5),
    lines=st.lists(st.lists(CELLS, max_size=6), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]),
    cut=st.integers(0, 400),
    clean=st.booleans(),
)
def test_no_table_whatever_does_more_than_be_told(
    tmp_path_factory, heads, lines, delimiter, encoding, cut, clean
):
    """What holds is kept, what does not is put aside or told: the counts add up."""
    folder = tmp_path_factory.mktemp("fuzz")
    text = "\n".join(delimiter.join(cells) for cells in [heads, *lines])
    path = folder / "f.csv"
    path.write_bytes(text.encode(encoding)[: cut or None])
    with EmbeddedStore(folder / "live.sqlite") as opened:
        for _ in range(2):
            try:
                load = feed_file(path, MODEL, opened, how=SWEDISH, clean=clean).load
            except (TableError, SourceError):
                assert opened.sequence == 0
                return
            assert opened.sequence == load.new + load.revised or load.new == 0
        assert (load.new, load.revised) == (0, 0), "the second time nothing is new"


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200), prefix=st.sampled_from([b"", b"PAR1", b"{", b"["]))
def test_no_bytes_whatever_do_more_than_be_told(tmp_path_factory, content, prefix):
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "f"
    path.write_bytes(prefix + content)
    with EmbeddedStore(folder / "live.sqlite") as opened:
        try:
            load = feed_file(path, MODEL, opened).load
        except (TableError, SourceError):
            assert opened.refusals() == {}
            return
        assert sum(opened.refusals().values()) == sum(load.reasons.values())


# -- real files ---------------------------------------------------------------------------

DANISH = mapped(
    f"660,energy_heat_kwh,{ENERGY},kWh,,,,\n660,volume_flow_m3,{VOLUME},m3,,,,\n"
    "660,inlet_flow_energy_m3xC,-,,,,,\n660,back_flow_energy_m3xC,-,,,,,\n"
    "660,customer_id,-,,,,,\n"
    "660,forward_temperature,b2/heat-2/supply_temperature,degC,,,,\n"
    "660,return_temperature,b2/heat-2/return_temperature,degC,,,,"
)


@pytest.mark.real
def test_a_danish_heat_meter_goes_in_and_is_explained(store, shared_data):
    path = shared_data / "meters" / "danish_district_heat_meter_hourly.csv"
    with path.open() as file:
        lines = sum(1 for _ in csv.reader(file)) - 1
    fed = feed_file(path, MODEL, store, DANISH, clean=True)
    assert (fed.load.new, fed.load.unwanted, fed.load.reasons) == (
        2 * lines,
        3 * lines,
        {},
    )
    spikes = [f.message for f in fed.load.findings if "761 degC" in f.message]
    assert len(spikes) == 1
    assert "the registers count in steps" in spikes[0]
    warm = store.between(0, 2**62, points=["b2/heat-2/supply_temperature"])
    values = [kept.value for kept in warm if kept.value is not None]
    assert 40 < min(values) < max(values) < 110
    again = feed_file(path, MODEL, store, DANISH, clean=True)
    assert (again.load.new, again.load.revised) == (0, 0)


STATION = "urn:ngsi-ld:Device:device-0A3478"
SAMPLES = mapped(
    "\n".join(
        f"{device},{name},{point},{unit},,,,{time}"
        for device, name, point, unit, time in (
            (STATION, "temperature", "weather/air_temperature", "degC", ""),
            (STATION, "atmosphericPressure", "weather/pressure", "hPa", ""),
            (STATION, "relativeHumidity", "weather/relative_humidity", "1", ""),
            (STATION, "windSpeed", "weather/wind_speed", "m/s", ""),
            ("urn:ngsi-ld:Device:device-9845A", "t", TEMPERATURE, "degC", "arrival"),
        )
    )
)


@pytest.mark.real
def test_samples_of_context_brokers_are_kept_or_put_aside_whole(store, shared_data):
    forms = {}
    for path in sorted((shared_data / "iot").iterdir()):
        fed = feed_file(path, MODEL, store, SAMPLES)
        assert fed.load.rows > 0, path.name
        forms[path.name] = fed.form
    assert set(forms.values()) == {"ngsi", "sensorthings"}
    kept = {k.point: k.value for k in store.latest()}
    assert kept["weather/air_temperature"] == 3.3
    assert kept["weather/pressure"] == 938.9
    assert kept["weather/relative_humidity"] == 100.0
    assert kept[TEMPERATURE] == 21.2
    # The four spellings of one observation are one statement.
    assert len(store.between(0, 2**62, points=["weather/wind_speed"])) == 1
    assert store.refusals()["point"] > 0
    assert all(one.payload and one.form for one in store.quarantine(count=1000))
    before = standing(store)
    for path in sorted((shared_data / "iot").iterdir()):
        assert feed_file(path, MODEL, store, SAMPLES).load.new == 0
    assert standing(store) == before
