"""Measure how far samples of a survey lie from the roofs that were built."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from gis.errors import GeometryError
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.coverage import seen_share
from meshes.roofs.plots import BoolArray
from meshes.roofs.robust import Runs
from meshes.roofs.soundings import Soundings
from meshes.solids import Kind, Solids

WITHIN = 0.2
"""Samples this near count as being where the roof is [m]: twice the 0.1 m of airborne
scanning, and what the height of a class-1 LoD2 roof is asked to keep."""

NEAR = 1.0
"""Samples farther away are of something else, where no other band is told [m]."""

STEEPEST = 0.01
"""Least upward part of a normal that makes a plane a roof; steeper ones hold no samples."""

REACH = 0.01
"""Samples beyond the outline by less belong to the nearest plane: rounding [m]."""


@dataclass(frozen=True)
class Residuals:
    """Distances of samples from the roofs of bodies.

    Attributes
    ----------
    samples : Soundings
        The samples, sorted by part and then by place.
    face : (n,) int
        Face of the solids over or under which each sample lies; -1 none.
    off : (n,) float
        Height above that face [m], negative below it; NaN without a face.
    planes : DataFrame
        A row for each roof face, index ``face``: ``part``, ``area_m2``, ``pitch_deg`` and
        ``facing_deg`` (clockwise from north, NaN if level), then the columns of ``parts``.
    parts : DataFrame
        A row for each part, index ``part``: ``samples``, ``rmse_m`` (root mean square of
        all), ``on_roof`` (share of samples within the band), ``residual_m`` (root mean
        square of those alone), ``bias_m`` (median, positive: the survey is higher),
        ``within`` (share of samples within `WITHIN`) and ``seen`` (share of the area where
        there are samples). NaN without samples, ``seen`` is 0.
    """

    samples: Soundings
    face: IntArray
    off: FloatArray
    planes: pd.DataFrame
    parts: pd.DataFrame


def measure_residuals(
    solids: Solids, samples: Soundings, *, band: ArrayLike = NEAR
) -> Residuals:
    """Measure the height of samples above the roofs of bodies.

    Parameters
    ----------
    solids : Solids
        Bodies; the owners of the samples count their parts.
    samples : Soundings
        Such as `meshes.roofs.fit.roof_samples` returns: those that a fit rests on.
    band : float or (p,) float
        Distance up to which a sample is of the roof [m], of all parts or of each; the fit
        tells the one it took.

    Returns
    -------
    Residuals

    Raises
    ------
    GeometryError
        If a sample belongs to no part, or there is not one band for each.

    Notes
    -----
    Distances are vertical, as those that the fit makes least. Checked against bodies of
    known roofs, and against the error of the fit, in
    tests/meshes/test_roofs_residuals.py.
    """
    count = len(solids.parts)
    bands = np.asarray(band, np.float64)
    if bands.shape not in ((), (count,)):
        message = f"bands must be one or {count}, got {bands.shape}"
        raise GeometryError(message)
    if len(samples) and not 0 <= samples.owner[0] <= samples.owner[-1] < count:
        message = (
            f"samples must belong to one of {count} parts, got rows {samples.owner[0]} to "
            f"{samples.owner[-1]}"
        )
        raise GeometryError(message)
    bands = np.broadcast_to(bands, (count,))
    roofs = np.flatnonzero(
        (solids.kind == Kind.ROOF) & (solids.faces.normal[:, 2] > STEEPEST)
    )
    plans = _plans(solids, roofs)
    local = samples.xyz - solids.origin
    part = solids.part[roofs].astype(np.int64)
    place = _plane_under(plans, part, samples.owner, local)
    face = np.where(place >= 0, roofs[place], -1)
    off = _height_over(solids, face, local)
    planes = _planes(solids, roofs, plans, place, local, off, bands)
    parts = _parts(solids, planes, samples.owner, off, bands)
    return Residuals(samples, face, off, planes, parts)


def _plans(solids: Solids, roofs: IntArray) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Roof faces from above."""
    return np.array(
        [
            shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]])
            for rings in (solids.faces.rings(face) for face in roofs.tolist())
        ],
        object,
    )


