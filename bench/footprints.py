"""Time the repair of synthetic towns of row houses at three sizes.

Run from a checkout: ``.venv/bin/python bench/footprints.py``. Houses of a block nearly
touch, overlap a little, cross themselves or come twice. Each size runs in a process of its
own, so that its peak memory is its own. ``profile`` as argument shows where time goes.
"""

import cProfile
import pstats
import resource
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import PLAN
from gis.footprints import repair_and_log

TARGET = 30.0
"""Seconds of process time allowed for the largest town on two cores."""

SIZES = (10_000, 30_000, 100_000)
SEED = 4

IN_ROW, ROWS = 12, 2
"""Houses of a row and rows back to back in a block."""

WIDTH, DEPTH = 7.5, 11.0
"""Plot of a house [m]."""

JITTER = 0.03
"""Standard deviation of a drawn corner [m]; neighbours part or overlap by that."""


def town(count: int) -> gpd.GeoDataFrame:
    """Draw ``count`` footprints with ids and heights, faults included."""
    rng = np.random.default_rng(SEED)
    number = np.arange(count)
    block, place = np.divmod(number, IN_ROW * ROWS)
    row, column = np.divmod(place, IN_ROW)
    # A stepped facade and a rear wing: eight corners.
    step = rng.uniform(0.0, 1.5, count)
    wing = rng.uniform(2.5, 5.0, count)
    p0, p1 = column * WIDTH, (column + 1) * WIDTH
    q0, q1 = np.zeros(count), np.full(count, DEPTH)
    notch = p0 + 0.6 * WIDTH
    corners = np.stack(
        [
            np.stack([p0, q0], 1),
            np.stack([p1, q0], 1),
            np.stack([p1, q1 - step], 1),
            np.stack([notch, q1 - step], 1),
            np.stack([notch, q1 + wing], 1),
            np.stack([p0, q1 + wing], 1),
        ],
        axis=1,
    )
    corners[row == 1, :, 1] *= -1.0  # the second row stands back to back with the first
    corners += rng.normal(0.0, JITTER, corners.shape)
    side = int(np.ceil(np.sqrt(block.max() + 1)))
    turn = rng.uniform(0.0, np.pi, block.max() + 1)[block]
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = cosine * corners[..., 0] - sine * corners[..., 1]
    y = sine * corners[..., 0] + cosine * corners[..., 1]
    x += 95_000.0 + 200.0 * (block % side)[:, None]
    y += 6_200_000.0 + 200.0 * (block // side)[:, None]
    xy = np.round(np.stack([x, y], axis=-1), 3)
    fate = rng.random(count)
    bow = fate < 0.02
    xy[bow, 4:6] = xy[bow, 5:3:-1]  # two corners change places
    deep = (fate >= 0.02) & (fate < 0.05)
    xy[deep, 1:3] += 0.5 * (xy[deep, 1:3] - xy[deep, :1]) / WIDTH
    twin = np.flatnonzero((fate >= 0.05) & (fate < 0.07) & (place > 0))
    xy[twin] = xy[twin - 1]
    sliver = (fate >= 0.07) & (fate < 0.075)
    xy[sliver] = xy[sliver, :1] + 0.01 * (xy[sliver] - xy[sliver, :1])
    rings = shapely.linearrings(np.concatenate([xy, xy[:, :1]], axis=1))
    return gpd.GeoDataFrame(
        {
            "id": [f"house-{n}" for n in number],
            "height": rng.integers(6, 20, count).astype(float),
        },
        geometry=shapely.polygons(rings),
        crs=PLAN,
    )


def measure(count: int) -> None:
    """Repair one town and print a line on it."""
    layer = town(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    result, repairs = repair_and_log(layer)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{count:>10,}{len(result):>10,}{len(repairs.table):>10,}{cpu:>10.1f}{wall:>9.1f}"
        f"{1e6 * cpu / count:>12.0f}{peak / 1024:>10.0f}{(peak - before) / count:>10.1f}",
        flush=True,
    )
    if count == max(SIZES):
        print(f"target {TARGET:g} s: {'met' if cpu < TARGET else 'MISSED'}")
        print("\n".join(f"  {note[:110]}" for note in repairs.notes))


def main() -> None:
    match sys.argv[1:]:
        case ["profile", *rest]:
            layer = town(int(rest[0]) if rest else SIZES[1])
            with cProfile.Profile() as profile:
                repair_and_log(layer)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        case [size]:
            measure(int(size))
        case _:
            print(
                f"{'footprints':>10}{'kept':>10}{'log rows':>10}{'cpu s':>10}{'wall s':>9}"
                f"{'us each':>12}{'peak MiB':>10}{'KiB each':>10}",
                flush=True,
            )
            for size in SIZES:
                subprocess.run([sys.executable, __file__, str(size)], check=True)


if __name__ == "__main__":
    main()
