"""Read features of GeoJSON as arrays, closing rings that were left open."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import CrsError, SourceError, TableError
from gis.sources.json_text import mapping, parse, sequence

MOST_COORDINATE = 1e9
"""Coordinates beyond this are no place on Earth in any unit [m or degrees]."""

_COLLECTION = "FeatureCollection"
_LINE = 1_000_000
"""Characters within which the first of several lines must end."""

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Features:
    """What a GeoJSON document holds.

    Attributes
    ----------
    ids : list of str
        Identity of each feature itself; "" where it has none.
    properties : list of dict
        Attributes as they stand.
    geometry : (n,) object
        Polygon, MultiPolygon or LineString; None for other kinds and for what cannot be
        used. No elevations.
    kinds : list of str
        Kind of geometry as it stands; "" where there is none.
    closed : (n,) int
        Rings of each feature that were closed by their first vertex.
    holes : int
        Inner rings that were left out, as they have fewer than three corners.
    crs : str or None
        Name of the reference system if the document names one.
    """

    ids: list[str]
    properties: list[dict[str, object]]
    geometry: Geometries
    kinds: list[str]
    closed: IntArray
    holes: int
    crs: str | None


@dataclass
class _Rings:
    """Rings of all polygons, one after the other."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    polygons: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, ring: object) -> None:
        """Append a ring to the polygon that was begun last."""
        points = sequence(ring)
        self.x.extend([p[0] for p in points])  # type: ignore[index]
        self.y.extend([p[1] for p in points])  # type: ignore[index]
        self.sizes.append(len(points))
        self.polygons.append(self.count - 1)

    def begin(self, feature: int) -> None:
        """Begin a polygon of a feature."""
        self.features.append(feature)
        self.count += 1


def features_of(document: object, name: str) -> Features:
    """Take the features of a parsed document.

    Parameters
    ----------
    document : object
        FeatureCollection or Feature.
    name : str
        Of the file, for messages.

    Returns
    -------
    Features
        In the order of the document.

    Raises
    ------
    SourceError
        If it is no such document or a geometry is not formed as GeoJSON has it.
    TableError
        If it has no features.
    CrsError
        If it names a reference system in a way that cannot be read.
    """
    whole = mapping(document)
    single = whole.get("type") == "Feature"
    listed = [whole] if single else sequence(whole.get("features"))
    if not single and whole.get("type") != _COLLECTION:
        message = f"{name} must be a GeoJSON FeatureCollection; export it as one"
        raise SourceError(message)
    if not listed:
        message = f"a layer with features is needed, {name} is empty"
        raise TableError(message)
    features = [mapping(feature) for feature in listed]
    lines, rings = _Rings(), _Rings()
    kinds = []
    for position, feature in enumerate(features):
        try:
            shape = mapping(feature.get("geometry"))
            kinds.append(str(shape.get("type", "")))
            _collect(shape, position, lines, rings)
        except (KeyError, TypeError, IndexError) as error:
            message = (
                f"coordinates in {name} must be lists of two numbers, feature "
                f"{position + 1} has others; export it anew"
            )
            raise SourceError(message) from error
    try:
        geometry, closed, holes = _polygons(rings, len(features))
        _add_lines(lines, geometry)
    except (ValueError, TypeError, OverflowError) as error:
        message = f"coordinates in {name} must be numbers, some are not; export it anew"
        raise SourceError(message) from error
    return Features(
        ids=["" if f.get("id") is None else str(f["id"]) for f in features],
        properties=[mapping(f.get("properties")) for f in features],
        geometry=geometry,
        kinds=kinds,
        closed=closed,
        holes=holes,
        crs=_named_system(whole, name),
    )


def _named_system(document: dict[str, object], name: str) -> str | None:
    """Name of the reference system in the member ``crs`` of GeoJSON before 2016."""
    system = document.get("crs")
    if system is None:
        return None
    told = mapping(mapping(system).get("properties")).get("name")
    if not isinstance(told, str):
        message = (
            f"the reference system of {name} must be given by name, such as "
            "urn:ogc:def:crs:EPSG::3008; export it anew"
        )
        raise CrsError(message)
    return told


def _collect(
    geometry: dict[str, object], feature: int, lines: _Rings, rings: _Rings
) -> None:
    """Append the rings of one geometry."""
    kind, coordinates = geometry.get("type"), sequence(geometry.get("coordinates"))
    if kind == "Polygon":
        polygons = [coordinates]
    elif kind == "MultiPolygon":
        polygons = [sequence(polygon) for polygon in coordinates]
    elif kind == "LineString":
        lines.begin(feature)
        lines.add(coordinates)
        return
    elif kind == "GeometryCollection":
        for inner in sequence(geometry.get("geometries")):
            if mapping(inner).get("type") in ("Polygon", "MultiPolygon"):
                _collect(mapping(inner), feature, lines, rings)
        return
    else:
        return
    for polygon in polygons:
        rings.begin(feature)
        for ring in polygon:
            rings.add(ring)


