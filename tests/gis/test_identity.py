"""Buildings keep their identity through whatever a new import does to them."""

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis.crs import PLAN
from gis.errors import TableError
from gis.footprints import repair_footprints
from gis.identity import keep_ids

EAST, NORTH = 99_700.0, 6_213_400.0


def layer(shapes, *, ids=None, **columns):
    """Repaired footprints; without ids they are named by their place."""
    moved = [affinity.translate(shape, EAST, NORTH) for shape in shapes]
    if ids is not None:
        columns["id"] = ids
    return repair_footprints(gpd.GeoDataFrame(columns, geometry=moved, crs=PLAN))[0]


def box(west, south, width, height):
    return shapely.box(west, south, west + width, south + height)


def what(found, kind):
    rows = found.table[found.table["what"] == kind]
    return set(zip(rows["was"], rows["now"], strict=True))


A, B, C = box(0, 0, 12, 9), box(30, 0, 14, 8), box(60, 0, 10, 10)
WOBBLE = shapely.Polygon([(0.2, -0.1), (12.1, 0.2), (11.8, 9.2), (-0.2, 8.9)])


def test_the_same_layer_keeps_everything():
    before = layer([A, B, C], ids=["a", "b", "c"])
    found = keep_ids(before, before)
    assert what(found, "kept") == {("a", "a"), ("b", "b"), ("c", "c")}
    assert found.frame.index.tolist() == before.index.tolist()
    assert found.retired == frozenset()
    assert found.notes == ("3 buildings kept by the provider's id",)


def test_a_provider_that_renamed_all_is_matched_by_geometry():
    before = layer([A, B, C], ids=["a", "b", "c"])
    found = keep_ids(before, layer([C, WOBBLE, B], ids=["x", "y", "z"]))
    assert what(found, "kept") == {("a", "a"), ("b", "b"), ("c", "c")}
    assert set(found.table["by"]) == {"geometry"}
    given = dict(zip(found.frame["building"], found.frame["given"], strict=True))
    assert given == {"a": "y", "b": "z", "c": "x"}


def test_ids_made_of_the_place_survive_a_moved_wall():
    before, after = layer([A, B]), layer([box(0, 0, 13, 9), B])
    assert set(before.index) != set(after.index)
    assert set(keep_ids(before, after).frame.index) == set(before.index)


def test_an_id_given_in_between_is_followed_from_then_on():
    """Named by place first; the id of the second import finds it in the third."""
    first = layer([A])
    second = keep_ids(first, layer([A], ids=["uuid-1"])).frame
    third = keep_ids(second, layer([affinity.translate(A, 14, 0)], ids=["uuid-1"]))
    assert third.table["by"].tolist() == ["provider id"]
    assert third.frame["building"].tolist() == first["building"].tolist()
    assert third.frame.index.tolist() == first.index.tolist()


def test_an_id_is_followed_across_a_move_but_not_across_town():
    before = layer([A, B], ids=["a", "b"])
    near = keep_ids(before, layer([affinity.translate(A, 0, 40), B], ids=["a", "b"]))
    assert ("a", "a") in what(near, "kept")
    far = keep_ids(before, layer([affinity.translate(A, 0, 400), B], ids=["a", "b"]))
    assert what(far, "gone") == {("a", "")}
    assert what(far, "new") == {("", "a~2")}


def test_renumbered_layers_are_recognised():
    """The ids are the same numbers, but of other rows."""
    row = [box(12 * n, 0, 10, 9) for n in range(6)]
    before = layer(row, ids=[f"{n}" for n in range(6)])
    found = keep_ids(before, layer(row, ids=[f"{(n + 1) % 6}" for n in range(6)]))
    same = found.frame.geometry.sort_index()
    assert shapely.equals(same.to_numpy(), before.geometry.sort_index().to_numpy()).all()
    assert found.table["what"].tolist() == ["kept"] * 6
    assert "6 ids of the provider stood for another building before, not followed" in (
        found.notes
    )


def test_added_and_removed_buildings_are_told():
    found = keep_ids(layer([A, B], ids=["a", "b"]), layer([B, C], ids=["b", "c"]))
    assert what(found, "kept") == {("b", "b")}
    assert what(found, "new") == {("", "c")}
    assert what(found, "gone") == {("a", "")}
    assert found.retired == {"a"}


@pytest.mark.parametrize(
    ("cut", "keeper"),
    [
        pytest.param(8.0, "a", id="the piece of two thirds keeps the id"),
        pytest.param(4.0, "a", id="on whichever side"),
        pytest.param(None, None, id="of three equal pieces none does"),
    ],
)
def test_a_split_building_leaves_its_id_to_the_larger_half(cut, keeper):
    edges = [0.0, 4.0, 8.0, 12.0] if cut is None else [0.0, cut, 12.0]
    pieces = [box(w, 0, e - w, 9) for w, e in itertools.pairwise(edges)]
    found = keep_ids(layer([A], ids=["a"]), layer(pieces, ids=list("pqr")[: len(pieces)]))
    largest = found.frame.area.idxmax()
    assert ("a" in set(found.frame["building"])) == (keeper is not None)
    if keeper:
        assert found.frame["building"][largest] == "a"
    assert len(what(found, "split")) == (1 if keeper else 3)
    assert not what(found, "gone")
    assert ("a" in found.retired) == (keeper is None)


