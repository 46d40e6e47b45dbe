"""Requests that services understand, and the list of sources."""

import json
import math
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from gis.errors import CrsError, SourceError
from gis.sources import baskarta, lantmateriet, osm, overture
from gis.sources.catalogue import SOURCES
from gis.sources.place import LARGEST, Place, read_place
from gis.sources.request import Form, safe_name
from gis.sources.services import (
    THEMES,
    base_map_request,
    copernicus_tile,
    declaration_request,
    osm_request,
    overpass_complaint,
    overture_request,
)
from gis.sources.sidecar import credit_line
from gis.sources.stac import CLOUD, PRODUCTS, TERRAIN, found_requests, search_request
from gis.sources.weather_services import (
    TOOLS,
    epw_request,
    metobs_request,
    pvgis_request,
    strang_request,
)

HERE = Place(56.043, 12.695)
ELLIPSOID = Geod(ellps="WGS84")
SAMPLES = {
    "osm": (HERE, 800.0),
    "buildings": (HERE, 800.0),
    "terrain": (HERE, 800.0),
    "cloud": (HERE, 800.0),
    "copernicus": (HERE,),
    "pvgis": (HERE,),
    "smhi": (1,),
    "strang": (HERE, 117),
    "overture": ("2026-06-17.0",),
    "boverket": (),
    "baskarta": (),
    "epw": (),
}
OPTIONS = {
    "boverket": {"address": "Redaregatan 48, Helsingborg"},
    "strang": {"first": date(2024, 1, 1), "last": date(2024, 12, 31)},
}


