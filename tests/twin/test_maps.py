"""A map shows the scale's colours, and says unit, source and what to beware of."""

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

from gis.errors import TableError, UnknownIdError
from gis.typical_year import typical_year
from meshes.render.colours import MISSING, hex_srgb, irradiation_scale
from twin.build import build
from twin.charts import draw_day, draw_facings, draw_months
from twin.district_solar import FACINGS
from twin.district_twin import Twin
from twin.folder import write_twin
from twin.map_labels import shared_area
from twin.maps import AROUND, CATEGORIES, Ground, draw_map, paint

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def twin(lit, tmp_path_factory) -> Twin:
    place = tmp_path_factory.mktemp("maps") / "twin"
    write_twin(build(lit.district, typical_year(), spacing=3.0), place, stills=False)
    return Twin.open(place)


def texts(ax) -> str:
    """Return everything that is written on a figure, blanks as one space."""
    ax.figure.draw_without_rendering()
    found = [text.get_text() for text in ax.figure.findobj(mpl.text.Text)]
    return " ".join(" ".join(found).split())


def wide(twin) -> Ground:
    """Return a ground so wide that all three buildings are drawn."""
    edge = twin.boundary.geometry.iloc[0]
    far = twin.hubs.set_geometry(twin.hubs.translate(150.0))
    return Ground(edge, shapely.Polygon(), far, schematic=True)


def building_colours(ax) -> np.ndarray:
    """Return the colours of the collection with one patch a building, (3, 4)."""
    drawn = [c for c in ax.collections if len(c.get_paths()) == 3]
    return drawn[0].get_facecolor()


@pytest.mark.parametrize("column", ["roof_kwh_m2", "facade_kwh_m2"])
def test_light_has_the_colours_of_the_stills(twin, column):
    values = twin.buildings[column].to_numpy()
    colours = building_colours(draw_map(twin.buildings, twin.buildings[column], wide(twin)))
    np.testing.assert_allclose(colours[:, :3], irradiation_scale(values).srgb(values))
    inside = twin.buildings["inside"].to_numpy()
    np.testing.assert_allclose(colours[:, 3], np.where(inside, 1.0, AROUND))


def test_the_legend_of_light_is_fixed(twin):
    bar = twin.plot("roof_kwh_m2").child_axes[0]
    assert bar.get_ylim() == (0.0, 1200.0)
    assert [text.get_text() for text in bar.get_yticklabels()] == [
        "0",
        "300",
        "600",
        "900",
        "1,200",
    ]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("roof_kwh_m2", "kWh/m² per year"),
        ("height", "m"),
        ("pv_kwp", "kWp"),
        ("use", "office (1)"),
    ],
)
def test_a_map_says_what_it_shows_and_where_it_is_from(twin, column, unit):
    told = texts(twin.plot(column))
    for wanted in (
        twin.units.loc[column].name and unit,
        "Small & <bold> district",
        "schematic, not survey data",
        "Made up for a test",
        "EPSG:3008",
        "Hub <one>",
        "N",
        "50 m",
    ):
        assert wanted in told


def test_a_surveyed_district_is_not_called_schematic(twin):
    ground = Ground(
        twin.boundary.geometry.iloc[0], shapely.Polygon(), twin.hubs, schematic=False
    )
    ax = draw_map(twin.buildings, twin.buildings["height"], ground, label="City.")
    assert "chematic" not in texts(ax)


def test_the_scale_bar_is_as_long_as_it_says(twin):
    ax = twin.plot()
    bar = next(line for line in ax.lines if line.get_linewidth() == 3)
    west, east = bar.get_xdata()
    assert f"{east - west:,.0f} m" in texts(ax)
    assert ax.get_aspect() == 1.0


def boxes(ax) -> list[mpl.transforms.Bbox]:
    """Return the boxes of the hubs' names [pixels]."""
    ax.figure.draw_without_rendering()
    notes = [a for a in ax.findobj(Annotation) if a.get_text().startswith("Hub")]
    return [mpl.text.Text.get_window_extent(note) for note in notes]


@pytest.mark.parametrize("count", [2, 8])
def test_names_do_not_cover_each_other(twin, count):
    spot = twin.hubs.geometry.iloc[0]
    close = gpd.GeoDataFrame(
        {"name": [f"Hub number {k}" for k in range(count)], "accuracy": 200.0},
        geometry=[shapely.Point(spot.x + 2 * k, spot.y + k) for k in range(count)],
        crs=3008,
    )
    ground = Ground(
        twin.boundary.geometry.iloc[0], shapely.Polygon(), close, schematic=True
    )
    ax = draw_map(twin.buildings, twin.buildings["height"], ground)
    found = boxes(ax)
    assert len(found) == count
    frame = ax.get_window_extent()
    for k, one in enumerate(found):
        assert all(shared_area(one, other) == 0 for other in found[k + 1 :])
        assert shared_area(one, frame) == pytest.approx(one.width * one.height)
    assert texts(ax).count("(within 200 m)") == count


