"""Words for roofs are understood in the ways people write them."""

import numpy as np
import pandas as pd
import pytest

from gis.roof_words import FORMS, NEAREST, POINTS, WORDS, read_direction, roof_words


def test_tags_of_openstreetmap_become_columns():
    frame = pd.DataFrame(
        {
            "roof:shape": ["skillion", "Gabled", None],
            "roof:height": ["2,5 m", "10 ft", None],
            "roof:direction": ["SSW", "95°", None],
            "roof:orientation": ["", "across", None],
            "roof:angle": [None, "38", None],
        },
        index=["x", "y", "z"],
    )
    table, notes = roof_words(frame)
    assert notes == ()
    assert table.index.to_list() == ["x", "y", "z"]
    assert table["roof_shape"].to_list() == ["shed", "gabled", ""]
    assert table["roof_height"].to_list()[:2] == pytest.approx([2.5, 3.048])
    assert table["roof_height_source"].to_list() == ["roof:height", "roof:height", ""]
    assert table["roof_direction"].to_list()[:2] == [202.5, 95.0]
    assert table["roof_orientation"].to_list() == ["", "across", ""]
    assert table["roof_angle"].to_list()[1] == 38.0
    assert table.iloc[2, [1, 3, 5]].isna().all()


def test_a_table_without_roofs_knows_nothing():
    table, notes = roof_words(pd.DataFrame({"name": ["a", "b"]}))
    assert (table["roof_shape"] == "").all()
    assert table[["roof_height", "roof_direction", "roof_angle"]].isna().all(axis=None)
    assert notes == ()


def test_storeys_under_the_roof_stand_in_for_its_height_and_are_counted():
    frame = pd.DataFrame(
        {"roof:levels": [2, 1, np.nan], "roof:height": [np.nan, 4.0, np.nan]}
    )
    table, notes = roof_words(frame)
    assert table["roof_height"].to_list()[:2] == [6.0, 4.0]
    assert table["roof_height_source"].to_list() == ["roof:levels", "roof:height", ""]
    assert notes == ("1 roof height from storeys under the roof, 3 m each",)


def test_strange_values_are_named_and_taken_as_missing():
    frame = pd.DataFrame(
        {
            "id": ["w1", "w2", "w3", "w4"],
            "roof:shape": ["sawtooth", "onion", "gabled", "gabled"],
            "roof:height": [-3, 2, 1e9, 2],
            "roof:direction": ["N", "up", "E", "W"],
            "roof:orientation": ["along", "along", "upright", ""],
            "roof:angle": [30, 89, 30, 30],
        }
    )
    table, notes = roof_words(frame)
    assert table["roof_shape"].to_list() == ["flat", "dome", "gabled", "gabled"]
    assert np.isnan(table["roof_height"]).to_list() == [True, False, True, False]
    assert np.isnan(table["roof_direction"]).to_list() == [False, True, False, False]
    assert table["roof_orientation"].to_list() == ["along", "along", "", ""]
    assert np.isnan(table["roof_angle"]).to_list() == [False, True, False, False]
    text = "\n".join(notes)
    for said in (
        "1 roof of an unknown form taken as flat (w1: 'sawtooth')",
        "1 roof of a form that cannot be built taken as the nearest (onion as dome)",
        "2 values of roof height outside 0 to 200 m",
        "1 roof direction not understood, taken as missing (w2: 'up')",
        "1 roof orientation neither along nor across, taken as missing (w3: 'upright')",
        "1 value of roof angle outside 0 to 80 degrees",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("1030", "gabled"),
        (1040.0, "hipped"),
        ("3300", "half-hipped"),
        ("Zeltdach", "pyramid"),
        ("tälttak", "pyramid"),
        ("Sadeltak", "gabled"),
        ("horizontal", "flat"),
        ("half_hipped", "half-hipped"),
        ("cone", "pyramid"),
    ],
)
def test_codes_and_other_languages(word, form):
    table, _ = roof_words(pd.DataFrame({"roofType": [word]}))
    assert table["roof_shape"].to_list() == [form]


def test_every_word_leads_to_one_form():
    words = [word for line in WORDS.values() for word in line.split("|")]
    assert len(words) == len(set(words))
    assert set(WORDS) == set(FORMS)
    assert set(NEAREST.values()) <= set(FORMS)
    assert not set(NEAREST) & set(words)


def test_points_of_the_compass_go_round():
    degrees = [read_direction(point) for point in POINTS]
    assert degrees == [22.5 * k for k in range(16)]
    # Opposite words are half a turn apart.
    for one, other in (("north", "south"), ("nordost", "sydväst"), ("öster", "west")):
        assert (read_direction(one) - read_direction(other)) % 360 == 180