def query(url: str) -> dict[str, str]:
    """Return the parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@given(
    st.floats(-80, 80),
    st.floats(-179, 179),
    st.floats(10, LARGEST),
    st.floats(0, 360),
)
def test_a_window_holds_its_circle_and_little_more(latitude, longitude, radius, azimuth):
    window = Place(latitude, longitude).window(min(radius, 5_000))
    radius = min(radius, 5_000)
    lon, lat, _ = ELLIPSOID.fwd(longitude, latitude, azimuth, radius)
    slack = 2e-3 * radius / 111_000 / math.cos(math.radians(latitude))
    assert window.west - slack <= lon <= window.east + slack
    assert window.south - slack <= lat <= window.north + slack
    for side, (x, y) in {
        "west": (window.west, latitude),
        "east": (window.east, latitude),
        "south": (longitude, window.south),
        "north": (longitude, window.north),
    }.items():
        _, _, far = ELLIPSOID.inv(longitude, latitude, x, y)
        # First order in radius by Earth's radius, which the curvature of the parallel adds.
        assert far == pytest.approx(radius, rel=5e-3), side


@pytest.mark.parametrize("text", ["56.043,12.695", "56.043, 12.695", " 56.043 12.695 "])
def test_places_are_read_as_people_write_them(text):
    assert read_place(text) == HERE


@pytest.mark.parametrize(
    "text",
    ["", "56.043", "56,043,12,695", "north", "nan,12", "91,12", "12.695,200", "1e99,0"],
)
def test_a_place_that_nobody_means_is_one_line(text):
    with pytest.raises(CrsError, match="a place must be"):
        read_place(text)


@pytest.mark.parametrize("radius", [9.0, LARGEST + 1, -5.0, math.nan, math.inf])
def test_a_radius_must_make_sense(radius):
    with pytest.raises(CrsError, match="a radius must be"):
        HERE.window(radius)


def test_a_window_does_not_cross_the_date_line():
    with pytest.raises(CrsError, match="date line"):
        Place(0.0, 179.99).window(5_000.0)


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.key)
def test_every_source_makes_a_request(source):
    made = source.request(*SAMPLES[source.key], **OPTIONS.get(source.key, {}))
    assert made.source == source.key
    assert made.origin == source.origin
    assert urlsplit(made.url).scheme == "https"
    begin = source.address.split("{")[0].split("?")[0]
    assert made.url.startswith(begin), "the list shows what is asked"
    assert made.name == safe_name(made.name)
    assert made.credential is None or made.credential == source.credential


def test_keys_are_used_once():
    keys = [source.key for source in SOURCES]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(SAMPLES)


@pytest.mark.parametrize(
    ("key", "reader"),
    [("osm", osm), ("buildings", lantmateriet), ("baskarta", baskarta)],
)
def test_readers_and_list_name_the_same_owner(key, reader):
    origin = next(source.origin for source in SOURCES if source.key == key)
    assert (origin.licence, origin.credit) == (reader.LICENCE, reader.CREDIT)


def test_overtures_credit_is_that_of_its_reader():
    origin = next(source.origin for source in SOURCES if source.key == "overture")
    assert (origin.licence, origin.credit) == (overture.LICENCE, overture.OSM_CREDIT)


def test_credits_name_owner_and_licence_once():
    lines = {source.key: credit_line(source.origin) for source in SOURCES}
    assert lines["osm"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert lines["smhi"] == "SMHI, CC BY 4.0"
    assert lines["baskarta"] == "City of Helsingborg", "no licence is stated"


@pytest.mark.parametrize("theme", THEMES)
def test_overpass_is_asked_for_south_west_north_east(theme):
    made = osm_request(HERE, 800.0, theme=theme)
    asked = query(made.url)["data"]
    south, west, north, east = map(float, asked.split("[bbox:")[1].split("]")[0].split(","))
    assert south < HERE.latitude < north
    assert west < HERE.longitude < east
    assert "[out:json]" in asked
    assert asked.count("(") == asked.count(")") == 1
    assert all(f"{part};" in asked for part in THEMES[theme])
    assert made.least_wait >= 30.0, "what its keepers ask for after 429"


def test_overpass_that_ran_out_of_time_is_not_taken_for_whole(tmp_path):
    reply = tmp_path / "reply.json"
    reply.write_text('{"elements": []}')
    assert overpass_complaint(reply) == ""
    remark = "runtime error: Query timed out in \\u0022query\\u0022 at line 1"
    reply.write_text(json.dumps({"elements": [0] * 9000, "remark": remark}))
    assert "only a part" in overpass_complaint(reply)
    reply.write_text('{"elements": [], "remark": "all is well"}')
    assert overpass_complaint(reply) == ""


@pytest.mark.parametrize("tool", TOOLS)
def test_pvgis_is_asked_for_unshaded_light(tool):
    asked = query(pvgis_request(HERE, tool=tool).url)
    assert (asked["lat"], asked["lon"]) == ("56.0430", "12.6950")
    assert asked["outputformat"] == "json"
    assert asked.get("usehorizon") == (None if tool == "printhorizon" else "0")
    level = (asked.get("angle"), asked.get("components"))
    assert level == (("0", "1") if tool == "seriescalc" else (None, None))


def test_pvgis_takes_years():
    asked = query(pvgis_request(HERE, tool="seriescalc", years=(2019, 2019)).url)
    assert (asked["startyear"], asked["endyear"]) == ("2019", "2019")


BAD = {
    "unknown theme": lambda: osm_request(HERE, 100.0, theme="castles"),
    "unknown tool": lambda: pvgis_request(HERE, tool="tmx"),
    "years of a horizon": lambda: pvgis_request(
        HERE, tool="printhorizon", years=(2010, 2020)
    ),
    "a short typical year": lambda: pvgis_request(HERE, years=(2010, 2012)),
    "years before all": lambda: pvgis_request(HERE, years=(1990, 2012)),
    "years backwards": lambda: pvgis_request(HERE, tool="seriescalc", years=(2020, 2010)),
    "unknown quantity": lambda: metobs_request(2),
    "unknown period": lambda: metobs_request(1, period="always"),
    "no station": lambda: metobs_request(1, station=0),
    "days backwards": lambda: strang_request(
        HERE, 117, first=date(2024, 2, 1), last=date(2024, 1, 1)
    ),
    "neither address nor estate": lambda: declaration_request(municipality="Helsingborg"),
    "address and estate": lambda: declaration_request(
        municipality="Helsingborg", address="a", estate="b"
    ),
    "an estate without municipality": lambda: declaration_request(estate="Hermes 10"),
    "no release": lambda: overture_request("latest/../.."),
    "a file elsewhere": lambda: epw_request("../../etc/passwd.zip"),
    "another site": lambda: epw_request("https://example.org/a.zip"),
    "no web address": lambda: base_map_request(server="/etc/passwd"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_asked_is_one_line(case):
    with pytest.raises(SourceError) as refused:
        BAD[case]()
    assert "\n" not in str(refused.value)


def test_smhi_is_asked_by_parameter_and_station():
    url = metobs_request(4, station=62040, period="latest-months").url
    assert url.endswith("/parameter/4/station/62040/period/latest-months/data.csv")


def test_strang_is_asked_by_longitude_then_latitude():
    made = strang_request(HERE, 118, first=date(2024, 1, 1), last=date(2024, 1, 31))
    assert "/lon/12.6950/lat/56.0430/parameter/118/" in made.url
    assert query(made.url) == {
        "from": "2024-01-01",
        "to": "2024-01-31",
        "interval": "hourly",
    }


def test_boverket_gets_swedish_letters():
    asked = query(declaration_request(municipality="Malmö", estate="Åkern 1").url)
    assert asked == {"kommun": "Malmö", "fastighetsbeteckning": "Åkern 1"}


@pytest.mark.parametrize(
    ("latitude", "longitude", "corner"),
    [
        (56.04, 12.69, "N56_00_E012"),
        (-0.5, -0.5, "S01_00_W001"),
        (0.5, 0.5, "N00_00_E000"),
        (-33.0, -70.0, "S33_00_W070"),
    ],
)
def test_tiles_are_named_after_their_south_west_corner(latitude, longitude, corner):
    assert corner in copernicus_tile(Place(latitude, longitude))


def item(*hrefs: str) -> dict:
    """Return a STAC item as Lantmäteriet's catalogue gives it."""
    assets = {f"asset{n}": {"href": href} for n, href in enumerate(hrefs)}
    return {"type": "Feature", "collection": "mhm-62_3", "assets": assets}


