"""Real viewers in a real browser show what was written: place, names, colours."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gis.crs import to_wgs84
from meshes.formats.gltf import write_glb
from meshes.formats.surroundings import surroundings
from meshes.formats.tiles3d import write_tiles
from meshes.render.colours import IrradiationScale
from meshes.solids import Kind

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = Path(__file__).parent / "viewer"
PACKAGES = Path(__file__).resolve().parents[3] / "twin" / "web" / "node_modules"
ESBUILD = PACKAGES / ".bin" / "esbuild"

GEOID = 36.2
SECONDS = 120
CENTIMETRE = 1e-2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.skipif(
        not ESBUILD.exists(), reason="the viewer's packages are missing; run `make web`"
    ),
]


class Served(SimpleHTTPRequestHandler):
    """Serves a folder to the page and takes what it tells."""

    def __init__(self, *request, answers: queue.Queue, **options) -> None:
        self.answers = answers
        super().__init__(*request, **options)

    def do_POST(self) -> None:
        """Keep what the page tells."""
        self.answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_) -> None:
        """Stay silent."""


def bundle(page: str, folder: Path, *, package: str) -> None:
    """Pack a page and its packages; skip where one of them is not installed."""
    given = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    homes = [*map(Path, given), PACKAGES]
    if not any((home / package).is_dir() for home in homes):
        pytest.skip(f"the npm package {package} is not installed in twin/web")
    subprocess.run(
        [ESBUILD, PAGES / page, "--bundle", f"--outfile={folder / 'page.js'}"],
        env={**os.environ, "NODE_PATH": os.pathsep.join(map(str, homes))},
        check=True,
        capture_output=True,
    )
    script = '<!doctype html><meta charset="utf-8"><body><script src="page.js"></script>'
    (folder / "index.html").write_text(script, encoding="utf-8")


def ask(folder: Path, places: np.ndarray) -> dict:
    """Open the page in the browser and wait for what it tells of the places."""
    (folder / "places.json").write_text(json.dumps({"places": places.tolist()}))
    answers: queue.Queue = queue.Queue()
    handler = partial(Served, answers=answers, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = subprocess.Popen(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder / 'profile'}",
                f"http://127.0.0.1:{server.server_port}/index.html",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            told = answers.get(timeout=SECONDS)
        except queue.Empty:
            pytest.fail(f"the page told nothing within {SECONDS} s")
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
            server.shutdown()
    assert "error" not in told, told["error"]
    return told


@pytest.fixture(scope="module")
def spots(quarter) -> pd.DataFrame:
    """Return a place on every roof: easting, northing, height."""
    points = quarter.buildings.geometry.representative_point()
    return pd.DataFrame({"x": points.x, "y": points.y, "top": quarter.buildings["top"]})


@pytest.mark.parametrize("look", ["facets", "sensors"])
def test_three_js_shows_roofs_where_they_are_in_the_legends_colour(
    tmp_path, quarter, facets, spots, look
):
    """Straight from above: each roof has its number, its height, and its very colour."""
    roof = facets.kind == Kind.ROOF
    light = np.where(roof, 300.0 + 150.0 * facets.part, 100.0)
    given = {"values": light}
    if look == "sensors":
        given["sensor_values"] = light[facets.sensor_facet]
    bundle("gltf_page.js", tmp_path, package="three")
    write_glb(
        tmp_path / "model.glb",
        facets,
        scale=IrradiationScale(1200.0),
        around=surroundings(quarter, origin=facets.solids.origin),
        credits=quarter.credits,
        **given,
    )
    told = ask(tmp_path, spots[["x", "y"]].to_numpy() - facets.solids.origin[:2])
    assert told["copyright"] == "; ".join(quarter.credits)
    for part, (seen, top) in enumerate(zip(told["seen"], spots["top"], strict=True)):
        (facet,) = np.flatnonzero(roof & (facets.part == part))
        assert seen["face"] == facets.face[facet]
        assert seen["height"] == pytest.approx(top, abs=CENTIMETRE)
        legend = IrradiationScale(1200.0).srgb([light[facet]])[0] * 255
        assert seen["colour"] == pytest.approx(legend, abs=1.0)


def test_a_globe_finds_every_roof_at_its_place_and_height(
    tmp_path, quarter, facets, values, spots
):
    """Plumb lines at longitudes and latitudes hit the right roof at its height."""
    bundle("tiles_page.js", tmp_path, package="3d-tiles-renderer")
    write_tiles(
        tmp_path / "tiles",
        facets,
        values=values,
        attributes=pd.DataFrame(quarter.buildings.drop(columns="geometry")),
        around=surroundings(quarter, origin=facets.solids.origin),
        geoid=GEOID,
        per_tile=1,
    )
    told = ask(tmp_path, to_wgs84(spots[["x", "y"]].to_numpy()))
    assert told["failed"] == 0
    light = dict(zip(facets.ids, values, strict=True))
    for (name, spot), seen in zip(spots.iterrows(), told["seen"], strict=True):
        facet, part = seen["features"]
        assert part["id"] == name
        assert part.get("name", "") == quarter.buildings.loc[name, "name"]
        assert facet["kind"] in ("roof", int(Kind.ROOF))
        assert facet["irradiation"] == pytest.approx(light[facet["id"]], rel=1e-6)
        assert seen["height"] == pytest.approx(spot["top"] + GEOID, abs=CENTIMETRE)
