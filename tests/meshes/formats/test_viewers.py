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
import shapely
from pyproj import Transformer

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
ON_THE_GLOBE = 5e-2
"""Farthest that a corner may stand from its place on the Earth [m]."""

ROUNDING = 2.0
"""Steps of 255 by which model-viewer's picture may miss a colour: tone mapping and the
PNG round once each."""

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
    homes = [*map(Path, given), PACKAGES, PAGES / "node_modules"]
    if not any((home / package).is_dir() for home in homes):
        pytest.skip(f"the npm package {package} is missing; run `npm ci` in {PAGES}")
    subprocess.run(
        [ESBUILD, PAGES / page, "--bundle", f"--outfile={folder / 'page.js'}"],
        env={**os.environ, "NODE_PATH": os.pathsep.join(map(str, homes))},
        check=True,
        capture_output=True,
    )
    script = '<!doctype html><meta charset="utf-8"><body><script src="page.js"></script>'
    (folder / "index.html").write_text(script, encoding="utf-8")


def ask(folder: Path, **questions: np.ndarray) -> dict:
    """Open the page in the browser and wait for what it tells of places and the like."""
    told = {name: asked.tolist() for name, asked in questions.items()}
    (folder / "places.json").write_text(json.dumps(told))
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


def roof_corners(quarter) -> np.ndarray:
    """Return the corners of all outlines at their roofs: easting, northing, height."""
    corners, owner = shapely.get_coordinates(quarter.buildings.geometry, return_index=True)
    return np.column_stack([corners, quarter.buildings["top"].to_numpy()[owner]])


def geocentric_by_proj(points: np.ndarray, *, geoid: float) -> np.ndarray:
    """Return geocentric coordinates by PROJ alone."""
    plan = Transformer.from_crs("EPSG:3008", "EPSG:4326", always_xy=True)
    earth = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    east, north = plan.transform(points[:, 0], points[:, 1])
    return np.column_stack(earth.transform(east, north, points[:, 2] + geoid))


def body_triangles(model) -> int:
    """Count the triangles that carry features: those of buildings."""
    return sum(
        len(model.triangles(primitive))
        for mesh in model.document["meshes"]
        for primitive in mesh["primitives"]
        if "_FEATURE_ID_0" in primitive["attributes"]
    )


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
    told = ask(tmp_path, places=spots[["x", "y"]].to_numpy() - facets.solids.origin[:2])
    assert told["copyright"] == "; ".join(quarter.credits)
    for part, (seen, top) in enumerate(zip(told["seen"], spots["top"], strict=True)):
        (facet,) = np.flatnonzero(roof & (facets.part == part))
        assert seen["face"] == facets.face[facet]
        assert seen["height"] == pytest.approx(top, abs=CENTIMETRE)
        legend = IrradiationScale(1200.0).srgb([light[facet]])[0] * 255
        assert seen["colour"] == pytest.approx(legend, abs=1.0)


def test_a_globe_finds_every_roof_at_its_place_and_height(
    tmp_path, quarter, facets, values, spots, parse
):
    """Plumb lines at longitudes and latitudes hit the right roof at its height.

    Corners of roofs stand where PROJ puts them on the Earth, and everything was loaded.
    """
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
    corners = roof_corners(quarter)
    told = ask(
        tmp_path,
        places=to_wgs84(spots[["x", "y"]].to_numpy()),
        corners=geocentric_by_proj(corners, geoid=GEOID),
    )
    assert told["failed"] == 0
    files = [parse(path) for path in (tmp_path / "tiles").rglob("*.glb")]
    assert told["loaded"] == len(files)
    assert told["triangles"] == sum(map(body_triangles, files))
    assert len(told["nearest"]) == len(corners) > 20
    assert max(told["nearest"]) < ON_THE_GLOBE
    light = dict(zip(facets.ids, values, strict=True))
    for (name, spot), seen in zip(spots.iterrows(), told["seen"], strict=True):
        facet, part = seen["features"]
        assert part["id"] == name
        assert part.get("name", "") == quarter.buildings.loc[name, "name"]
        assert facet["kind"] in ("roof", int(Kind.ROOF))
        assert facet["irradiation"] == pytest.approx(light[facet["id"]], rel=1e-6)
        assert seen["height"] == pytest.approx(spot["top"] + GEOID, abs=CENTIMETRE)


def test_model_viewer_shows_roofs_at_their_place_in_the_legends_colour(
    tmp_path, quarter, facets, spots
):
    """Points that were picked from above lie on the roofs, and show their light."""
    bundle("model_viewer_page.js", tmp_path, package="@google/model-viewer")
    roof = facets.kind == Kind.ROOF
    light = np.where(roof, 300.0 + 150.0 * facets.part, 100.0)
    around = surroundings(quarter, origin=facets.solids.origin)
    write_glb(
        tmp_path / "model.glb",
        facets,
        values=light,
        scale=IrradiationScale(1200.0),
        around=around,
    )
    told = ask(tmp_path)
    place = np.array([hit["place"] for hit in told["hits"]])
    # glTF: x east, y up, z south.
    local = np.column_stack([place[:, 0], -place[:, 2], place[:, 1]])
    world = local + facets.solids.origin
    colour = np.array([hit["colour"] for hit in told["hits"]], float)
    up = np.array([hit["up"] for hit in told["hits"]])
    for part, (name, row) in enumerate(quarter.buildings.iterrows()):
        inner = row.geometry.buffer(-1.0)
        mine = shapely.contains_xy(inner, world[:, 0], world[:, 1])
        assert mine.sum() >= 3, name
        assert world[mine, 2] == pytest.approx(row["top"], abs=CENTIMETRE), name
        assert up[mine] == pytest.approx(1.0, abs=1e-3)
        (facet,) = np.flatnonzero(roof & (facets.part == part))
        legend = IrradiationScale(1200.0).srgb([light[facet]])[0] * 255
        assert np.median(colour[mine], axis=0) == pytest.approx(legend, abs=ROUNDING), name
    assert told["size"][1] >= spots["top"].max() - quarter.buildings["base"].min()
