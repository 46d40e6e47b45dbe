"""The command line does the whole job, and says in one line what it cannot do."""

import json
import subprocess
import tomllib
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.typical_year import typical_year
from twin.reopen import open_twin

from .command import heidi

CROWNS = {"crowns.parquet"}
"""What is written besides of a district that has trees."""

OUTPUTS = {
    "report.html",
    "buildings.gpkg",
    "district.city.json",
    "facets.parquet",
    "facet_light.parquet",
    "hourly.parquet",
    "model.json",
    "visibility.parquet",
    "weather.parquet",
    "sensors.parquet",
    "meters_simulated.parquet",
    "terrain.tif",
    "heidi.toml",
}


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a refusal, after checking that it is one."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("heidi:")]
    assert len(lines) == 1, result.stderr
    assert not result.stdout
    return lines[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo") / "twin"
    return folder, heidi("demo", "--out", folder, "--spacing", "3", "--no-stills")


@pytest.fixture
def houses(tmp_path) -> gpd.GeoDataFrame:
    shapes = [shapely.box(x, 0, x + 12, 10) for x in (0, 20, 40)]
    frame = gpd.GeoDataFrame({"height": [6.0, 9.0, 12.0]}, geometry=shapes, crs=3008)
    return frame.set_geometry(frame.translate(99_700, 6_213_500))


def test_demo_writes_every_file_and_ten_lines(demo):
    folder, result = demo
    assert result.returncode == 0, result.stderr
    assert {path.name for path in folder.iterdir()} == OUTPUTS | CROWNS
    lines = result.stdout.splitlines()
    assert len(lines) == 10
    assert "schematic, not survey data" in lines[0]
    assert "SIMULATED" in result.stdout
    assert "sky" in result.stderr, "progress is told"


def test_demo_is_the_same_bit_for_bit(demo, tmp_path):
    folder, _ = demo
    again = heidi("demo", "--out", tmp_path / "twin", "--spacing", "3", "--no-stills")
    assert again.returncode == 0
    for name in sorted(OUTPUTS | CROWNS):
        assert (tmp_path / "twin" / name).read_bytes() == (folder / name).read_bytes(), name


def test_files_agree_with_each_other(demo):
    folder, _ = demo
    facets = pd.read_parquet(folder / "facets.parquet")
    hours = pd.read_parquet(folder / "hourly.parquet")
    table = gpd.read_file(folder / "buildings.gpkg", layer="buildings")
    told = tomllib.loads((folder / "heidi.toml").read_text(encoding="utf-8"))
    model = json.loads((folder / "district.city.json").read_text(encoding="utf-8"))
    assert facets["sensors"].sum() == told["light"]["sensors"]
    assert told["twin"]["schematic"] is True
    assert hours["pv_kw"].sum() == pytest.approx(facets["pv_kwh"].sum(), rel=1e-4)
    assert table["pv_kwh"].sum() == pytest.approx(facets["pv_kwh"].sum(), rel=1e-6)
    assert set(facets["building"]) <= set(model["CityObjects"])
    sensors = pd.read_parquet(folder / "sensors.parquet")
    means = sensors.groupby("facet", observed=True)["kwh_m2"].mean()
    assert means[facets["facet"]].to_numpy() == pytest.approx(facets["kwh_m2"], abs=0.1)
    roofs = facets[facets["kind"] == "roof"]
    light = (roofs["kwh_m2"] * roofs["area_m2"]).sum()
    assert hours["roof_kw"].sum() == pytest.approx(light, rel=1e-4)


def test_build_takes_own_data(houses, tmp_path):
    houses.to_file(tmp_path / "houses.gpkg")
    result = heidi(
        "build", "--buildings", tmp_path / "houses.gpkg", "--out", tmp_path / "twin",
        "--name", "Three houses", "--no-stills",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Three houses\n")
    facets = pd.read_parquet(tmp_path / "twin" / "facets.parquet")
    assert len(facets) == 3 * 5
    tallest = facets[(facets["kind"] == "roof")].sort_values("z").iloc[-1]
    year = typical_year()
    assert tallest["kwh_m2"] == pytest.approx(year.annual("ghi"), rel=0.005)


@pytest.mark.real
@pytest.mark.slow
def test_real_harbour(shared_data, tmp_path):
    """1,283 real buildings; 415 heights are marked unreliable and get a stated fallback."""
    result = heidi(
        "build",
        "--buildings", shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg",
        "--terrain", shared_data / "helsingborg" / "harbour_dtm_1m_epsg3008.tif",
        "--weather", shared_data / "weather" / "dtu_lyngby_2016_hourly.csv",
        "--out", tmp_path / "twin", "--spacing", "4", "--no-stills",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "twin").iterdir()} == OUTPUTS
    assert "411 missing or unreliable ones assumed" in result.stdout
    table = gpd.read_file(tmp_path / "twin" / "buildings.gpkg", layer="buildings")
    assert len(table) == 1273
    assert table.geometry.union_all().area == pytest.approx(
        table.geometry.area.sum(), rel=1e-6
    )
    roofs = table["roof_kwh_m2"]
    assert roofs.max() == pytest.approx(1012, rel=0.01), (
        "a free roof gets what the year gives"
    )
    assert (roofs <= 1025).all()


BAD_LAYERS = {
    "no reference system": lambda f: f.set_crs(None, allow_override=True),
    "coordinates elsewhere": lambda f: f.set_crs(4326, allow_override=True),
    "empty layer": lambda f: f.iloc[:0],
    "points only": lambda f: f.set_geometry(f.centroid),
}


@pytest.mark.parametrize("fault", BAD_LAYERS)
def test_bad_layers_are_refused_in_one_line(houses, tmp_path, fault):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # writing such a layer is what is warned of
        BAD_LAYERS[fault](houses).to_file(tmp_path / "bad.gpkg")
    refused(
        heidi("build", "--buildings", tmp_path / "bad.gpkg", "--out", tmp_path / "twin")
    )
    assert not (tmp_path / "twin").exists(), "nothing half-written"


OWN = ("build", "--out", "twin", "--buildings")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*OWN, "nowhere.gpkg"], "nowhere.gpkg"),
        ([*OWN, "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--terrain", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--weather", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--weather", "gaps.csv"], "90%"),
        ([*OWN, "houses.gpkg", "--surface", "text.gpkg"], "without terrain"),
        ([*OWN, "houses.gpkg", "--points", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--heights", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--trees", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--bridges", "houses.gpkg"], "tagged as such"),
        ([*OWN, "houses.gpkg", "--plan", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--boundary", "text.gpkg"], "text.gpkg"),
        ([*OWN, "houses.gpkg", "--surface-year", "20"], "--surface-year"),
        ([*OWN, "houses.gpkg", "--points-year", "2020"], "which is not given"),
        ([*OWN, "houses.gpkg", "--ceiling", "nan"], "--ceiling"),
        ([*OWN, "houses.gpkg", "--ids-from", "nowhere"], "nowhere"),
        ([*OWN, "houses.gpkg", "--ids-from", "a", "--new-ids"], "not both"),
        (["demo", "--out", "text.gpkg"], "folder"),
        (["demo", "--out", "twin", "--spacing", "0"], "spacing"),
        (["demo", "--out", "twin", "--spacing", "nan"], "spacing"),
    ],
)
def test_bad_words_are_refused_in_one_line(houses, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    Path("text.gpkg").write_text("not a layer")
    houses.to_file("houses.gpkg")
    year = typical_year().table.tz_localize(None).rename_axis("time_utc").reset_index()
    year.loc[year.index % 3 == 0, ["ghi", "dni", "dhi"]] = np.nan
    year.drop(columns="filled").to_csv("gaps.csv", index=False)
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", root)
    assert told in refused(heidi(*words))


def test_a_twin_built_again_keeps_its_identities(houses, tmp_path):
    """Renumbered, in another order and file, the houses are known by their ground."""
    twin = tmp_path / "twin"
    quick = ("--out", twin, "--no-stills", "--spacing", "4")
    for name, ids in (("first", ["a", "b", "c"]), ("second", ["7", "8", "9"])):
        frame = houses.assign(id=ids)
        (frame if name == "first" else frame.iloc[::-1]).to_file(tmp_path / f"{name}.gpkg")

    def built(name: str, *more: object) -> list[str]:
        result = heidi("build", "--buildings", tmp_path / f"{name}.gpkg", *quick, *more)
        assert result.returncode == 0, result.stderr
        table = gpd.read_file(twin / "buildings.gpkg", layer="buildings").sort_values("top")
        given = ["a", "b", "c"] if name == "first" else ["7", "8", "9"]
        assert table["given"].tolist() == given
        names: list[str] = table["building"].tolist()
        return names

    assert built("first") == ["a", "b", "c"]
    (twin / "heidi.toml").unlink()  # as an interrupted build leaves it
    assert built("second") == ["a", "b", "c"]
    assert len(open_twin(twin).district.records.identities) == 3
    assert built("second", "--new-ids") == ["7", "8", "9"]
    # Whatever lies there, building again must be possible.
    (twin / "buildings.gpkg").write_bytes(b"torn")
    assert built("first") == ["a", "b", "c"]


def test_odd_heights_and_outlines_are_repaired_and_counted(houses, tmp_path):
    bow_tie = shapely.Polygon([(0, 30), (10, 40), (10, 30), (0, 40)])
    odd = gpd.GeoDataFrame(
        {"height": ["6", "abc", None, "-3"]},
        geometry=[*houses.geometry, shapely.affinity.translate(bow_tie, 99_700, 6_213_500)],
        crs=3008,
    )
    odd.to_file(tmp_path / "odd.gpkg")
    result = heidi(
        "build", "--buildings", tmp_path / "odd.gpkg", "--out", tmp_path / "twin",
        "--no-stills", "--spacing", "2",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "missing or unreliable ones assumed" in result.stdout
    notes = tomllib.loads((tmp_path / "twin" / "heidi.toml").read_text(encoding="utf-8"))
    assert notes["twin"]["notes"]


def test_help_teaches():
    for words in (["--help"], ["demo", "--help"], ["build", "--help"]):
        result = heidi(*words)
        assert result.returncode == 0
        assert "heidi" in result.stdout
        assert "--help" in result.stdout
