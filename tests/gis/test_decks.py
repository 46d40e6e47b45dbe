"""Argue that bridges let water and light through."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity

from gis.crs import to_plan
from gis.decks import cut_decks, is_bridge, make_decks, split_decks
from gis.errors import GeometryError
from gis.flood import flood_at
from gis.terrain import Grid, Terrain

WEST, SOUTH = 99_700.0, 6_213_600.0
GRID = Grid(WEST, SOUTH + 120, 1.0, 120, 200)
CANAL = shapely.box(WEST + 90, SOUTH, WEST + 110, SOUTH + 120)
DECK = shapely.box(WEST + 85, SOUTH + 50, WEST + 115, SOUTH + 58)


def ground(*, with_bridge):
    """Canal 20 m wide between banks of 2 m (west) and 3 m (east), a bridge as a dam."""
    x, y = np.meshgrid(GRID.x - WEST, GRID.y - SOUTH)
    z = np.where(x < 90, 2.0, np.where(x < 110, -1.5, 3.0))
    if with_bridge:
        z = np.where((x > 85) & (x < 115) & (y > 50) & (y < 58), 4.0, z)
    return Terrain(GRID, z, "made")


def table_of(**columns):
    count = len(columns["geometry"])
    return gpd.GeoDataFrame(columns, index=range(count), crs=3008)


def test_tags_tell_a_bridge():
    frame = table_of(
        bridge=["yes", "no", "viaduct", None, None, ""],
        man_made=[None, None, None, "bridge", "pier", ""],
        building=["", "house", "", "", "", "bridge"],
        geometry=[DECK] * 6,
    )
    assert is_bridge(frame).tolist() == [True, False, True, True, False, True]
    assert is_bridge(
        table_of(objekttyp=["Bro", "Bostad", "Broyta"], geometry=[DECK] * 3)
    ).tolist() == [
        True,
        False,
        True,
    ]


def test_bridges_leave_the_buildings_and_nothing_else_does():
    house = shapely.box(WEST + 10, SOUTH + 10, WEST + 20, SOUTH + 20)
    frame = table_of(
        man_made=["", "bridge"], name=["House", "Long Bridge"], geometry=[house, DECK]
    )
    rest, decks = split_decks(frame, ground(with_bridge=False))
    assert rest["name"].to_list() == ["House"]
    deck = decks.table.iloc[0]
    assert deck["name"] == "Long Bridge"
    # It rests on banks of 2 m and 3 m.
    assert (deck["level_low"], deck["level"], deck["level_high"]) == (2.0, 2.5, 3.0)
    assert deck["level_source"] == "ground at both ends"
    assert decks.area.area == pytest.approx(DECK.area)
    assert deck.geometry.is_valid


def test_a_stated_level_is_taken_and_an_absurd_one_told():
    frame = table_of(ele=["4,2", "99999", "high"], geometry=[DECK] * 3)
    decks = make_decks(frame, ground(with_bridge=False))
    assert decks.table["level"].to_list() == [4.2, 2.5, 2.5]
    assert decks.table["level_source"].to_list()[0] == "stated"
    assert any("not of this Earth" in note for note in decks.notes)
    assert any("not readable" in note for note in decks.notes)


def test_a_way_becomes_a_strip_once():
    line = shapely.LineString([(WEST + 80, SOUTH + 54), (WEST + 120, SOUTH + 54)])
    alone = make_decks(
        table_of(
            bridge=["yes", "yes"],
            highway=["primary", "footway"],
            width=["", "4 m"],
            geometry=[line] * 2,
        ),
        ground(with_bridge=False),
    )
    assert alone.table.area.to_list() == pytest.approx([40 * 9.0, 40 * 4.0])
    both = make_decks(
        table_of(
            bridge=["yes", None],
            man_made=[None, "bridge"],
            geometry=[line, DECK.buffer(8, cap_style="square")],
        ),
        ground(with_bridge=False),
    )
    assert len(both.table) == 1
    assert any("not drawn twice" in note for note in both.notes)


def test_degrees_and_metres_give_the_same_deck():
    frame = table_of(bridge=["yes"], geometry=[DECK])
    one = make_decks(frame, ground(with_bridge=False))
    other = make_decks(frame.to_crs(4326), ground(with_bridge=False))
    assert other.area.area == pytest.approx(one.area.area, rel=1e-6)
    assert to_plan(other.table).crs.to_epsg() == 3008


def test_a_cut_bridge_leaves_the_ground_as_if_it_had_never_been():
    decks = make_decks(table_of(bridge=["yes"], geometry=[DECK]), ground(with_bridge=False))
    bare, notes = cut_decks(ground(with_bridge=True), decks, water=CANAL, level=-0.2)
    canal = np.zeros((120, 200), dtype=bool)
    canal[:, 90:110] = True
    wanted = ground(with_bridge=False).z
    assert bare.z[canal].max() == -0.2
    assert bare.z[~canal] == pytest.approx(wanted[~canal], abs=1e-9)
    assert "1 bridge taken out" in notes[0]
    assert "bridges taken out" in bare.source


def test_a_slanting_bridge_leaves_its_banks_level():
    """Banks are spanned from the land beside, not from the water."""
    deck = shapely.affinity.rotate(DECK, 35.0)
    x, y = np.meshgrid(GRID.x, GRID.y)
    bare = ground(with_bridge=False).z
    dam = Terrain(GRID, np.where(shapely.contains_xy(deck, x, y), 4.0, bare), "made")
    decks = make_decks(table_of(bridge=["yes"], geometry=[deck]), dam)
    cut, _ = cut_decks(dam, decks, water=CANAL, level=-0.2)
    banks = (x < WEST + 90) | (x > WEST + 110)
    assert np.abs(cut.z - bare)[banks].max() < 1e-9


def test_water_passes_below_a_deck_but_not_through_a_dam():
    south = shapely.box(WEST + 90, SOUTH, WEST + 110, SOUTH + 10)
    dam = ground(with_bridge=True)
    decks = make_decks(table_of(bridge=["yes"], geometry=[DECK]), dam)
    open_canal, _ = cut_decks(dam, decks, water=CANAL, level=-0.2)
    assert flood_at(dam, south, level=1.0).enclosed_area > 0
    assert flood_at(open_canal, south, level=1.0).enclosed_area == 0


def test_no_bridge_changes_nothing():
    terrain = ground(with_bridge=True)
    rest, decks = split_decks(table_of(bridge=["no"], geometry=[DECK]), terrain)
    assert len(rest) == 1
    assert decks.table.empty
    assert decks.area.is_empty
    assert cut_decks(terrain, decks) == (terrain, ())


def test_what_has_no_outline_is_told():
    frame = table_of(
        bridge=["yes", "yes"], name=["a", "b"], geometry=[DECK, shapely.Point(WEST, SOUTH)]
    )
    decks = make_decks(frame, ground(with_bridge=False))
    assert len(decks.table) == 1
    assert any("without outline left out" in note for note in decks.notes)


def test_a_bridge_over_everything_is_refused():
    frame = table_of(bridge=["yes"], geometry=[shapely.box(*GRID.bounds).buffer(10)])
    decks = make_decks(frame, ground(with_bridge=False))
    with pytest.raises(GeometryError, match="beyond the bridges"):
        cut_decks(ground(with_bridge=True), decks)
