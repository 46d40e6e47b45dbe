"""Time siting questions on the embedded district against a rebuild, in one run.

Run from a checkout: ``.venv/bin/python bench/siting.py``. Each candidate is evaluated
after loading and compared with a build of the whole district; the first evaluation of a
process also loads compiled code, and is told apart. Processor seconds say what a question
costs where other work runs beside it; ``OPENBLAS_NUM_THREADS=1`` leaves out the threads
of BLAS that only wait.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import shapely
import shapely.affinity

from gis.candidate import read_candidate
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import build
from twin.siting import evaluate, prepare_site

TARGET = 1.0
"""Seconds allowed for an evaluation after loading."""

REPEATS = 5
SHAPES = {
    "house 12 x 10 m, 9 m high": (12.0, 10.0, 9.0),
    "block 35 x 20 m, 24 m high": (35.0, 20.0, 24.0),
    "tower 25 x 25 m, 80 m high": (25.0, 25.0, 80.0),
}


def main() -> None:
    district, weather = heidi_district(), typical_year()
    build(district, weather, spacing=8.0)  # compile
    begin = time.perf_counter()
    built = build(district, weather)
    rebuild = time.perf_counter() - begin
    begin = time.perf_counter()
    site = prepare_site(built)
    print(
        f"build {rebuild:.2f} s, "
        f"made ready for questions {time.perf_counter() - begin:.2f} s"
    )
    standing = shapely.union_all(district.buildings.geometry.to_numpy())
    free = district.boundary.difference(standing.buffer(3)).difference(district.water)
    spot = shapely.maximum_inscribed_circle(free).coords[0]
    print(
        f"{'candidate':<30}{'first s':>9}{'median s':>10}{'CPU s':>8}{'rebuild/it':>12}"
        f"  target {TARGET} s"
    )
    for name, (length, width, height) in SHAPES.items():
        outline = shapely.affinity.translate(
            shapely.box(-length / 2, -width / 2, length / 2, width / 2), *spot
        )
        feature = {
            "type": "Feature",
            "properties": {"height_m": height},
            "geometry": shapely.geometry.mapping(outline),
            "crs": {"type": "name", "properties": {"name": "EPSG:3008"}},
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.geojson"
            path.write_text(json.dumps(feature), encoding="utf-8")
            candidate = read_candidate(path, district)
        seconds, spent = [], []
        for _ in range(REPEATS + 1):
            begin, start = time.perf_counter(), time.process_time()
            found = evaluate(site, candidate)
            seconds.append(time.perf_counter() - begin)
            spent.append(time.process_time() - start)
        median = float(np.median(seconds[1:]))
        print(
            f"{name:<30}{seconds[0]:>9.2f}{median:>10.2f}{np.median(spent[1:]):>8.2f}"
            f"{rebuild / median:>11.1f}x"
            f"  {'met' if median < TARGET else 'MISSED'}, "
            f"{len(found.neighbours)} neighbours"
        )


if __name__ == "__main__":
    main()
