"""Prove that point clouds read alike whole and by window; refuse bad ones."""

import datetime as dt
import struct
from collections import Counter
from itertools import pairwise

import laspy
import numpy as np
import pytest
from pyproj import CRS, Transformer

from gis.crs import PLAN
from gis.errors import ComponentError, CrsError, HeidiError, SourceError
from gis.sources import pointcloud
from gis.sources.copc import check_hierarchy
from gis.sources.las_header import read_head
from gis.sources.pointcloud import open_point_cloud, read_pieces, read_points

EAST, NORTH = 99_600.0, 6_213_500.0
RESOLUTION = 0.01
"""Of the coordinates in the files [m]."""


def write(path, *, crs="EPSG:3008+5613", points=6, count=5000, version="1.4", **columns):
    """Write a cloud of random points on 120 m x 80 m and return their places."""
    rng = np.random.default_rng(3)
    header = laspy.LasHeader(point_format=points, version=version)
    header.scales, header.offsets = [RESOLUTION] * 3, [EAST, NORTH, 0.0]
    if crs is not None:
        header.add_crs(CRS.from_user_input(crs))
    cloud = laspy.LasData(header)
    xyz = rng.uniform((EAST, NORTH, 1.0), (EAST + 120, NORTH + 80, 40.0), (count, 3))
    xyz = columns.pop("xyz", xyz)
    cloud.x, cloud.y, cloud.z = xyz.T
    for name, values in columns.items():
        setattr(cloud, name, values)
    cloud.write(str(path))
    return np.column_stack([cloud.x, cloud.y, cloud.z])


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize(("points", "version"), [(6, "1.4"), (3, "1.2"), (1, "1.2")])
def test_all_points_come_back_in_order_whatever_the_piece(
    tmp_path, suffix, points, version
):
    path = tmp_path / f"a{suffix}"
    crs = "EPSG:3008" if version == "1.2" else "EPSG:3008+5613"
    xyz = write(path, points=points, version=version, crs=crs)
    cloud = open_point_cloud(path)
    assert cloud.count == len(xyz)
    for piece in (137, 5000, 10**6):
        pieces = list(read_pieces(cloud, piece=piece))
        assert max(len(some) for some in pieces) <= piece
        assert np.concatenate([p.xyz for p in pieces]) == pytest.approx(xyz, abs=1e-9)


def test_windows_side_by_side_share_no_point_and_lose_none(tmp_path):
    xyz = write(tmp_path / "a.laz")
    cloud = open_point_cloud(tmp_path / "a.laz")
    # Edges on whole centimetres: points fall on them.
    east, north = EAST + np.arange(-1, 130, 13.0), NORTH + np.arange(-1, 90, 7.0)
    windows = [
        read_points(cloud, (w, s, e, n))[0].xyz
        for w, e in pairwise(east)
        for s, n in pairwise(north)
    ]
    together = np.concatenate(windows)
    assert together[np.lexsort(together.T)] == pytest.approx(
        xyz[np.lexsort(xyz.T)], abs=1e-9
    )


def test_withheld_noise_and_overlap_are_dropped_and_counted(tmp_path):
    kind = np.full(5000, 1, dtype=np.uint8)
    kind[:30], kind[30:70] = 7, 18
    withheld, overlap = np.zeros((2, 5000), dtype=bool)
    # The first reason counts: withheld before noise before overlap.
    withheld[20:40], overlap[60:100] = True, True
    write(tmp_path / "a.laz", classification=kind, withheld=withheld, overlap=overlap)
    points, notes = read_points(open_point_cloud(tmp_path / "a.laz"))
    assert points.left_out == Counter(
        {"withheld": 20, "noise": 50, "overlap of flight lines": 30}
    )
    assert len(points) == 5000 - 100
    assert "50 points left out: noise" in notes


def test_class_12_is_overlap_in_old_formats_only(tmp_path):
    kind = np.where(np.arange(5000) < 10, 12, 2).astype(np.uint8)
    write(
        tmp_path / "old.las", points=1, version="1.2", crs="EPSG:3008", classification=kind
    )
    write(tmp_path / "new.las", classification=kind)
    assert len(read_points(open_point_cloud(tmp_path / "old.las"))[0]) == 4990
    assert len(read_points(open_point_cloud(tmp_path / "new.las"))[0]) == 5000


