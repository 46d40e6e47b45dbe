"""Find places for the names of landmarks."""

import math
from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from meshes.render.camera import Camera
from meshes.render.marks import RANK_COST, Box, Label, Window, place_labels
from meshes.render.sheet import Sheet
from meshes.render.subject import Subject
from meshes.render.words import Words

OTHERS_ROOM = 30.0
"""Free space around the names of landmarks [units]: a map of hubs, not of names."""

COLOURFUL = 90
"""Range of red, green, blue (0..255) above which a pixel shows data."""

FAINT = 55
"""The same, with the darkest data; close views have more of them than a map."""

ROUGH = 100.0
"""Accuracy from which on a name tells it [m]."""

FARTHEST_MOVE = 30.0
"""How far a name may be moved within the accuracy of its place [m]."""

SEEN_ABOVE = 0.3
"""Height above the surface at which a place must be seen [m]."""

FloatArray = NDArray[np.float64]

ABOVE = tuple((dx, -dy) for dy in (2.0, 3.3, 4.6, 5.9, 7.2) for dx in (0.0, 0.8, -0.8))
FAR = tuple(
    sorted(
        (
            (dx, dy)
            for dy in (
                -1.8,
                -2.9,
                -4.0,
                -5.2,
                -6.4,
                -7.6,
                -8.8,
                0.0,
                1.8,
                2.9,
                4.0,
                5.2,
                6.4,
            )
            for dx in (0.0, 0.8, -0.8, 1.5, -1.5, 2.3, -2.3, 3.1, -3.1)
            if dy or abs(dx) > 1.0
        ),
        key=lambda k: math.hypot(3.0 * k[0], k[1]) + (1.5 if k[1] > 0.0 else 0.0),
    )
)
"""All around, near ones first, above before below."""

FAR_COST = 0.005
"""What a step further away costs, see `place_labels`."""

BESIDE = (
    (1.16, 0.0), (-1.16, 0.0), (0.0, -1.25), (0.0, 1.25), (1.05, -1.1), (-1.05, -1.1),
    (1.05, 1.1), (-1.05, 1.1), (1.2, -2.2), (-1.2, -2.2), (1.2, 2.2), (-1.2, 2.2),
)  # fmt: skip


def hubs_and_landmarks(subject: Subject, *, others: int) -> gpd.GeoDataFrame:
    """Return the hubs and the first landmarks of a district."""
    table = subject.district.landmarks
    return pd.concat(
        [table[table["kind"] == "hub"], table[table["kind"] != "hub"][:others]]
    )


def place_names(
    subject: Subject,
    sheet: Sheet,
    window: Window,
    table: gpd.GeoDataFrame,
    *,
    words: Words,
    offsets: tuple[tuple[float, float], ...] = ABOVE,
    taken: Sequence[Box] = (),
    rank_cost: float = RANK_COST,
    points: FloatArray | None = None,
    pixels: NDArray[np.uint8] | None = None,
) -> list[tuple[Label, Box]]:
    """Find places for names on the picture that a sheet holds.

    Parameters
    ----------
    subject : Subject
        What the picture shows.
    sheet : Sheet
        Where the names will be drawn.
    window : Window
        Where the picture lies.
    table : GeoDataFrame
        Landmarks to be named, main ones first.
    words : Words
        The language.
    offsets : tuple of (float, float)
        Wanted places, see `place_labels`.
    taken : sequence of Box
        Places that must stay free [units].
    rank_cost : float
        What a step down in ``offsets`` costs, as a share of data covered.
    points : (n, 3) float, optional
        What the names point at [m, local]; by default the roof or ground of each.
    pixels : (height, width, 3) uint8, optional
        Picture whose data are not to be covered; by default the sheet's.
    """
    if not len(table):
        return []
    if points is None:
        points = roof_points(subject, table.geometry.to_numpy())
    labels = [
        Label(_name(words, str(name), float(accuracy)), (float(x), float(y)), kind == "hub")
        for name, accuracy, kind, (x, y) in zip(
            table["name"],
            table["accuracy"],
            table["kind"],
            window.place(points).tolist(),
            strict=True,
        )
    ]
    widths = [
        sheet.measure(label.name, face="bold", height=15) + 18
        if label.is_main
        else sheet.measure(label.name, height=13) + 14
        for label in labels
    ]
    left, top, right, bottom = window.box
    return place_labels(
        labels,
        widths,
        (left + 14, top + 14, right - 14, bottom - 14),
        offsets=offsets,
        height=26,
        taken=taken,
        room=OTHERS_ROOM,
        rank_cost=rank_cost,
        cost=_colourful(sheet.pixels(), sheet.unit, COLOURFUL)
        if pixels is None
        else _colourful(pixels, sheet.unit, FAINT),
    )


