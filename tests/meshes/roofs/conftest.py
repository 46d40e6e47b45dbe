"""Draw outlines at random: grids full of ties, stars, bent walls, courtyards."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely

COURT = 0.5
"""Radius of the courtyards of stars [m]."""


def rings_of(shape):
    """Rings of an outline, open, outline counter-clockwise and holes clockwise."""
    shape = shapely.orient_polygons(shape)
    rings = (shape.exterior, *shape.interiors)
    return [shapely.get_coordinates(ring)[:-1] for ring in rings]


def grid_outline(rng):
    """Unite boxes on whole metres, some with courts: many events at one time."""
    while True:
        low = rng.integers(0, 10, (rng.integers(2, 8), 2))
        high = low + rng.integers(1, 6, low.shape)
        boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
        courts = rng.integers(0, 12, (2, 2))
        holes = shapely.box(courts[:, 0], courts[:, 1], courts[:, 0] + 1, courts[:, 1] + 1)
        shape = shapely.union_all(boxes)
        if rng.random() < 0.5:
            shape = shape.difference(shapely.union_all(holes))
        if shape.geom_type != "Polygon":
            continue
        shape = shape.simplify(0.0)
        places = np.concatenate(rings_of(shape))
        if len(np.unique(places, axis=0)) == len(places):  # no ring touches another
            return shape


def star_outline(rng):
    """Draw a star, a third of them with a courtyard."""
    while True:
        count = int(rng.integers(3, 20))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        far = rng.uniform(2, 15, count)
        shape = shapely.Polygon(np.c_[far * np.cos(angle), far * np.sin(angle)])
        if not shape.is_valid or shape.area < 5:
            continue
        if rng.random() < 0.3:
            shape = shape.difference(shapely.Point(0, 0).buffer(COURT, quad_segs=2))
        if shape.geom_type == "Polygon" and shapely.get_num_coordinates(shape) > 3:
            return shape


def bent_outline(rng):
    """Draw a wing that turns, with corners 1 cm or less off the lines of its walls."""
    while True:
        line = shapely.LineString(np.cumsum(rng.normal(size=(4, 2)) * 9, axis=0))
        shape = line.buffer(2.0, join_style="mitre", cap_style="flat", mitre_limit=20)
        if shape.geom_type != "Polygon" or len(shape.interiors):
            continue
        (ring,) = rings_of(shape.simplify(1e-6))
        share = rng.uniform(0.2, 0.8, (len(ring), 1))
        extra = ring + share * (np.roll(ring, -1, axis=0) - ring)
        extra += rng.uniform(-0.01, 0.01, extra.shape)
        shape = shapely.Polygon(np.stack([ring, extra], axis=1).reshape(-1, 2))
        if shape.is_valid:
            return shape


def turned(shape, turn, *, move=(0.0, 0.0)):
    """Turn an outline by an angle [radians] around the origin, then move it."""
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return shapely.transform(shape, lambda xy: xy @ spin + move)


@pytest.fixture(scope="session")
def outlines():
    """Makers of random outlines, and what tests do with outlines."""
    return SimpleNamespace(
        rings_of=rings_of,
        grid=grid_outline,
        star=star_outline,
        bent=bent_outline,
        turned=turned,
    )
