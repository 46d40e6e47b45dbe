"""Every fault is found in a body made for it, alone, and not in one that nearly has it."""

from dataclasses import replace

import numpy as np
import pytest

from gis.errors import GeometryError
from meshes.polygons import Polygons, newell_sums
from meshes.predicates import Code, examine, invalid_parts
from meshes.solids import Kind, Solids

ORIGIN = np.array([99_700.0, 6_213_500.0, 0.0])
ROOF, WALL, GROUND = Kind.ROOF, Kind.WALL, Kind.GROUND


def body(faces, *, part=None, parts=1):
    """Return solids of (kind, rings) faces; unlike `make_polygons` it refuses nothing."""
    rings = [np.asarray(ring, float).reshape(-1, 3) for _, face in faces for ring in face]
    vertices = np.concatenate([*rings, np.empty((0, 3))])
    ring_start = np.r_[0, np.cumsum([len(r) for r in rings])].astype(int)
    polygon_start = np.r_[0, np.cumsum([len(face) for _, face in faces])].astype(int)
    sums = newell_sums(vertices, ring_start, polygon_start)
    length = np.linalg.norm(sums, axis=1)
    normal = sums / np.maximum(length, 1e-300)[:, None]
    return Solids(
        Polygons(vertices, ring_start, polygon_start, normal, length / 2),
        np.array([kind for kind, _ in faces], np.int8),
        np.zeros(len(faces), np.int32) if part is None else np.asarray(part, np.int32),
        tuple(f"p{k}" for k in range(parts)),
        ORIGIN,
    )


def prism(outline, holes=(), *, base=0.0, top=6.0, walled=True):
    """Return roof, walls and ground over rings in plan; holes clockwise."""
    rings = [np.asarray(ring, float) for ring in (outline, *holes)]
    roof = [np.c_[ring, np.full(len(ring), top)] for ring in rings]
    ground = [np.c_[ring, np.full(len(ring), base)][::-1] for ring in rings]
    walls = [
        [(*p, base), (*q, base), (*q, top), (*p, top)]
        for ring in (rings if walled else rings[:1])
        for p, q in zip(ring, np.roll(ring, -1, axis=0), strict=True)
    ]
    return [(ROOF, roof), *((WALL, [wall]) for wall in walls), (GROUND, ground)]


