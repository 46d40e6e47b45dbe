"""Prove how the columns of tables are understood."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.attributes import as_text, feature_names, given_ids, parse_number, read_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("12", 12.0, id="whole"),
        pytest.param("12.5", 12.5, id="point"),
        pytest.param("12,5", 12.5, id="comma"),
        pytest.param(" 12,5 m ", 12.5, id="unit and blanks"),
        pytest.param("12.5m", 12.5, id="unit at once"),
        pytest.param("7 meter", 7.0, id="word"),
        pytest.param("~9", 9.0, id="about"),
        pytest.param("-3", -3.0, id="negative"),
        pytest.param("1e1", 10.0, id="exponent"),
        pytest.param("10 ft", 3.048, id="feet, 0.3048 m by definition"),
        pytest.param("10'", 3.048, id="feet sign"),
    ],
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse_number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "3-4", "3;4", "1.234,5", "12 km", "m", "1 2", "12'6\"", "0x10"]
)
def test_what_needs_guessing_is_not_read(text):
    assert np.isnan(parse_number(text))


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading(text):
    assert isinstance(parse_number(text), float)


@given(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)))
def test_point_and_comma_mean_the_same(value):
    written = f"{value:.3f}"
    assert parse_number(written) == pytest.approx(value)
    assert parse_number(written.replace(".", ",")) == pytest.approx(value)


def test_text_shows_whole_numbers_without_point_and_nothing_for_missing():
    assert as_text(pd.Series([3.0, 2.5, np.nan])).tolist() == ["3", "2.5", ""]
    assert as_text(pd.Series([None, "å ", 7], dtype=object)).tolist() == ["", "å", "7"]
    assert as_text(pd.Series([2**40, 5])).tolist() == ["1099511627776", "5"]


def test_numbers_come_from_the_first_column_that_has_one():
    frame = pd.DataFrame({"Height": [5.0, np.nan, np.nan], "height_m": ["9", "8,5 m", "7"]})
    notes: list[str] = []
    value, origin = read_numbers(frame, ("height", "height_m"), feature_names(frame), notes)
    assert value.tolist() == [5.0, 8.5, 7.0]
    assert origin.tolist() == ["Height", "height_m", "height_m"]
    assert notes == []


def test_unreadable_text_is_counted_and_the_first_five_named():
    frame = pd.DataFrame({"id": list("abcdefgh"), "height": ["x"] * 7 + [None]})
    notes: list[str] = []
    value, _ = read_numbers(frame, ("height",), feature_names(frame), notes)
    assert np.isnan(value).all()
    assert notes == [
        "7 values of height not readable as numbers, taken as missing "
        "(a: 'x', b: 'x', c: 'x', d: 'x', e: 'x' and 2 more)"
    ]


def test_yes_and_no_are_no_numbers():
    frame = pd.DataFrame({"height": [True, False]})
    notes: list[str] = []
    value, _ = read_numbers(frame, ("height",), feature_names(frame), notes)
    assert np.isnan(value).all()
    assert notes[0].startswith("2 values")


def test_identities_come_from_the_most_trusted_column_first():
    frame = pd.DataFrame({"osm_id": [1, 2, 3], "UUID": ["u", None, ""]})
    assert given_ids(frame).tolist() == ["u", "2", "3"]
    assert feature_names(pd.DataFrame({"x": [1, 2]})).tolist() == ["row 1", "row 2"]
