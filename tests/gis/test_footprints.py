"""Prove the repair of outlines by what it must keep: ground, identity, order."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis.crs import PLAN
from gis.errors import GeometryError
from gis.footprints import repair_footprints
from gis.overlaps import SMALLEST_OVERLAP
from gis.slivers import SAME_VERTEX
from gis.snapping import SNAP

EAST, NORTH = 99_700.0, 6_213_400.0
"""National coordinates, so that rounding is the real one."""

EXACT = 1e-6
"""Area error of coordinates of 6e6 m in double precision over hundreds of metres [m2]."""


def frame(*shapes, **columns):
    moved = [None if s is None else affinity.translate(s, EAST, NORTH) for s in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=PLAN)


def box(west, south, width, height):
    return shapely.box(west, south, west + width, south + height)


def overlap(result):
    polygons = result.geometry.to_numpy()
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    common = shapely.area(shapely.intersection(polygons[one], polygons[other]))
    return common[one != other].max(initial=0.0)


def is_same_to_the_bit(one, other):
    return shapely.equals_identical(
        one.geometry.to_numpy(), other.geometry.to_numpy()
    ).all()


def is_sound(result):
    polygons = result.geometry.to_numpy()
    return (
        (shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON).all()
        and shapely.is_valid(polygons).all()
        and shapely.is_ccw(shapely.get_exterior_ring(polygons)).all()
        and not shapely.has_z(polygons).any()
        and result.index.is_unique
        and result.index.name == "part"
        and all(isinstance(part, str) and part for part in result.index)
        and overlap(result) <= SMALLEST_OVERLAP
    )


corner = st.tuples(st.integers(0, 60), st.integers(0, 45))
ring = st.lists(corner, min_size=3, max_size=7)


@st.composite
def messy_layer(draw):
    """Rows of self-crossing, multi-part, missing and repeated outlines with heights."""
    shapes = []
    for _ in range(draw(st.integers(1, 7))):
        parts = [shapely.Polygon(r) for r in draw(st.lists(ring, min_size=1, max_size=2))]
        shapes.append(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))
    shapes += draw(
        st.lists(st.sampled_from([shapes[0], None, shapely.Polygon()]), max_size=2)
    )
    heights = st.one_of(st.none(), st.integers(2, 4))
    height = draw(st.lists(heights, min_size=len(shapes), max_size=len(shapes)))
    return frame(*shapes, height=np.array(height, dtype=float))


def repaired(layer, **options):
    try:
        return repair_footprints(layer, smallest=1e-3, **options)[0]
    except GeometryError:
        assume(condition=False)
        raise


many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)


@many
@given(messy_layer())
def test_whatever_comes_in_stands_side_by_side(layer):
    assert is_sound(repaired(layer))


@many
@given(messy_layer())
def test_the_covered_ground_is_conserved(layer):
    """Up to slivers and thinned vertices, each bounded by its outline's length."""
    result = repaired(layer)
    valid = shapely.make_valid(
        layer.geometry.dropna().to_numpy(), method="structure", keep_collapsed=False
    )
    union = shapely.union_all(valid)
    edges = sum(shapely.length(valid)) + union.length
    assert result.area.sum() == pytest.approx(union.area, abs=edges * SNAP)
    covered = shapely.union_all(result.geometry.to_numpy())
    assert covered.difference(union.buffer(SNAP + EXACT)).area <= EXACT


@many
@given(messy_layer())
def test_no_corner_leaves_the_outlines_that_were_drawn(layer):
    """Every corner of the result comes from an outline, or from where two of them cross."""
    result = repaired(layer)
    drawn = shapely.union_all(shapely.boundary(layer.geometry.dropna().to_numpy()))
    corners = shapely.points(shapely.get_coordinates(result.geometry.to_numpy()))
    assert shapely.distance(corners, drawn).max() <= SNAP + EXACT