def rectangle(x0, y0, x1, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def box(x0, y0, z0, x1, y1, z1):
    return prism(rectangle(x0, y0, x1, y1), base=z0, top=z1)


def with_hole(hole, *others):
    return prism(rectangle(0, 0, 10, 8), [hole, *others])


def turned(face):
    kind, rings = face
    return kind, [list(ring)[::-1] for ring in rings]


def inwards(faces):
    return [turned(face) for face in faces]


def moved(faces, corner, *, to):
    """Return faces in which one place is another."""
    return [
        (kind, [[to if tuple(p) == tuple(corner) else tuple(p) for p in r] for r in rings])
        for kind, rings in faces
    ]


def split_edge(faces, one, other, new):
    """Return faces with a corner more on an edge."""

    def divided(ring):
        ring, out = [tuple(p) for p in ring], []
        for p, q in zip(ring, ring[1:] + ring[:1], strict=True):
            out += [p, new] if {p, q} == {one, other} else [p]
        return out

    return [(kind, [divided(ring) for ring in rings]) for kind, rings in faces]


def funnel(depth):
    """Return a box whose roof falls to a point above, on or below its ground."""
    faces = box(0, 0, 0, 10, 8, 6)
    low = (5.0, 4.0, depth)
    rim = [(0, 0, 6), (10, 0, 6), (10, 8, 6), (0, 8, 6)]
    roofs = [(ROOF, [[p, q, low]]) for p, q in zip(rim, rim[1:] + rim[:1], strict=True)]
    return [*roofs, *faces[1:]]


def tetrahedron(size=5.0):
    o, x, y, z = (0, 0, 0), (size, 0, 0), (0, size, 0), (0, 0, size)
    return [
        (GROUND, [[o, y, x]]),
        (WALL, [[o, x, z]]),
        (WALL, [[o, z, y]]),
        (ROOF, [[x, y, z]]),
    ]


def stated(faces, **values):
    """Return solids whose faces state something else than their corners."""
    solids = body(faces)
    return replace(solids, faces=replace(solids.faces, **values))


def flat_tetrahedron():
    """Return a tetrahedron pressed flat: its faces share all their corners in pairs."""
    a, b, c, d = (0, 0, 2), (10, 0, 2), (10, 8, 2), (0, 8, 2)
    return [
        (ROOF, [[a, b, c]]),
        (ROOF, [[a, c, d]]),
        (GROUND, [[b, a, d]]),
        (GROUND, [[c, b, d]]),
    ]


def two_tents(gap):
    """Return two tents on one floor that meet in its diagonal, or above it."""
    a, b, c, d = (0, 0, 0), (10, 0, 0), (10, 8, 0), (0, 8, 0)
    p, q = (7, 3, 4), (3, 5, 4)
    tents = [(a, b, p), (b, c, p), (c, d, q), (d, a, q)]
    if gap:
        m = (5, 4, gap)
        tents += [(c, m, p), (m, a, p), (a, m, q), (m, c, q)]
    else:
        tents += [(c, a, p), (a, c, q)]
    return [(GROUND, [[a, d, c, b]]), *((WALL, [tent]) for tent in tents)]


CUBE = box(0, 0, 0, 10, 8, 6)
NORMALS = body(CUBE).faces.normal
LEANING = NORMALS + np.array([0.0, 0.0175, 0.0]) * (np.arange(6) == 0)[:, None]
OTHER_KIND = {"roof": 0, "ground": 5}


def kinds(**changed):
    faces = list(CUBE)
    for which, kind in changed.items():
        place = OTHER_KIND[which]
        faces[place] = (kind, faces[place][1])
    return body(faces)


IN = [(3, 3), (3, 5), (5, 5), (5, 3)]
IN_TOO = [(6, 3), (6, 5), (8, 5), (8, 3)]
THIN = [(3, 3, 6), (3, 5, 6), (3, 3, 6)]
SMALL = rectangle(0, 0, 0.05, 0.05)
DIAMOND = [(0, 4), (5, 6), (10, 4), (5, 2)]

CASES = {
    # code: (reason, the body that has it, reason of the near miss, that body)
    Code.TOO_FEW_POINTS: (
        "a hole there and back",
        lambda: body([(ROOF, [*CUBE[0][1], THIN]), *CUBE[1:]]),
        "three corners are enough",
        lambda: body(tetrahedron()),
    ),
    Code.CONSECUTIVE_POINTS_SAME: (
        "the roof names its first corner at its end again",
        lambda: body([(ROOF, [[*CUBE[0][1][0], CUBE[0][1][0][0]]]), *CUBE[1:]]),
        "a corner a millimetre on",
        lambda: body(split_edge(CUBE, (0, 0, 6), (10, 0, 6), (0.001, 0.0, 6.0))),
    ),
    Code.RING_SELF_INTERSECTION: (
        "a bow tie",
        lambda: body(prism([(0, 0), (10, 0), (2, 8), (10, 9)])),
        "an arrow",
        lambda: body(prism([(0, 0), (10, 0), (2, 2), (0, 9)])),
    ),
    Code.INTERSECTION_RINGS: (
        "a hole half outside",
        lambda: body(with_hole([(8, 3), (8, 5), (12, 5), (12, 3)])),
        "a hole a millimetre inside",
        lambda: body(with_hole([(8, 3), (8, 5), (9.999, 5), (9.999, 3)])),
    ),
    Code.DUPLICATED_RINGS: (
        "the same hole twice, another corner first",
        lambda: body(with_hole(IN, IN[1:] + IN[:1])),
        "two holes",
        lambda: body(with_hole(IN, IN_TOO)),
    ),
    Code.NON_PLANAR_POLYGON_DISTANCE_PLANE: (
        "one of four corners 50 mm up leaves the best plane by 12.5 mm",
        lambda: body(moved(CUBE, (10, 8, 6), to=(10.0, 8.0, 6.05))),
        "30 mm up leave it by 7.5 mm",
        lambda: body(moved(CUBE, (10, 8, 6), to=(10.0, 8.0, 6.03))),
    ),
    Code.NON_PLANAR_POLYGON_NORMALS_DEVIATION: (
        "36 mm up on 50 mm folds the roof by 27 degrees, 9 mm from the plane",
        lambda: body(moved(prism(SMALL), (0.05, 0.05, 6), to=(0.05, 0.05, 6.036))),
        "18 mm up fold it by 14 degrees",
        lambda: body(moved(prism(SMALL), (0.05, 0.05, 6), to=(0.05, 0.05, 6.018))),
    ),
    Code.POLYGON_INTERIOR_DISCONNECTED: (
        "a hole from side to side",
        lambda: body(with_hole(DIAMOND)),
        "a hole that ends 1 cm before",
        lambda: body(with_hole([(0.01, 4), (5, 6), (9.99, 4), (5, 2)])),
    ),
    Code.INNER_RING_OUTSIDE: (
        "a hole beside the outline",
        lambda: body(with_hole([(13, 3), (13, 5), (15, 5), (15, 3)])),
        "in it",
        lambda: body(with_hole(IN_TOO)),
    ),
    Code.INNER_RINGS_NESTED: (
        "a hole in the hole",
        lambda: body(with_hole([(2, 2), (2, 6), (9, 6), (9, 2)], IN)),
        "a hole beside it",
        lambda: body(with_hole([(5.5, 2), (5.5, 6), (9, 6), (9, 2)], IN)),
    ),
    Code.ORIENTATION_RINGS_SAME: (
        "a hole that turns as the outline",
        lambda: body(with_hole(IN[::-1])),
        "the other way",
        lambda: body(with_hole(IN)),
    ),
    Code.TOO_FEW_POLYGONS: (
        "a sheet with two sides",
        lambda: body([CUBE[0], (GROUND, turned(CUBE[0])[1])]),
        "a tetrahedron",
        lambda: body(tetrahedron()),
    ),
    Code.SHELL_NOT_CLOSED: (
        "no ground",
        lambda: body(CUBE[:-1]),
        "with ground",
        lambda: body(CUBE),
    ),
    Code.NON_MANIFOLD_CASE: (
        "two boxes hang at an edge",
        lambda: body([*CUBE, *box(10, 8, 0, 14, 12, 6)]),
        "one box that ends there",
        lambda: body(box(10, 8, 0, 14, 12, 6)),
    ),
    Code.MULTIPLE_CONNECTED_COMPONENTS: (
        "two boxes apart are one part",
        lambda: body([*CUBE, *box(11, 0, 0, 14, 12, 6)]),
        "or two parts",
        lambda: body([*CUBE, *box(11, 0, 0, 14, 12, 6)], part=[0] * 6 + [1] * 6, parts=2),
    ),
    Code.SHELL_SELF_INTERSECTION: (
        "the roof falls through the ground",
        lambda: body(funnel(-1.0)),
        "it ends 1 mm above",
        lambda: body(funnel(0.001)),
    ),
    Code.POLYGON_WRONG_ORIENTATION: (
        "a wall that looks inwards",
        lambda: body([*CUBE[:2], turned(CUBE[2]), *CUBE[3:]]),
        "none",
        lambda: body(CUBE),
    ),
    Code.INTERSECTION_SHELLS: (
        "a cavity that comes out of the wall",
        lambda: body([*CUBE, *room(7, 3, 1, 12, 5, 3)]),
        "one that ends 1 cm before it",
        lambda: body([*CUBE, *room(7, 3, 1, 9.99, 5, 3)]),
    ),
    Code.INNER_SHELL_OUTSIDE: (
        "a cavity beside the body",
        lambda: body([*CUBE, *room(13, 3, 1, 15, 5, 3)]),
        "in it",
        lambda: body([*CUBE, *room(3, 3, 1, 5, 5, 3)]),
    ),
    Code.WRONG_ORIENTATION_SHELL: (
        "inside out",
        lambda: body(inwards(CUBE)),
        "outside out",
        lambda: body(CUBE),
    ),
    Code.CITYOBJECT_HAS_NO_GEOMETRY: (
        "a part without faces",
        lambda: body(CUBE, parts=2),
        "one with",
        lambda: body(CUBE, parts=1),
    ),
    Code.COORDINATE_NOT_FINITE: (
        "a corner at no height",
        lambda: body(moved(CUBE, (10, 8, 6), to=(10.0, 8.0, np.nan))),
        "at a height",
        lambda: body(CUBE),
    ),
    Code.NORMAL_OR_AREA_WRONG: (
        "a normal that leans by a degree",
        lambda: stated(CUBE, normal=LEANING),
        "by rounding",
        lambda: stated(CUBE, normal=NORMALS * (1 + 1e-12)),
    ),
    Code.KIND_UNKNOWN: (
        "a roof of kind 7",
        lambda: kinds(roof=7),
        "of kind 0",
        lambda: kinds(roof=0),
    ),
    Code.ROOF_LOOKS_DOWN: (
        "the ground is called a roof",
        lambda: kinds(ground=ROOF),
        "a wall, as over a gateway",
        lambda: kinds(ground=WALL),
    ),
    Code.GROUND_LOOKS_UP: (
        "the roof is called ground",
        lambda: kinds(roof=GROUND),
        "roof",
        lambda: kinds(roof=ROOF),
    ),
    Code.VOLUME_NOT_AREA_TIMES_HEIGHT: (
        "the roof of a block is called a wall",
        lambda: kinds(roof=WALL),
        "a roof that is no block",
        lambda: body(tetrahedron()),
    ),
}


def room(*bounds):
    """Return a cavity; seen from it, its floor is a roof and its ceiling ground."""
    kind_of = {ROOF: GROUND, GROUND: ROOF, WALL: WALL}
    return [(kind_of[kind], rings) for kind, rings in inwards(box(*bounds))]


def test_every_code_has_its_body():
    assert {*CASES, Code.BUILDINGPARTS_OVERLAP} == set(Code)


@pytest.mark.parametrize("code", CASES, ids=lambda code: f"{code.value}-{code.name}")
def test_a_body_made_for_a_fault_has_it_alone(code):
    reason, make, near_reason, make_near = CASES[code]
    solids = make()
    found = examine(solids)
    assert set(found.table["code"]) == {code}, (reason, found.notes)
    assert set(found.table["name"]) == {code.name}
    assert found.table["words"].str.endswith(".").all()
    assert found.counts() == {code: 1}
    assert len(invalid_parts(solids)) == 1
    assert invalid_parts(solids, laws=False).size == (0 if code.is_own_law else 1)
    near = examine(make_near())
    assert near.valid.all(), (near_reason, near.table)


@pytest.mark.parametrize("turn", range(3))
def test_a_fault_stays_when_axes_change_places(turn):
    for code, (_, make, *_) in CASES.items():
        if code.is_own_law:
            continue  # these know up and down
        solids = make()
        faces = solids.faces
        turned_faces = replace(
            faces,
            vertices=np.roll(faces.vertices, turn, axis=1),
            normal=np.roll(faces.normal, turn, axis=1),
        )
        found = examine(replace(solids, faces=turned_faces))
        geometric = found.table[[not Code(c).is_own_law for c in found.table["code"]]]
        assert set(geometric["code"]) == {code}


def test_the_table_says_where_and_how_much():
    found = examine(body(moved(CUBE, (10, 8, 6), to=(10.0, 8.0, 6.06))))
    (row,) = found.table.itertuples()
    assert (row.part, row.number, row.faces) == ("p0", 0, (0,))
    assert row.amount == pytest.approx(0.015, abs=1e-5), "a quarter of the rise"
    assert row.y - ORIGIN[1] in (0.0, 8.0)
    assert "0.015 m" in row.words
    assert found.notes == (
        "1 of 1 part examined with faults",
        "203 NON_PLANAR_POLYGON_DISTANCE_PLANE: 1 part",
    )
    assert examine(body(CUBE)).notes == ("1 part examined, all sound",)


def test_turned_faces_are_named_and_few():
    faces = [*CUBE[:2], turned(CUBE[2]), *CUBE[3:-1], turned(CUBE[-1])]
    (row,) = examine(body(faces)).table.itertuples()
    assert row.faces == (2, 5)


def test_a_fault_of_one_part_is_none_of_its_neighbours():
    far = box(20, 0, 0, 25, 8, 6)
    solids = body(
        [*CUBE, *far[:-1], *box(30, 0, 0, 35, 8, 6)],
        part=[0] * 6 + [1] * 5 + [2] * 6,
        parts=3,
    )
    found = examine(solids)
    assert found.valid.tolist() == [True, False, True]
    assert found.table["faces"].iloc[0] == (7, 8, 9, 10), "the walls around the open ground"
    assert found.table["amount"].iloc[0] == 4


@pytest.mark.parametrize(
    ("faces", "code"),
    [
        pytest.param(
            [*CUBE, *box(10, 8, 6, 14, 12, 9)], Code.NON_MANIFOLD_CASE, id="corner"
        ),
        pytest.param(funnel(0.0), Code.SHELL_SELF_INTERSECTION, id="touches"),
        pytest.param([*CUBE, *CUBE], Code.NON_MANIFOLD_CASE, id="twice"),
        pytest.param(
            [*CUBE, *box(3, 3, 1, 5, 5, 3)], Code.WRONG_ORIENTATION_SHELL, id="body-in-body"
        ),
        pytest.param(
            [*CUBE, *room(1, 1, 1, 9, 7, 5), *box(3, 3, 2, 5, 5, 3)],
            Code.MULTIPLE_CONNECTED_COMPONENTS,
            id="body-in-a-cavity",
        ),
        pytest.param(
            [*CUBE, *box(10, 2, 1, 14, 6, 4)], Code.INTERSECTION_SHELLS, id="party-wall"
        ),
        pytest.param(
            [(ROOF, [[(0, 0, 6), (10, 0, 6), (5, 0, 6)]]), *CUBE[1:]],
            Code.RING_SELF_INTERSECTION,
            id="a-ring-that-is-a-line",
        ),
        pytest.param(
            [*CUBE, *(face for k, face in enumerate(box(10, 0, 0, 14, 8, 6)) if k != 4)],
            Code.NON_MANIFOLD_CASE,
            id="a-wall-within",
        ),
        pytest.param(
            with_hole([(0, 2), (0, 6), (5, 6), (5, 2)]),
            Code.INTERSECTION_RINGS,
            id="hole-along-an-edge",
        ),
        pytest.param(flat_tetrahedron(), Code.SHELL_SELF_INTERSECTION, id="pressed-flat"),
        pytest.param(two_tents(0), Code.SHELL_SELF_INTERSECTION, id="edge-on-a-face"),
        pytest.param([(ROOF, []), *CUBE[1:]], Code.TOO_FEW_POINTS, id="no-ring"),
        pytest.param([(ROOF, [[]]), *CUBE[1:]], Code.TOO_FEW_POINTS, id="empty-ring"),
        pytest.param(
            with_hole([(0, 0), (3, 5), (5, 5)]),
            Code.NON_MANIFOLD_CASE,
            id="hole-at-a-corner",
        ),
        pytest.param(
            with_hole([(0, 4), (3, 5), (3, 3)]),
            Code.SHELL_SELF_INTERSECTION,
            id="hole-at-an-edge",
        ),
    ],
)
def test_other_ways_to_the_same_fault(faces, code):
    assert examine(body(faces)).counts() == {code: 1}


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        pytest.param(box(4, 3, 0, 14, 5, 6), True, id="crosses"),
        pytest.param(box(4, 3, 1, 5, 5, 3), True, id="within"),
        pytest.param(box(0, 0, 0, 10, 8, 6), True, id="the-same"),
        pytest.param(box(9.5, 0, 0, 20, 8, 6), True, id="half-a-metre"),
        pytest.param(box(9.995, 0, 0, 20, 8, 6), False, id="5-mm"),
        pytest.param(box(10, 0, 0, 20, 8, 6), False, id="party-wall"),
        pytest.param(box(2, 2, 6, 5, 5, 9), False, id="on-the-roof"),
        pytest.param(box(10, -3, 0, 20, 12, 9), False, id="higher-and-longer-neighbour"),
        pytest.param(box(-5, 3, 2, 15, 5, 4), True, id="through-and-through"),
        pytest.param(box(7, -50, 0, 7.5, 50, 6), True, id="thin-and-long-as-high"),
        pytest.param(box(7, -50, 6, 7.5, 50, 9), False, id="thin-and-long-above"),
    ],
)
def test_parts_overlap_when_asked(other, overlap):
    solids = body([*CUBE, *other], part=[0] * 6 + [1] * 6, parts=2)
    assert examine(solids).valid.all()
    found = examine(solids, between_parts=True)
    assert found.counts() == ({Code.BUILDINGPARTS_OVERLAP: 1} if overlap else {})


def test_tents_that_keep_off_the_floor_are_sound():
    assert examine(body(two_tents(0.01))).valid.all()


def test_what_is_no_model_is_refused():
    with pytest.raises(GeometryError, match="tolerance must be above 0 m, got -1 m"):
        examine(body(CUBE), tolerance=-1)
    with pytest.raises(GeometryError, match="face 0 of part 3"):
        examine(body(CUBE, part=[3, 0, 0, 0, 0, 0]))
    with pytest.raises(GeometryError, match="5 kinds"):
        examine(replace(body(CUBE), kind=np.zeros(5, np.int8)))


def test_nothing_is_sound():
    empty = examine(body([], parts=0))
    assert empty.valid.size == 0
    assert len(empty.table) == 0
    assert invalid_parts(body([], parts=0)).size == 0
