"""Time raising footprints to blocks, and examining them, against a loop over parts.

Run from a checkout: ``.venv/bin/python bench/solids.py``. Seconds are process time of the
best of three runs; the loop over parts runs on the smallest town only. ``profile`` as
argument shows where the time of an examination goes.
"""

import cProfile
import pstats
import sys
import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gis.crs import PLAN
from meshes.polygons import make_polygons
from meshes.predicates import examine
from meshes.solids import Kind, closure_defects, local_origin, lod1_solids

TARGETS = {2_000: 0.5, 100_000: 30.0}
"""Seconds of process time allowed for raising so many footprints on two cores."""

SIZES = (2_000, 20_000, 100_000)
EXAMINED = 20_000
"""The largest town that is examined; a district has one or two thousand parts."""

SEED = 5


def town(count: int) -> gpd.GeoDataFrame:
    """Draw ``count`` footprints of 4 to 10 corners, every seventh with a courtyard."""
    rng = np.random.default_rng(SEED)
    side = int(np.ceil(np.sqrt(count)))
    row, column = np.divmod(np.arange(count), side)
    width, depth = rng.uniform(9, 25, (2, count))
    notches = rng.integers(0, 4, count)
    turn = rng.uniform(0, 180, count)
    shapes = []
    for k in range(count):
        steps = [(width[k], depth[k])]
        for n in range(notches[k]):
            x, y = steps[-1]
            x *= 0.8 - 0.1 * n
            steps += [(x, y), (x, y + 1.5)]
        ring = [(0.0, 0.0), (width[k], 0.0), *steps, (0.0, steps[-1][1])]
        holes = []
        if k % 7 == 0:
            x, y = 0.3 * width[k], 0.3 * depth[k]
            holes = [[(x, y), (x, 2 * y), (2 * x, 2 * y), (2 * x, y)]]
        shape = shapely.affinity.rotate(shapely.Polygon(ring, holes), turn[k])
        east, north = 95_000.0 + 50.0 * column[k], 6_200_000.0 + 50.0 * row[k]
        shapes.append(shapely.affinity.translate(shape, east, north))
    base = rng.uniform(0, 30, count).round(2)
    return gpd.GeoDataFrame(
        {"base": base, "top": base + rng.uniform(3, 40, count).round(2)},
        geometry=shapely.orient_polygons(np.array(shapes, object)),
        crs=PLAN,
    )


def raise_in_a_loop(buildings: gpd.GeoDataFrame) -> int:
    """Raise footprints part by part and wall by wall; return the number of faces."""
    origin = local_origin(buildings)
    faces, kinds = [], []
    rows = zip(buildings.geometry, buildings["base"], buildings["top"], strict=True)
    for shape, base, top in rows:
        rings = [
            shapely.get_coordinates(ring)[:-1] - origin[:2]
            for ring in (shape.exterior, *shape.interiors)
        ]
        faces.append([np.c_[ring, np.full(len(ring), top)] for ring in rings])
        for ring in rings:
            for here, there in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                corners = [(*here, base), (*there, base), (*there, top), (*here, top)]
                faces.append([np.array(corners)])
                kinds.append(Kind.WALL)
        faces.append([np.c_[ring, np.full(len(ring), base)][::-1] for ring in rings])
    return len(make_polygons(faces))


def seconds(work: Callable[[], object], *, times: int = 3) -> float:
    """Return the process time of the best of some runs."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def main() -> None:
    if sys.argv[1:] == ["profile"]:
        solids = lod1_solids(town(SIZES[0]))
        with cProfile.Profile() as profile:
            examine(solids)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    small = town(SIZES[0])
    loop = seconds(lambda: raise_in_a_loop(small), times=1)
    print(f"a loop over {SIZES[0]:,} footprints: {loop:.2f} s")
    heads = ("footprints", "faces", "raise s", "of loop", "closed s", "cut s", "examine s")
    print("".join(f"{head:>12}" for head in heads))
    for size in SIZES:
        table = town(size)
        solids = lod1_solids(table)
        times = 3 if size < max(SIZES) else 1
        raised = seconds(lambda t=table: lod1_solids(t), times=times)
        closed = seconds(lambda s=solids: closure_defects(s), times=times)
        cut = seconds(lambda s=solids: s.faces.triangles(), times=times)
        share = raised / size / (loop / SIZES[0])
        examined = "-"
        if size <= EXAMINED:
            examined = f"{seconds(lambda s=solids: examine(s), times=1):.2f}"
        print(
            f"{size:>12,}{len(solids.faces):>12,}{raised:>12.3f}{share:>12.1%}"
            f"{closed:>12.3f}{cut:>12.3f}{examined:>12}",
            flush=True,
        )
        if size in TARGETS:
            met = "met" if raised < TARGETS[size] else "MISSED"
            print(f"  target {TARGETS[size]:g} s: {met}", flush=True)


if __name__ == "__main__":
    main()
