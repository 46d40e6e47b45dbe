"""Argue that energy declarations keep their numbers, units and places."""

import json
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import HeidiError, SourceError, TableError
from gis.sources.boverket import read_declarations, swedish_number

# Invented; names and shapes as the service describes them.
REPLY = [
    {
        "id": 1001,
        "energiklass": "C",
        "primärenergital": "85 kWh/m2 och år",
        "energiprestanda": "97,5 kWh/m² och år",
        "specifik energianvändning": "101 kWh/m2, år",
        "byggnadsår": "1962",
        "radonmätning": "Utförd",
        "ventilationskontroll": "Utförd och godkänd",
        "utförd": "2021-03-17",
        "fastigheter": [
            {
                "fastighetsbeteckning": "EXEMPLET 1",
                "kommun": "Helsingborg",
                "adresser": [
                    {"adress": "Exempelgatan 1", "postnummer": "252 01",
                     "postort": "Helsingborg"},
                    {"adress": "Exempelgatan 3", "postnummer": "25201",
                     "postort": "Helsingborg"},
                ],
            },
            {"fastighetsbeteckning": "EXEMPLET 2", "kommun": "Helsingborg", "adresser": []},
        ],
    },
    {
        "id": 1002,
        "energiklass": "saknas",
        "primarenergital": "",
        "energiprestanda": "1 234,5 MWh",
        "specifik energianvandning": "143,2 kWh/m2",
        "byggnadsar": 0,
        "radonmatning": "Nej",
        "ventilationskontroll": None,
        "utford": "2009-11-02",
        "fastigheter": [],
    },
]  # fmt: skip


def read(folder, thing):
    path = folder / "declarations.json"
    path.write_text(
        thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False),
        encoding="utf-8",
    )
    return read_declarations(path)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("85 kWh/m2 och år", 85.0),
        ("97,5 kWh/m²", 97.5),
        ("1 234,5", 1234.5),
        ("1\u00a0234 kWh", 1234.0),
        ("1\u202f234\u202f567", 1234567.0),
        ("85 2021", 85.0),
        ("-3,5", -3.5),
        (12, 12.0),
        (0.5, 0.5),
        ("ca 90", 90.0),
    ],
)
def test_swedish_numbers_are_read(text, number):
    assert swedish_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "saknas", None, True, [], {}, float("nan"), "kWh/m", 10**400]
)
def test_no_number_is_nan(text):
    assert math.isnan(swedish_number(text))


def test_values_units_and_years_are_read(tmp_path):
    table = read(tmp_path, REPLY).table
    first = table.loc["1001"]
    assert first["energy_class"] == "C"
    assert first["primary_energy"] == 85.0
    assert first["energy_performance"] == 97.5
    assert first["specific_energy"] == 101.0
    assert (first["year_built"], first["year"]) == (1962, 2021)
    assert bool(first["radon_measured"])
    assert bool(first["ventilation_checked"])
    assert (first["properties"], first["addresses"]) == (2, 2)
    second = table.loc["1002"]
    assert pd.isna(second["energy_class"])
    assert math.isnan(second["primary_energy"])
    assert math.isnan(second["energy_performance"])  # megawatt hours are not per area
    assert second["specific_energy"] == 143.2
    assert second["year"] == 2009
    assert table["year_built"].isna().tolist() == [False, True]
    assert not bool(second["radon_measured"])
    assert table["ventilation_checked"].isna().tolist() == [False, True]
    assert table["source"].str.contains("Boverket").all()


def test_each_address_is_a_row_and_a_property_without_one_too(tmp_path):
    found = read(tmp_path, REPLY)
    assert found.places.to_dict("records") == [
        {"declaration": "1001", "property": "EXEMPLET 1", "municipality": "Helsingborg",
         "address": "Exempelgatan 1", "postcode": "25201", "town": "Helsingborg"},
        {"declaration": "1001", "property": "EXEMPLET 1", "municipality": "Helsingborg",
         "address": "Exempelgatan 3", "postcode": "25201", "town": "Helsingborg"},
        {"declaration": "1001", "property": "EXEMPLET 2", "municipality": "Helsingborg",
         "address": "", "postcode": "", "town": ""},
    ]  # fmt: skip
    assert found.origin.provider == "Boverket"
    assert found.origin.year == 2021
    assert found.notes[0] == "2 declarations read."
    assert any("1 energy values without a number in kWh/m2" in n for n in found.notes)


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(REPLY[0], id="one alone"),
        pytest.param({"antal": 1, "energideklarationer": REPLY[:1]}, id="wrapped"),
        pytest.param([{k.upper(): v for k, v in REPLY[0].items()}], id="capitals"),
    ],
)
def test_other_wrappings_tell_the_same(tmp_path, thing):
    table = read(tmp_path, thing).table
    assert table["primary_energy"].tolist() == [85.0]


def test_of_two_with_one_id_the_later_is_kept(tmp_path):
    older = REPLY[0] | {"utförd": "2012-01-01", "primärenergital": "120 kWh/m2"}
    for rows in ([REPLY[0], older], [older, REPLY[0]]):
        found = read(tmp_path, rows)
        assert found.table["primary_energy"].tolist() == [85.0]
        assert len(found.places) == 3
        assert any("repeat an id" in note for note in found.notes)


def test_values_that_cannot_be_are_left_out_and_counted(tmp_path):
    rows = [REPLY[0] | {"id": n} for n in range(3)]
    rows[0] = rows[0] | {"primärenergital": "85000 kWh/m2"}
    rows[1] = rows[1] | {"energiklass": "H"}
    del rows[2]["id"]
    found = read(tmp_path, rows)
    assert math.isnan(found.table.loc["0", "primary_energy"])
    assert pd.isna(found.table.loc["1", "energy_class"])
    assert "unnamed-3" in found.table.index
    assert len(found.notes) == 4


@pytest.mark.parametrize(
    ("thing", "error", "words"),
    [
        pytest.param("", SourceError, "must be JSON", id="empty"),
        pytest.param(json.dumps(REPLY)[:300], SourceError, "must be JSON", id="cut"),
        pytest.param("[" * 100_000, SourceError, "nesting", id="deep"),
        pytest.param([], SourceError, "declarations", id="none"),
        pytest.param(
            {"statusCode": 403, "message": "Out of call volume quota."},
            SourceError,
            "refusal 'Out of call",
            id="quota",
        ),
        pytest.param([1, 2], TableError, "named fields", id="numbers"),
        pytest.param([{"a": 1}], TableError, "energiklass", id="other table"),
        pytest.param("null", SourceError, "declarations", id="null"),
    ],
)
def test_what_is_no_reply_is_refused_in_one_line(tmp_path, thing, error, words):
    with pytest.raises(error, match=words) as caught:
        read(tmp_path, thing)
    assert "\n" not in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([*REPLY[0], "adresser", "adress", "kommun", "x"]), inner,
        max_size=6,
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(thing=anything)
def test_any_shape_is_a_table_or_one_line(tmp_path_factory, thing):
    refusal = ""
    try:
        found = read(tmp_path_factory.mktemp("json"), thing)
        uses = found.table[["primary_energy", "energy_performance", "specific_energy"]]
        assert ((uses >= 1.0) & (uses <= 2000.0) | uses.isna()).all(axis=None)
        assert set(found.places["declaration"]) <= set(found.table.index)
    except HeidiError as error:
        refusal = str(error)
    assert "\n" not in refusal
