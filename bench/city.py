"""Time a whole city of 100,000 messy footprints, from the table to buildings on terrain.

Run from a checkout: ``.venv/bin/python bench/city.py``. Blocks of row houses that nearly
touch, overlap, cross themselves or come twice stand in a surface model and a terrain of
10 km x 10 km at 1 m, which are written by windows as compressed GeoTIFF in a temporary
folder (400 MB). Each size is run in a process of its own, so that its peak memory is its
own: a quarter of the city, half of it and all. Heights, bases and identities are compared
with what was built in. ``profile`` as argument shows where time goes.
"""

import argparse
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from gis.crs import PLAN
from gis.footprints import repair_and_log
from gis.height_candidates import (
    attribute_candidates,
    measured_candidates,
    storey_candidates,
)
from gis.height_fusion import fuse_heights
from gis.heights import fill_heights, read_heights, stand_on_terrain
from gis.identity import keep_ids
from gis.roof_heights import roof_heights_from_surface

TARGET = 60.0
"""Seconds of wall time allowed on two cores for all footprints, repaired and heighted."""

LINEAR = 1.25
"""Time and memory a footprint may grow by this from a half of the city to the whole."""

SIZES = (25_000, 50_000, 100_000)
SEED = 11
WEST, NORTH, SIDE, WINDOW = 95_000.0, 6_220_000.0, 10_000, 1024

IN_ROW, ROWS, SPACING = 12, 2, 150.0
"""Houses of a row, rows back to back in a block, and way from block to block [m]."""

WIDTH, DEPTH = 7.5, 11.0
"""Plot of a house [m]."""

JITTER = 0.03
"""Standard deviation of a drawn corner [m]; neighbours part or overlap by that."""

SURVEYED, BUILT_LATER = 2020.0, 2022.0
CRANE, YOUNG, KNOWN, STOREYS, RENAMED, GONE = 0.05, 0.03, 0.2, 0.3, 0.3, 0.01
"""Shares of houses: with a crane above, younger than the survey, with a height and with
storeys in the table, renamed and gone in the next import."""

MOVED = np.array([0.2, -0.1])
"""Way of every house from one import to the next [m]."""

LARGEST_ERROR, LARGEST_BASE_ERROR = 0.5, 0.1
"""99 % of the heights and bases must be as built in to this [m]."""

LEAST_KEPT = 0.99
"""Share of the identities that must be kept."""


@dataclass(frozen=True)
class City:
    """Houses as they are, and as they were drawn."""

    table: gpd.GeoDataFrame
    height: np.ndarray
    crane: np.ndarray
    young: np.ndarray
    sound: np.ndarray
    """Whether the outline was drawn without a gross fault."""
    block: np.ndarray
    corner: np.ndarray
    """Wing, step and row that the surface model is painted from, (n, 3)."""
    centre: np.ndarray
    """Middle of each block, (blocks, 2) [m]."""
    turn: np.ndarray
    """Direction of each block [radians]."""


def ground(x, y):
    """Level of the terrain [m RH2000]."""
    return 40 + 0.004 * (x - WEST) + 0.003 * (y - NORTH) + 4 * np.sin((x - WEST) / 250)