def _colourful(
    pixels: NDArray[np.uint8], unit: float, least: int
) -> Callable[[Box], float]:
    """Measure how much of a box is coloured by data, 0..1."""
    is_data = np.ptp(pixels.astype(np.int16), axis=2) > least
    sums = np.pad(is_data.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))

    def share(box: Box) -> float:
        left, top, right, bottom = (max(round(k * unit), 0) for k in box)
        covered = (
            sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        )
        return float(covered) / max((bottom - top) * (right - left), 1)

    return share


def _name(words: Words, name: str, accuracy: float) -> str:
    """Name in a language, with the accuracy of its place where that is rough."""
    known = words.names.get(name, name)
    return f"{known} (±{accuracy:.0f} m)" if accuracy >= ROUGH else known


def roof_points(subject: Subject, points: NDArray[np.object_]) -> FloatArray:
    """Return places on the roof or ground below points, (n, 3) [m, local].

    Parameters
    ----------
    subject : Subject
        Ground and buildings.
    points : (n,) Point
        Places in plan.
    """
    z, _ = _levels(subject, points)
    tops: FloatArray = np.c_[shapely.get_coordinates(points), z] - subject.scene.origin
    return tops


def _levels(
    subject: Subject, points: NDArray[np.object_]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Height of the roof or ground at points [m RH2000], and whether it is a roof."""
    buildings = subject.district.buildings
    flat = shapely.get_coordinates(points)
    z = np.asarray(subject.scene.land.terrain.sample(flat[:, 0], flat[:, 1]))
    which, roof = shapely.STRtree(buildings.geometry.to_numpy()).query(points, "intersects")
    z[which] = buildings["top"].to_numpy()[roof]
    on_roof = np.zeros(len(points), bool)
    on_roof[which] = True
    return z, on_roof


def visible_points(subject: Subject, camera: Camera, table: gpd.GeoDataFrame) -> FloatArray:
    """Return places that a camera sees of landmarks, (n, 3) [m, local]; NaN for none.

    Parameters
    ----------
    subject : Subject
        Ground and buildings.
    camera : Camera
        From where.
    table : GeoDataFrame
        Landmarks. Each is moved by no more than the accuracy of its place, names of
        buildings on to one of their roofs; other names stay on the ground.
    """
    rows = table.itertuples()
    found = [
        _visible_point(subject, camera, row.geometry, str(row.name), float(row.accuracy))
        for row in rows
    ]
    return np.array(found, np.float64).reshape(-1, 3)


def _visible_point(
    subject: Subject, camera: Camera, spot: shapely.Point, name: str, accuracy: float
) -> FloatArray:
    """Nearest place of a landmark that a camera sees; NaN for none."""
    radii = np.arange(0.0, min(accuracy, FARTHEST_MOVE) + 1.0, 5.0)
    turns = np.arange(16) * np.pi / 8
    away = np.concatenate([r * np.c_[np.sin(turns), np.cos(turns)] for r in radii])
    places = shapely.points(np.array([spot.x, spot.y]) + away)
    buildings = subject.district.buildings
    named = buildings[buildings["name"].astype(str).str.startswith(name.split(" (")[0])]
    # A place beside a building of its own name is one on the building.
    parts = named.geometry.representative_point()
    order = np.argsort(-named.geometry.area.to_numpy(), kind="stable")
    places = np.concatenate([places[:1], parts.to_numpy()[order], places[1:]])
    z, on_roof = _levels(subject, places)
    is_building = bool(on_roof[0]) or len(named) > 0
    points = np.c_[shapely.get_coordinates(places), z] - subject.scene.origin
    seen = (on_roof == is_building) & _is_seen(subject, camera, points)
    first = np.flatnonzero(seen)
    point: FloatArray = points[first[0]] if len(first) else np.full(3, np.nan)
    return point


def _is_seen(subject: Subject, camera: Camera, points: FloatArray) -> NDArray[np.bool_]:
    """Whether nothing stands between points and the eye of a perspective view."""
    towards = camera.position - points
    distance = np.linalg.norm(towards, axis=1)
    direction = (towards / distance[:, None]).astype(np.float32)
    start = points.astype(np.float32) + SEEN_ABOVE * np.array([0, 0, 1], np.float32)
    blocked = subject.scene.tracer.is_blocked(start, direction, reach=float(distance.max()))
    seen: NDArray[np.bool_] = ~blocked
    return seen
