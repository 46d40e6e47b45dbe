"""The page of a siting answer says what was found, to everybody and on one sheet."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from gis.candidate import read_candidate
from gis.plan_rules import make_plan_rules
from gis.typical_year import typical_year
from meshes.render.colours import IrradiationScale
from meshes.render.sunlight import sun_at
from twin.build import build
from twin.siting import Evaluation, Site, evaluate, prepare_site
from twin.siting_page import MOST_ASKED, SHOWN, write_page
from twin.siting_pictures import (
    SHADOWS,
    Pictures,
    draw_pictures,
    join_candidate,
    sensor_light,
)
from twin.siting_words import lead_words, number, share
from twin.web import loss_map as plan

MADE = date(2026, 3, 20)
SMALL = (360, 220)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def ask(lit, tmp_path_factory):
    """Evaluate a block of 25 x 8 m, this far north and east of the district's corner."""
    site = prepare_site(build(lit.district, typical_year(), spacing=2.5))
    west, south = lit.district.buildings.total_bounds[:2]

    def asked(*, east: float, north: float, **properties: object) -> tuple:
        x, y = west + east, south + north
        told = {"height_m": 18, "use": "office", "name": "Nya <kvarteret> Åsö"}
        feature = {
            "type": "Feature",
            "crs": {"type": "name", "properties": {"name": "EPSG:3008"}},
            "properties": told | properties,
            "geometry": shapely.geometry.mapping(shapely.box(x, y, x + 25, y + 8)),
        }
        path = tmp_path_factory.mktemp("asked") / "candidate.geojson"
        path.write_text(json.dumps(feature), encoding="utf-8")
        return site, evaluate(site, read_candidate(path, site.built.district))

    return asked


@pytest.fixture(scope="module")
def answer(ask) -> tuple[Site, Evaluation]:
    """South of two blocks, on low ground."""
    return ask(east=20, north=-14)


@pytest.fixture(scope="module")
def drawn(answer) -> Pictures:
    pytest.importorskip("embreex")
    return draw_pictures(*answer, numbered=SHOWN, size=SMALL)


def plain_pictures() -> Pictures:
    """Return two small pictures of one colour."""
    images = []
    for colour in ("red", "blue"):
        stream = BytesIO()
        Image.new("RGB", (27, 16), colour).save(stream, format="JPEG")
        images.append(stream.getvalue())
    sun = sun_at(SHADOWS, latitude=56.0, longitude=12.7)
    return Pictures(images[0], images[1], IrradiationScale(1200.0), 285.0, sun)


