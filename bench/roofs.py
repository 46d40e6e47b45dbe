"""Time roofs from attributes on a mixed town, against blocks of the same town.

Run from a checkout: ``.venv/bin/python bench/roofs.py``. Seven houses of ten have four
corners, two have wings or a courtyard, one has angles other than right ones, half of these
with an oblique wing; all forms occur. Corners are rounded to a centimetre as in surveyed
outlines. ``profile`` as argument shows where time goes; a file of outlines as argument is
timed and counted form by form instead of the town.
"""

import cProfile
import pstats
import sys
import time

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import PLAN
from gis.footprints import repair_footprints
from gis.roof_words import FORMS
from meshes.roofs.lod2 import lod2_solids
from meshes.solids import lod1_solids

TARGET = 2_000.0
"""Buildings a second of process time on one core."""

COUNT = 2_000
ROUNDS = 5
SEED = 5

WINGED = (
    ((0, 0), (1.6, 0), (1.6, 0.7), (0.8, 0.7), (0.8, 1.5), (0, 1.5)),
    ((0, 0), (2, 0), (2, 0.7), (1.3, 0.7), (1.3, 1.5), (0.7, 1.5), (0.7, 0.7), (0, 0.7)),
    ((0, 0), (2, 0), (2, 1.4), (1.4, 1.4), (1.4, 0.6), (0.6, 0.6), (0.6, 1.4), (0, 1.4)),
)
"""Outlines with wings: L, T and U."""

COURT = shapely.Polygon(
    ((0, 0), (2.4, 0), (2.4, 1.8), (0, 1.8)),
    [((0.7, 0.6), (0.7, 1.2), (1.7, 1.2), (1.7, 0.6))],
)


OBLIQUE = (
    (0, 0),
    (2, 0),
    (2, 0.8),
    (1.45, 0.8),
    (1.9, 1.7),
    (1.2, 2.0),
    (0.6, 0.8),
    (0, 0.8),
)
"""Outline of a house with a wing at an angle other than a right one."""


def town(count: int) -> gpd.GeoDataFrame:
    """Draw buildings with heights and roofs."""
    rng = np.random.default_rng(SEED)
    side = int(np.ceil(np.sqrt(count)))
    shapes = []
    for k in range(count):
        wide, deep = rng.uniform(7, 25), rng.uniform(6, 14)
        kind = rng.random()
        if kind < 0.7:
            shape = shapely.box(0, 0, wide, deep)
        elif kind < 0.88:
            shape = shapely.Polygon(np.array(WINGED[rng.integers(3)]) * (wide, deep))
        elif kind < 0.9:
            shape = shapely.transform(COURT, lambda xy, w=wide: xy * w)
        elif kind < 0.95:
            shape = shapely.Polygon(np.array(OBLIQUE) * (wide, deep))
        else:
            angle = (np.arange(7) + rng.uniform(0, 0.8, 7)) * 2 * np.pi / 7
            shape = shapely.Polygon(np.c_[wide * np.cos(angle), wide * np.sin(angle)])
        turn = rng.uniform(0, 2 * np.pi)
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        at = np.array([95_000.0 + 60 * (k % side), 6_200_000.0 + 60 * (k // side)])
        shapes.append(
            shapely.transform(shape, lambda xy, s=spin, a=at: np.round(xy @ s + a, 2))
        )
    height = rng.uniform(0.2, 0.5, count)
    top = rng.uniform(7, 20, count)
    return gpd.GeoDataFrame(
        {
            "base": 0.0,
            "top": top,
            "roof_shape": rng.choice(FORMS, count),
            "roof_height": np.where(rng.random(count) < 0.5, height * top, np.nan),
        },
        geometry=shapely.orient_polygons(np.array(shapes, object)),
        index=[f"house-{k}" for k in range(count)],
        crs=PLAN,
    )


def best(make, table) -> float:
    """Least process time of several rounds [s]."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        make(table)
        times.append(time.process_time() - start)
    return min(times)


def count_outlines(path: str) -> None:
    """Tell which share of outlines gets each form, and how fast."""
    outlines, _ = repair_footprints(gpd.read_file(path))
    shapes = shapely.orient_polygons(outlines.geometry.to_numpy())
    for form in FORMS:
        table = gpd.GeoDataFrame(
            {"base": 0.0, "top": 15.0, "roof_shape": form}, geometry=shapes, crs=PLAN
        )
        seconds = best(lod2_solids, table)
        made = (lod2_solids(table)[1].table["roof_shape"] == form).mean()
        print(f"  {form:<12}{made:7.1%} made{len(table) / seconds:9,.0f} buildings/s")


def main() -> None:
    if sys.argv[1:] and sys.argv[1] != "profile":
        count_outlines(sys.argv[1])
        return
    table = town(COUNT)
    if sys.argv[1:] == ["profile"]:
        with cProfile.Profile() as profile:
            lod2_solids(table)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
        return
    blocks, roofs = best(lod1_solids, table), best(lod2_solids, table)
    _, report = lod2_solids(table)
    rate = COUNT / roofs
    print(f"{COUNT:,} blocks  {blocks:6.3f} s  {COUNT / blocks:9,.0f} buildings/s")
    print(f"{COUNT:,} roofs   {roofs:6.3f} s  {rate:9,.0f} buildings/s")
    print(f"roofs take {roofs / blocks:.1f} times as long as blocks")
    print(f"target {TARGET:,.0f} buildings/s: {'met' if rate >= TARGET else 'MISSED'}")
    for form in FORMS:
        told = table[table["roof_shape"] == form]
        print(f"  {form:<12}{len(told) / best(lod2_solids, told):9,.0f} buildings/s")
    print("\n".join(f"  {note}" for note in report.notes))


if __name__ == "__main__":
    main()
