"""The things read back as they were written, and the file says when it is another."""

import json

import pytest

from gis.errors import SourceError, TableError
from twin.model import Model
from twin.things import read_model, write_model


def test_things_read_back_as_they_were(folder, tmp_path):
    model = read_model(folder / "model.json")
    b2 = next(b for b in model.buildings if b.id == "b2")
    assert (b2.year, b2.floor_area, b2.use) == (None, 1000.5, "")
    assert model.buildings[0].name == "Tågaborg & <Söder>"
    write_model(tmp_path / "again.json", model)
    assert read_model(tmp_path / "again.json") == model
    assert (tmp_path / "again.json").read_bytes() == (folder / "model.json").read_bytes()


def test_the_file_is_for_people_too(folder):
    text = (folder / "model.json").read_text(encoding="utf-8")
    assert "Tågaborg & <Söder>" in text
    told = json.loads(text)["buildings"][0]
    assert told["floor_area_m2"] == 9000.0
    assert told["systems"][0]["facets"] == ["way/7-roof"]
    assert told["systems"][0]["points"][0] == {
        "id": "way/7/pv/power",
        "quantity": "pv_power",
        "unit": "kW",
        "brick": "Electric_Power_Sensor",
        "interval_s": 3600,
    }


def test_what_an_older_program_wrote_is_read(folder):
    """Version 1 had no district, intervals, names or days; all else is the same."""
    path = folder / "model.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    model = read_model(path)
    del told["district"]
    for building in told["buildings"]:
        for system in building["systems"]:
            for point in system["points"]:
                del point["interval_s"]
    path.write_text(json.dumps({**told, "version": 1}), encoding="utf-8")
    assert read_model(path) == model


def test_an_empty_district_has_no_things(tmp_path):
    write_model(tmp_path / "model.json", Model((), (), ()))
    assert read_model(tmp_path / "model.json") == Model((), (), ())


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("", SourceError, "must be JSON"),
        ("[]", SourceError, "heidi-model of version 1 to 2, got"),
        ('{"format": "heidi-model", "version": 3}', SourceError, "got ('heidi-model', 3)"),
        (
            '{"format": "heidi-model", "version": true}',
            SourceError,
            "('heidi-model', True)",
        ),
        ('{"format": "heidi-model", "version": 1}', TableError, "must list buildings"),
        (
            '{"format": "heidi-model", "version": 1, "buildings": [3]}',
            TableError,
            "must list",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, text, error, told):
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        read_model(path)
    assert told in str(caught.value)


def test_unknown_kinds_are_refused(folder):
    path = folder / "model.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"heat"', '"magic"', 1))
    with pytest.raises(TableError, match="magic"):
        read_model(path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(SourceError, match=r"model.json must exist.*build the twin again"):
        read_model(tmp_path / "model.json")
