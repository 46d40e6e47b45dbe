"""Every sensor shows its own light on its own spot of the picture, and no neighbour's."""

import io

import numpy as np
import pytest
from PIL import Image

from gis.errors import TableError
from meshes.formats.atlas import GUTTER, bake_atlas
from meshes.formats.gltf import write_glb
from meshes.render.colours import IrradiationScale, palette

SCALE = IrradiationScale(1200.0)


def colours_at(picture: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Nearest texels of places 0..1, as a sampler takes them."""
    height, width = picture.shape[:2]
    column = np.clip(np.floor(spots[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(np.floor(spots[:, 1] * height).astype(int), 0, height - 1)
    return picture[row, column]


def test_the_file_shows_each_sensor_where_it_is(
    tmp_path, parse, facets, values, sensor_values
):
    """From the file alone: the picture's coordinates are linear on every flat facet."""
    path = tmp_path / "quarter.glb"
    write_glb(path, facets, values=values, sensor_values=sensor_values, scale=SCALE)
    model = parse(path)
    (primitive,) = [p for p in model.mesh("buildings") if "TEXCOORD_0" in p["attributes"]]
    (image,) = model.document["images"]
    assert image["mimeType"] == "image/png"
    picture = np.asarray(
        Image.open(io.BytesIO(model.view(image["bufferView"]))).convert("RGB")
    )
    points, spots = model.positions(primitive), model.attribute(primitive, "TEXCOORD_0")
    face = model.attribute(primitive, "_FEATURE_ID_0").astype(int)
    assert set(face) == set(facets.face), "only facets carry the picture"
    sensors, owner = facets.sensor_positions(), facets.sensor_facet
    for f in range(len(facets)):
        mine = face == facets.face[f]
        frame = np.stack([facets.e1[f], facets.e2[f]], axis=1)
        known = np.c_[points[mine] @ frame, np.ones(mine.sum())]
        map_, *_ = np.linalg.lstsq(known, spots[mine], rcond=None)
        found = np.c_[sensors[owner == f] @ frame, np.ones((owner == f).sum())] @ map_
        step = np.rint(sensor_values[owner == f] / SCALE.top * 255).astype(int)
        expected = np.rint(palette()[step] * 255)
        assert np.array_equal(colours_at(picture, found), expected), facets.ids[f]


def test_faces_without_sensors_are_grey(tmp_path, parse, facets, values, sensor_values):
    path = tmp_path / "quarter.glb"
    write_glb(path, facets, values=values, sensor_values=sensor_values)
    model = parse(path)
    (plain,) = [p for p in model.mesh("buildings") if "TEXCOORD_0" not in p["attributes"]]
    face = model.attribute(plain, "_FEATURE_ID_0").astype(int)
    rest = np.setdiff1d(np.arange(len(facets.solids.faces)), facets.face)
    assert set(face) == set(rest)


def test_facets_do_not_share_texels(facets, sensor_values):
    atlas = bake_atlas(facets, sensor_values, scale=SCALE)
    taken = np.zeros(atlas.steps.shape, int)
    for (x, y), (wide, tall) in zip(atlas.place, facets.shape, strict=True):
        taken[y - GUTTER : y + tall + GUTTER, x - GUTTER : x + wide + GUTTER] += 1
    assert taken.max() == 1


def test_gutters_repeat_the_edge(facets, sensor_values):
    """A sampler that mixes texels must find the facet's own beyond its edge."""
    atlas = bake_atlas(facets, sensor_values, scale=SCALE)
    for (x, y), (wide, tall) in zip(atlas.place, facets.shape, strict=True):
        framed = atlas.steps[y - 1 : y + tall + 1, x - 1 : x + wide + 1]
        inner = framed[1:-1, 1:-1]
        assert np.array_equal(framed, np.pad(inner, 1, mode="edge"))


def test_cells_without_sensor_take_the_nearest(facets, sensor_values):
    """The middle of a courtyard's roof has none; nothing there may shine through."""
    atlas = bake_atlas(facets, sensor_values, scale=SCALE)
    yard = facets.ids.index(
        next(name for name in facets.ids if name.startswith("yard-roof"))
    )
    columns, rows = facets.shape[yard]
    sensors = facets.sensors_of(np.array([yard]))
    assert len(sensors) < columns * rows
    cell = facets.sensor_bit[sensors] - facets.bit_start[yard]
    step = np.rint(sensor_values[sensors] / SCALE.top * 255)
    x, y = atlas.place[yard]
    for row in range(rows):
        for column in range(columns):
            far = np.hypot(cell // columns - row, cell % columns - column)
            near = step[far <= far.min() + 1e-9]
            assert atlas.steps[y + row, x + column] in near


@pytest.mark.parametrize("widest", [64, 32])
def test_a_small_picture_averages_cells(facets, widest):
    """A course that is linear in the cells has the block's middle as its mean."""
    cell = facets.sensor_bit - facets.bit_start[facets.sensor_facet]
    column = cell % facets.shape[facets.sensor_facet, 0]
    row = cell // facets.shape[facets.sensor_facet, 0]
    light = 10.0 * column + 5.0 * row
    atlas = bake_atlas(facets, light, scale=SCALE, widest=widest)
    k = atlas.coarseness
    assert k > 1
    assert max(atlas.steps.shape) <= widest
    for f in range(len(facets)):
        if (
            facets.sensors_per_facet[f] < facets.shape[f].prod()
            or (facets.shape[f] < k).any()
        ):
            continue  # some cells are missing, the mean is not that of the middle
        x, y = atlas.place[f]
        middle = (10.0 + 5.0) * (k - 1) / 2
        assert atlas.steps[y, x] == pytest.approx(middle / SCALE.top * 255, abs=0.51)


def test_too_many_facets_are_told(facets, sensor_values):
    with pytest.raises(TableError, match="must hold all facets"):
        bake_atlas(facets, sensor_values, widest=8)


def test_missing_values_are_told(facets, sensor_values):
    light = np.where(np.arange(len(sensor_values)) == 3, np.nan, sensor_values)
    with pytest.raises(TableError, match="one known value per sensor"):
        bake_atlas(facets, light)
