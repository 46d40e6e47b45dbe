"""Samples of known height over known roofs have the distances that were put in."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.roofs.fit import fit_roofs, roof_samples
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.residuals import NEAR, WITHIN, measure_residuals
from meshes.roofs.soundings import Soundings, sort_soundings
from meshes.solids import Kind

AT = (95_123.4, 6_212_345.6)
EXACT = 1e-6
"""Coordinates of six million metres leave 1e-9 m; normals and slopes a little more."""

WINGS = shapely.Polygon([(0, 0), (24, 0), (24, 9), (8, 9), (8, 21), (0, 21)])
FORMS = ("flat", "shed", "gabled", "hipped", "half-hipped", "pyramid", "mansard", "gambrel")


def town(forms, *, rise=3.1, turn=20.0):
    """Houses 60 m apart, the odd ones with a wing, their forms in turn."""
    shapes = [
        shapely.affinity.translate(
            shapely.affinity.rotate(
                WINGS if k % 2 else shapely.box(0, 0, 18 - k, 10), turn, (0, 0)
            ),
            AT[0] + 60 * k,
            AT[1],
        )
        for k in range(len(forms))
    ]
    told = gpd.GeoDataFrame(
        {"base": 2.0, "top": 14.0, "roof_shape": list(forms), "roof_height": rise},
        geometry=shapes,
        index=[f"b{k}" for k in range(len(forms))],
        crs=3008,
    )
    return told, *lod2_solids(told)


def on_faces(solids, rng, each):
    """Places on every roof face, evenly over its area, with the face they were put on."""
    corners, face = solids.faces.triangles()
    keep = solids.kind[face] == Kind.ROOF
    corners, face = solids.faces.vertices[corners[keep]], face[keep]
    side = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(side, axis=1)
    chosen = []
    for f in np.unique(face):
        mine = np.flatnonzero(face == f)
        chosen.append(rng.choice(mine, each, p=area[mine] / area[mine].sum()))
    chosen = np.concatenate(chosen)
    u, v = np.sort(rng.random((2, len(chosen))), axis=0)
    a, b, c = np.moveaxis(corners[chosen], 1, 0)
    spots = a * u[:, None] + b * (v - u)[:, None] + c * (1 - v)[:, None]
    return solids.part[face[chosen]], spots + solids.origin, face[chosen]


def test_samples_on_a_roof_are_no_distance_from_it():
    told, solids, _ = town(FORMS)
    owner, xyz, face = on_faces(solids, np.random.default_rng(1), 60)
    found = measure_residuals(solids, sort_soundings(owner, xyz))
    assert np.abs(found.off).max() < EXACT
    assert found.planes["samples"].sum() == len(owner)
    # Samples drawn on an edge may count for its other side.
    drawn = np.bincount(face, minlength=len(solids.faces))[found.planes.index]
    assert np.abs(found.planes["samples"] - drawn).max() <= 1
    assert (found.parts["within"] == 1.0).all()
    assert (found.parts["seen"] > 0.85).all()
    part = solids.part[found.planes.index]
    assert found.planes["part"].tolist() == [solids.parts[k] for k in part]
    plan = found.planes["area_m2"] * np.cos(np.radians(found.planes["pitch_deg"]))
    assert plan.groupby(found.planes["part"]).sum().to_numpy() == pytest.approx(told.area)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shift=st.floats(-3, 3),
    noise=st.floats(0.001, 0.5),
    form=st.sampled_from(FORMS),
)
def test_figures_are_those_of_what_was_put_in(seed, shift, noise, form):
    """Every figure against numpy over the very distances that were added."""
    rng = np.random.default_rng(seed)
    _, solids, _ = town([form, form])
    owner, xyz, _ = on_faces(solids, rng, 30)
    wanted = shift + rng.normal(0, noise, len(xyz))
    xyz[:, 2] += wanted
    found = measure_residuals(solids, sort_soundings(owner, xyz), band=[0.4, 1.0])
    for k, band in enumerate((0.4, 1.0)):
        mine, row = wanted[owner == k], found.parts.iloc[k]
        on = np.abs(mine) <= band
        assert row["samples"] == len(mine)
        assert row["rmse_m"] == pytest.approx(np.sqrt((mine**2).mean()), abs=EXACT)
        assert row["bias_m"] == pytest.approx(np.median(mine), abs=EXACT)
        assert row["within"] == pytest.approx(np.mean(np.abs(mine) <= WITHIN))
        assert row["on_roof"] == pytest.approx(on.mean())
        if on.any():
            error = np.sqrt((mine[on] ** 2).mean())
            assert row["residual_m"] == pytest.approx(error, abs=EXACT)
        else:
            assert np.isnan(row["residual_m"])
    # Squares of the planes add up to those of their building.
    squares = found.planes["samples"] * found.planes["rmse_m"].fillna(0.0) ** 2
    whole = found.parts["samples"] * found.parts["rmse_m"] ** 2
    parts = squares.groupby(found.planes["part"]).sum()
    assert parts.to_numpy() == pytest.approx(whole.to_numpy())


def test_one_plane_that_is_off_is_found():
    """The survey saw the southern side of a gable half a metre higher."""
    _, solids, _ = town(["gabled"], turn=0.0)
    owner, xyz, face = on_faces(solids, np.random.default_rng(3), 200)
    south = solids.faces.normal[face, 1] < -0.1
    xyz[south, 2] += 0.5
    planes = measure_residuals(solids, sort_soundings(owner, xyz)).planes
    planes = planes.set_index(planes["facing_deg"].round())
    assert planes.loc[180.0, "bias_m"] == pytest.approx(0.5, abs=EXACT)
    assert planes.loc[180.0, "within"] == 0.0
    assert planes.loc[0.0, "rmse_m"] == pytest.approx(0.0, abs=EXACT)
    assert planes["pitch_deg"].to_numpy() == pytest.approx(np.degrees(np.arctan2(3.1, 5)))


def test_a_plane_that_was_half_seen_says_so():
    _, solids, _ = town(["flat"], turn=0.0)
    owner, xyz, _ = on_faces(solids, np.random.default_rng(3), 800)
    west = xyz[:, 0] < AT[0] + 9
    found = measure_residuals(solids, sort_soundings(owner[west], xyz[west]))
    assert found.planes["seen"].iloc[0] == pytest.approx(0.5, abs=0.11)  # one cell of five
    assert found.parts["seen"].iloc[0] == pytest.approx(found.planes["seen"].iloc[0])


def test_the_error_of_the_fit_is_that_of_the_body_it_built():
    """What is shown beside the points is what the fit was chosen by."""
    rng = np.random.default_rng(4)
    told, solids, _ = town(FORMS)
    owner, xyz, _ = on_faces(solids, rng, 150)
    xyz[:, 2] += rng.normal(0, 0.08, len(xyz))
    xyz[rng.random(len(xyz)) < 0.05, 2] += 1.5
    soundings = sort_soundings(owner, xyz)
    roofs, _ = fit_roofs(told, soundings)
    assert (roofs["roof_fit"] == "fitted").all()
    names = ["roof_shape", "roof_height", "roof_direction", "roof_orientation", "top"]
    again, _ = lod2_solids(told[["base", "geometry"]].join(roofs[names]))
    samples = roof_samples(told, soundings)
    parts = measure_residuals(again, samples, band=roofs["band"]).parts
    assert parts["samples"].tolist() == roofs["samples"].tolist()
    assert parts["residual_m"].to_numpy() == pytest.approx(roofs["residual"], abs=1e-4)
    assert parts["on_roof"].to_numpy() == pytest.approx(roofs["on_roof"], abs=2e-3)


def test_what_nobody_saw_is_unknown_and_not_zero():
    _, solids, _ = town(["gabled", "flat"])
    owner, xyz, _ = on_faces(solids, np.random.default_rng(1), 20)
    mine = owner == 1
    found = measure_residuals(solids, sort_soundings(owner[mine], xyz[mine]))
    assert found.parts["samples"].tolist() == [0, 20]
    assert np.isnan(found.parts["rmse_m"].iloc[0])
    assert found.parts["seen"].iloc[0] == 0.0
    nothing = Soundings(np.empty(0, np.int64), np.empty((0, 3)))
    assert measure_residuals(solids, nothing).parts["within"].isna().all()


def test_samples_beside_the_roof_have_no_distance():
    _, solids, _ = town(["gabled", "flat"], turn=0.0)
    beside = np.array([[AT[0] - 3.0, AT[1] + 4.0, 9.0], [AT[0] + 5.0, AT[1] + 4.0, 9.0]])
    found = measure_residuals(solids, Soundings(np.zeros(2, np.int64), beside))
    assert found.face.tolist()[0] == -1
    assert np.isnan(found.off[0])
    assert found.parts["samples"].tolist() == [1, 0]
    # Samples of one building over the roof of another are none of the other's.
    wrong = measure_residuals(solids, Soundings(np.ones(1, np.int64), beside[1:]))
    assert wrong.face.tolist() == [-1]


def test_bad_input_is_told():
    _, solids, _ = town(["gabled"])
    one = Soundings(np.array([3]), np.zeros((1, 3)))
    with pytest.raises(GeometryError, match="one of 1 parts, got rows 3 to 3"):
        measure_residuals(solids, one)
    with pytest.raises(GeometryError, match="bands must be one or 1"):
        measure_residuals(solids, one, band=[NEAR, NEAR])