def test_points_come_in_the_plan_and_windows_are_cut_there(tmp_path):
    to_tm = Transformer.from_crs(3008, 3006, always_xy=True)
    rng = np.random.default_rng(8)
    plan = rng.uniform((EAST, NORTH, 1.0), (EAST + 120, NORTH + 80, 40.0), (5000, 3))
    native = np.column_stack([*to_tm.transform(plan[:, 0], plan[:, 1]), plan[:, 2]])
    write(tmp_path / "a.laz", crs="EPSG:5845", xyz=native)
    cloud = open_point_cloud(tmp_path / "a.laz")
    assert read_points(cloud)[0].xyz == pytest.approx(plan, abs=2 * RESOLUTION)
    window = (EAST + 11, NORTH + 7, EAST + 50, NORTH + 60)
    found, _ = read_points(cloud, window)
    x, y = found.xyz[:, 0], found.xyz[:, 1]
    assert ((x >= window[0]) & (x < window[2]) & (y >= window[1]) & (y < window[3])).all()
    inside = (np.abs(plan[:, 0] - EAST - 30.5) < 19.5) & (
        np.abs(plan[:, 1] - NORTH - 33.5) < 26.5
    )
    assert len(found) == pytest.approx(inside.sum(), abs=5)


@pytest.mark.parametrize(
    ("crs", "factor", "note"),
    [
        ("EPSG:3006+5613", 1.0, None),
        ("EPSG:3006", 1.0, "does not state its height system"),
        ("EPSG:3006+3855", 1.0, "EGM2008 height and taken as RH2000 without a shift"),
        ("EPSG:3006+6360", 1200 / 3937, "converted from US survey foot"),
    ],
)
def test_the_height_system_is_told(tmp_path, crs, factor, note):
    native = np.array([[356_100.0, 6_213_000.0, 10.0], [356_130.0, 6_213_020.0, 20.0]])
    write(tmp_path / "a.laz", crs=crs, xyz=native)
    cloud = open_point_cloud(tmp_path / "a.laz", year=2018)
    assert cloud.metres == pytest.approx(factor)
    assert read_points(cloud)[0].xyz[:, 2] == pytest.approx(native[:, 2] * factor, abs=0.01)
    assert len(cloud.notes) == (0 if note is None else 1 if factor == 1 else 2)
    assert note is None or note in " ".join(cloud.notes)


def test_heights_above_the_ellipsoid_are_refused(tmp_path):
    write(tmp_path / "a.laz", crs="EPSG:4979", xyz=np.array([[12.69, 56.04, 40.0]]))
    with pytest.raises(CrsError, match="above the ellipsoid"):
        open_point_cloud(tmp_path / "a.laz")


def test_a_file_without_system_needs_one_to_be_named(tmp_path):
    write(tmp_path / "a.laz", crs=None)
    with pytest.raises(CrsError, match="states none"):
        open_point_cloud(tmp_path / "a.laz")
    cloud = open_point_cloud(tmp_path / "a.laz", system="EPSG:3008+5613")
    assert "SWEREF99 13 30 + RH2000 height assumed" in cloud.notes[0]


def test_a_place_elsewhere_is_refused(tmp_path):
    write(
        tmp_path / "a.laz", crs="EPSG:2154", xyz=np.array([[770_500.0, 6_277_500.0, 5.0]])
    )
    with pytest.raises(CrsError, match="must lie within"):
        open_point_cloud(tmp_path / "a.laz")


def test_the_clock_of_the_points_tells_the_year_of_the_flight(tmp_path):
    # Standard GPS time counts seconds from 6 January 1980, less a thousand million.
    days = (dt.date(2018, 6, 1) - dt.date(1980, 1, 6)).days
    seconds = np.full(5000, days * 86_400.0 - 1e9)
    path = tmp_path / "a.las"
    write(path, gps_time=seconds)
    raw = bytearray(path.read_bytes())
    assert open_point_cloud(path).year != 2018
    raw[6] |= 1  # global encoding: adjusted standard GPS time
    path.write_bytes(raw)
    cloud = open_point_cloud(path)
    assert cloud.year == 2018
    assert not any("does not say when" in note for note in cloud.notes)


