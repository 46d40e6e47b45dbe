"""Take the passages through buildings out of OpenStreetMap."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gis.sources.json_text import mapping, sequence
from gis.sources.osm_elements import Elements, Tags, is_passage
from gis.sources.osm_features import unpacked

KEYS = (
    "tunnel",
    "highway",
    "width",
    "est_width",
    "height",
    "maxheight:physical",
    "maxheight",
)
"""What `gis.passages.make_passages` wants to know of a way."""


def passages_of_elements(elements: Elements) -> gpd.GeoDataFrame | None:
    """Take the ways that lead through buildings out of elements.

    Parameters
    ----------
    elements : Elements
        Of a file or a reply.

    Returns
    -------
    GeoDataFrame or None
        Lines in longitude and latitude with ``id`` and the tags of `KEYS`; None without
        any.
    """
    ends = np.cumsum(elements.sizes)
    ids, tags, lines = [], [], []
    for place, own in enumerate(elements.tags):
        if not is_passage(own):
            continue
        xy = elements.xy[ends[place] - elements.sizes[place] : ends[place]]
        xy = xy[np.isfinite(xy).all(axis=1)]
        if len(xy) < 2 or (np.abs(xy) > (180.0, 90.0)).any():
            continue
        ids.append(f"way/{elements.numbers[place]}")
        tags.append(own)
        lines.append(shapely.linestrings(xy))
    return _frame(ids, tags, lines, "EPSG:4326")


def passages_of_document(document: object, crs: str) -> gpd.GeoDataFrame | None:
    """Take the ways that lead through buildings out of an extract in GeoJSON.

    Parameters
    ----------
    document : object
        FeatureCollection; lines of it that are no lines are passed over.
    crs : str
        Its reference system.

    Returns
    -------
    GeoDataFrame or None
        As of `passages_of_elements`.
    """
    ids, tags, lines = [], [], []
    for listed in sequence(mapping(document).get("features")):
        feature = mapping(listed)
        properties = mapping(feature.get("properties"))
        if not _may_lead(properties):
            continue
        own = unpacked(properties)
        line = _line(mapping(feature.get("geometry")))
        if is_passage(own) and line is not None:
            ids.append(str(feature.get("id") or own.get("@id") or own.get("id", "")))
            tags.append(own)
            lines.append(line)
    return _frame(ids, tags, lines, crs)


def _line(geometry: dict[str, object]) -> shapely.LineString | None:
    """Return the line of a feature, None where it has none that can be used."""
    if geometry.get("type") != "LineString":
        return None
    try:
        points = [(float(p[0]), float(p[1])) for p in sequence(geometry["coordinates"])]  # type: ignore[index]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return None
    if len(points) < 2 or not np.isfinite(points).all():
        return None
    line: shapely.LineString = shapely.linestrings(points)
    return line


def _may_lead(properties: dict[str, object]) -> bool:
    """Whether to unpack the tags of a feature at all."""
    packed = ("tags", "other_tags", "all_tags")
    return "tunnel" in properties or any(
        "building_passage" in str(properties[key]) for key in packed if key in properties
    )


def _frame(
    ids: Sequence[str], tags: Sequence[Tags], shapes: Sequence[object], crs: str
) -> gpd.GeoDataFrame | None:
    """Put ways into a table."""
    if not len(ids):
        return None
    texts: dict[str, npt.NDArray[np.object_]] = {
        key: np.array([own.get(key, "") for own in tags], dtype=object) for key in KEYS
    }
    return gpd.GeoDataFrame({"id": list(ids), **texts}, geometry=list(shapes), crs=crs)
