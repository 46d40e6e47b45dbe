"""The picture of a boundary shows its parts where they are and says what they are."""

import io

import matplotlib.image
import numpy as np
import pytest
import shapely
from matplotlib.colors import to_rgb

from gis.boundary import TracedBoundary, trace_boundary
from gis.boundary_recipe import Anchor, BoundaryRecipe
from gis.errors import OutputError
from twin.boundary_picture import INSIDE, NO_WATER, draw_boundary, write_picture
from twin.maps import LAND, WATER

EAST, NORTH = 150_000.0, 6_208_000.0


def anchor(name, x, y):
    return Anchor(name, (EAST + x, NORTH + y), "EPSG:3008")


@pytest.fixture
def traced() -> TracedBoundary:
    """Two anchors north of a harbour, with a road across the eastern end."""
    recipe = BoundaryRecipe(
        (anchor("Station", 0, 0), anchor("A library with a long name", 400, 90)),
        reach=150.0, is_closed=False, name="Nyhamn", credits=("City of Nyhamn",),
    )  # fmt: skip
    harbour = shapely.box(EAST - 900, NORTH - 900, EAST + 900, NORTH - 60)
    road = shapely.LineString([(EAST + 460, NORTH - 900), (EAST + 480, NORTH + 900)])
    return trace_boundary(recipe, water=harbour, edges=[road])


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    found += [text.get_text() for ax in figure.axes for text in ax.texts]
    found += [t.get_text() for legend in figure.legends for t in legend.get_texts()]
    return " | ".join(found)


def test_areas_have_their_colours_where_they_are(traced):
    figure = draw_boundary(traced)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=figure.dpi)
    stream.seek(0)
    image = matplotlib.image.imread(stream)[..., :3]
    ax = figure.axes[0]
    for (x, y), colour in (
        ((200, 0), INSIDE),
        ((150, -150), WATER),
        ((-100, 240), LAND),
        ((540, 90), LAND),
    ):
        column, row = ax.transData.transform((EAST + x, NORTH + y))
        seen = image[image.shape[0] - 1 - round(row), round(column)]
        assert np.allclose(seen, to_rgb(colour), atol=0.01), (x, y)


def test_the_picture_says_what_it_shows(traced):
    told = texts(draw_boundary(traced))
    for words in (
        "Nyhamn", "km² in 1 piece", "2 anchors", "reach of 150 m", "Not an official",
        "Station", "A library with a long name", "City of Nyhamn", "EPSG:3008",
        "along water", "along edges", "limit of the reach", " m", "N",
    ):  # fmt: skip
        assert words in told
    assert NO_WATER not in told


def test_it_says_that_water_is_missing(traced):
    dry = trace_boundary(traced.recipe)
    told = texts(draw_boundary(dry))
    assert NO_WATER in told.replace("\n", " ")
    assert "along water" not in told
    assert "along edges" not in told


def test_the_scale_bar_is_as_long_as_it_says(traced):
    ax = draw_boundary(traced).axes[0]
    (length,) = [t.get_text() for t in ax.texts if t.get_text().endswith("00 m")]
    bars = [line for line in ax.lines if line.get_linewidth() == 3]
    (bar,) = bars
    assert np.ptp(bar.get_xdata()) == pytest.approx(float(length.split()[0]))
    east, north = (np.ptp(limit) for limit in (ax.get_xlim(), ax.get_ylim()))
    box = ax.get_window_extent()
    assert east / box.width == pytest.approx(north / box.height, rel=1e-3)


def test_it_is_written_whole_as_png_or_not_at_all(traced, tmp_path):
    write_picture(tmp_path / "map.png", traced)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match=r"must be written as \.png, got map\.pdf"):
        write_picture(tmp_path / "map.pdf", traced)
    with pytest.raises(OutputError, match="cannot write"):
        write_picture(tmp_path / "none" / "map.png", traced)
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
