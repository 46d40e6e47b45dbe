"""Take buildings of OpenStreetMap out of GeoJSON, however its converter packed them."""

import json
import re

import numpy as np
import shapely

from gis.faults import count_things, name_some
from gis.sources import json_text
from gis.sources.geojson import Features
from gis.sources.osm_areas import Areas
from gis.sources.osm_elements import KEYS, Tags, is_building

_PACKED = re.compile(r'[\s,]*"((?:[^"\\]|\\.)*+)"=>"((?:[^"\\]|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)")
_ELEMENT = re.compile(r"^(?:node|way|relation)/-?\d+$")


def is_osm_geojson(features: Features) -> bool:
    """Tell whether features come from OpenStreetMap.

    Parameters
    ----------
    features : Features
        Of a GeoJSON document.

    Returns
    -------
    bool
        Whether most of them (of the first thousand) are named or tagged as elements.
    """
    first = list(zip(features.ids, features.properties, strict=True))[:1000]
    signs = sum(
        bool(_ELEMENT.match(identity))
        or bool(_ELEMENT.match(str(own.get("@id", own.get("id", "")))))
        or "other_tags" in own
        or "osm_id" in own
        or ("tags" in own and isinstance(own["tags"], dict))
        for identity, own in first
    )
    return signs * 2 > len(first)


def feature_areas(features: Features) -> Areas:
    """Areas of GeoJSON features that are buildings."""
    tags = [unpacked(own) for own in features.properties]
    ids = [
        _identity(identity, own)
        for identity, own in zip(features.ids, features.properties, strict=True)
    ]
    notes = []
    geometry = features.geometry.copy()
    kind = shapely.get_type_id(geometry)
    wanted = np.array([is_building(own) for own in tags], dtype=np.bool_)
    closed = {i: int(n) for i, n in zip(ids, features.closed, strict=True) if n}
    named = list(closed)
    rings = int(features.closed.sum())
    if named:
        notes.append(
            f"{count_things(rings, 'ring')} of {count_things(len(named), 'feature')} not "
            f"closed, closed by the first vertex ({name_some(named)})"
        )
    lines = np.flatnonzero(wanted & (kind == shapely.GeometryType.LINESTRING))
    if len(lines):
        # Converters write an outline that is not closed as a line.
        geometry[lines] = [shapely.Polygon(line.coords) for line in geometry[lines]]
        closed |= {ids[place]: 1 for place in lines}
        some = name_some(ids[place] for place in lines)
        count = count_things(len(lines), "outline")
        notes.append(f"{count} not closed, closed by the first vertex ({some})")
    is_point = np.array([kind == "Point" for kind in features.kinds])
    points = int((wanted & is_point).sum())
    if points:
        count = count_things(points, "building")
        notes.append(f"{count} mapped as a point without outline, left out")
    none = np.array([shape is None for shape in geometry]) & wanted & ~is_point
    if none.any():
        some = name_some(ids[place] for place in np.flatnonzero(none))
        count = count_things(int(none.sum()), "building")
        notes.append(f"{count} without usable outline left out ({some})")
    if features.holes:
        notes.append(f"{count_things(features.holes, 'hole')} without area left out")
    wanted &= np.array([shape is not None for shape in geometry])
    kept = np.flatnonzero(wanted)
    return Areas(
        [ids[place] for place in kept],
        [tags[place] for place in kept],
        geometry[kept],
        {},
        tuple(notes),
        closed,
    )


def unpacked(properties: dict[str, object]) -> Tags:
    """Tags of a feature, wherever its converter put them."""
    tags = {
        str(key): str(value).strip()
        for key, value in properties.items()
        if value is not None and not isinstance(value, dict | list)
    }
    for column in ("tags", "other_tags", "all_tags"):
        packed = properties.get(column)
        if isinstance(packed, str):
            packed = _unpack_text(packed)
        if isinstance(packed, dict):
            told = {str(k): str(v).strip() for k, v in packed.items() if v is not None}
            tags = {**told, **{k: v for k, v in tags.items() if k != column}}
    # Tables have a column for every key: empty means that there is no such tag.
    return {key: value for key, value in tags.items() if value or key not in KEYS}


def _unpack_text(packed: str) -> dict[str, object]:
    """Tags of a text, either JSON or the pairs that GDAL writes."""
    if packed.lstrip().startswith("{"):
        try:
            return json_text.mapping(json.loads(packed))
        except (ValueError, RecursionError):
            return {}
    tags: dict[str, object] = {}
    at = 0
    # Pair by pair: a search would try each quote of a hostile text as a beginning.
    while (pair := _PACKED.match(packed, at)) is not None:
        key, value = (_ESCAPED.sub(r"\1", text) for text in pair.groups())
        tags[key] = value
        at = pair.end()
    return tags


def _identity(identity: str, properties: dict[str, object]) -> str:
    """Name of the element that a feature comes from."""
    told = [identity, *(str(properties.get(k) or "") for k in ("@id", "id"))]
    for text in told:
        if _ELEMENT.match(text):
            return text
    for column, kind in (("osm_way_id", "way"), ("osm_id", "")):
        number = str(properties.get(column) or "").removesuffix(".0")
        if not number:
            continue
        kinds = (properties.get(k) for k in ("osm_type", "@type", "element_type", "type"))
        known = (str(k) for k in kinds if k in ("node", "way", "relation"))
        # In GDAL's layer of areas, what is no way is a relation.
        kind = kind or next(known, "relation" if "osm_way_id" in properties else "")
        return f"{kind}/{number}" if kind else number
    kind = str(properties.get("type") or properties.get("element") or "")
    for text in told:
        if text:
            return f"{kind}/{text}" if kind in ("way", "relation") else text
    return ""
