"""Prove that outlines come out of ways and relations whatever way they were cut."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.sources.osm_areas import areas_of, join_lines
from gis.sources.osm_elements import overpass_elements

LON, LAT = 12.69, 56.04


def ring(west, south, width, height):
    """Draw a box, in ten-thousandths of a degree from a place in Helsingborg."""
    corners = [(west, south), (west + width, south), (west + width, south + height),
               (west, south + height), (west, south)]  # fmt: skip
    return [(round(LON + x * 1e-4, 7), round(LAT + y * 1e-4, 7)) for x, y in corners]


def way(number, points, **tags):
    geometry = [None if p is None else {"lon": p[0], "lat": p[1]} for p in points]
    return {"type": "way", "id": number, "geometry": geometry, "tags": tags}


def relation(number, members, **tags):
    listed = [
        {"type": "way", "ref": ref, "role": role,
         "geometry": [{"lon": x, "lat": y} for x, y in points]}
        for ref, role, points in members
    ]  # fmt: skip
    tags = {"type": "multipolygon", "building": "yes", **tags}
    return {"type": "relation", "id": number, "members": listed, "tags": tags}


def areas(*elements):
    return areas_of(overpass_elements({"elements": list(elements)}, "test"))


def box_area(width, height):
    return width * height * 1e-8


@st.composite
def cut_rings(draw):
    """Rings of some boxes, cut into lines, turned and shuffled."""
    count = draw(st.integers(1, 4))
    rings = [
        np.array(ring(40 * n, 0, draw(st.integers(1, 30)), draw(st.integers(1, 30))))
        for n in range(count)
    ]
    lines = []
    for closed in rings:
        cuts = draw(st.sets(st.integers(1, 3), max_size=3))
        turn = draw(st.integers(0, 3))
        points = np.roll(closed[:-1], turn, axis=0)
        points = np.vstack([points, points[:1]])
        at = [0, *sorted(cuts), 4]
        for first, last in pairwise(at):
            piece = points[first : last + 1]
            lines.append(piece[::-1] if draw(st.booleans()) else piece)
    return rings, draw(st.permutations(lines))


@given(cut_rings())
def test_rings_cut_into_lines_are_found_again(case):
    rings, lines = case
    found, chains = join_lines(lines)
    assert not chains
    assert sum(map(len, lines)) - len(lines) == sum(len(r) - 1 for r in found)
    expected = sorted(shapely.Polygon(r).area for r in rings)
    assert sorted(shapely.Polygon(r).area for r in found) == pytest.approx(expected)


@given(cut_rings())
def test_a_lost_line_leaves_one_chain_and_the_other_rings(case):
    rings, lines = case
    found, chains = join_lines(lines[1:])
    assert len(found) + len(chains) in (len(rings), len(rings) - 1)
    assert len(found) >= len(rings) - 1


def test_a_closed_way_is_its_polygon():
    made = areas(
        way(7, ring(0, 0, 3, 2), building="yes"), way(8, ring(9, 0, 3, 2), highway="x")
    )
    assert made.ids == ["way/7"]
    assert made.polygons[0].area == pytest.approx(box_area(3, 2), rel=1e-6)
    assert made.notes == ()


def test_an_open_way_is_closed_and_named():
    made = areas(way(7, ring(0, 0, 3, 2)[:-1], building="yes"))
    assert made.polygons[0].area == pytest.approx(box_area(3, 2), rel=1e-6)
    assert made.notes == ("1 outline not closed, closed by the first vertex (way/7)",)


def test_several_outer_and_inner_rings_make_one_area_with_holes():
    made = areas(
        relation(
            5,
            [
                (1, "outer", ring(0, 0, 10, 10)[:3]),
                (2, "outer", ring(0, 0, 10, 10)[2:]),
                (3, "outer", ring(20, 0, 10, 10)),
                (4, "inner", ring(2, 2, 2, 2)),
                (6, "inner", ring(5, 5, 3, 1)),
            ],
        )
    )
    (shape,) = made.polygons
    assert made.ids == ["relation/5"]
    assert shape.is_valid
    assert shape.geom_type == "MultiPolygon"
    assert shape.area == pytest.approx(box_area(1, 200 - 4 - 3), rel=1e-6)
    assert made.notes == ()


def test_holes_that_touch_are_one_hole():
    members = [(1, "outer", ring(0, 0, 10, 10)), (2, "inner", ring(2, 2, 3, 3)),
               (3, "inner", ring(5, 2, 3, 3))]  # fmt: skip
    (shape,) = areas(relation(5, members)).polygons
    assert shape.is_valid
    assert len(shape.interiors) == 1
    assert shape.area == pytest.approx(box_area(1, 82), rel=1e-6)


def test_an_island_in_a_hole_is_put_back():
    members = [(1, "outer", ring(0, 0, 10, 10)), (2, "inner", ring(1, 1, 8, 8)),
               (3, "outer", ring(3, 3, 2, 2))]  # fmt: skip
    (shape,) = areas(relation(5, members)).polygons
    assert shape.area == pytest.approx(box_area(1, 100 - 64 + 4), rel=1e-6)


def test_rings_without_role_nest_by_their_place():
    members = [(1, "", ring(1, 1, 8, 8)), (2, "", ring(0, 0, 10, 10))]
    (shape,) = areas(relation(5, members)).polygons
    assert shape.area == pytest.approx(box_area(1, 36), rel=1e-6)


@given(st.permutations(range(5)))
@settings(max_examples=20)
def test_the_order_of_members_does_not_matter(order):
    members = [(1, "outer", ring(0, 0, 10, 10)[:3]), (2, "outer", ring(0, 0, 10, 10)[2:]),
               (3, "inner", ring(1, 1, 8, 8)), (4, "outer", ring(3, 3, 2, 2)),
               (6, "inner", ring(4, 4, 1, 1))]  # fmt: skip
    (shape,) = areas(relation(5, [members[n] for n in order])).polygons
    assert shape.area == pytest.approx(box_area(1, 100 - 64 + 4 - 1), rel=1e-6)


def test_an_old_relation_takes_the_tags_of_its_outer_way():
    outer = way(1, ring(0, 0, 10, 10), building="school")
    old = relation(5, [(1, "outer", ring(0, 0, 10, 10)), (2, "inner", ring(1, 1, 2, 2))])
    del old["tags"]["building"]
    made = areas(outer, old)
    assert made.ids == ["way/1"]
    assert made.tags[0]["building"] == "school"
    assert made.polygons[0].area == pytest.approx(box_area(1, 96), rel=1e-6)


def test_an_outer_way_that_is_tagged_again_counts_once():
    outer = way(1, ring(0, 0, 10, 10), building="yes")
    made = areas(outer, relation(5, [(1, "outer", ring(0, 0, 10, 10))]))
    assert made.ids == ["relation/5"]


def test_missing_members_are_told_of():
    members = [
        {"type": "way", "ref": 1, "role": "outer"},
        {"type": "way", "ref": 2, "role": "outer"},
    ]
    broken = {"type": "relation", "id": 5, "members": members,
              "tags": {"type": "multipolygon", "building": "yes"}}  # fmt: skip
    made = areas(broken, way(2, ring(0, 0, 4, 4)))
    assert made.ids == ["relation/5"]
    assert made.notes == (
        "1 relation of buildings incomplete, read as far as they go "
        "(relation/5: 1 member missing)",
    )


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (ring(0, 0, 3, 2)[:2], "fewer than three corners"),
        ([*ring(0, 0, 3, 2)[:3], None], "vertices that the extract does not hold"),
        ([*ring(0, 0, 3, 2)[:3], (12.0, 4e9)], "coordinates that are no degrees"),
    ],
)
def test_outlines_that_cannot_be_used_are_counted_and_named(points, why):
    made = areas(way(7, points, building="yes"))
    assert made.ids == []
    assert why in made.notes[0]
    assert "way/7" in made.notes[0]


def test_very_many_rings_do_not_take_very_long():
    members = [
        (n, "outer" if n % 2 else "inner", ring(n % 90 * 3, n // 90 * 3, 2, 2))
        for n in range(5000)
    ]
    (shape,) = areas(relation(5, members)).polygons
    assert shape.area == pytest.approx(box_area(1, 2500 * 4), rel=1e-6)


def test_nodes_may_come_after_the_ways_that_use_them():
    points = ring(0, 0, 3, 2)[:4]
    nodes = [
        {"type": "node", "id": n, "lon": x, "lat": y} for n, (x, y) in enumerate(points, 1)
    ]
    body = {"type": "way", "id": 7, "nodes": [1, 2, 3, 4, 1], "tags": {"building": "yes"}}
    skeleton = {"type": "way", "id": 7, "nodes": [1, 2, 3, 4, 1]}
    by_nodes = areas(body, skeleton, *nodes)
    by_geometry = areas(way(7, ring(0, 0, 3, 2), building="yes"))
    assert by_nodes.ids == by_geometry.ids
    assert by_nodes.polygons[0].equals(by_geometry.polygons[0])
    assert areas(*nodes, skeleton, body).polygons[0].equals(by_nodes.polygons[0])