def _polygons(rings: _Rings, count: int) -> tuple[Geometries, IntArray, int]:
    """Polygons of each feature, closed rings of each, and inner rings left out."""
    geometry = np.full(count, None, dtype=object)
    xy = np.column_stack([np.array(v, dtype=np.float64) for v in (rings.x, rings.y)])
    sizes = np.array(rings.sizes, dtype=np.intp)
    polygon = np.array(rings.polygons, dtype=np.intp)
    owner = np.array(rings.features, dtype=np.intp)
    closed = np.zeros(count, dtype=np.intp)
    if not len(sizes):
        return geometry, closed, 0
    is_outer = np.append(True, polygon[1:] != polygon[:-1])
    usable, is_open = check_rings(xy, sizes)
    # Without its outer ring a polygon is nothing, whatever its holes are.
    whole = np.zeros(len(owner), dtype=np.bool_)
    whole[polygon[is_outer & usable]] = True
    kept = usable & whole[polygon]
    holes = int((~usable & whole[polygon]).sum())
    np.add.at(closed, owner[polygon[kept & is_open]], 1)
    if not kept.any():
        return geometry, closed, holes
    built = build_polygons(xy, sizes, kept, polygon)
    kept_polygons = np.unique(polygon[kept])
    features, first, parts = np.unique(
        owner[kept_polygons], return_index=True, return_counts=True
    )
    geometry[features] = built[first]
    several = features[parts > 1]
    inside = np.isin(owner[kept_polygons], several)
    if len(several):
        position = np.searchsorted(several, owner[kept_polygons][inside])
        geometry[several] = shapely.multipolygons(built[inside], indices=position)
    return geometry, closed, holes


def check_rings(xy: FloatArray, sizes: IntArray) -> tuple[BoolArray, BoolArray]:
    """Tell which rings can be used and which are open.

    Parameters
    ----------
    xy : (m, 2) float
        Vertices of all rings, one after the other.
    sizes : (n,) int
        Number of vertices of each ring.

    Returns
    -------
    usable : (n,) bool
        Whether the ring has three corners or more and only sensible coordinates.
    is_open : (n,) bool
        Whether its last vertex differs from its first.
    """
    ends = np.cumsum(sizes)
    starts = ends - sizes
    filled = sizes > 0
    is_open = np.zeros(len(sizes), dtype=np.bool_)
    is_open[filled] = (xy[starts[filled]] != xy[ends[filled] - 1]).any(axis=1)
    bad = ~(np.abs(xy) <= MOST_COORDINATE).all(axis=1)  # also NaN
    counts = np.append(0, np.cumsum(bad))
    usable = (sizes - ~is_open >= 3) & (counts[ends] == counts[starts])
    return usable, is_open & usable


def build_polygons(
    xy: FloatArray, sizes: IntArray, kept: BoolArray, polygon: IntArray
) -> Geometries:
    """Build polygons of rings, closing those that are open.

    Parameters
    ----------
    xy : (m, 2) float
        Vertices of all rings, one after the other.
    sizes : (n,) int
        Number of vertices of each ring.
    kept : (n,) bool
        Rings to use; they must be usable (see `check_rings`).
    polygon : (n,) int
        Polygon of each ring, ascending; the first ring of a polygon is its outer one.

    Returns
    -------
    (k,) object
        One polygon for each different number among the kept rings, in their order.
    """
    vertices = np.repeat(kept, sizes)
    ring = np.repeat(np.arange(int(kept.sum())), sizes[kept])
    rings = shapely.linearrings(xy[vertices], indices=ring)
    _, position = np.unique(polygon[kept], return_inverse=True)
    built: Geometries = shapely.polygons(rings, indices=position)
    return built


def _add_lines(lines: _Rings, geometry: Geometries) -> None:
    """Set the lines among geometries."""
    xy = np.column_stack([np.array(v, dtype=np.float64) for v in (lines.x, lines.y)])
    sizes = np.array(lines.sizes, dtype=np.intp)
    if not len(sizes):
        return
    usable, _ = check_rings(xy, sizes)
    if usable.any():
        line = np.repeat(np.arange(int(usable.sum())), sizes[usable])
        made = shapely.linestrings(xy[np.repeat(usable, sizes)], indices=line)
        geometry[np.array(lines.features, dtype=np.intp)[usable]] = made


def parse_features(text: str, name: str) -> Features:
    """Parse GeoJSON, also with one feature a line (RFC 8142 or newline-delimited).

    Parameters
    ----------
    text : str
        The document or the lines.
    name : str
        Of the file, for messages.

    Returns
    -------
    Features
        In the order of the text.

    Raises
    ------
    SourceError, TableError, CrsError
        As `features_of` has them.
    """
    return features_of(parse_lines(text, name), name)


def parse_lines(text: str, name: str) -> object:
    """Parse one JSON document, or lines of GeoJSON features as one FeatureCollection.

    Parameters
    ----------
    text : str
        The document or the lines.
    name : str
        Of the file, for messages.

    Returns
    -------
    object
        The parsed document.

    Raises
    ------
    SourceError
        If it is neither.
    """
    first = text[:_LINE].lstrip("\x1e \t\r\n").split("\n", 1)[0].rstrip()
    if not first.endswith("}") or '"Feature"' not in first:
        return parse(text.strip("\x1e"), name)
    lines = text.replace("\x1e", "\n").split("\n")
    found = [parse(line, name) for line in lines if line.strip()]
    return found[0] if len(found) == 1 else {"type": _COLLECTION, "features": found}