def test_merged_buildings_leave_the_id_of_the_larger():
    pair = [box(0, 0, 8, 9), box(8, 0, 4, 9)]
    found = keep_ids(layer(pair, ids=["large", "small"]), layer([A], ids=["x"]))
    assert what(found, "kept") == {("large", "large")}
    assert what(found, "merged") == {("small", "large")}
    assert found.retired == {"small"}


def test_no_identity_ever_returns_for_another_building():
    """An id is gone in the second import; in the fourth the provider gives it anew."""
    first = layer([A, B], ids=["a", "b"])
    second = keep_ids(first, layer([B], ids=["b"]))
    third = keep_ids(second.frame, layer([B], ids=["b"]), retired=second.retired)
    assert "a" in third.retired
    fourth = keep_ids(third.frame, layer([B, C], ids=["b", "a"]), retired=third.retired)
    assert set(fourth.frame["building"]) == {"b", "a~2"}
    fifth = keep_ids(fourth.frame, layer([A, B, C], ids=["x", "b", "a"]))
    assert set(fifth.frame["building"]) == {"x", "b", "a~2"}


def test_parts_keep_their_names_within_a_building():
    """The smaller part grows beyond the other: numbers by size would change places."""
    both = shapely.MultiPolygon([box(0, 0, 10, 9), box(30, 0, 8, 9)])
    grown = shapely.MultiPolygon([box(0, 0, 10, 9), box(30, 0, 11, 9), box(50, 0, 5, 5)])
    before = layer([both], ids=["a"])
    found = keep_ids(before, layer([grown], ids=["a"]))
    assert before.geometry["a-1"].equals(found.frame.geometry["a-1"])
    assert found.frame.geometry["a-2"].area == pytest.approx(99.0)
    assert found.frame.index.tolist().count("a-3") == 1


ground = st.tuples(st.integers(0, 9), st.integers(0, 5))
sizes = st.tuples(st.floats(4.0, 10.0), st.floats(4.0, 10.0))
house = st.tuples(sizes, st.integers(0, 15))
town = st.dictionaries(ground, house, min_size=1, max_size=12)


def build(places):
    shapes = [box(12 * x, 12 * y, *size) for (x, y), (size, _) in places.items()]
    ids = [None if n == 0 else f"id-{n}" for _, n in places.values()]
    return layer(shapes, ids=ids)


@settings(max_examples=60, deadline=None)
@given(town, town, st.randoms(use_true_random=False))
def test_laws_of_identity(old, new, random):
    before, after = build(old), build(new)
    retired = {"id-3", "id-7"} - {*before["building"], *before.index}
    found = keep_ids(before, after, retired=retired)
    # One name a part, and as many parts and as much ground as were imported.
    assert found.frame.index.is_unique
    assert len(found.frame) == len(after)
    assert (found.frame.area.to_numpy() == after.area.to_numpy()).all()
    # Retired ids and ids of the gone are nobody's.
    assert not found.retired & {*found.frame["building"], *found.frame.index}
    assert retired <= found.retired
    # An id that was there before is kept only where the table says so.
    kept = what(found, "kept")
    assert all(was == now for was, now in kept)
    shared = set(found.frame["building"]) & set(before["building"])
    assert shared == {now for _, now in kept}
    # Every building is accounted for.
    told = set(found.table["was"]) | set(found.table["now"])
    assert {*before["building"], *found.frame["building"]} <= told
    # The order of rows has no say.
    order = list(range(len(after)))
    random.shuffle(order)
    again = keep_ids(before, after.iloc[order], retired=retired)
    assert again.table.equals(found.table)
    assert again.frame.index.tolist() == found.frame.index[order].tolist()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(ground, sizes, min_size=1, max_size=12), st.integers(0, 2**32))
def test_a_resurvey_changes_no_identity(places, seed):
    """All houses move by up to 0.4 m and all rows come in another order, without ids."""
    rng = np.random.default_rng(seed)
    shapes = [box(12 * x, 12 * y, *size) for (x, y), size in places.items()]
    before = layer(shapes, ids=[f"id-{n}" for n in range(len(shapes))])
    moved = [affinity.translate(s, *rng.uniform(-0.28, 0.28, 2)) for s in shapes]
    found = keep_ids(before, layer([moved[n] for n in rng.permutation(len(moved))]))
    assert set(found.frame["building"]) == set(before["building"])
    assert set(found.frame.index) == set(before.index)
    assert set(found.table["what"]) == {"kept"}
    assert set(found.table["by"]) == {"geometry"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.drop(columns="building"), "must have the index part and the column"),
        (lambda f: f.reset_index(drop=True), "must have the index part and the column"),
        (lambda f: f.set_axis(["p", "p"]).rename_axis("part"), "must be unique, p are not"),
        (lambda f: f.to_crs(4326), "must be in one reference system"),
    ],
)
def test_tables_that_cannot_be_compared_are_refused(spoil, message):
    sound = layer([A, B], ids=["a", "b"])
    with pytest.raises(TableError, match=message):
        keep_ids(sound, spoil(sound))


def test_a_share_that_makes_matches_ambiguous_is_refused():
    sound = layer([A], ids=["a"])
    with pytest.raises(TableError, match=r"must be 0\.5\.\.1, got 0\.2"):
        keep_ids(sound, sound, same=0.2)
