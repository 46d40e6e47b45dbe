"""Tell what a boundary follows, part by part."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from gis.boundary import TracedBoundary
from gis.boundary_anchors import anchor_table
from gis.boundary_layers import Edge
from gis.boundary_recipe import recipe_files

FloatArray = npt.NDArray[np.float64]

TOUCH = 0.05
"""A boundary that is nearer to an edge than this follows it [m]: necks are removed by
offsetting to and fro, which moves lines by less than a millimetre."""

SHORTEST = 1.0
"""Edges along which the boundary runs for less than this only cross it [m]."""

WATER, EDGE, REACH = "water", "edge", "reach"
"""What a stretch can be: a shore, a natural edge, or neither: the limit of the reach."""


@dataclass(frozen=True)
class Stretch:
    """Part of a boundary that follows one thing.

    Attributes
    ----------
    kind : str
        "water", "edge" or "reach".
    name : str
        Name of the edge, "" if it has none.
    source : str
        Name of its file, "" if it came without one.
    line : LineString or MultiLineString
        In the plan of the boundary [m].
    """

    kind: str
    name: str
    source: str
    line: shapely.Geometry


def follow(traced: TracedBoundary) -> tuple[Stretch, ...]:
    """Divide a boundary by what it follows.

    Parameters
    ----------
    traced : TracedBoundary
        A boundary with what it was built from.

    Returns
    -------
    tuple of Stretch
        Water, then edges by name, the longest first, then what is left. Together they are
        the outline; where a shore and an edge lie on each other, it is the shore's.
    """
    rest = traced.shape.boundary
    things: list[tuple[str, str, str, shapely.Geometry]] = []
    water = traced.parts.water
    if water is not None:
        source = "" if traced.recipe.water is None else traced.recipe.water.name
        near = shapely.clip_by_rect(water, *traced.shape.buffer(10.0).bounds)
        things.append((WATER, "", source, shapely.boundary(near)))
    for (source, name), lines in _by_name(traced.parts.edges, rest).items():
        things.append((EDGE, name, source, shapely.union_all(lines)))
    found = []
    for kind, name, source, along in things:
        strip = along.buffer(TOUCH)
        shared = _merged(rest.intersection(strip))
        # What only crosses the outline takes nothing of it.
        if shared.length >= SHORTEST:
            found.append(Stretch(kind, name, source, shared))
            rest = _merged(rest.difference(strip))
    found.sort(key=lambda one: (one.kind != WATER, -one.line.length))
    if rest.length > 0.0:
        found.append(Stretch(REACH, "", "", rest))
    return tuple(found)


def _by_name(
    edges: tuple[Edge, ...], outline: shapely.Geometry
) -> dict[tuple[str, str], list[shapely.LineString]]:
    """Lines that touch an outline by source and name."""
    groups: dict[tuple[str, str], list[shapely.LineString]] = {}
    if not edges:
        return groups
    lines = np.array([edge.line for edge in edges], dtype=object)
    for n in np.sort(shapely.STRtree(lines).query(outline, "dwithin", TOUCH)):
        edge = edges[n]
        groups.setdefault((edge.source, edge.name), []).append(edge.line)
    return groups


def _merged(shape: shapely.Geometry) -> shapely.Geometry:
    """Lines of a shape, joined where they meet."""
    parts = shapely.get_parts(shape)
    lines = parts[(shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)]
    return shapely.line_merge(shapely.multilinestrings(lines))


def unused_layers(traced: TracedBoundary, stretches: Iterable[Stretch]) -> tuple[str, ...]:
    """Name the files of water and edges that no stretch follows.

    Parameters
    ----------
    traced : TracedBoundary
        A boundary with what it was built from.
    stretches : iterable of Stretch
        What it follows.

    Returns
    -------
    tuple of str
        In the order of the recipe.
    """
    water = traced.recipe.water
    files = [*([] if water is None else [water]), *traced.recipe.edges]
    used = {one.source for one in stretches}
    return tuple(path.name for path in files if path.name not in used)


def boundary_record(traced: TracedBoundary) -> dict[str, Any]:
    """Collect what there is to say of a boundary, ready for JSON.

    Parameters
    ----------
    traced : TracedBoundary
        A boundary with what it was built from.

    Returns
    -------
    dict
        ``name``, ``plan``, ``area_m2``, ``pieces``, ``length_m``, ``extent`` (west, south,
        east, north; in the plan [m] and in degrees), ``reach_m``, ``anchors``, ``follows``
        (kind, name, source, metres), ``unused`` files, ``credits``.
    """
    shape, plan = traced.shape, traced.parts.plan
    stretches = follow(traced)
    table = anchor_table(
        traced.recipe, traced.parts.anchors, traced.parts.sources, within=shape
    )
    spots = shapely.get_coordinates(table.geometry.to_numpy())
    corners = shapely.get_coordinates(to_degrees(shape, plan))
    anchors = [
        {
            "landmark": landmark,
            "name": row["name"],
            "kind": row["kind"],
            "accuracy_m": row["accuracy"],
            "basis": row["basis"],
            "x": round(float(x), 2),
            "y": round(float(y), 2),
            "longitude": round(float(longitude), 7),
            "latitude": round(float(latitude), 7),
        }
        for (landmark, row), (x, y), (longitude, latitude) in zip(
            table.iterrows(), spots, _degrees(spots, plan), strict=True
        )
    ]
    return {
        "name": traced.recipe.name,
        "plan": f"{plan.to_string()} ({plan.name})",
        "area_m2": round(shape.area, 1),
        "pieces": int(shapely.get_num_geometries(shape)),
        "length_m": round(shape.length, 1),
        "extent": {
            "plan": [round(float(v), 2) for v in shape.bounds],
            "degrees": [
                round(float(v), 7) for v in (*corners.min(axis=0), *corners.max(axis=0))
            ],
        },
        "reach_m": traced.recipe.reach,
        "anchors": anchors,
        "follows": [
            {
                "kind": one.kind,
                "name": one.name,
                "source": one.source,
                "length_m": round(one.line.length, 1),
            }
            for one in stretches
        ],
        "unused": list(unused_layers(traced, stretches)),
        "credits": list(credit_lines(traced)),
    }


def credit_lines(traced: TracedBoundary) -> tuple[str, ...]:
    """Name whom the recipe credits, or else the files as given.

    Parameters
    ----------
    traced : TracedBoundary
        A boundary with what it was built from.

    Returns
    -------
    tuple of str
    """
    if traced.recipe.credits:
        return traced.recipe.credits
    files = recipe_files(traced.recipe)
    return tuple(f"{path.name}, as given by the user" for path in files)


def to_degrees(shape: shapely.Geometry, plan: CRS) -> shapely.Geometry:
    """Bring a shape of a plan to longitude and latitude.

    Parameters
    ----------
    shape : Geometry
        Coordinates of the plan [m].
    plan : CRS
        The plan.

    Returns
    -------
    Geometry
        CRS84: longitude first [degrees].
    """
    return shapely.transform(shape, lambda xy: _degrees(xy, plan))


def _degrees(xy: FloatArray, plan: CRS) -> FloatArray:
    """Longitude and latitude (n, 2) of points of a plan."""
    transformer = Transformer.from_crs(plan, "OGC:CRS84", always_xy=True)
    return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