@many
@given(st.integers(0, 2**32), st.integers(-40, 40), st.integers(-200, 200))
def test_a_town_elsewhere_is_repaired_alike(seed, east, north):
    """Corners at random: on a grid, ties are decided by rounding, which is of the place."""
    rng = np.random.default_rng(seed)
    rings = [rng.uniform(0, 60, (rng.integers(3, 8), 2)) for _ in range(8)]
    here = frame(*map(shapely.Polygon, rings), height=rng.integers(2, 5, 8).astype(float))
    there = here.set_geometry(here.geometry.translate(1000.0 * east, 1000.0 * north))
    # Acute crossings carry the rounding of their lines farther than square ones.
    cut_here, cut_there = repaired(here, snap=0.0), repaired(there, snap=0.0)
    assert sorted(cut_there.area) == pytest.approx(sorted(cut_here.area), abs=1000 * EXACT)
    # With snapping, which of two corners a hair apart goes to the other may turn on
    # rounding where many outlines are piled up: the ground must be the same but for what a
    # snap may move anywhere.
    here, there = repaired(here), repaired(there)
    back = shapely.union_all(there.translate(-1000.0 * east, -1000.0 * north).to_numpy())
    moved = shapely.union_all(here.geometry.to_numpy()).symmetric_difference(back)
    assert moved.area <= SNAP * here.length.sum() / 10


@many
@given(messy_layer())
def test_a_second_repair_changes_nothing(layer):
    once = repaired(layer)
    twice, notes = repair_footprints(once.reset_index(), smallest=1e-3)
    assert all("left as they are" in note for note in notes)
    assert twice.index.tolist() == once.index.tolist()
    assert twice["building"].tolist() == once["building"].tolist()
    assert is_same_to_the_bit(twice, once)