def test_a_district_without_hubs_has_a_map(twin):
    ground = Ground(
        twin.boundary.geometry.iloc[0],
        shapely.Polygon(),
        twin.hubs.iloc[:0],
        schematic=True,
    )
    assert boxes(draw_map(twin.buildings, twin.buildings["height"], ground)) == []


def test_missing_values_are_grey_and_said_to_be_missing(twin):
    colours = paint(pd.Series([1.0, np.nan])).colours
    np.testing.assert_allclose(colours[1, :3], hex_srgb(MISSING))
    assert "no value" in texts(twin.plot("year"))
    assert "no value" not in texts(twin.plot("height"))


def test_categories_are_counted_and_the_rarest_share_grey():
    names = [f"kind {k:02d}" for k in range(len(CATEGORIES) + 2)]
    painted = paint(pd.Series([*names, names[0], ""]))
    told = [name for name, _ in painted.kinds]
    assert told[0] == "kind 00 (2)"
    assert told[-2:] == ["others (2)", "unknown (1)"]
    assert len({tuple(colour) for colour in painted.colours}) == len(CATEGORIES) + 1


def test_truths_are_yes_and_no(twin):
    told = texts(twin.plot("inside"))
    assert "yes (2)" in told
    assert "no (1)" in told


def test_numbers_keep_their_order_in_the_colours():
    scale = paint(pd.Series([0.0, 5.0, 10.0]), unit="kWp")
    light = scale.colours[:, :3].sum(axis=1)
    assert light[0] > light[1] > light[2]
    assert paint(pd.Series([1990.0, 2020.0]), unit="year").scale.norm.vmin == 1990.0
    assert paint(pd.Series([3.0, 20.0])).scale.norm.vmin == 0.0
    assert len(paint(pd.Series([np.nan, np.nan])).colours) == 2


def test_large_energies_are_told_in_megawatt_hours(twin):
    ax = twin.plot(twin.buildings["pv_kwh"] * 0 + 250_000.0, unit="kWh per year")
    told = texts(ax)
    assert "MWh per year" in told
    assert "250" in told
    assert "250,000" not in told


def test_values_of_ones_own_are_drawn_by_building_id(twin):
    values = pd.Series({"b2": 7.0})
    colours = building_colours(draw_map(twin.buildings, values, wide(twin)))
    ax = twin.plot(values, title="Mine", unit="points")
    grey = np.isclose(colours[:, :3], hex_srgb(MISSING)).all(axis=1)
    assert grey.tolist() == [True, False, True]
    assert "Mine" in texts(ax)
    assert "points" in texts(ax)
    with pytest.raises(TableError, match=r"by building id, such as 'b1', got \[0\]"):
        twin.plot(pd.Series([1.0]))
    twin.buildings["per_floor"] = 2.5
    assert "per_floor" in texts(twin.plot("per_floor"))


def test_an_unknown_column_suggests_the_nearest(twin):
    with pytest.raises(UnknownIdError, match=r"did you mean 'roof_kwh_m2'"):
        twin.plot("roof_kwh_m")
    with pytest.raises(UnknownIdError, match="must be a column"):
        twin.plot("geometry")


def test_a_map_can_be_drawn_beside_another(twin):
    _, both = plt.subplots(1, 2)
    assert twin.plot("height", ax=both[0]) is both[0]
    limits = both[0].get_xlim()
    twin.boundary.plot(ax=both[0])
    assert both[0].get_xlim() == limits
    assert len(plt.get_fignums()) == 1


def test_bars_of_months_are_as_high_as_the_table_says(twin):
    months = twin.solar.monthly()
    ax = twin.solar.plot(by="month")
    heights = [bar.get_height() for bar in ax.patches]
    wanted = [*months["roof_kwh_m2"], *months["facade_kwh_m2"]]
    np.testing.assert_allclose(heights, wanted)
    told = texts(ax)
    assert "kWh/m² per month" in told
    assert "schematic, not survey data" in told
    assert draw_months(months, label="").get_title(loc="left")


def test_bars_of_directions_weigh_by_area(twin):
    facades = twin.solar.facades
    ax = draw_facings(facades, label="")
    for name, bar in zip(FACINGS[:8], ax.patches, strict=True):
        own = facades[facades["facing"].astype(str) == name]
        wanted = own["kwh"].sum() / own["open_m2"].sum() if len(own) else 0.0
        assert bar.get_height() == pytest.approx(wanted)
    assert texts(twin.solar.plot(by="facing", building="b1"))


def test_a_day_names_the_source_of_its_meters(twin):
    one = twin.building("b1")
    figure = one.plot_day()
    told = texts(figure.axes[0])
    for wanted in (
        "Prisma, 21 June 2018",
        "kW",
        "meter, simulated",
        "not measured",
        "CEST",
    ):
        assert wanted in told
    assert "24:00" in told


def test_a_day_without_meters_shows_what_is_expected(twin):
    one = twin.building("b1")
    table = one.day("2018-10-28")
    figure = draw_day(table, title="x", label="")
    assert len(figure.axes) == 1
    steps = figure.axes[0].patches[0].get_data()
    np.testing.assert_array_equal(steps.values, table["pv_kw_expected"])
    assert len(steps.edges) == 26
    assert "not measured" not in texts(figure.axes[0])