def page_of(answer: tuple[Site, Evaluation], folder: Path, **options: object) -> str:
    """Write the page and return it."""
    path = folder / "evaluation.html"
    write_page(path, *answer, made=MADE, **options)
    return path.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Keep the elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        """Keep the text of a cell."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(answer, tmp_path_factory) -> str:
    return page_of(answer, tmp_path_factory.mktemp("page"), pictures=plain_pictures())


def test_the_page_needs_neither_network_nor_scripts(page):
    outline = Outline(page)
    assert not outline.all("script")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_the_page_can_be_heard(page):
    outline = Outline(page)
    assert outline.all("html") == [{"lang": "en"}]
    assert all(len(image["alt"] or "") > 20 for image in outline.all("img"))
    for drawing in outline.all("svg"):
        assert drawing["role"] == "img"
        assert drawing["aria-label"]
    assert all("scope" in cell for cell in outline.all("th"))
    assert len(outline.all("h1")) == 1


def test_names_are_shown_as_they_are_and_harm_nothing(page):
    assert "<h1>Nya &lt;kvarteret&gt; Åsö</h1>" in page
    assert "Small &amp; &lt;bold&gt; district" in page
    assert "Far &amp; away" in page
    assert "<kvarteret>" not in page
    assert "<bold>" not in page


def test_rules_are_told_in_words_with_number_and_source(page):
    assert "1 of 2 rules is broken" in page
    assert '<span class="word fail">FAIL</span>' in page
    assert '<span class="word">PASS</span>' in page
    assert "+2.00 m RH2000" in page
    assert "least level of +3.5 m" in page
    assert "City of Helsingborg" in page


def test_kept_rules_are_told(ask, tmp_path):
    page = page_of(ask(east=20, north=-14, base_m_rh2000=4.0), tmp_path)
    assert "Both rules are kept" in page
    assert ">FAIL<" not in page


@pytest.fixture(scope="module")
def planned(ask) -> tuple[Site, Evaluation]:
    """Ask by a plan: six rules of one zone and a sentence; names that would harm a page."""
    site, evaluation = ask(east=20, north=-14, base_m_rh2000=4.0)
    shape = evaluation.candidate.outline.buffer(5, join_style="mitre")
    rows = {
        "id": ["<A1>", "Golv"],
        "anvandning": ["BC", ""],
        "totalhojd": ["12", ""],
        "bya": ["450 m2", ""],
        "vaningar": ["IV", ""],
        "avstand": ["4,5", ""],
        "golvniva": ["", "+4,5"],
        "formulering": ["Fasad ska vara av <b>tegel</b>.", ""],
    }
    frame = gpd.GeoDataFrame(rows, geometry=[shape, shape], crs=3008)
    plan = make_plan_rules(frame, source="dp <i>1283K</i>", version="2024")
    return site, evaluate(site, evaluation.candidate, plan=plan)


def test_rules_of_a_plan_are_told_with_zone_and_source(planned, tmp_path):
    page = page_of(planned, tmp_path)
    assert "2 of 8 rules are broken; 2 more must be checked by a person" in page
    assert "<b>Total height:</b> 20.00 m in &lt;A1&gt;, at most 12.00 m." in page
    assert "<b>Floor level:</b> 4.00 m RH2000 in Golv, at least 4.50 m RH2000." in page
    assert "<b>4 rules of the plan:</b> inside the plan: the whole outline" in page
    assert "200.0 m² in &lt;A1&gt;, at most 450.0 m²" in page
    asked = page[page.index("<h3>To be checked by a person</h3>") :]
    assert asked.count('<span class="word ask">CHECK</span>') == 1
    assert "<b>&lt;A1&gt;:</b> at most 4 storeys" in asked
    assert "“Fasad ska vara av &lt;b&gt;tegel&lt;/b&gt;”" in asked
    assert "Rule: dp &lt;i&gt;1283K&lt;/i&gt;, version 2024" in page
    assert "Plan: dp &lt;i&gt;1283K&lt;/i&gt;" in page, "credits"
    assert "its map and text count" in page
    assert "tegel</b>" not in page


def test_a_plan_without_end_is_cut_on_the_page(planned, tmp_path):
    site, evaluation = planned
    many = tuple(
        replace(evaluation.open_rules[0], source=f"dp {number}") for number in range(5000)
    )
    page = page_of((site, replace(evaluation, open_rules=many)), tmp_path)
    assert page.count("CHECK") == MOST_ASKED + 1
    assert f"{5000 - MOST_ASKED:,} more rules: all are in the GeoJSON" in page


def test_a_page_without_a_plan_does_not_speak_of_one(page):
    assert "CHECK" not in page
    assert "To be checked" not in page
    assert "the detailed plan (detaljplan) are not judged" in page


def test_the_table_holds_the_numbers(answer, page):
    _, evaluation = answer
    rows = {row[1]: row for row in Outline(page).rows if len(row) == 11}
    worst = evaluation.neighbours.iloc[0]
    shown = rows[worst["name"]]
    assert shown[3:6] == [
        number(worst[f"light_kwh_{when}"]) for when in ("before", "after", "lost")
    ]
    percent = 100 * worst["light_kwh_lost"] / worst["light_kwh_before"]
    assert float(shown[6]) == pytest.approx(percent, abs=0.005)
    assert shown[7:9] == [number(worst[f"sun_hours_{k}"], 2) for k in ("before", "after")]
    assert shown[10] == number(worst["pv_kwh_lost"])


def test_neighbours_that_are_not_shown_are_counted_and_summed(answer, tmp_path):
    site, evaluation = answer
    # The same building many times over: the table only looks names up.
    more = pd.concat([evaluation.neighbours] * 4).sort_values(
        "light_kwh_lost", ascending=False
    )
    page = page_of((site, replace(evaluation, neighbours=more)), tmp_path)
    rows = [row for row in Outline(page).rows if row]
    (rest,) = [row for row in rows if row[1].endswith("other buildings")]
    assert rest[1] == f"{len(more) - SHOWN} other buildings"
    lost = more["light_kwh_lost"]
    assert rest[4] == number(lost.iloc[SHOWN:].sum())
    assert rows[-1][1] == "All"
    assert rows[-1][4] == number(lost.sum())


def test_the_label_says_whether_the_twin_is_schematic(answer, page, tmp_path):
    site, evaluation = answer
    label = '<p class="label">Schematic, not survey data</p>'
    assert label in page
    district = replace(site.built.district, schematic=False)
    surveyed = replace(site, built=replace(site.built, district=district))
    assert label not in page_of((surveyed, evaluation), tmp_path)


def test_both_pictures_are_in_the_page(page):
    data = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    pictures = plain_pictures()
    assert [base64.b64decode(one) for one in data] == [pictures.before, pictures.after]
    assert "20 March 2026, 13:00 CET" in page, "moment and zone of the drawn shadows"
    assert "towards WNW" in page


def test_a_page_without_pictures_says_so(answer, tmp_path):
    page = page_of(answer, tmp_path)
    assert "Drawn without pictures" in page
    assert not Outline(page).all("img")
    told = page_of(answer, tmp_path, without="The <ray tracer> is missing.")
    assert "The &lt;ray tracer&gt; is missing." in told


def test_the_same_day_gives_the_same_bytes(answer, page, tmp_path):
    assert page_of(answer, tmp_path, pictures=plain_pictures()) == page
    assert "2026-03-20" in page


def test_a_candidate_that_shades_nobody_has_a_page(answer, tmp_path):
    site, evaluation = answer
    nobody = evaluation.neighbours.iloc[:0]
    nothing = np.empty(0, np.int64)
    shaded = replace(
        evaluation.shaded,
        facets=nothing,
        before=site.built.light.take(nothing),
        after=site.built.light.take(nothing),
    )
    alone = replace(evaluation, neighbours=nobody, shaded=shaded)
    page = page_of((site, alone), tmp_path)
    assert "No neighbour loses light." in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("by_plan", [False, True], ids=["without a plan", "by a plan"])
def test_it_prints_on_one_sheet_of_a4(ask, planned, tmp_path, by_plan):
    name = "Kvarteret vid Universitetsplatsen, etapp 2: bostäder och centrumverksamhet"
    site, evaluation = planned if by_plan else ask(east=20, north=-14, name=name)
    note = "300 m2 of the footprint lie in the water"
    evaluation = replace(evaluation, candidate=replace(evaluation.candidate, notes=(note,)))
    more = pd.concat([evaluation.neighbours] * 8)
    long_names = more.assign(name="Campus Helsingborg / Fabriken1891 och Universitetet")
    page_of(
        (site, replace(evaluation, neighbours=long_names)),
        tmp_path,
        pictures=plain_pictures(),
    )
    sheet = tmp_path / "evaluation.pdf"
    flags = ("--headless", "--no-sandbox", "--disable-quic", "--no-first-run")
    quiet = ("--disable-gpu", "--disable-background-networking", "--no-pdf-header-footer")
    home = f"--user-data-dir={tmp_path / 'home'}"
    page = (tmp_path / "evaluation.html").as_uri()
    subprocess.run(
        [CHROMIUM, *flags, *quiet, home, f"--print-to-pdf={sheet}", page],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert len(re.findall(rb"/Type\s*/Page\b", sheet.read_bytes())) == 1


def test_the_light_of_the_pictures_is_the_evaluations(answer):
    site, evaluation = answer
    before, after = sensor_light(site, evaluation)
    facets = join_candidate(site, evaluation.candidate)
    count = site.built.facets.sensor_count
    assert len(before) == count
    assert len(after) == facets.sensor_count == count + evaluation.light.facets.sensor_count
    assert facets.ids[: len(site.built.facets)] == site.built.facets.ids
    assert (after[:count] <= before + 1e-3).all(), "a building takes light, it gives none"
    # The loss that is drawn is the loss in the table: area times mean of the sensors.
    old = site.built.facets
    area = (old.area / old.sensors_per_facet)[old.sensor_facet]
    assert float(area @ (before - after[:count])) == pytest.approx(
        evaluation.neighbours["light_kwh_lost"].sum(), rel=1e-4
    )


def test_pictures_show_the_same_place_with_and_without(drawn):
    before, after = (
        np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.int16)
        for data in (drawn.before, drawn.after)
    )
    assert before.shape == after.shape == (SMALL[1], SMALL[0], 3)
    changed = (np.abs(before - after).max(axis=2) > 40).mean()
    assert 0.01 < changed < 0.6, "the candidate and what it shades, not the whole picture"
    # The sky and the near edge are as they were.
    assert np.abs(before[-5:] - after[-5:]).mean() < 4


def test_pictures_are_the_same_every_time(answer, drawn):
    again = draw_pictures(*answer, numbered=SHOWN, size=SMALL)
    assert again.before == drawn.before
    assert again.after == drawn.after


def test_more_loss_is_darker_on_the_map():
    levels = np.linspace(plan.LEAST_SHOWN, 120, 40)
    hexes = [plan.loss_colour(level, 100.0) for level in levels]
    grey = [sum(int(code[k : k + 2], 16) for k in (1, 3, 5)) for code in hexes]
    assert all(one >= other for one, other in pairwise(grey))
    assert plan.loss_colour(0.0, 100.0) == "#ffffff"


@pytest.mark.parametrize(
    ("losses", "top"), [([0.0, 0.1], 10.0), ([3.0, 4.0], 10.0), ([40, 130], 200.0)]
)
def test_the_scale_of_the_map_ends_at_a_round_number(losses, top):
    lost = np.array(losses, float)
    assert plan.scale_top(lost, np.ones(len(lost))) == top


def test_the_map_colours_every_facade_that_loses(answer):
    site, evaluation = answer
    drawing = plan.loss_map(site, evaluation, numbered=SHOWN)
    which = evaluation.shaded.facets
    lost = evaluation.shaded.before.facet_annual - evaluation.shaded.after.facet_annual
    walls = np.abs(site.built.facets.normal[which, 2]) < 0.5
    # Facades are the only lines of two points.
    lines = re.findall(r'd="M[\d. -]+L[\d. -]+"', drawing.svg)
    near = (
        site.built.district.buildings["name"].to_numpy()[site.built.facets.part[which]]
        != "Far & away"
    )
    wanted = walls & (lost >= plan.LEAST_SHOWN) & near
    assert np.count_nonzero(wanted) <= len(lines)
    assert len(lines) <= np.count_nonzero(walls & (lost >= plan.LEAST_SHOWN))


def test_words_tell_one_neighbour_from_many():
    row = {
        "building": "b1",
        "name": "",
        "label": "b1",
        "light_kwh_lost": 1234.0,
        "light_lost_percent": 2.5,
    }
    totals = {
        "light_kwh_lost": 1234.0,
        "light_lost_percent": 2.5,
        "enough_sun_lost_m2": 0.0,
    }
    one = lead_words([row], totals)
    assert one.startswith("One neighbour loses 1.23 MWh of light a year, 2.5 %")
    assert "Most is taken from b1" in lead_words([row, row], totals)
    assert share(100.0) == "100 %"
