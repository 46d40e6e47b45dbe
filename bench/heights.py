"""Time the heights of 100,000 footprints in a synthetic surface model of 10 km x 10 km.

Run from a checkout: ``.venv/bin/python bench/heights.py``. Surface and terrain are written
tile by tile as GeoTIFF in a temporary folder (800 MB) and read by window. The same is done
for an eighth of the footprints: memory must not grow faster than their number. Heights are
compared with the ones that were built in; a twentieth of the roofs has a crane above it.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from gis.roof_heights import roof_heights_from_surface

WEST, NORTH, SIDE, BLOCK = 95_000.0, 6_220_000.0, 10_000, 1000
COUNT = 100_000
TARGET = 30.0
"""Seconds of processor time allowed for all heights."""

LARGEST_ERROR = 0.5
"""Heights must agree with those built in to this [m]."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    # GDAL would keep 5 % of the machine's memory as a cache, and hide the rest.
    with tempfile.TemporaryDirectory() as folder, rasterio.Env(GDAL_CACHEMAX=32):
        surface, terrain = Path(folder) / "dsm.tif", Path(folder) / "dtm.tif"
        begin = time.perf_counter()
        footprints, heights = write_city(surface, terrain, count)
        print(f"{count:,} footprints written in {time.perf_counter() - begin:.1f} s")
        before = peak()
        for share in (8, 1):
            some = slice(None, None, share)
            wall, cpu = time.perf_counter(), time.process_time()
            roofs, notes = roof_heights_from_surface(footprints[some], surface, terrain)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            error = np.abs(roofs["height"].to_numpy() - heights[some])
            print(
                f"{len(roofs):>9,} footprints: {wall:6.1f} s, processor {cpu:6.1f} s "
                f"({'met' if cpu < TARGET else 'MISSED'}, {TARGET:g} s), peak memory "
                f"{peak():,.0f} MB ({before:,.0f} before)"
            )
        print("; ".join(notes))
        print(
            f"error: median {np.nanmedian(error):.3f} m, 99 % below "
            f"{np.nanquantile(error, 0.99):.3f} m, missing {np.isnan(error).mean():.2%}"
        )
    if np.nanquantile(error, 0.99) > LARGEST_ERROR:
        sys.exit("heights are wrong")


def write_city(surface: Path, terrain: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Write both rasters and return footprints and the heights that were built in."""
    rng = np.random.default_rng(7)
    aside = int(np.ceil(np.sqrt(count)))
    pitch = SIDE / aside
    number = rng.permutation(aside**2)[:count]
    west = WEST + (number % aside) * pitch + rng.uniform(1, 4, count)
    south = NORTH - SIDE + (number // aside) * pitch + rng.uniform(1, 4, count)
    width, depth = rng.uniform(8, pitch - 6, (2, count))
    footprints = shapely.box(west, south, west + width, south + depth)
    ridge = rng.uniform(4, 30, count)
    rise = np.where(rng.random(count) < 0.5, 0.0, 0.35)
    crane = rng.random(count) < 0.05
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "width": SIDE,
        "height": SIDE,
        "crs": "EPSG:3008",
        "transform": Affine(1, 0, WEST, 0, -1, NORTH),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "nodata": -9999.0,
    }
    with (
        rasterio.open(surface, "w", **profile) as dsm,
        rasterio.open(terrain, "w", **profile) as dtm,
    ):
        for top in range(0, SIDE, BLOCK):
            for left in range(0, SIDE, BLOCK):
                x = WEST + left + np.arange(BLOCK) + 0.5
                y = (NORTH - top - np.arange(BLOCK) - 0.5)[:, None]
                ground = np.round(0.01 * (x - WEST) + 0.004 * (y - NORTH) + 60, 2)
                z = ground.copy()
                # Whole houses in a block: those that reach over its edge are cut there.
                inside = (
                    (west < x[-1] + 1)
                    & (west + width > x[0] - 1)
                    & (south < y[0, 0] + 1)
                    & (south + depth > y[-1, 0] - 1)
                )
                for i in np.flatnonzero(inside):
                    c = slice(*np.searchsorted(x, [west[i], west[i] + width[i]]))
                    r = slice(*np.searchsorted(-y[:, 0], [-south[i] - depth[i], -south[i]]))
                    across = np.minimum(x[c] - west[i], west[i] + width[i] - x[c])
                    lower = rise[i] * (width[i] / 2 - across)
                    middle = 0.01 * (west[i] + width[i] / 2 - WEST) + 0.004 * (
                        south[i] + depth[i] / 2 - NORTH
                    )
                    z[r, c] = middle + 60 + ridge[i] - lower
                    if crane[i]:
                        z[r, c][2:3] += 20.0
                z += rng.normal(0.0, 0.05, z.shape)
                window = Window(left, top, BLOCK, BLOCK)
                dsm.write(np.round(z, 2).astype(np.float32), 1, window=window)
                dtm.write(ground.astype(np.float32), 1, window=window)
    return footprints, ridge - (1 - 0.7) * rise * width / 2


def peak() -> float:
    """Most memory that the process ever held [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
