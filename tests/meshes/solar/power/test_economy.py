"""Costs follow from payments and yields; tables, maps and pictures hold the modules."""

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely

from gis.errors import OutputError, TableError, UnknownIdError
from meshes.solar.power.arrays import array_yield
from meshes.solar.power.economy import PvCosts, cost_curve
from meshes.solar.power.layout import lay_modules
from meshes.solar.power.module_tables import layout_table, module_map, write_modules
from meshes.solar.power.pictures import draw_cost_curve, draw_facet
from meshes.solar.power.usable import find_usable


@pytest.fixture(scope="module")
def arrays(built, lit, clear_year):
    boxes = [
        shapely.box(0, 0, 24, 12),
        shapely.box(30, 0, 52, 16),
        shapely.box(8, -16, 18, -8),
    ]
    light = lit(built(boxes, [8.0, 11.0, 26.0]), albedo=0.2)
    layout = lay_modules(light.facets, find_usable(light), latitude=56.0)
    return array_yield(layout, light, clear_year)


@pytest.mark.parametrize("interest", [0.03, 0.0])
def test_levelised_cost_repays_everything(interest):
    """Selling at the levelised cost gives back price, upkeep and interest exactly."""
    costs = PvCosts(interest=interest, lifetime=25)
    price, energy = 10_000.0, 900.0
    balance, yearly = -price, energy
    for _ in range(25):
        balance *= 1 + interest
        balance += yearly * price / energy * costs.cost_factor - price * costs.upkeep
        yearly *= 1 - costs.ageing
    assert balance == pytest.approx(0.0, abs=1e-6)


def test_prices_pass_through_the_survey_and_fall():
    costs = PvCosts()
    size = np.array([1.0, 7.5, 20.0, 55.0, 175.0, 1000.0])
    price = costs.price(size)
    assert price[[1, 3, 4]] == pytest.approx([14_700, 12_100, 9_400])
    assert price[0] == price[1]
    assert price[-1] == pytest.approx(price[-2])
    assert (np.diff(price) <= 1e-9).all()
    with pytest.raises(TableError, match="rising"):
        PvCosts(prices=((50.0, 12_000.0), (10.0, 14_000.0)))


def test_the_curve_rises_and_adds_up(arrays):
    curve = cost_curve(arrays)
    assert set(curve["kind"]) == {"roof", "facade"}
    assert curve["sek_per_kwh"].is_monotonic_increasing
    assert curve["cumulative_kwh"].iloc[-1] == pytest.approx(arrays.energy.sum())
    assert curve["cumulative_kwp"].iloc[-1] == pytest.approx(arrays.power.sum())
    assert curve["modules"].sum() == len(arrays.layout)
    assert (curve[["shading_loss", "mismatch_loss"]] >= -1e-6).all(axis=None)
    # By hand for one: price of its size, and what that costs a kWh.
    costs = PvCosts()
    roof = curve[curve["kind"] == "roof"].iloc[0]
    price = roof["kwp"] * costs.price(np.array([roof["kwp"]]))[0]
    assert roof["price_sek"] == pytest.approx(price)
    assert roof["sek_per_kwh"] == pytest.approx(price / roof["kwh"] * costs.cost_factor)
    part = arrays.layout.facets.solids.parts.index(roof["part"])
    box = [(0, 0, 24, 12), (30, 0, 52, 16), (8, -16, 18, -8)][part]
    assert box[0] < roof["x_m"] < box[2]
    assert box[1] < roof["y_m"] < box[3]


def test_the_table_and_map_hold_every_module(arrays, tmp_path):
    layout = arrays.layout
    table = layout_table(layout)
    assert len(table) == len(layout)
    assert table["kwp"].sum() == pytest.approx(layout.power)
    tilted = table[layout.tilted]
    assert tilted["tilt_degrees"].to_numpy() == pytest.approx(15.0)
    assert tilted["azimuth_degrees"].to_numpy() == pytest.approx(180.0)
    frame = module_map(layout)
    assert frame.crs == "EPSG:3008"
    origin = layout.facets.solids.origin
    first = shapely.get_coordinates(frame.geometry.iloc[0], include_z=True)[:4]
    assert first == pytest.approx(layout.corners[0] + origin)
    path = tmp_path / "modules.gpkg"
    write_modules(path, layout)
    read = gpd.read_file(path)
    assert len(read) == len(layout)
    assert read.geometry.has_z.all()
    assert shapely.get_coordinates(read.geometry.iloc[-1], include_z=True)[
        :4
    ] == pytest.approx(layout.corners[-1] + origin)
    with pytest.raises(OutputError):
        write_modules(tmp_path / "modules.txt", layout)


def test_pictures_show_each_module(arrays):
    layout = arrays.layout
    facet = layout.facets.ids[layout.facet[0]]
    axes = draw_facet(layout, facet)
    drawn = axes.collections[0].get_paths()
    assert len(drawn) == (layout.facet == layout.facet[0]).sum()
    curve = cost_curve(arrays)
    bars = draw_cost_curve(curve)
    assert sum(len(some.get_paths()) for some in bars.collections) == len(curve)
    assert plt.get_fignums() == []
    with pytest.raises(UnknownIdError):
        draw_facet(layout, "nowhere")
    with pytest.raises(TableError):
        draw_cost_curve(curve.iloc[:0])
