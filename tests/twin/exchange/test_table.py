"""A table of points can be written in a spreadsheet, and its faults are found again."""

from pathlib import Path

import pytest

from gis.errors import SourceError, TableError
from twin.exchange.table import COLUMNS, NEEDED, read_table
from twin.model import Building, SystemKind
from twin.quantities import Quantity

HEAD = "point,quantity,unit,interval_s,system,kind,facets,building,floor_area_m2,point_from"


def table(tmp_path: Path, *rows: str, head: str = HEAD) -> Path:
    """Write a table."""
    path = tmp_path / "things.csv"
    path.write_text("\n".join((head, *rows, "")), encoding="utf-8")
    return path


def test_a_spreadsheet_in_swedish_is_read(tmp_path):
    """Semicolons, decimal comma, Windows-1252, another order, blanks, columns left out."""
    path = tmp_path / "punkter.csv"
    path.write_bytes(
        "kind;system; building ;building_name;floor_area_m2;point;quantity;facets\r\n"
        "heat-pump;vp1;Kv. Söder 1;Huset;1 234,5; vp1/el ;heat_pump_electric_power;\r\n"
        "heat-pump;vp1;Kv. Söder 1;;;vp1/ut;heat_pump_heat_power;\r\n"
        "pv;sol;Kv. Söder 1;;;;;tak 1|vägg\\|2\r\n"
        ";;Kv. Norr;;;;;\r\n".encode("cp1252")
    )
    imported = read_table(path)
    model = imported.model
    assert model.buildings == (
        Building("Kv. Söder 1", "Huset", floor_area=1234.5),
        Building("Kv. Norr", ""),
    )
    pump, sun = model.systems
    assert (pump.kind, sun.kind) == (SystemKind.HEAT_PUMP, SystemKind.PV)
    assert sun.facets == ("tak 1", "vägg|2")
    assert [(p.id, p.quantity, p.interval) for p in model.points] == [
        ("vp1/el", Quantity.HEAT_PUMP_ELECTRIC_POWER, 3600),
        ("vp1/ut", Quantity.HEAT_PUMP_HEAT_POWER, 3600),
    ]
    assert "Windows-1252" in imported.notes[0]


def test_other_units_and_columns_are_told(tmp_path):
    path = table(tmp_path, "p,heat_energy,GJ,900,s,heat,,,,,x", head=f"{HEAD},remark")
    imported = read_table(path)
    assert imported.model.systems[0].building == ""
    assert imported.notes == (
        "columns not known and not read: remark",
        "1 point told in other units, taken over in those of the quantities: p in GJ",
    )


def test_a_register_starts_again_at_a_number_of_its_row(tmp_path):
    """Five digits of MWh are a hundred million kWh; of a power nothing starts again."""
    head = "point,quantity,unit,system,kind,building,largest"
    path = table(tmp_path, "p,heat_energy,MWh,s,heat,,100000", head=head)
    assert read_table(path).model.points[0].largest == 1e8
    path = table(tmp_path, "p,heat_power,kW,s,heat,,100000", head=head)
    with pytest.raises(TableError, match="so it must be a register, got heat_power"):
        read_table(path)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("p,joy,,,s,heat,,b,,", "row 2, column quantity: must be a known quantity"),
        ("p,heat,,,s,heat,,b,,", "perhaps heat_power, solar_heat_power"),
        ("p,,,,s,heat,,b,,", "row 2, column quantity: must name a quantity"),
        ("p,heat_power,kWh,,s,heat,,b,,", "row 2, column unit: unit of heat_power: 'kWh'"),
        ("p,heat_power,,x,s,heat,,b,,", "row 2, column interval_s: must be a number"),
        ("p,heat_power,,1.5,s,heat,,b,,", "interval_s: must be whole seconds, got '1.5'"),
        ("p,heat_power,,,s,oven,,b,,", "row 2, column kind: must be one of pv, heat,"),
        ("p,heat_power,,,s,,,b,,", "column kind: system 's' must have a kind"),
        ("p,heat_power,,,,heat,,b,,", "row 2, column system: point must belong to a"),
        ("p,heat_power,,,s,heat,,b,wide,", "row 2, column floor_area_m2: must be a number"),
        ("p,heat_power,,,s,heat,,b,,21/6", "column point_from: a day must be like 2026-"),
        (
            ",heat_power,,,s,heat,,b,,",
            "row 2, column point: must name the point of quantity",
        ),
    ],
)
def test_faults_name_row_and_column(tmp_path, row, told):
    with pytest.raises(TableError) as caught:
        read_table(table(tmp_path, row))
    assert told in str(caught.value)
    assert str(caught.value).startswith(
        "things.csv must be a table of points, got 1 fault:"
    )


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            ("p,heat_power,,,s,heat,,b,,", "q,flow,,,s,cooling,,b,,"),
            "row 3, column kind: must be 'heat' as in row 2, got 'cooling'",
        ),
        (
            ("p,heat_power,,,s,heat,,b,,", "q,flow,,,s,heat,,,,"),
            "row 3, column building: must be 'b' as in row 2, got ''",
        ),
        (
            ("p,heat_power,,,s,heat,,b,1,", "q,flow,,,s,heat,,b,2,"),
            "row 3, column floor_area_m2: must be '1' as in row 2, got '2'",
        ),
        (
            ("p,heat_power,,,s,heat,,b,,", "p,flow,,,s,heat,,b,,"),
            "row 3, column point: point 'p' must have one row",
        ),
    ],
)
def test_rows_must_not_contradict_each_other(tmp_path, rows, told):
    with pytest.raises(TableError) as caught:
        read_table(table(tmp_path, *rows))
    assert told in str(caught.value)


def test_many_faults_come_in_one_line(tmp_path):
    rows = [f"p{k},joy,,,s,heat,,b,," for k in range(9)]
    with pytest.raises(TableError, match="got 9 faults") as caught:
        read_table(table(tmp_path, *rows))
    assert str(caught.value).count("; row") == 4, "the first five"
    assert "\n" not in str(caught.value)


def test_needed_columns_are_named(tmp_path):
    with pytest.raises(TableError, match=r"quantity, kind, building missing"):
        read_table(table(tmp_path, "p,s", head="point,system"))
    with pytest.raises(SourceError, match="must hold data"):
        read_table(table(tmp_path, head=""))
    assert set(NEEDED) <= set(COLUMNS)


def test_things_that_do_not_hang_together_are_refused(tmp_path):
    row = "p,heat_power,,,s,heat,,b,,"
    with pytest.raises(TableError, match="facet 'r "):
        read_table(table(tmp_path, row.replace(",,b", ",r|r,b")))
