"""At which number a register starts again is kept once, and never contradicted."""

from dataclasses import replace

import pytest

from gis.errors import TableError
from tests.twin.ingest.small_twin import ENERGY, HEAT, VOLUME, small_model, write_twin
from twin.ingest.mapping import parse_mapping
from twin.register_ends import keep_largest, keep_mapped, largest_of
from twin.things import FILE, read_model

HEAD = "device,name,point,unit,factor,offset,valid_from,valid_to,digits"


def told(*rows: str) -> dict[str, float]:
    return largest_of(parse_mapping("\n".join((HEAD, *rows, ""))), small_model())


@pytest.mark.parametrize(
    ("row", "largest"),
    [
        pytest.param(f"m,e,{ENERGY},kWh,,,,,5", {ENERGY: 1e5}, id="five digits"),
        pytest.param(f"m,e,{ENERGY},MWh,,,,,5", {ENERGY: 1e8}, id="of a larger unit"),
        pytest.param(f"m,e,{ENERGY},Wh,10,,,,8", {ENERGY: 1e6}, id="pulses of 10 Wh"),
        pytest.param(f"m,e,{ENERGY},kWh,,,,,", {}, id="nobody says"),
        pytest.param(f"m,e,{ENERGY},,,,,,5", {}, id="the message tells the unit"),
        pytest.param(f"m,e,{ENERGY},kWh,,7,,,5", {}, id="shifted"),
        pytest.param(f"m,e,{HEAT},kW,,,,,5", {}, id="no register"),
        pytest.param("m,e,-,kWh,,,,,5", {}, id="not wanted"),
    ],
)
def test_digits_tell_the_number_in_the_unit_of_the_point(row, largest):
    assert told(row) == largest


def test_meters_one_after_the_other_must_agree():
    swap = "2026-05-04T10:30:00Z"
    old, new = f"old,e,{ENERGY},kWh,,,,{swap}", f"new,e,{ENERGY},kWh,,,{swap},"
    assert told(f"{old},5", f"{new},5") == {ENERGY: 1e5}
    assert told(f"{old},5", f"{new},6") == {}
    assert told(f"{old},5", f"{new},") == {ENERGY: 1e5}


def test_it_is_kept_once_and_nothing_else_changes(tmp_path):
    folder = write_twin(tmp_path / "twin")
    before = read_model(folder / FILE)
    assert keep_largest(folder, {ENERGY: 1e5, "elsewhere": 7.0}) == 1
    after = read_model(folder / FILE)
    kept = {point.id: point.largest for point in after.points if point.largest}
    assert kept == {ENERGY: 1e5}
    plain = tuple(replace(point, largest=None) for point in after.points)
    assert replace(after, points=plain) == before
    stamp = (folder / FILE).stat().st_mtime_ns
    assert keep_largest(folder, {ENERGY: 1e5 * (1 + 1e-14)}) == 0
    assert (folder / FILE).stat().st_mtime_ns == stamp


def test_a_contradiction_is_refused_and_nothing_is_written(tmp_path):
    folder = write_twin(tmp_path / "twin")
    keep_largest(folder, {ENERGY: 1e5})
    before = (folder / FILE).read_bytes()
    with pytest.raises(
        TableError, match=f"1 contradiction: {ENERGY} starts again at 1"
    ) as e:
        keep_largest(folder, {ENERGY: 1e6, VOLUME: 1e5})
    assert "\n" not in str(e.value)
    assert (folder / FILE).read_bytes() == before


def test_a_mapping_file_is_kept_unless_it_is_but_tried(tmp_path):
    folder = write_twin(tmp_path / "twin")
    mapping = tmp_path / "meters.csv"
    mapping.write_text(f"device,name,point,unit,digits\nm,e,{ENERGY},MWh,5\n")
    assert keep_mapped(folder, None) == 0
    before = (folder / FILE).read_bytes()
    assert keep_mapped(folder, mapping, dry=True) == 1
    assert (folder / FILE).read_bytes() == before
    assert keep_mapped(folder, mapping) == 1
    assert {p.largest for p in read_model(folder / FILE).points} == {None, 1e8}
    mapping.write_text(f"device,name,point,unit,digits\nm,e,{ENERGY},MWh,6\n")
    with pytest.raises(
        TableError, match=r"at 100,000,000 kWh in model\.json, at 1,000,000,000 by"
    ):
        keep_mapped(folder, mapping, dry=True)
