"""Prove that large rasters are read by window, by breaking everything outside of it."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from gis.crs import PLAN, to_wgs84
from gis.errors import SourceError
from gis.sources.dem_samples import sample_elevations
from gis.terrain import read_terrain

WEST, NORTH, SIDE, TILE = 95_000.0, 6_220_000.0, 10_000, 512
BOUNDS = (WEST + 5_000, NORTH - 4_600, WEST + 5_400, NORTH - 4_300)


def plane(x, y):
    return 20.0 + 0.003 * (x - WEST) + 0.002 * (y - NORTH)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """10 km x 10 km at 1 m; all tiles but those near the bounds hold rubbish."""
    path = tmp_path_factory.mktemp("large") / "large.tif"
    profile = {
        "driver": "GTiff",
        "count": 1,
        "width": SIDE,
        "height": SIDE,
        "dtype": "float32",
        "crs": PLAN.to_wkt("WKT1_GDAL"),
        "transform": Affine(1, 0, WEST, 0, -1, NORTH),
        "tiled": True,
        "blockxsize": TILE,
        "blockysize": TILE,
        "compress": "deflate",
        "zlevel": 1,
    }
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, SIDE, TILE):
            rows = min(TILE, SIDE - top)
            z = np.ones((rows, SIDE), dtype=np.float32)
            if top < NORTH - BOUNDS[1] + 1000 and top + rows > NORTH - BOUNDS[3] - 1000:
                y, x = np.mgrid[top : top + rows, 0:SIDE]
                z[:] = plane(WEST + x + 0.5, NORTH - y - 0.5)
            target.write(z, 1, window=Window(0, top, SIDE, rows))
    with rasterio.open(path) as source:
        across = -(-SIDE // TILE)
        tiles = {
            (row, column): tuple(
                int(source.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", 1))
                for what in ("OFFSET", "SIZE")
            )
            for row in range(across)
            for column in range(across)
        }
    # What is read in windows of two tiles a side needs the tiles beside the bounds.
    margin = 2 * TILE + 200
    left, top = BOUNDS[0] - margin - WEST, NORTH - BOUNDS[3] - margin
    right, bottom = BOUNDS[2] + margin - WEST, NORTH - BOUNDS[1] + margin
    content = bytearray(path.read_bytes())
    kept = 0
    for (row, column), (offset, size) in tiles.items():
        near_x = column * TILE < right and (column + 1) * TILE > left
        near_y = row * TILE < bottom and (row + 1) * TILE > top
        if near_x and near_y:
            kept += 1
        else:
            content[offset : offset + size] = b"\xff" * size
    path.write_bytes(content)
    assert 0 < kept < len(tiles) / 6
    return path


def test_only_the_tiles_of_the_window_are_read(broken):
    terrain, notes = read_terrain(broken, BOUNDS)
    assert terrain.grid.cell == 1.0
    assert (terrain.grid.rows, terrain.grid.columns) == (700, 800)
    x, y = np.meshgrid(terrain.grid.x, terrain.grid.y)
    assert np.abs(terrain.z - plane(x, y)).max() < 1e-5
    assert notes == ()


def test_samples_read_only_the_windows_they_lie_in(broken):
    x = np.array([BOUNDS[0], BOUNDS[2] - 30.0])
    y = np.array([BOUNDS[1] + 100.0, BOUNDS[3]])
    # Windows of two tiles a side: the places are well inside the sound ones.
    with pytest.raises(SourceError):
        sample_elevations([broken], *to_wgs84(np.array([[WEST + 5.0, NORTH - 5.0]])).T)
    z, _ = sample_elevations([broken], *to_wgs84(np.stack([x, y], axis=-1)).T)
    assert z == pytest.approx(plane(x, y), abs=1e-3)


def test_the_whole_is_refused_in_one_line(broken):
    with pytest.raises(SourceError, match="readable GeoTIFF"):
        read_terrain(broken)


def test_a_window_takes_little_memory(broken):
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import scipy.interpolate\n"
        "from gis.terrain import read_terrain\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        f"read_terrain(Path(sys.argv[1]), {BOUNDS})\n"
        "print(peak() - before)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(broken)],
        check=True,
        capture_output=True,
        text=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    whole = SIDE * SIDE * 4
    assert int(told.stdout) * unit < whole / 4