def draw_city(count: int) -> City:
    """Draw houses; a smaller city is a part of a larger one."""
    rng = np.random.default_rng(SEED)
    most = max(SIZES)
    number = np.arange(most)
    block, place = np.divmod(number, IN_ROW * ROWS)
    row, column = np.divmod(place, IN_ROW)
    blocks = int(block.max()) + 1
    aside = int(SIDE // SPACING)
    south, east = np.divmod(np.arange(blocks), aside)
    centre = np.stack(
        [WEST + (east + 0.5) * SPACING, NORTH - (south + 0.5) * SPACING], axis=1
    )
    turn = rng.uniform(0.0, np.pi, blocks)
    # A stepped front and a rear wing: six corners.
    step, wing = rng.uniform(0.0, 1.5, most), rng.uniform(2.5, 5.0, most)
    p0 = (column - IN_ROW / 2) * WIDTH
    p1, notch = p0 + WIDTH, p0 + 0.6 * WIDTH
    q0, q1 = np.zeros(most), np.full(most, DEPTH)
    xy = np.stack(
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
    xy[row == 1, :, 1] *= -1.0
    xy += rng.normal(0.0, JITTER, xy.shape)
    cosine, sine = np.cos(turn[block])[:, None], np.sin(turn[block])[:, None]
    p, q = xy[..., 0].copy(), xy[..., 1].copy()
    xy[..., 0] = centre[block, 0, None] + cosine * p - sine * q
    xy[..., 1] = centre[block, 1, None] + sine * p + cosine * q
    xy = np.round(xy, 3)
    fate = rng.random(most)
    bow = fate < 0.02
    xy[bow, 4:6] = xy[bow, 5:3:-1]  # two corners change places
    deep = (fate >= 0.02) & (fate < 0.05)
    xy[deep, 1:3] += 0.5 * (xy[deep, 1:3] - xy[deep, :1]) / WIDTH
    twin = np.flatnonzero((fate >= 0.05) & (fate < 0.07) & (place > 0))
    xy[twin] = xy[twin - 1]
    sliver = (fate >= 0.07) & (fate < 0.075)
    xy[sliver] = xy[sliver, :1] + 0.01 * (xy[sliver] - xy[sliver, :1])
    rings = shapely.linearrings(np.concatenate([xy, xy[:, :1]], axis=1)[:count])
    height = np.round(rng.uniform(5.0, 20.0, most), 1)
    young = rng.random(most) < YOUNG
    told = np.round(height + rng.normal(0.0, 0.3, most), 1)
    table = gpd.GeoDataFrame(
        {
            "id": [f"house-{n}" for n in number[:count]],
            "height": np.where(rng.random(most) < KNOWN, told, np.nan)[:count],
            "building:levels": np.where(
                rng.random(most) < STOREYS, np.round(height / 3), np.nan
            )[:count],
            "year": np.where(young, BUILT_LATER, 1970.0)[:count],
        },
        geometry=shapely.polygons(rings),
        crs=PLAN,
    )
    crane = rng.random(most) < CRANE
    corner = np.stack([wing, step, row], axis=1)
    return City(table, height, crane, young, fate >= 0.075, block, corner, centre, turn)


def write_rasters(city: City, folder: Path) -> None:
    """Write surface model and terrain window by window."""
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "width": SIDE,
        "height": SIDE,
        "crs": PLAN.to_wkt("WKT1_GDAL"),
        "transform": Affine(1, 0, WEST, 0, -1, NORTH),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "predictor": 3,
        "zlevel": 1,
        "nodata": -9999.0,
    }
    rng = np.random.default_rng(SEED)
    reach = np.hypot(IN_ROW * WIDTH / 2, DEPTH + 5.0)
    with (
        rasterio.open(folder / "dsm.tif", "w", **profile) as dsm,
        rasterio.open(folder / "dtm.tif", "w", **profile) as dtm,
    ):
        for top in range(0, SIDE, WINDOW):
            for left in range(0, SIDE, WINDOW):
                rows, columns = min(WINDOW, SIDE - top), min(WINDOW, SIDE - left)
                x = WEST + left + np.arange(columns) + 0.5
                y = NORTH - top - np.arange(rows) - 0.5
                level = ground(x, y[:, None])
                z = level.copy()
                near = (
                    (city.centre[:, 0] > x[0] - reach)
                    & (city.centre[:, 0] < x[-1] + reach)
                    & (city.centre[:, 1] < y[0] + reach)
                    & (city.centre[:, 1] > y[-1] - reach)
                )
                for block in np.flatnonzero(near):
                    paint(z, x, y, city, block, reach)
                z += rng.normal(0.0, 0.05, z.shape)
                window = Window(left, top, columns, rows)
                dsm.write(np.round(z, 2).astype(np.float32), 1, window=window)
                dtm.write(np.round(level, 2).astype(np.float32), 1, window=window)


def paint(z, x, y, city: City, block: int, reach: float) -> None:
    """Raise the cells of a block's houses in a window of the surface model."""
    east, north = city.centre[block]
    c = slice(*np.searchsorted(x, [east - reach, east + reach]))
    r = slice(*np.searchsorted(-y, [-north - reach, -north + reach]))
    u, v = x[c] - east, (y[r] - north)[:, None]
    cosine, sine = np.cos(city.turn[block]), np.sin(city.turn[block])
    p, q = cosine * u + sine * v, cosine * v - sine * u
    column = np.floor(p / WIDTH + IN_ROW / 2).astype(int)
    number = block * IN_ROW * ROWS + np.where(q < 0, IN_ROW, 0) + column
    here = (column >= 0) & (column < IN_ROW) & (number < len(city.height))
    number = np.where(here, number, 0)
    wing, step, _ = np.moveaxis(city.corner[number], -1, 0)
    narrow = p / WIDTH + IN_ROW / 2 - column < 0.6
    depth = DEPTH + np.where(narrow, wing, -step)
    here &= (np.abs(q) < depth) & ~city.young[number]
    # Roofs are level: counted from the ground in the middle of the house.
    a = (column - IN_ROW / 2 + 0.5) * WIDTH
    b = np.where(q < 0, -DEPTH, DEPTH) / 2
    base = ground(east + cosine * a - sine * b, north + sine * a + cosine * b)
    roof = base + city.height[number]
    is_mast = city.crane[number] & (np.abs(p - a) < 1.0) & (np.abs(q - b) < 1.0)
    z[r, c] = np.where(here, roof + np.where(is_mast, 25.0, 0.0), z[r, c])


@dataclass
class Watch:
    """Take the time of stages."""

    stages: list[dict] = field(default_factory=list)

    def run(self, name, work, *args, **options):
        """Do some work, keep its time under a name."""
        wall, cpu = time.perf_counter(), time.process_time()
        result = work(*args, **options)
        self.stages.append(
            {
                "stage": name,
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "peak": peak(),
            }
        )
        return result


def measure(folder: Path, count: int) -> dict:
    """Run all stages for a part of the city; also say how right the result is."""
    city = draw_city(count)
    watch, before = Watch(), peak()
    frame = city.table
    heights, _ = watch.run("read heights", read_heights, frame)
    described = frame.assign(**{c: heights[c] for c in heights.columns})
    parts, repairs = watch.run("repair", repair_and_log, described)
    roofs, _ = watch.run(
        "roof heights",
        roof_heights_from_surface,
        parts.geometry.to_numpy(),
        folder / "dsm.tif",
        folder / "dtm.tif",
    )
    fused = watch.run("fuse", fuse, parts, roofs)
    filled, _ = watch.run("fill", fill_heights, fused.frame)
    # The level from which a height was counted is the terrain's own median again.
    solid, _ = watch.run("base", stand_on_terrain, filled, folder / "dtm.tif")
    heighted = len(watch.stages)
    again, expected = import_again(solid)
    kept = watch.run("keep ids", keep_ids, solid, again)
    row = solid["id"].str.removeprefix("house-").astype(int).to_numpy()
    sure = city.sound[row] & solid["height_source"].str.startswith("surface").to_numpy()
    error = np.abs(solid["height"].to_numpy() - city.height[row])[sure]
    xy, owner = shapely.get_coordinates(solid.geometry.to_numpy(), return_index=True)
    lowest = np.minimum.reduceat(ground(*xy.T), np.flatnonzero(np.diff(owner, prepend=-1)))
    base_error = np.abs(solid["base"].to_numpy() - lowest)
    return {
        "count": count,
        "parts": len(solid),
        "repairs": len(repairs.table),
        "stages": watch.stages,
        "heighted": heighted,
        "before": before,
        "checked": int(sure.sum()),
        "median error": float(np.median(error)),
        "error": float(np.quantile(error, 0.99)),
        "base error": float(np.quantile(base_error, 0.99)),
        "kept": float((kept.frame["building"].to_numpy() == expected).mean()),
    }


def fuse(parts: gpd.GeoDataFrame, roofs):
    """Choose among surface model, attributes and storeys."""
    told = parts[["height", "height_source", "ground"]]
    storeys, _ = storey_candidates(parts)
    surface = roofs.set_axis(parts.index)
    return fuse_heights(
        parts,
        [
            measured_candidates(surface, kind="surface", source="dsm", year=SURVEYED),
            attribute_candidates(told),
            storeys,
        ],
    )


def import_again(parts: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """Move, rename, drop and shuffle; also return the identities to be kept."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(parts))
    again = parts.iloc[order[: round(len(parts) * (1 - GONE))]]
    expected = again["building"].to_numpy().copy()
    moved = shapely.transform(again.geometry.to_numpy(), lambda xy: xy + MOVED)
    single = ~again["building"].duplicated(keep=False).to_numpy()
    renamed = single & (rng.random(len(again)) < RENAMED)
    fresh = np.array([f"import-2-{n}" for n in range(len(again))], dtype=object)
    names = np.where(renamed, fresh, expected)
    index = np.where(renamed, fresh, again.index.to_numpy())
    again = again.assign(building=names).set_geometry(moved, crs=PLAN)
    again.index = again.index.__class__(index, name="part")
    return again, expected


def peak() -> float:
    """Most memory that the process ever held [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def own_process(folder: Path, *words: str) -> str:
    """Run this script with some words in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def report(runs: list[dict]) -> bool:
    """Print tables and ratios; return whether all is as it should be."""
    names = [stage["stage"] for stage in runs[0]["stages"]]
    print(f"{'wall s (processor s)':<22}" + "".join(f"{r['count']:>18,}" for r in runs))
    rows = [(name, [r["stages"][i] for r in runs]) for i, name in enumerate(names)]
    total = [total_of(r["stages"][: r["heighted"]]) for r in runs]
    rows.insert(runs[0]["heighted"], ("= repaired, heighted", total))
    rows.append(("= all", [total_of(r["stages"]) for r in runs]))
    for name, cells in rows:
        told = "".join(f"{c['wall']:>9.1f} ({c['cpu']:>6.1f})" for c in cells)
        print(f"{name:<22}{told}")
    memory = [r["stages"][-1]["peak"] for r in runs]
    grown = [m - r["before"] for m, r in zip(memory, runs, strict=True)]
    print(f"{'peak memory MB':<22}" + "".join(f"{m:>18,.0f}" for m in memory))
    print(f"{'  of that the stages':<22}" + "".join(f"{g:>18,.0f}" for g in grown))
    linear = True
    for what, cost in (
        ("processor time", [t["cpu"] for t in total]),
        ("memory", grown),
    ):
        each = [c / r["count"] for c, r in zip(cost, runs, strict=True)]
        ratio = each[-1] / each[-2] if len(each) > 1 else 1.0
        linear &= ratio <= LINEAR
        print(f"{what} a footprint, whole to half of the city: {ratio:.2f}")
    for r in runs:
        print(
            f"{r['count']:,}: {r['parts']:,} parts, {r['repairs']:,} repairs; "
            f"{r['checked']:,} heights checked: error median {r['median error']:.3f} m, "
            f"99 % below {r['error']:.3f} m; bases 99 % below {r['base error']:.3f} m; "
            f"identities kept {r['kept']:.2%}"
        )
    fast = total[-1]["wall"] < TARGET
    print(
        f"target {TARGET:g} s: {'met' if fast else 'MISSED'}; "
        f"growth: {'linear' if linear else 'MORE THAN LINEAR'}"
    )
    return all(
        r["error"] < LARGEST_ERROR
        and r["base error"] < LARGEST_BASE_ERROR
        and r["kept"] >= LEAST_KEPT
        for r in runs
    )


def total_of(stages: list[dict]) -> dict:
    """Sum of some stages."""
    return {what: sum(s[what] for s in stages) for what in ("wall", "cpu")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", default="all")
    parser.add_argument("--count", type=int)
    parser.add_argument("--folder", type=Path, help="with dsm.tif and dtm.tif of a run")
    args = parser.parse_args()
    match args.what:
        case "write":
            write_rasters(draw_city(max(SIZES)), args.folder)
        case "measure":
            print(json.dumps(measure(args.folder, args.count)))
        case "profile":
            with cProfile.Profile() as profile:
                measure(args.folder, args.count or SIZES[0])
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        case _:
            with tempfile.TemporaryDirectory() as temporary:
                folder = args.folder or Path(temporary)
                if not (folder / "dtm.tif").exists():
                    begin = time.perf_counter()
                    own_process(folder, "write")
                    print(f"city written in {time.perf_counter() - begin:.1f} s")
                sizes = SIZES if args.count is None else (args.count,)
                runs = [
                    json.loads(own_process(folder, "measure", "--count", str(size)))
                    for size in sizes
                ]
            if not report(runs):
                sys.exit("heights, bases or identities are wrong")


if __name__ == "__main__":
    main()
