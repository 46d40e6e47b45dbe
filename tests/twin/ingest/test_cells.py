"""Cells of tables are read as their columns have them: numbers, words, the unwanted."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ingest.decimals import PLAIN, Dialect, numbers_of
from twin.ingest.export_words import listed
from twin.ingest.exports import Reader
from twin.ingest.files import feed_file
from twin.ingest.mapping import parse_mapping
from twin.store.embedded import EmbeddedStore
from twin.store.records import Quality

from .small_twin import HEAT, small_model

MODEL = small_model()
SEMICOLONS = Dialect(usual=",", sure=False)
POINTS = Dialect(usual=".", sure=False)


def read(cells: list[str], dialect: Dialect = SEMICOLONS):
    return numbers_of(pa.chunked_array([cells]), dialect)


@pytest.mark.parametrize(
    ("cells", "dialect", "values"),
    [
        (["1.234", "1.234,5", "7"], SEMICOLONS, [1234, 1234.5, 7]),
        (["1.234", "12.5"], SEMICOLONS, [1.234, 12.5]),
        (["1.234", "0,123"], SEMICOLONS, [1234, 0.123]),
        (["1 460,639", "1\xa0234\u202f567,5"], SEMICOLONS, [1460.639, 1234567.5]),
        (["1,234", "1,235.5"], PLAIN, [1234, 1235.5]),
        (["1.234", "5.678"], PLAIN, [1.234, 5.678]),
        (["1.234.567", "1.234"], SEMICOLONS, [1234567, 1234]),
        (["1.234"], Dialect(",", ",", sure=False), [1234]),
        (["1.234"], Dialect(".", ",", sure=False), [1.234]),
        (["-1 234", "5,5"], SEMICOLONS, [-1234, 5.5]),
        (["1,5e3", "2.000"], SEMICOLONS, [1500, 2000]),
    ],
    ids=str,
)
def test_what_one_cell_proves_holds_for_all(cells, dialect, values):
    found = read(cells, dialect)
    assert found.value.tolist() == pytest.approx(values)
    assert (found.told.all(), found.fault, found.note) == (True, "", "")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1.234,5", "12.5", "7"], "must have one decimal mark, got '12.5' and '1.234,5'"),
        (["1.234", "7"], "say --decimal"),
        (["1.234", "1,234", "7"], "say --decimal"),
    ],
    ids=["contradiction", "unlike its neighbours", "both"],
)
def test_what_may_be_read_in_two_ways_is_refused(cells, told):
    found = read(cells)
    assert told in found.fault
    assert found.told.tolist() == [False] * (len(cells) - 1) + [True]


def test_what_is_usual_is_assumed_and_said():
    for cell, dialect, value in (("1,234", SEMICOLONS, 1.234), ("1.234", POINTS, 1.234)):
        found = read([cell, "7"], dialect)
        assert found.value.tolist() == [value, 7]
        assert f"{cell!r} and the like are read with decimal" in found.note


@given(
    st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 2)), min_size=1, max_size=20),
    st.sampled_from(["", " ", ".", "\xa0"]),
)
def test_written_in_swedish_and_read_is_the_same(values, parts):
    cells = [f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", parts)
             for v in values]  # fmt: skip
    found = read(cells)
    assert found.told.all()
    assert all(math.isclose(a, b) for a, b in zip(found.value, values, strict=True))


@pytest.fixture
def feed(tmp_path):
    """Return what feeds a text as table, and gives what was kept."""

    def fed(text: str, mapping: str = f"7,kW,{HEAT},kW\n7,note,-,\n"):
        path = tmp_path / "t.csv"
        path.write_text(text)
        names = parse_mapping(f"device,name,point,unit\n{mapping}")
        with EmbeddedStore(tmp_path / "live.sqlite") as store:
            done = feed_file(path, MODEL, store, names, how=Reader(device="7"))
            return done, [(k.value, k.quality) for k in store.between(0, 2**62)]

    return fed


WHEN = [f"2026-06-01T0{k}:00Z" for k in range(6)]


@pytest.mark.parametrize("column", ["Kvalitet", "Status", "Quality"])
def test_words_of_quality_are_flags(feed, column):
    words = ["Uppmätt", "Uppskattad", "beräknad", "Saknas", "Preliminär", "ACT-17"]
    rows = [f"{t};{k},5;{w}" for k, (t, w) in enumerate(zip(WHEN, words, strict=True))]
    rows[3] = f"{WHEN[3]};;Saknas"
    done, kept = feed("\n".join([f"time;kW;{column}", *rows]))
    assert done.load.reasons == {}
    doubtful, estimated = Quality.DOUBTFUL, Quality.ESTIMATED
    assert kept == [(0.5, 0), (1.5, estimated), (2.5, estimated), (None, doubtful),
                    (4.5, doubtful), (5.5, doubtful)]  # fmt: skip
    assert any("'ACT-17'" in note for note in done.notes)


def test_words_of_quality_of_a_long_table(feed):
    rows = [f"{t},7,kW,{k},{w}" for k, (t, w) in
            enumerate(zip(WHEN, ("ok", "", "Estimated"), strict=False))]  # fmt: skip
    _, kept = feed("\n".join(["time,device,name,value,status", *rows]))
    assert [flags for _, flags in kept] == [0, 0, Quality.ESTIMATED]


def test_numbers_in_a_column_of_states_are_values(feed):
    rows = [f"{t};{k}" for k, t in enumerate(WHEN)]
    done, kept = feed("\n".join(["time;Status", *rows]), f"7,Status,{HEAT},kW\n")
    assert (done.load.reasons, len(kept)) == ({}, 6)


def test_texts_that_nobody_wants_need_be_no_numbers(feed):
    rows = [f"{t};1;some words {k}" for k, t in enumerate(WHEN)]
    done, _ = feed("\n".join(["time;kW;note", *rows]))
    assert (done.load.new, done.load.unwanted, done.load.reasons) == (6, 6, {})


def test_a_bad_value_is_named_cut_and_escaped(feed):
    odd = "x\x1b[31m" + "y" * 200
    done, _ = feed(f"time;kW\n{WHEN[0]};n/a\n{WHEN[1]};{odd}\n{WHEN[2]};1,5\n")
    assert (done.load.new, done.load.reasons) == (1, {"value": 2})
    first, second = (row.message for row in done.load.refused)
    assert "'kW' must be a number or empty, got 'n/a'" in first
    assert "\x1b" not in second
    assert len(second) < 160


def test_lists_are_cut_between_names():
    assert listed(["one", "two"]) == "one, two"
    assert listed([f"column {k}" for k in range(100)]).endswith("column 18 and 81 more")