def test_a_missing_library_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch):
    write(tmp_path / "a.las")
    monkeypatch.setitem(__import__("sys").modules, "laspy", None)
    with pytest.raises(ComponentError, match="make extras"):
        open_point_cloud(tmp_path / "a.las")


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.3, 0.7, 0.95, 0.999])
def test_files_that_are_cut_short_are_refused_in_one_line(tmp_path, suffix, share):
    path = tmp_path / f"a{suffix}"
    write(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(SourceError) as caught:
        read_points(open_point_cloud(path))
    assert "\n" not in str(caught.value)


HOSTILE = {
    "points without end": (247, struct.pack("<Q", 2**60), "cannot hold"),
    "records without end": (100, struct.pack("<I", 2**32 - 1), "variable records"),
    "extended records without end": (243, struct.pack("<I", 2**32 - 1), "extended records"),
    "points before the header": (96, struct.pack("<I", 10), "begin at byte"),
    "points beyond the end": (96, struct.pack("<I", 2**31), "begin at byte"),
    "no length of a point": (105, struct.pack("<H", 0), "cannot be of that format"),
    "an unknown format": (104, bytes([63]), "format 63"),
    "a scale of nothing": (131, struct.pack("<d", 0.0), "scales"),
    "a scale of no number": (131, struct.pack("<d", float("nan")), "scales"),
    "an infinite offset": (155, struct.pack("<d", float("inf")), "offsets"),
    "an absurd extent": (179, struct.pack("<d", 1e300), "extent"),
    "a future version": (25, bytes([9]), "version 1.9"),
    "another format": (0, b"PK\x03\x04", "does not begin"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_headers_that_claim_the_impossible_are_refused(tmp_path, name):
    at, what, told = HOSTILE[name]
    path = tmp_path / "a.las"
    write(path)
    raw = bytearray(path.read_bytes())
    raw[at : at + len(what)] = what
    path.write_bytes(raw)
    with pytest.raises(SourceError, match=told):
        open_point_cloud(path)


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_arbitrary_damage_ends_in_points_or_in_one_line(tmp_path, suffix):
    write(tmp_path / f"a{suffix}", count=400)
    raw = (tmp_path / f"a{suffix}").read_bytes()
    rng = np.random.default_rng(11)
    path = tmp_path / f"b{suffix}"
    for _ in range(60):
        damaged = bytearray(raw)
        # Half of the damage hits the head, where it matters more.
        limit = 700 if rng.random() < 0.5 else len(raw)
        for at in rng.integers(4, min(limit, len(raw)), rng.integers(1, 6)):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            points, _ = read_points(open_point_cloud(path))
        except HeidiError as error:
            assert "\n" not in str(error)  # noqa: PT017 (or it reads)
        else:
            assert np.isfinite(points.xyz).all()


def test_stray_points_are_counted(tmp_path):
    path = tmp_path / "a.las"
    write(path)
    raw = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", raw, 96)[0]
    struct.pack_into("<i", raw, start, 2**31 - 1)
    path.write_bytes(raw)
    points, notes = read_points(open_point_cloud(path))
    assert len(points) == 4999
    assert "1 point left out: beyond the extent of the file or of this Earth" in notes


@pytest.fixture
def copc(shared_data):
    return shared_data / "pointcloud" / "simple.copc.laz"


OREGON = CRS.from_epsg(2991)


@pytest.mark.real
def test_copc_by_query_equals_the_file_read_through(copc):
    cloud = open_point_cloud(copc, plane=OREGON)
    assert cloud.is_copc
    every, _ = read_points(cloud)
    assert len(every) + sum(every.left_out.values()) == cloud.count
    west, south, east, north = cloud.bounds
    window = (west + 300, south + 900, east - 1100, north - 700)
    x, y = every.xyz[:, 0], every.xyz[:, 1]
    inside = (x >= window[0]) & (x < window[2]) & (y >= window[1]) & (y < window[3])
    for piece in (40, 10**6):
        parts = [some.xyz for some in read_pieces(cloud, window, piece=piece)]
        found = np.concatenate(parts)
        assert np.array_equal(
            found[np.lexsort(found.T)], every.xyz[inside][np.lexsort(every.xyz[inside].T)]
        )


@pytest.mark.real
def test_an_index_that_runs_in_a_circle_is_refused(copc, tmp_path):
    raw = bytearray(copc.read_bytes())
    head = read_head(copc)
    # The first entry becomes a page that is the page it stands in.
    struct.pack_into(
        "<Qii", raw, head.root_offset + 16, head.root_offset, head.root_size, -1
    )
    path = tmp_path / "circle.copc.laz"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="circle"):
        check_hierarchy(path, read_head(path))
    with pytest.raises(SourceError, match="circle"):
        open_point_cloud(path, plane=OREGON)


@pytest.mark.real
def test_a_page_that_does_not_tell_of_its_node_is_refused(copc, tmp_path):
    """The reader would ask for the node again and again."""
    raw = bytearray(copc.read_bytes())
    head = read_head(copc)
    struct.pack_into("<Qii", raw, head.root_offset + 16, head.root_offset + 32, 32, -1)
    path = tmp_path / "circle.copc.laz"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="circle"):
        open_point_cloud(path, plane=OREGON)


@pytest.mark.real
def test_arbitrary_damage_of_an_index_ends_in_points_or_in_one_line(copc, tmp_path):
    raw, head = copc.read_bytes(), read_head(copc)
    rng = np.random.default_rng(4)
    path = tmp_path / "a.copc.laz"
    for _ in range(40):
        damaged = bytearray(raw)
        low, high = ((375, 1600), (head.root_offset, len(raw)))[rng.integers(2)]
        for at in rng.integers(low, high, rng.integers(1, 6)):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_points(open_point_cloud(path, plane=OREGON))
        except HeidiError as error:
            assert "\n" not in str(error)  # noqa: PT017 (or it reads)


@pytest.mark.real
def test_a_real_tile_with_class_6_is_read_by_window(shared_data):
    path = shared_data / "pointcloud" / "ign_test_data_77050_627755_LA93_IGN69.laz"
    with pytest.raises(CrsError, match="must lie within"):
        open_point_cloud(path)
    cloud = open_point_cloud(path, plane=CRS.from_epsg(2154))
    points, notes = read_points(cloud)
    assert np.bincount(points.kind)[[2, 6]].tolist() == [21172, 29447]
    assert cloud.plane != PLAN
    assert any("does not state its height system" in note for note in notes)
    half = read_points(cloud, (770_500, 6_277_500, 770_525, 6_277_600))[0]
    assert len(half) == (points.xyz[:, 0] < 770_525).sum()


def test_a_window_beside_the_cloud_reads_nothing(tmp_path, monkeypatch):
    write(tmp_path / "a.laz")
    cloud = open_point_cloud(tmp_path / "a.laz")
    monkeypatch.setattr(pointcloud, "_take", lambda *_: pytest.fail("was read"))
    assert list(read_pieces(cloud, (EAST + 500, NORTH, EAST + 600, NORTH + 50))) == []


BOMBS = {
    "a layer of 2 GB": ("chunk", 30 + 4, struct.pack("<I", 2**31), "more bytes than"),
    "a table beyond the end": ("table", 0, struct.pack("<q", 2**40), "beyond its end"),
    "a table of 4 thousand million chunks": (
        "end", 4, struct.pack("<I", 2**32 - 1), "claims 4,294,967,295 chunks",
    ),
    "chunks of 4 thousand million points": (
        "record", 12, struct.pack("<I", 2**32 - 2), "4,294,967,294 points each",
    ),
    "points of another length": ("record", 36, struct.pack("<H", 99), "make up its length"),
    "no items": ("record", 32, struct.pack("<H", 0), "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_packed_points_that_claim_more_than_they_are_are_refused_unread(
    tmp_path, monkeypatch, name
):
    where, at, what, told = BOMBS[name]
    path = tmp_path / "a.laz"
    write(path)
    raw = bytearray(path.read_bytes())
    points = struct.unpack_from("<I", raw, 96)[0]
    begin = {
        "table": points,
        "chunk": points + 8,
        "end": struct.unpack_from("<q", raw, points)[0],
        "record": raw.index(b"laszip encoded") - 2 + 54,
    }[where]
    raw[begin + at : begin + at + len(what)] = what
    path.write_bytes(raw)
    monkeypatch.setattr(pointcloud, "_opened", lambda *_: pytest.fail("was unpacked"))
    with pytest.raises(SourceError, match=told):
        open_point_cloud(path)
