"""What was packed comes back to the last bit, here and on the server."""

import math
import struct

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import SourceError
from twin.store.columns import FOREVER
from twin.store.postgres import PostgresStore
from twin.store.postgres_packing import (
    HEADER,
    checked_head,
    lines_of,
    numbers_at,
    pack_numbers,
    pack_same,
    pack_values,
    unpack_numbers,
    unpack_values,
)
from twin.store.postgres_packs import FIRST_MONTH, LAST_MONTH, SIZE, _bounds, month_edges
from twin.store.postgres_schema import schema_of

MINUTE = 60_000_000
NOW = 1_767_225_600_000_000  # 2026-01-01T00:00Z
LEAST, MOST = -(2**63), 2**63 - 1

WHOLE = st.one_of(st.integers(LEAST, MOST), st.integers(-300, 300), st.sampled_from([0, 7]))
VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**6), 10**6).map(lambda whole: whole / 100),
    st.integers(250, 257).map(float),
).map(lambda value: value + 0.0)

NUMBERS = {
    "one": [5],
    "all the same": [-3] * 9,
    "a straight line": list(range(10, 900, 7)),
    "the ends of the range": [LEAST, MOST, 0, MOST, LEAST],
    "one byte": [0, 255, 3],
    "two bytes": [0, 256, 9],
    "minutes with a day missing": [
        NOW + MINUTE * k for k in (*range(60), *range(1500, 1600))
    ],
}
MEASURES = {
    "no value at all": [math.nan] * 3,
    "gaps among decimals": [20.25, math.nan, 20.5, math.nan],
    "as many as a byte holds, and a gap": [0.0, 254.0, 255.0, math.nan],
    "the same, and a gap": [2.5, 2.5, math.nan],
    "no decimals": [0.1 + 0.2, math.pi, -1e-300, 5e-324],
    "what is not finite": [math.inf, -math.inf, 1.0],
    "the largest": [1.7976931348623157e308, 2.0**53 + 2],
    "smallest normal ones": [2.2250738585072014e-308, -2.2250738585072009e-308],
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_numbers_come_back(numbers):
    assert unpack_numbers(pack_numbers(np.array(numbers))).tolist() == numbers


@given(st.lists(WHOLE, min_size=1, max_size=40))
def test_any_numbers_come_back(numbers):
    assert unpack_numbers(pack_numbers(np.array(numbers, np.int64))).tolist() == numbers


@pytest.mark.parametrize("values", MEASURES.values(), ids=MEASURES)
def test_values_come_back(values):
    assert bits(unpack_values(pack_values(np.array(values)))) == bits(values)


@given(st.lists(VALUES, min_size=1, max_size=40))
def test_any_values_come_back(values):
    assert bits(unpack_values(pack_values(np.array(values)))) == bits(values)


def bits(values) -> list[bytes]:
    """Return values as they lie in memory; every gap alike."""
    return [b"gap" if value != value else struct.pack("<d", value) for value in values]


def test_what_is_regular_takes_no_room():
    minutes = NOW + MINUTE * np.arange(SIZE)
    assert len(pack_numbers(minutes)) == len(pack_same(7, SIZE)) == HEADER.size
    hundredths = np.round(np.random.default_rng(0).normal(20.0, 5.0, SIZE), 2)
    assert len(pack_values(hundredths)) == HEADER.size + 2 * SIZE
    holed = np.delete(minutes, slice(100, 2000))
    assert len(pack_numbers(holed)) == HEADER.size + len(holed), "counted in holes"


@given(st.lists(st.lists(WHOLE, min_size=1, max_size=40), min_size=1, max_size=9))
def test_single_numbers_are_those_of_the_whole(columns):
    packed = [pack_numbers(np.array(numbers, np.int64)) for numbers in columns]
    for place in (0, -1):
        told = picked(packed, [place % len(numbers) for numbers in columns])
        assert told.tolist() == [numbers[place] for numbers in columns]


@given(st.lists(st.lists(VALUES, min_size=1, max_size=40), min_size=1, max_size=9))
def test_single_values_are_those_of_the_whole(columns):
    packed = [pack_values(np.array(values)) for values in columns]
    for place in (0, -1):
        told = picked(packed, [place % len(values) for values in columns])
        assert bits(told) == bits(values[place] for values in columns)


@pytest.mark.parametrize("values", MEASURES.values(), ids=MEASURES)
def test_each_single_value_is_that_of_the_whole(values):
    packed = [pack_values(np.array(values))] * len(values)
    assert bits(picked(packed, range(len(values)))) == bits(values)


def picked(packed: list[bytes], rows) -> np.ndarray:
    """Return one number of each packed column."""
    lines = lines_of(b"".join(checked_head(data) for data in packed))
    return numbers_at(lines, packed, np.array(rows))


@pytest.mark.parametrize("place", [0, 4, 5, 8, 15, 33, 40, -1])
def test_a_damaged_byte_is_told(place):
    data = bytearray(pack_numbers(np.array([3, 1, 4, 1, 5, 9, 2, 6])))
    data[place] ^= 16
    with pytest.raises(SourceError, match="damaged"):
        unpack_numbers(bytes(data))
    with pytest.raises(SourceError, match="damaged"):
        unpack_values(bytes(data))
    with pytest.raises(SourceError, match="damaged"):
        checked_head(bytes(data))


@pytest.mark.parametrize("length", [0, 20, 39])
def test_what_is_cut_off_is_told(length):
    with pytest.raises(SourceError, match="damaged"):
        unpack_numbers(pack_numbers(np.array([3, 1, 4, 1]))[:length])


# -- months -----------------------------------------------------------------------------


def test_months_follow_each_other_without_gap():
    first = int(np.datetime64(f"{FIRST_MONTH[0]}-01-01", "us").astype(np.int64))
    number, edges = month_edges(first, first + 400 * 1440 * MINUTE)
    months = np.datetime64(f"{FIRST_MONTH[0]}-01", "M") + np.arange(1, 14)
    assert number == 12 * (FIRST_MONTH[0] - 1970)
    assert edges.tolist() == months.astype("datetime64[us]").astype(np.int64).tolist()


def test_wild_clocks_make_no_months_at_will():
    low, edges = month_edges(-(2**62), 2**62)
    assert low == 12 * (FIRST_MONTH[0] - 1970) - 1
    assert len(edges) == 12 * (LAST_MONTH[0] - FIRST_MONTH[0]) + 1
    assert month_edges(2**61, 2**62)[0] == low + len(edges)


def test_packs_hold_one_point_and_month_and_not_too_much():
    point = np.repeat([1, 2], [3, SIZE + 5])
    time = np.concatenate([[NOW - 1, NOW, NOW + 1], NOW + np.arange(SIZE + 5)])
    starts, months = _bounds(point, time)
    assert starts == [0, 1, 3, 3 + SIZE, 3 + SIZE + 5]
    january = 12 * 56
    assert months == [january - 1, january, january, january]


# -- the same on the server -------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacker(postgres_server):
    """Return a function that lets the server unpack, as a list."""
    twin = "test of unpacking"
    with (
        PostgresStore(postgres_server.address, twin=twin),
        psycopg.connect(postgres_server.address, autocommit=True) as connection,
    ):
        connection.execute(f'SET search_path = "{schema_of(twin)}"')
        yield lambda function, data: connection.execute(
            f"SELECT {function}(%s)", (data,), binary=True
        ).fetchone()[0]
    postgres_server.drop([twin])


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_the_server_unpacks_the_same_numbers(unpacker, numbers):
    assert unpacker("numbers", pack_numbers(np.array(numbers))) == numbers


@pytest.mark.parametrize("values", MEASURES.values(), ids=MEASURES)
def test_the_server_unpacks_the_same_values(unpacker, values):
    told = unpacker("measures", pack_values(np.array(values)))
    assert bits(math.nan if v is None else v for v in told) == bits(values)


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(WHOLE, min_size=1, max_size=9), values=st.lists(VALUES, min_size=1))
def test_the_server_unpacks_anything(unpacker, numbers, values):
    assert unpacker("numbers", pack_numbers(np.array(numbers, np.int64))) == numbers
    told = unpacker("measures", pack_values(np.array(values)))
    assert bits(math.nan if v is None else v for v in told) == bits(values)
    assert FOREVER in unpacker("numbers", pack_same(FOREVER, 2))
