"""The report is one file that needs no network and says what the numbers say."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from gis.errors import TableError
from gis.typical_year import typical_year
from meshes.solids import Kind
from twin.report import SCHEMATIC_LABEL, write_report
from twin.web.colours import irradiation_scale
from twin.web.payload import viewer_payload

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(
    not resources.files("twin.web").joinpath("dist", "viewer.js").is_file(),
    reason="the 3D viewer is not bundled; run `make web`",
)

LOADING = ("src", "srcset", "href", "action", "formaction", "data", "poster", "background")
CALLS = (
    r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|\bimport\("
)


class Page(HTMLParser):
    """Collects what a page loads, its scripts and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note a tag and what it would load."""
        self.tags.append((tag, dict(attrs)))
        self.loads += [value or "" for name, value in attrs if name in LOADING]
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):  # noqa: ARG002
        """Leave a tag."""
        self._inside = ""

    def handle_data(self, data):
        """Sort text by the kind of its tag."""
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def write(make_lit):
    """Write the report of the small district and return its text."""

    def write_and_read(path: Path, **changes: object) -> str:
        lit = make_lit(**changes)
        shares = np.arange(1.0, 13.0) / 78.0
        power = np.outer(lit.parts["pv_kwh"], shares)
        write_report(
            path,
            lit.district,
            lit.facets,
            lit.parts,
            sensor_kwh_m2=lit.light,
            facet_monthly_kwh_m2=lit.facet_light[:, None] * shares,
            weather=typical_year(),
            pv_monthly_kwh=pd.DataFrame(power, lit.parts.index, range(1, 13)),
            method=("Made up for a test",),
        )
        return path.read_text(encoding="utf-8")

    return write_and_read


@pytest.fixture(scope="module")
def text(write, tmp_path_factory) -> str:
    return write(tmp_path_factory.mktemp("report") / "report.html")


def test_loads_nothing_from_anywhere(text):
    page = Page(text)
    assert {load for load in page.loads if not load.startswith("#")} == {"data:,"}
    assert not re.search(r"@import|url\(", "".join(page.styles))
    assert not re.search(CALLS, "".join(page.scripts))
    policies = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert policies[0].startswith("default-src 'none'")
    assert "http" not in policies[0]


def test_equal_input_gives_equal_bytes(write, text, tmp_path):
    assert write(tmp_path / "again.html") == text


@pytest.mark.parametrize("schematic", [True, False])
def test_says_whether_it_is_schematic(write, tmp_path, schematic):
    page = write(tmp_path / "report.html", schematic=schematic)
    assert (f'<p class="label">{SCHEMATIC_LABEL}</p>' in page) == schematic


def test_names_cannot_break_the_page(write, tmp_path):
    name = '</script><script>alert("Å & \' $css")</script>'
    page = Page(write(tmp_path / "report.html", first_name=name))
    data, _, _ = page.scripts
    assert json.loads(data)["parts"]["name"][0] == name
    assert name in page.words
    assert "bold" not in {tag for tag, _ in page.tags}


def test_key_numbers_count_what_stands_inside(text):
    words = " ".join(Page(text).words)
    inside_area = 30 * 12 + 30 * 10 + 12 * 25  # p1 and the L of p2; p3 stands outside
    assert f"{inside_area} m²" in re.sub(r"\s+", " ", words)
    assert "roof on 2 buildings" in words
    assert "75% of it on roofs" in words


def test_charts_carry_the_power_of_the_inside(text):
    inside_area = 30 * 12 + 30 * 10 + 12 * 25
    year = inside_area * 0.1 * 900.0 / 1000.0
    assert f"<td>{year:,.0f}</td></tr></tfoot>" in text


def test_months_add_up_to_the_key_numbers(text):
    roofs, walls = re.findall(r"<b>([\d,]+) <small>kWh/m²", text)
    assert f'scope="row">Year</th><td>{roofs}</td><td>{walls}</td>' in text


def test_can_be_read_without_seeing(text):
    page = Page(text)
    assert ("html", {"lang": "en"}) in page.tags
    images = [a for _, a in page.tags if a.get("role") == "img"]
    assert len(images) == 3
    assert all(a["aria-label"] for a in images)
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_refuses_light_of_other_facets(lit, tmp_path):
    with pytest.raises(TableError, match="12"):
        write_report(
            tmp_path / "report.html",
            lit.district,
            lit.facets,
            lit.parts,
            sensor_kwh_m2=lit.light,
            facet_monthly_kwh_m2=np.ones((len(lit.facets), 11)),
            weather=typical_year(),
        )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_draws_the_colours_of_the_legend(make_lit, tmp_path):
    """Roofs in the sun must have exactly the colour that the legend gives their light."""
    lit = make_lit(lambda f: np.where(f.kind[f.sensor_facet] == Kind.ROOF, 900.0, 300.0))
    payload = viewer_payload(
        lit.district, lit.facets, lit.parts, sensor_kwh_m2=lit.light, year=2018
    )
    web = resources.files("twin.web")
    page = tmp_path / "viewer.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><style>.hv-frame{height:420px}"
        "canvas{width:100%;height:100%}</style><div id=v></div><script>"
        + web.joinpath("dist", "viewer.js").read_text(encoding="utf-8")
        + f"</script><script>HeidiViewer.mount(v,{json.dumps(payload)})</script>",
        encoding="utf-8",
    )
    picture = tmp_path / "viewer.png"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--force-device-scale-factor=1",
        "--window-size=640,480",
        "--virtual-time-budget=15000",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--screenshot={picture}",
    ]
    subprocess.run([CHROMIUM, *options, page.as_uri()], check=True, timeout=170)
    pixels = np.round(imread(picture)[:420, :, :3] * 255.0)
    expected = irradiation_scale([900.0]).hexes([900.0])[0]
    wanted = [int(expected[k : k + 2], 16) for k in (1, 3, 5)]
    near = np.abs(pixels - wanted).max(axis=2) <= 2
    assert near.mean() > 0.02