def _plane_under(
    plans: np.ndarray[tuple[int], np.dtype[np.object_]],
    part: IntArray,
    owner: IntArray,
    local: FloatArray,
) -> IntArray:
    """Plane of its own part in which each sample lies, -1 without one, (n,)."""
    found = np.full(len(owner), -1, np.int64)
    if not len(plans):
        return found
    points, tree = shapely.points(local[:, :2]), shapely.STRtree(plans)
    which, plane = tree.query(points, predicate="intersects")
    own = part[plane] == owner[which]
    # On a ridge both sides tell the same height; the first is taken.
    found[which[own][::-1]] = plane[own][::-1]
    lost = np.flatnonzero(found < 0)
    which, plane = tree.query(points[lost], predicate="dwithin", distance=REACH)
    own = part[plane] == owner[lost[which]]
    found[lost[which[own][::-1]]] = plane[own][::-1]
    return found


def _height_over(solids: Solids, face: IntArray, local: FloatArray) -> FloatArray:
    """Height of samples above the planes of their faces [m]."""
    off = np.full(len(face), np.nan)
    known = face >= 0
    normal = solids.faces.normal[face[known]]
    corner = solids.faces.vertices[solids.faces.vertex_start[face[known]]]
    off[known] = ((local[known] - corner) * normal).sum(axis=1) / normal[:, 2]
    return off


def _planes(
    solids: Solids,
    roofs: IntArray,
    plans: np.ndarray[tuple[int], np.dtype[np.object_]],
    place: IntArray,
    local: FloatArray,
    off: FloatArray,
    bands: FloatArray,
) -> pd.DataFrame:
    """Sum up the samples of each roof face."""
    order = np.argsort(place, kind="stable")
    order = order[place[order] >= 0]
    runs = Runs.of(place[order], len(roofs))
    part, normal = solids.part[roofs], solids.faces.normal[roofs]
    facing = np.degrees(np.arctan2(normal[:, 0], normal[:, 1])) % 360.0
    level = normal[:, 2] > np.cos(np.radians(0.5))
    seen = np.zeros(0) if not len(plans) else seen_share(plans, runs, local[order, :2])
    return pd.DataFrame(
        {
            "part": np.array(solids.parts, object)[part],
            "area_m2": solids.faces.area[roofs],
            "pitch_deg": np.degrees(np.arccos(np.clip(normal[:, 2], 0.0, 1.0))),
            "facing_deg": np.where(level, np.nan, facing),
            **_figures(runs, off[order], bands[part]),
            "seen": seen,
        },
        index=pd.Index(roofs, name="face"),
    )


def _parts(
    solids: Solids,
    planes: pd.DataFrame,
    owner: IntArray,
    off: FloatArray,
    bands: FloatArray,
) -> pd.DataFrame:
    """Sum up the samples of each part."""
    known = np.isfinite(off)
    runs = Runs.of(owner[known], len(solids.parts))
    parts = pd.Index(solids.parts, name="part")
    part = solids.part[planes.index.to_numpy()]
    # What counts is the ground under a plane, not its slant.
    area = planes["area_m2"] * np.cos(np.radians(planes["pitch_deg"]))
    whole = np.bincount(part, area, minlength=len(parts))
    seen = np.bincount(part, area * planes["seen"], minlength=len(parts))
    share = np.divide(seen, whole, out=np.zeros(len(parts)), where=whole > 0)
    figures = _figures(runs, off[known], bands)
    return pd.DataFrame({**figures, "seen": share}, index=parts)


def _figures(
    runs: Runs, off: FloatArray, band: FloatArray
) -> dict[str, FloatArray | IntArray]:
    """Return what is told of the samples of each group."""
    distance = np.abs(off)
    on: BoolArray = distance <= band[runs.owner]
    held = runs.sum(on.astype(np.float64))
    squares = runs.sum(np.where(on, distance, 0.0) ** 2)
    unknown = np.full(len(held), np.nan)
    return {
        "samples": runs.number,
        "rmse_m": np.sqrt(runs.mean(distance**2)),
        "on_roof": runs.mean(on.astype(np.float64)),
        "residual_m": np.sqrt(np.divide(squares, held, out=unknown, where=held > 0)),
        "bias_m": runs.median(off),
        "within": runs.mean((distance <= WITHIN).astype(np.float64)),
    }
