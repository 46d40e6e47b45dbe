"""The quality of a twin: every fault is found, named and weighed; a sound twin passes."""

import json
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import HeidiError, SourceError
from gis.terrain import Grid, Terrain
from gis.typical_year import typical_year
from twin.build import build
from twin.folder import write_twin
from twin.height_kinds import kind_of
from twin.quality import (
    ORDER,
    Check,
    Quality,
    Verdict,
    check_twin,
    gravest,
    judge,
    verdict_sentence,
)
from twin.quality_files import Files, part_table, read_files
from twin.quality_page import quality_record, write_page, write_record
from twin.web.coverage_map import Class, coverage_map

MADE = date(2026, 6, 21)
NUMBERS = st.floats(-1e6, 1e6)


@pytest.fixture(scope="module")
def folder(lit, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("twins") / "twin"
    write_twin(build(lit.district, typical_year(), spacing=4.0), place, stills=False)
    return place


@pytest.fixture(scope="module")
def sound(folder) -> Files:
    return read_files(folder)


@pytest.fixture(scope="module")
def sound_quality(sound) -> Quality:
    return check_twin(sound)


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """Return a copy of the twin that a test may spoil."""
    target = tmp_path / "twin"
    shutil.copytree(folder, target)
    return target


def find(quality: Quality, name: str) -> Check:
    """Return the check of a name."""
    (check,) = [c for t in quality.topics for c in t.checks if c.name == name]
    return check


def spoil(files: Files, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Files:
    """Return the twin with other buildings."""
    buildings = change(files.buildings.copy())
    shapes = shapely.make_valid(buildings.geometry.to_numpy())
    layers = replace(files.layers, buildings=buildings)
    return replace(files, layers=layers, shapes=shapes, extra=files.extra)


def at(files: Files, part: int, **values: object) -> Files:
    """Return the twin with other values of one part."""

    def change(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        for name, value in values.items():
            buildings.loc[buildings.index[part], name] = value
        return buildings

    return spoil(files, change)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_better_number_is_never_judged_worse(one, other, good, bad):
    better, worse = (max, min) if good > bad else (min, max)
    grades = [ORDER.index(judge(pick(one, other), good, bad)) for pick in (better, worse)]
    assert grades[0] <= grades[1]


@given(NUMBERS, NUMBERS)
def test_limits_themselves_are_not_bad(good, bad):
    assert judge(good, good, bad) is Verdict.GOOD
    assert judge(bad, good, bad) is (Verdict.GOOD if good == bad else Verdict.LOOK)


def test_what_is_unknown_wants_a_look():
    assert judge(math.nan, 0.9, 0.5) is Verdict.LOOK
    assert judge(math.nan, 1.0, 5.0) is Verdict.LOOK


@given(st.lists(st.sampled_from([*Verdict, None])))
def test_the_whole_is_as_grave_as_its_gravest_part(verdicts):
    ranks = [ORDER.index(v) for v in verdicts if v is not None]
    assert ORDER.index(gravest(verdicts)) == max(ranks, default=0)


def test_a_sound_twin_has_nothing_bad(sound_quality):
    quality = sound_quality
    assert quality.verdict is not Verdict.BAD
    names = [check.name for topic in quality.topics for check in topic.checks]
    assert len(set(names)) == len(names)
    for topic in quality.topics:
        for check in topic.checks:
            told = bool(check.limit) and bool(check.reason)
            assert told == (check.verdict is not None), f"{check.name} says why"
            assert not check.found.endswith(".")
    for name in ("Closed bodies", "Overlaps", "Valid outlines", "Plan", "Heights", "Datum"):
        assert find(quality, name).verdict in (Verdict.GOOD, None), name


def test_shares_are_of_the_footprint_area(sound):
    sources = ["assumed: nothing known", "points: a.laz", "attribute h", "storeys x 3 m: l"]
    count = len(sound.buildings)
    told = [sources[k % 4] for k in range(count)]
    spoiled = spoil(sound, lambda b: b.assign(height_source=told))
    area = [polygon.area for polygon in sound.buildings.geometry]
    known = sum(a for a, s in zip(area, told, strict=True) if not s.startswith("assumed"))
    check = find(check_twin(spoiled), "Heights known")
    assert check.number == pytest.approx(known / sum(area))
    named = {p for p, s in zip(sound.buildings.index, told, strict=True) if "assumed" in s}
    assert set(check.parts) == named
    assert dict(check.rows).keys() == set(told)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("measured by airborne laser scanning", "measured"),
        ("surface: dsm.tif", "measured"),
        ("roof minus ground: roof_m", "measured"),
        ("published height (9 storeys)", "published"),
        ("storeys x 3 m: building:levels", "storeys"),
        ("attribute height_m", "given"),
        ("assumed, about 3 m per storey", "assumed"),
        ("", "assumed"),
    ],
)
def test_sources_are_sorted_by_how_they_know(source, kind):
    assert kind_of(source) == kind


EMPTY = shapely.Polygon()
BOW = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def moved(files: Files, shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape near the district's south-west corner."""
    west, south, _, _ = files.buildings.total_bounds
    return shapely.affinity.translate(shape, west - 30.0, south - 30.0)


FAULTS = {
    "Valid outlines": (
        lambda f: at(f, 0, geometry=moved(f, BOW)),
        Verdict.BAD,
    ),
    "Closed bodies": (lambda f: at(f, 0, top=f.buildings["base"].iloc[0]), Verdict.BAD),
    "Overlaps": (lambda f: at(f, 0, geometry=f.buildings.geometry.iloc[1]), Verdict.BAD),
    "Slivers": (
        lambda f: at(f, 0, geometry=moved(f, shapely.box(0, 0, 20, 0.01))),
        Verdict.BAD,
    ),
    "Heights out of range": (lambda f: at(f, 0, height=900.0), Verdict.BAD),
    "Heights known": (
        lambda f: spoil(f, lambda b: b.assign(height_source="assumed: all")),
        Verdict.BAD,
    ),
    "Use known": (lambda f: spoil(f, lambda b: b.assign(use="")), Verdict.LOOK),
    "Year of construction known": (
        lambda f: spoil(f, lambda b: b.assign(year=np.nan)),
        Verdict.LOOK,
    ),
    "Plan": (lambda f: replace(f, systems=f.systems | {"terrain": None}), Verdict.BAD),
    "Farthest building": (
        lambda f: at(f, 0, geometry=shapely.affinity.translate(shapely.box(0, 0, 9, 9))),
        Verdict.BAD,
    ),
    "Buildings in water": (
        lambda f: replace(
            f,
            layers=replace(
                f.layers,
                water=shapely.MultiPolygon([shapely.box(*f.buildings.total_bounds)]),
            ),
        ),
        Verdict.BAD,
    ),
    "Ground below the water": (
        lambda f: spoil(f, lambda b: b.assign(base=-5.0)),
        Verdict.BAD,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_names_its_part(sound, sound_quality, name):
    change, verdict = FAULTS[name]
    before, after = find(sound_quality, name), find(check_twin(change(sound)), name)
    assert after.verdict is verdict, after.found
    assert before.verdict is not Verdict.BAD
    if verdict is Verdict.BAD and name != "Plan":
        assert sound.buildings.index[0] in after.parts


def test_bodies_with_faults_are_counted_by_their_codes(sound):
    # Valid outlines: one hole meets the outline in a corner, the other on an edge.
    corner = [(0, 0), (3, 5), (5, 3)]
    edge = [(0, 4), (3, 5), (3, 3)]
    outlines = [
        moved(sound, shapely.Polygon(shapely.box(0, 0, 9, 8).exterior, [hole]))
        for hole in (corner, edge)
    ]
    assert shapely.is_valid(outlines).all()
    files = at(at(sound, 0, geometry=outlines[0]), 1, geometry=outlines[1])
    files = at(files, 2, top=files.buildings["base"].iloc[2])
    check = find(check_twin(files), "Closed bodies")
    assert check.verdict is Verdict.BAD
    assert set(check.parts) == set(sound.buildings.index[:3])
    assert dict(check.rows) == {
        "lower than they must be": "1 part",
        "303 NON_MANIFOLD_CASE": "1 part",
        "306 SHELL_SELF_INTERSECTION": "1 part",
    }
    assert find(check_twin(sound), "Closed bodies").rows == ()


def test_stated_ground_of_another_datum_is_seen(sound):
    def change(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        x, y = (getattr(buildings.representative_point(), axis) for axis in "xy")
        ground = sound.terrain.sample(x, y)
        top = ground + 36.0 + buildings["height"]
        return buildings.assign(top=top, base_source="terrain: t, top from stated ground")

    check = find(check_twin(spoil(sound, change)), "Datum")
    assert check.number == pytest.approx(36.0)
    assert check.verdict is Verdict.BAD


def test_buildings_beyond_the_terrain_are_counted(sound):
    west, south, east, north = sound.buildings.total_bounds
    half = Grid(west - 10, north + 10, 1.0, int(north - south) + 20, int(east - west) // 2)
    small = Terrain(half, np.zeros((half.rows, half.columns)), "half")
    edge = west - 10 + half.columns
    beyond = sound.buildings.geometry.bounds["maxx"] > edge
    check = find(check_twin(replace(sound, terrain=small)), "Buildings beyond the terrain")
    assert set(check.parts) == set(sound.buildings.index[beyond])
    assert 0 < len(check.parts) < len(sound.buildings)
    assert check.verdict is Verdict.BAD


def described(files: Files, table: str, **values: object) -> Files:
    """Return the twin with other words in ``heidi.toml``."""
    told = files.description | {table: files.description[table] | values}
    return replace(files, description=told)


def test_filled_cells_and_left_out_footprints_are_read_from_the_notes(sound):
    notes = [
        "1,000 footprints read, 650 parts kept",
        "30,000 of 100,000 terrain cells (30.0%) were missing, spanned between them",
    ]
    quality = check_twin(described(sound, "twin", notes=notes))
    assert find(quality, "Footprints kept").number == 0.65
    assert find(quality, "Footprints kept").verdict is Verdict.BAD
    assert find(quality, "Filled cells").number == 0.3
    assert find(quality, "Filled cells").verdict is Verdict.BAD


def test_heights_of_another_system_are_bad(sound):
    quality = check_twin(described(sound, "frame", heights="RH70"))
    systems = next(t for t in quality.topics if t.name == "Reference systems")
    assert systems.verdict is Verdict.BAD


def test_weather_from_far_away_is_seen(sound):
    far = replace(sound.weather, latitude=57.7, longitude=12.0)
    check = find(check_twin(replace(sound, weather=far)), "Distance")
    assert check.verdict is Verdict.BAD
    assert 180.0 < check.number < 195.0, "Gothenburg lies 190 km to the north"
    nowhere = replace(sound.weather, latitude=None, longitude=None)
    check = find(check_twin(replace(sound, weather=nowhere)), "Distance")
    assert check.verdict is Verdict.LOOK


def test_spoiled_weather_is_told_by_its_check(sound):
    table = sound.weather.table.copy()
    table["dni"] *= 2.0
    table.loc[table.index[:1000], "filled"] = True
    quality = check_twin(replace(sound, weather=replace(sound.weather, table=table)))
    assert find(quality, "Check: closure").verdict is Verdict.BAD
    assert find(quality, "Filled hours").number == pytest.approx(1000 / 8760)
    assert find(quality, "Filled hours").verdict is Verdict.BAD
    assert find(quality, "Plausibility").verdict is None, "the failed ones tell themselves"


def test_owners_that_nobody_names_want_a_look(sound):
    lines = ["© OpenStreetMap contributors, ODbL 1.0", "houses.gpkg, as given by the user"]
    check = find(check_twin(described(sound, "twin", credits=lines)), "Owners named")
    assert (check.number, check.verdict) == (1.0, Verdict.LOOK)
    check = find(check_twin(described(sound, "twin", credits=lines[:1])), "Owners named")
    assert check.verdict is Verdict.GOOD


def repairs_of(files: Files) -> gpd.GeoDataFrame:
    """Return a log of repairs as `gis.footprints` keeps it."""
    buildings = files.buildings
    table = {
        "part": [buildings.index[0], buildings.index[0], ""],
        "building": [buildings["building"].iloc[0]] * 3,
        "fault": ["overlap", "gap", "sliver"],
        "action": ["trimmed", "closed", "left out"],
        "amount": [12.5, 0.3, np.nan],
        "unit": ["m2", "m", ""],
    }
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(1, 2)] * 3, crs=3008)


def conflicts_of(files: Files) -> pd.DataFrame:
    """Return a log of conflicts as `gis.height_fusion` keeps it."""
    building = files.buildings["building"].iloc[0]
    table = {
        "height": [20.0],
        "source": ["points: a<b>.laz"],
        "other": [3.0],
        "other_source": ["attribute height_m"],
        "difference": [17.0],
        "limit": [1.0],
        "why": ["survey of 2018, built 2020"],
    }
    return pd.DataFrame(table, index=pd.Index([building], name="building"))


@pytest.mark.parametrize("where", ["layer", "own GeoPackage", "Parquet"])
def test_logs_are_found_where_they_lie(sound, copied, where):
    repairs, conflicts = repairs_of(sound), conflicts_of(sound).reset_index()
    for name, table in (("repairs", repairs), ("height_conflicts", conflicts)):
        if where == "Parquet":
            table.to_parquet(copied / f"{name}.parquet")
            continue
        own = copied / f"{name}.gpkg"
        path = copied / "buildings.gpkg" if where == "layer" else own
        pyogrio.write_dataframe(table, path, layer=name, append=path.exists())
    quality = check_twin(read_files(copied))
    check = find(quality, "Repairs")
    assert check.parts == (sound.buildings.index[0],)
    assert dict(check.rows) == dict.fromkeys(("overlap", "gap", "sliver"), "1 repair")
    owner = sound.buildings["building"].iloc[0]
    same = sound.buildings.index[sound.buildings["building"] == owner]
    assert set(find(quality, "Conflicts of heights").parts) == set(same)
    assert find(quality, "Plan").verdict is Verdict.GOOD, "a table has no reference system"


def test_year_and_uncertainty_are_told_where_they_are(sound_quality, copied):
    path = copied / "buildings.gpkg"
    layer = pyogrio.read_dataframe(path, layer="buildings")
    told = layer.assign(height_year=2018, height_uncertainty=4.0)
    pyogrio.write_dataframe(told, path, layer="buildings", append=False)
    quality = check_twin(read_files(copied))
    assert find(quality, "Uncertainty of heights").verdict is Verdict.BAD
    assert find(quality, "Year of heights").number == 2018.0
    names = [c.name for t in sound_quality.topics for c in t.checks]
    assert "Uncertainty of heights" not in names


def cut(path: Path) -> None:
    """Leave half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


DAMAGES = {
    "no description": lambda f: (f / "heidi.toml").unlink(),
    "no buildings": lambda f: (f / "buildings.gpkg").unlink(),
    "no terrain": lambda f: (f / "terrain.tif").unlink(),
    "no weather": lambda f: (f / "weather.parquet").unlink(),
    "half a GeoPackage": lambda f: cut(f / "buildings.gpkg"),
    "half a terrain": lambda f: (f / "terrain.tif").write_bytes(b"II*\0half"),
    "half the weather": lambda f: cut(f / "weather.parquet"),
    "text for a GeoPackage": lambda f: (f / "buildings.gpkg").write_text("no"),
    "a log of nonsense": lambda f: (f / "repairs.parquet").write_text("no"),
    "a description of nothing": lambda f: (f / "heidi.toml").write_text(
        "[twin]\nformat = 2\n"
    ),
    "no buildings in the layer": lambda f: pyogrio.write_dataframe(
        pyogrio.read_dataframe(f / "buildings.gpkg", layer="buildings").iloc[:0],
        f / "buildings.gpkg",
        layer="buildings",
        geometry_type="Polygon",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_damaged_twin_is_one_line(copied, kind):
    DAMAGES[kind](copied)
    with pytest.raises(HeidiError) as refused:
        check_twin(read_files(copied))
    assert isinstance(refused.value, HeidiError)


def test_shapes_without_place_are_reported_not_met_with_a_crash(copied):
    path = copied / "buildings.gpkg"
    layer = pyogrio.read_dataframe(path, layer="buildings")
    x, y = layer.geometry.iloc[1].centroid.coords[0]
    layer.loc[0, "geometry"] = None
    layer.loc[1, "geometry"] = shapely.affinity.translate(BOW, x, y)
    layer.loc[2, "height"] = np.nan
    pyogrio.write_dataframe(layer, path, layer="buildings", geometry_type="Unknown")
    quality = check_twin(read_files(copied))
    check = find(quality, "Valid outlines")
    assert check.number == 2
    assert quality.verdict is Verdict.BAD
    assert json.dumps(quality_record(quality, made=MADE), allow_nan=False)


class Reader(HTMLParser):
    """Collect the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))


def page_of(files: Files, path: Path) -> str:
    """Write the page of a twin and return it."""
    layers = files.layers
    write_page(
        path,
        check_twin(files),
        boundary=layers.boundary,
        water=layers.water,
        made=MADE,
    )
    return path.read_text("utf-8")


@pytest.fixture
def logged(sound) -> Files:
    return replace(sound, repairs=repairs_of(sound), conflicts=conflicts_of(sound))


def test_the_page_needs_nothing_from_anywhere(logged, tmp_path):
    text = page_of(logged, tmp_path / "quality.html")
    reader = Reader()
    reader.feed(text)
    tags = [tag for tag, _ in reader.tags]
    assert "script" not in tags
    assert tags.count("svg") == 3
    meta = [a for t, a in reader.tags if t == "meta" and "http-equiv" in a]
    assert meta[0]["content"].startswith("default-src 'none'")
    links = [a.get("href", "") for t, a in reader.tags if t in ("a", "link")]
    assert all(link.startswith(("#", "data:,")) for link in links)
    anchors = {a["id"] for _, a in reader.tags if "id" in a}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert all(a.get("aria-label") for t, a in reader.tags if t == "svg")


def test_names_of_the_user_are_only_text(logged, tmp_path):
    text = page_of(logged, tmp_path / "quality.html")
    assert "Small &amp; &lt;bold&gt; district" in text
    assert "a&lt;b&gt;.laz" in text
    assert "<bold>" not in text


def test_the_same_twin_gives_the_same_page(logged, tmp_path):
    one, other = (page_of(logged, tmp_path / f"{n}.html") for n in "ab")
    assert one == other


def test_the_page_says_what_the_record_says(logged, tmp_path):
    text = page_of(logged, tmp_path / "quality.html")
    quality = check_twin(logged)
    record = quality_record(quality, made=MADE)
    write_record(tmp_path / "quality.json", record)
    assert json.loads((tmp_path / "quality.json").read_text("utf-8")) == record
    assert record["verdict"] == quality.verdict.value
    assert record["heidi"]["made"] == "2026-06-21"
    assert record["logs"] == {"repairs": 3, "conflicts": 1}
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for topic in record["topics"]:
        assert topic["topic"] in words
        for check in topic["checks"]:
            assert check["check"] in words
    assert verdict_sentence(quality).split(";")[0] in words


def test_every_part_is_in_one_class_of_each_map(sound, tmp_path):
    text = page_of(sound, tmp_path / "quality.html")
    for legend in re.findall(r"</svg><ul>(.*?)</ul>", text):
        counts = [int(n.replace(",", "")) for n in re.findall(r"<b>([\d,]+)</b>", legend)]
        assert sum(counts) == len(sound.buildings)


def squares(svg: str, colour: str) -> int:
    """Count the squares of a colour."""
    path = re.search(rf'<path fill="{colour}" d="([^"]*)"', svg)
    return path.group(1).count("M") if path else 0


def test_many_parts_become_squares_of_what_most_of_them_are(sound):
    table = part_table(sound).iloc[:1]
    many = gpd.GeoDataFrame(
        geometry=[
            shapely.box(x, 0, x + size, size) for x, size in ((0, 3), (4, 1), (900, 1))
        ],
        crs=table.crs,
    )
    kinds = np.array([0, 1, 1])
    classes = [
        Class(str(k), colour, kinds == k) for k, colour in enumerate(("#aa0", "#0bb"))
    ]
    plain = {"boundary": shapely.box(0, 0, 905, 5), "water": shapely.Polygon()}
    svg = coverage_map(many, classes, **plain, label="many", most_shapes=2)
    assert squares(svg, "#aa0") == 1, "the larger of the two in the same square"
    assert squares(svg, "#0bb") == 1
    assert "stroke-dasharray" in svg


@pytest.mark.real
def test_the_real_harbour_shows_its_known_defects(shared_data):
    from gis.assemble import read_district
    from gis.district import District

    place = shared_data / "helsingborg"
    district: District = read_district(
        place / "harbour_buildings_epsg3008.gpkg",
        place / "harbour_dtm_1m_epsg3008.tif",
        water=place / "harbour_land_water_epsg3008.gpkg",
    )
    from gis.layers import Layers

    buildings = district.buildings
    files = Files(
        folder=Path(),
        description={
            "twin": {
                "name": district.name,
                "version": "0",
                "inputs": "0",
                "notes": list(district.notes),
                "credits": list(district.credits),
                "schematic": False,
            },
            "frame": {
                "heights": "RH2000",
                "water_level_m": district.water_level,
                "latitude": district.latitude,
                "longitude": district.longitude,
            },
        },
        layers=Layers(
            buildings,
            district.boundary,
            district.landmarks,
            district.trees,
            district.water,
            district.decks,
            district.plan,
            district.records,
        ),
        shapes=buildings.geometry.to_numpy(),
        extra=pd.DataFrame(index=buildings.index),
        systems={"terrain": buildings.crs},
        terrain=district.terrain,
        weather=typical_year(),
        repairs=None,
        conflicts=None,
    )
    quality = check_twin(files)
    assert quality.verdict is Verdict.LOOK
    # Facts of the model: 868 of 1,283 heights are reliable; houses stand on the old basin.
    assert 0.8 < find(quality, "Heights known").number < 0.9
    assert find(quality, "Buildings in water").verdict is Verdict.LOOK
    assert find(quality, "Overlaps").verdict is Verdict.GOOD
    assert find(quality, "Closed bodies").verdict is Verdict.GOOD
    with pytest.raises(SourceError, match="must be a twin"):
        read_files(place)
