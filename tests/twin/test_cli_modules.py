"""Modules and collectors are laid from the command line, and the files say the same."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.assemble import read_district
from gis.typical_year import typical_year
from twin.build import build
from twin.folder import write_twin
from twin.modules import heat_table, place_modules

from .command import heidi


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a hall of 40 m x 20 m with a flat roof, and a hut."""
    folder = tmp_path_factory.mktemp("modules")
    frame = gpd.GeoDataFrame(
        {"id": ["hall", "hut"], "height": [10.0, 3.0]},
        geometry=[shapely.box(0, 0, 40, 20), shapely.box(60, 0, 64, 4)],
        crs=3008,
    )
    frame = frame.set_geometry(frame.translate(99_700, 6_213_500))
    frame.to_file(folder / "houses.gpkg")
    return build(read_district(folder / "houses.gpkg"), typical_year(), spacing=2.0)


@pytest.fixture(scope="module")
def twin(built, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("modules") / "twin"
    write_twin(built, folder, stills=False)
    return folder


def test_files_and_answer_agree(twin, tmp_path):
    files = [tmp_path / name for name in ("m.gpkg", "c.csv", "c.png")]
    words = zip(("--out", "--costs", "--picture"), files, strict=True)
    run = heidi("modules", twin, *(w for pair in words for w in pair), "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    laid, costs = gpd.read_file(files[0]), pd.read_csv(files[1])
    assert len(laid) == told["modules"] > 100
    assert laid["kwp"].sum() == pytest.approx(told["kwp"], rel=1e-6)
    assert costs["kwh"].sum() == pytest.approx(told["kwh_a_year"], rel=1e-4)
    assert costs["sek_per_kwh"].is_monotonic_increasing
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_one_building_is_a_share_of_all(built):
    everything, hall = (
        place_modules(built, building=name, yields=False) for name in (None, "hall")
    )
    facets = built.facets
    parts = {facets.solids.parts[k] for k in facets.part[hall.layout.facet]}
    assert parts == {"hall"}
    assert 0 < len(hall.layout) <= len(everything.layout)


def test_collectors_give_more_to_preheating_than_to_the_network(built):
    table = heat_table(built)
    assert len(table) > 2
    assert (table["preheat_kwh_m2"] >= table["network_kwh_m2"]).all()
    assert table["network_kwh_m2"].is_monotonic_decreasing
    assert table["preheat_kwh_m2"].max() < built.light.facet_annual.max()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("modules", "--rows", "north"), "--rows must be one of south, east-west"),
        (("modules", "--no-yield", "--costs", "c.csv"), "need the yield"),
        (("modules", "--out", "m.shp"), "must end in .gpkg"),
        (("modules", "--building", "ghost"), "no building ghost"),
        (("modules", "--tilt", "95"), "tilt"),
        (("collectors", "--collector", "mirror"), "--collector must be one of"),
        (("collectors", "--out", "h.txt"), "must end in .csv"),
    ],
)
def test_bad_words_are_refused_in_one_line(twin, tmp_path, words, told):
    command, *options = words
    run = heidi(command, twin, *options)
    assert run.returncode == 2
    last = run.stderr.strip().splitlines()[-1]
    assert told in last
    assert "Traceback" not in run.stderr


def test_a_moment_is_told_part_by_part(twin, tmp_path):
    words = ("--now", "640", "--time", "2026-06-21T12:00+02:00")
    run = heidi("solar", twin, *words, "--out", tmp_path / "now.csv", "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["roof"]["total"] == pytest.approx(640, rel=0.02)
    assert told["roof"]["total"] > told["wall"]["total"] > 50
    table = pd.read_csv(tmp_path / "now.csv", index_col="facet")
    parts = table[["direct_w_m2", "diffuse_w_m2", "reflected_w_m2"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(table["total_w_m2"].to_numpy(), abs=0.05)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--now", "-3"), "must be 0..1500"),
        (("--now", "500", "--time", "2026-06-21T12:00"), "with its time zone"),
        (("--now", "500", "--time", "soon"), "with its time zone"),
        (("--time", "2026-06-21T12:00Z"), "--now, which is missing"),
        (("--now", "500", "--building", "ghost"), "no building ghost"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(twin, words, told):
    run = heidi("solar", twin, *words)
    assert run.returncode == 2
    assert told in run.stderr.strip().splitlines()[-1]