@many
@given(messy_layer(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(layer, random):
    order = list(range(len(layer)))
    random.shuffle(order)
    straight = repaired(layer).sort_index()
    shuffled = repaired(layer.iloc[order]).sort_index()
    assert straight.index.tolist() == shuffled.index.tolist()
    difference = shapely.symmetric_difference(
        straight.geometry.to_numpy(), shuffled.geometry.to_numpy()
    )
    assert shapely.area(difference).max(initial=0.0) < EXACT
    assert straight["height"].equals(shuffled["height"])


def test_clean_outlines_pass_to_the_bit():
    layer = frame(
        box(0, 0, 10, 8), box(10, 0, 7, 8), box(30, 30, 5, 6).difference(box(32, 32, 1, 2))
    )
    layer.geometry = shapely.orient_polygons(layer.geometry.to_numpy())
    result, _ = repair_footprints(layer)
    assert is_same_to_the_bit(result, layer)


def test_the_table_handed_in_stays_as_it_was():
    layer = frame(box(0, 0, 10, 8), box(5, 0, 10, 8), height=[3.0, 9.0])
    copy = layer.copy()
    repair_footprints(layer)
    assert is_same_to_the_bit(layer, copy)
    assert layer.columns.tolist() == copy.columns.tolist()


@pytest.mark.parametrize(
    ("heights", "areas"),
    [
        pytest.param([5.0, 9.0], [40.0, 40.0], id="the taller keeps"),
        pytest.param([9.0, 5.0], [80.0, 0.0], id="a taller cover hides"),
        pytest.param([np.nan, 5.0], [40.0, 40.0], id="unknown height yields"),
        pytest.param([np.nan, np.nan], [80.0, 0.0], id="else the larger keeps"),
    ],
)
def test_who_keeps_the_common_ground(heights, areas):
    layer = frame(box(0, 0, 10, 8), box(4, 0, 5, 8), height=heights, id=["a", "b"])
    result, _ = repair_footprints(layer)
    ground = result.area.groupby(result["building"]).sum().reindex(["a", "b"]).fillna(0.0)
    assert ground.tolist() == pytest.approx(areas, abs=EXACT)


def test_three_outlines_share_ground_by_rank():
    layer = frame(
        box(0, 0, 10, 10), box(5, 0, 10, 10), box(0, 5, 15, 10), height=[9.0, 6.0, 3.0]
    )
    result, notes = repair_footprints(layer)
    assert sorted(result.area) == pytest.approx([50.0, 75.0, 100.0], abs=EXACT)
    assert "2 footprints trimmed where a taller or larger one overlaps" in notes
    assert "125.0 m2 of doubly covered ground counted once" in notes


def test_a_tower_on_a_podium_leaves_a_hole():
    layer = frame(
        box(0, 0, 20, 15), box(5, 4, 6, 7), height=[4.0, 30.0], id=["low", "high"]
    )
    result, _ = repair_footprints(layer)
    assert len(result.geometry["low"].interiors) == 1
    assert result.geometry["low"].area == pytest.approx(300 - 42, abs=EXACT)


def test_touching_neighbours_and_narrow_gaps_stay_if_nothing_is_to_be_snapped():
    layer = frame(box(0, 0, 10, 8), box(10, 2, 5, 9), box(15.02, 0, 5, 8))
    result, notes = repair_footprints(layer, snap=0.0)
    assert result.area.tolist() == pytest.approx([80.0, 45.0, 40.0], abs=EXACT)
    assert not any("trimmed" in note for note in notes)


def test_a_self_crossing_outline_becomes_its_two_halves():
    bow_tie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    result, notes = repair_footprints(frame(bow_tie, id=["b7"]))
    assert result.area.tolist() == pytest.approx([25.0, 25.0], abs=EXACT)
    assert sorted(result.index) == ["b7-1", "b7-2"]
    assert result["building"].tolist() == ["b7", "b7"]
    assert "1 self-crossing footprint mended (b7)" in notes


def test_parts_of_a_multi_part_outline_share_their_building():
    both = shapely.MultiPolygon([box(0, 0, 4, 5), box(20, 0, 9, 5)])
    result, notes = repair_footprints(frame(both, box(40, 0, 4, 4), id=["x", "y"]))
    assert result["building"].tolist() == ["x", "x", "y"]
    assert result.area[["x-1", "x-2"]].tolist() == pytest.approx([45.0, 20.0], abs=EXACT)
    assert "1 multi-part footprint split into parts of one building" in notes


def test_collections_give_their_areas_and_lose_their_lines():
    nested = shapely.GeometryCollection(
        [
            shapely.LineString([(0, 0), (3, 3)]),
            shapely.GeometryCollection([shapely.MultiPolygon([box(5, 5, 4, 6)])]),
        ]
    )
    result, _ = repair_footprints(frame(nested))
    assert result.area.tolist() == pytest.approx([24.0], abs=EXACT)


def test_elevations_go_and_are_counted():
    raised = shapely.force_3d(box(0, 0, 5, 4), 17.0)
    result, notes = repair_footprints(frame(raised, box(10, 0, 5, 4)))
    assert is_sound(result)
    assert "1 footprint with elevations in the outline flattened" in notes


def test_what_has_no_area_is_left_out_and_counted():
    with np.errstate(invalid="ignore"):
        broken = shapely.Polygon([(0, 0), (np.nan, 1), (1, 1)])
        layer = frame(
            box(0, 0, 5, 4),
            None,
            shapely.Polygon(),
            shapely.Point(3, 3),
            shapely.LineString([(0, 0), (9, 9)]),
            broken,
        )
    result, notes = repair_footprints(layer)
    assert len(result) == 1
    assert "3 features without usable geometry left out" in notes
    assert "2 features without area (points, lines) left out" in notes


def test_slivers_are_left_out_and_counted():
    layer = frame(box(0, 0, 5, 4), box(20, 0, 0.9, 1), box(30, 0, 100, 0.04))
    result, notes = repair_footprints(layer)
    assert len(result) == 1
    assert notes[0].startswith("2 slivers")


def test_duplicates_are_left_out_whatever_vertex_they_start_at():
    ring = [(0, 0), (7, 0), (7, 5), (0, 5)]
    layer = frame(
        shapely.Polygon(ring),
        shapely.Polygon(ring[2:] + ring[:2]),
        shapely.Polygon(ring[::-1]),
        id=["c", "a", "b"],
    )
    result, notes = repair_footprints(layer)
    assert result.index.tolist() == ["a"]
    assert "2 duplicate footprints left out" in notes


def test_a_part_of_two_features_goes_to_the_same_one_in_any_order():
    one = shapely.MultiPolygon([box(0, 0, 4, 5), box(20, 0, 9, 5)])
    other = shapely.MultiPolygon([box(0, 0, 4, 5), box(40, 0, 3, 5)])
    there, _ = repair_footprints(frame(one, other))
    back, _ = repair_footprints(frame(other, one))
    assert sorted(there.index) == sorted(back.index)


def test_a_vertex_stays_where_dropping_it_moves_a_wall_into_a_neighbour():
    """The wall of 20 m would turn by 8 mm, over 0.08 m2 of the neighbour."""
    notched = shapely.Polygon([(0, 0), (10, 0), (9.992, 0.001), (9.992, 20), (0, 20)])
    alone, _ = repair_footprints(frame(notched), snap=0.0)
    assert shapely.get_num_coordinates(alone.geometry.iloc[0]) == 5
    neighbour = box(9.992, 0.001, 12, 19.999)
    both, notes = repair_footprints(frame(notched, neighbour), snap=0.0)
    assert shapely.get_num_coordinates(both.geometry.iloc[0]) == 6
    assert not any("trimmed" in note for note in notes)
    assert is_sound(both)
    shared, _ = repair_footprints(frame(notched, neighbour))
    assert shapely.get_num_coordinates(shared.geometry.to_numpy()).tolist() == [5, 5]
    assert is_sound(shared)


def test_repeated_vertices_go():
    stutter = shapely.Polygon([(0, 0), (6, 0), (6, 0.004), (6, 7), (0, 7), (0.003, 7)])
    result, _ = repair_footprints(frame(stutter))
    xy = shapely.get_coordinates(result.geometry.to_numpy())[:-1]
    assert len(xy) == 4
    assert np.hypot(*(xy - np.roll(xy, 1, axis=0)).T).min() > SAME_VERTEX


def test_thin_holes_close_and_courtyards_stay():
    walls = box(0, 0, 20, 15) - box(4, 4, 8, 6) - box(15, 2, 0.02, 9)
    result, _ = repair_footprints(frame(walls))
    assert len(result.geometry.iloc[0].interiors) == 1
    assert result.area.iloc[0] == pytest.approx(300 - 48, abs=EXACT)


def test_identities_are_kept_shared_or_made_of_the_place():
    layer = frame(
        box(0, 0, 5, 4), box(10, 0, 5, 4), box(20, 0, 5, 8), box(30, 0, 5, 4),
        uuid=["k", "k", "", None], osm_id=[1.0, 2.0, 31.0, np.nan],
    )  # fmt: skip
    result, notes = repair_footprints(layer)
    assert result.index.tolist() == ["k-1", "k-2", "31", "e99732.5n6213402.0"]
    assert result["building"].tolist() == ["k", "k", "31", "e99732.5n6213402.0"]
    assert (
        "1 identity shared by several footprints, taken as parts of one building" in notes
    )
    assert "1 footprint without identity, named by place" in notes


def test_made_names_never_meet_given_ones():
    layer = frame(box(0, 0, 5, 4), box(10, 0, 5, 4), box(20, 0, 5, 4), id=["a", "a", "a-1"])
    result, _ = repair_footprints(layer)
    assert is_sound(result)
    assert result["building"].tolist() == ["a", "a", "a-1"]


def test_a_column_of_kinds_is_no_identity():
    layer = frame(*(box(10 * i, 0, 5, 4) for i in range(5)), id=["house"] * 5)
    result, _ = repair_footprints(layer)
    assert result["building"].nunique() == 5


@pytest.mark.parametrize("noise", [0.04, 0.12])
def test_an_outline_drawn_twice_is_one_building(noise):
    wobbly = shapely.Polygon([(noise, 0), (12, -noise), (12 - noise, 9), (0, 9 + noise)])
    result, notes = repair_footprints(
        frame(box(0, 0, 12, 9), wobbly, id=["old", "new"], height=[np.nan, 7.0])
    )
    assert result.index.tolist() == ["new"]
    assert "1 duplicate footprint left out" in notes


@pytest.mark.parametrize("options", [{"snap": -0.1}, {"snap": 3.0}, {"smallest": -1.0}])
def test_tolerances_out_of_range_are_refused(options):
    with pytest.raises(GeometryError, match=r"snap must lie in 0\.\.1 m, got"):
        repair_footprints(frame(box(0, 0, 5, 4)), **options)


@pytest.mark.parametrize(
    "empty", [[], [None], [shapely.Point(1, 2)], [box(0, 0, 0.1, 0.1)]]
)
def test_a_layer_without_polygons_is_refused(empty):
    with pytest.raises(GeometryError, match="must hold polygons"):
        repair_footprints(frame(*empty))