DISK = "https://dl1.lantmateriet.se/hojd/data"


def listed(tmp_path: Path, *items: dict, **members: object) -> Path:
    """Write a catalogue's reply."""
    path = tmp_path / "list.json"
    content = {"type": "FeatureCollection", "features": list(items), **members}
    path.write_text(json.dumps(content))
    return path


def test_the_catalogue_is_searched_by_west_south_east_north():
    asked = query(search_request(TERRAIN, HERE, 800.0).url)
    west, south, east, north = map(float, asked["bbox"].split(","))
    assert west < HERE.longitude < east
    assert south < HERE.latitude < north


def test_the_fitting_files_are_found_once(tmp_path):
    tile = f"{DISK}/grid/mhm/62_3/m621_35.tif"
    cloud = f"{DISK}/pointcloud/sls/23f028/m23f028-702_69.copc.laz"
    lines = f"{DISK}/grid/mhm/62_3/m621_35_brytgeometri.gpkg"
    reply = listed(tmp_path, item(tile, lines), item(tile), item(cloud), {"assets": 5})
    (made,) = found_requests(TERRAIN, reply)
    assert (made.url, made.name) == (tile, "lantmateriet_m621_35.tif")
    assert made.form is Form.TIFF
    assert made.credential is not None
    assert made.credential.headers(tile, dict.fromkeys(made.credential.variables, "x"))
    (made,) = found_requests(CLOUD, reply)
    assert made.url == cloud


def test_a_hostile_catalogue_gets_no_account_and_no_path(tmp_path):
    evil = "https://evil.example/grid/mhm/%2e%2e%2f%2e%2e%2fetc%2fcron.tif"
    (made,) = found_requests(TERRAIN, listed(tmp_path, item(evil)))
    assert "/" not in made.name
    assert made.credential is not None
    secrets = dict.fromkeys(made.credential.variables, "x")
    assert not made.credential.headers(made.url, secrets)
    with pytest.raises(SourceError, match="web address"):
        found_requests(TERRAIN, listed(tmp_path, item("file:///grid/mhm/a.tif")))


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_a_window_without_files_is_told(tmp_path, product):
    with pytest.raises(SourceError, match=r"got 0 among 1 files .*other\.json"):
        found_requests(product, listed(tmp_path, item("https://a.se/other.json")))


def test_too_many_files_are_told(tmp_path):
    many = [item(f"{DISK}/grid/mhm/62_3/m{n}.tif") for n in range(65)]
    with pytest.raises(SourceError, match="got 65"):
        found_requests(TERRAIN, listed(tmp_path, *many))
    with pytest.raises(SourceError, match="smaller radius"):
        found_requests(TERRAIN, listed(tmp_path, *many[:1], links=[{"rel": "next"}]))


@pytest.mark.parametrize("text", ["[]", "{}", '{"features": 3}', "{", ""])
def test_what_is_no_catalogue_is_one_line(tmp_path, text):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(SourceError) as refused:
        found_requests(TERRAIN, path)
    assert "\n" not in str(refused.value)
