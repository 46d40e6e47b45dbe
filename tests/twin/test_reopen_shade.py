"""A twin behind trees and far land opens as it was built."""

from dataclasses import fields

import numpy as np
import pytest

from gis.errors import SourceError
from gis.heidi import heidi_district
from gis.horizon import HorizonLine
from gis.sources.geotiff import write_raster
from gis.typical_year import typical_year
from twin.build import build
from twin.description import read_description
from twin.folder import method_sentences, write_twin
from twin.horizon_file import find_horizon, read_horizon, write_horizon
from twin.reopen import open_twin

RIDGE = HorizonLine(
    np.array([0.0, 60.0, 90.0, 1e3 / 9, 180.0]),
    np.array([0.0, 0.7, 1.9, 1 / 3, 0.0]),
    'made "for" tests',
)


@pytest.fixture(scope="module")
def built():
    return build(heidi_district(), typical_year(), spacing=6.0, trees=True, horizon=RIDGE)


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    place = tmp_path_factory.mktemp("shade") / "twin"
    write_twin(built, place, stills=False)
    return place


def test_light_behind_trees_and_land_comes_back(built, folder):
    back = open_twin(folder)
    for one, other in ((built.light, back.light), (built.light.crowns, back.light.crowns)):
        for field in fields(one):
            value = getattr(one, field.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(other, field.name), value)
    assert built.light.crowns.patch_view.any()
    assert back.light.crowns.bits.layers == built.light.crowns.bits.layers
    np.testing.assert_array_equal(back.hours.roof, built.hours.roof)
    np.testing.assert_array_equal(back.horizon.elevations, RIDGE.elevations)
    assert back.horizon.source == RIDGE.source


def test_the_report_tells_of_both(built):
    told = " ".join(method_sentences(built))
    assert f"{len(built.district.trees)} trees shade as porous crowns" in told
    assert "Far land hides the sun" in told


def test_both_take_light(built):
    free = build(heidi_district(), typical_year(), spacing=6.0, trees=False)
    assert built.light.sensor_annual.sum() < free.light.sensor_annual.sum()
    assert "Trees do not cast shade" in " ".join(method_sentences(free))


def test_files_of_an_earlier_shade_go(folder, tmp_path):
    write_twin(open_twin(folder), tmp_path / "twin", stills=False)
    plain = build(heidi_district(), typical_year(), spacing=9.0, trees=False)
    write_twin(plain, tmp_path / "twin", stills=False)
    for name in ("crowns.parquet", "horizon.csv"):
        assert not (tmp_path / "twin" / name).exists()
    assert read_description(tmp_path / "twin")["light"]["trees_shade"] is False
    assert open_twin(tmp_path / "twin").light.crowns is None


def test_a_horizon_is_read_or_refused(tmp_path):
    path = tmp_path / "horizon.csv"
    write_horizon(path, RIDGE)
    assert (read_horizon(path).azimuths == RIDGE.azimuths).all()
    for text in ("", "a,b\n1,2\n", "azimuth_deg,elevation_deg\n0,x\n", "\x00\x01"):
        path.write_text(text)
        with pytest.raises(SourceError, match="azimuth_deg and elevation_deg"):
            read_horizon(path)
    with pytest.raises(SourceError, match="missing"):
        read_horizon(tmp_path / "nowhere.csv")


def test_a_raster_counts_from_where_the_terrain_ends(tmp_path):
    """A ridge of 300 m east of the district; what lies within the terrain is left to it."""
    district = heidi_district()
    grid, middle = district.terrain.grid, district.boundary.centroid
    z = np.full((200, 400), 2.0)
    columns = middle.x - 10_000 + 50.0 * np.arange(400)
    east = grid.west + grid.columns * grid.cell
    z[:, columns > east + 3000] = 300.0
    z[95:105, 203:205] = 500.0
    place = {"west": middle.x - 10_000, "north": middle.y + 5000, "cell": 50.0}
    write_raster(z, tmp_path / "dem.tif", **place)
    line, notes = find_horizon(tmp_path / "dem.tif", district)
    distance = east + 3000 - middle.x
    expected = np.degrees(np.arctan2(296.0, distance))
    assert line.elevation_at(90.0) == pytest.approx(expected, rel=0.05)  # two cells
    assert line.elevation_at(270.0) < 0.1
    assert "stands up to" in notes[-1]
