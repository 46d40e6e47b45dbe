"""Take the ways and relations of OpenStreetMap out of XML, element by element."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.sax import make_parser

from gis.errors import SourceError, TableError
from gis.sources.osm_elements import NO_TAGS, Elements, Gathering, Relation, year_of

MOST_BYTES = 2_000_000_000
"""Bytes of a file; Sweden's buildings take some more, a county's a fraction."""

MOST_DEPTH = 8
"""Elements within elements; OpenStreetMap has four."""

MOST_INSIDE = 100_000
"""Vertices, tags or members of an element; OpenStreetMap's servers refuse 32,000."""

_KINDS = ("node", "way", "relation")


def xml_elements(path: Path) -> Elements:
    """Take the elements of an OpenStreetMap file.

    Parameters
    ----------
    path : Path
        A ``.osm`` file of any tool, or a reply of Overpass in XML; not compressed.

    Returns
    -------
    Elements
        Without those marked as deleted.

    Raises
    ------
    SourceError
        If the file is missing, cut off, too large or not OpenStreetMap XML; if it declares
        entities or a document type, which no such file needs.
    TableError
        If it holds no elements.
    """
    try:
        size = path.stat().st_size
        source = path.open("rb")
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    with source:
        if size > MOST_BYTES:
            message = (
                f"{path.name} must have at most {MOST_BYTES:,} bytes, got {size:,}; cut it"
            )
            raise SourceError(message)
        return _parse(source, path.name)


def xml_elements_of(content: bytes, name: str) -> Elements:
    """Take the elements of an OpenStreetMap file that is in memory.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Of the file, for messages.

    Returns
    -------
    Elements
        As `xml_elements` has them, with its errors.
    """
    return _parse(BytesIO(content), name)


def _parse(source: BinaryIO, name: str) -> Elements:
    """Read a stream to its end."""
    handler = _Handler()
    parser = make_parser()
    # Entities can grow without bound or fetch files; no OpenStreetMap file needs them.
    parser.forbid_dtd = True
    parser.setContentHandler(handler)
    try:
        parser.parse(source)
    except DefusedXmlException as error:
        message = (
            f"{name} must be plain OpenStreetMap XML, it declares a document type or "
            "entities; do not trust it, export it anew"
        )
        raise SourceError(message) from error
    except SAXParseException as error:
        message = (
            f"{name} must be whole OpenStreetMap XML, got a fault at line "
            f"{error.getLineNumber()} ({error.getMessage()[:80]}); get it anew"
        )
        raise SourceError(message) from error
    except (KeyError, ValueError, OverflowError, LookupError, SAXException) as error:
        line = handler.line()
        message = (
            f"{name} must be OpenStreetMap XML, got a fault at line {line} "
            f"({' '.join(str(error).split())[:80]}); get it anew"
        )
        raise SourceError(message) from error
    if not handler.elements:
        message = f"OpenStreetMap XML must have elements, {name} has none; fetch it again"
        raise TableError(message)
    return handler.gathering.finish(year=handler.year, notes=tuple(handler.notes))


class _Handler(ContentHandler):
    """Collect elements as the parser meets them."""

    def __init__(self) -> None:
        super().__init__()
        self.gathering = Gathering()
        self.year: int | None = None
        self.notes: list[str] = []
        self.elements = 0
        self._depth = 0
        self._open = ""
        self._remark: list[str] | None = None
        self._clear()

    def line(self) -> int:
        """Line of the file that the parser is at."""
        locator = self._locator  # type: ignore[attr-defined]
        return int(locator.getLineNumber() or 0) if locator is not None else 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        """Meet the beginning of an element."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            message = f"elements nested more than {MOST_DEPTH} deep"
            raise ValueError(message)
        if max(len(self._refs), len(self._tags), len(self._members)) > MOST_INSIDE:
            message = f"more than {MOST_INSIDE:,} vertices, tags or members of an element"
            raise ValueError(message)
        if name == "nd":
            self._vertex(attrs)
        elif name == "tag":
            if self._open:
                self._tags[attrs["k"]] = attrs["v"]
        elif name in _KINDS:
            self._clear()
            self._open = name
            self._attrs = attrs
        elif name == "member":
            self._member = (attrs.get("role", ""), attrs["type"], int(attrs["ref"]))
            self._members.append(self._member)
            self._forget_vertices()
        elif self._depth == 1:
            if name != "osm":
                message = f"the outermost element is {name[:40]!r}, not osm"
                raise ValueError(message)
            self.year = year_of(attrs.get("timestamp"))
        elif name == "meta":
            self.year = year_of(attrs.get("osm_base")) or self.year
        elif name == "remark":
            self._remark = []

    def characters(self, content: str) -> None:
        """Meet text, which matters in a remark only."""
        if self._remark is not None and len(self._remark) < 20:
            self._remark.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802
        """Meet the end of an element."""
        self._depth -= 1
        if name == "member" and self._x:
            if self._member[1] == "way":
                self._take_way(self._member[2], {})
        elif name == "remark" and self._remark is not None:
            told = " ".join("".join(self._remark).split())[:160]
            self.notes.append(
                f"Overpass remarks, so that the reply may be incomplete: {told}"
            )
            self._remark = None
        elif name == self._open and name in _KINDS:
            self._take()
            self._clear()

    def _clear(self) -> None:
        """Forget the element that was open."""
        self._open = ""
        self._attrs = AttributesImpl({})
        self._tags: dict[str, str] = {}
        self._forget_vertices()
        self._members: list[tuple[str, str, int]] = []
        self._member = ("", "", 0)

    def _forget_vertices(self) -> None:
        """Begin a line anew; what was handed on stays as it is."""
        self._refs: list[int] = []
        self._x: list[float] = []
        self._y: list[float] = []

    def _vertex(self, attrs: AttributesImpl) -> None:
        """Take a vertex of a way, with its place if Overpass tells it."""
        self._refs.append(int(attrs.get("ref", "0")))
        if self._x or "lat" in attrs:
            self._x.extend([np.nan] * (len(self._refs) - 1 - len(self._x)))
            self._y.extend([np.nan] * (len(self._refs) - 1 - len(self._y)))
            self._x.append(float(attrs.get("lon", "nan")))
            self._y.append(float(attrs.get("lat", "nan")))

    def _take(self) -> None:
        """Take the element that ends."""
        attrs = self._attrs
        if attrs.get("visible") == "false" or attrs.get("action") == "delete":
            return
        number = int(attrs["id"])
        self.elements += 1
        if self._open == "node":
            if "lat" in attrs:
                x, y = float(attrs["lon"]), float(attrs["lat"])
                self.gathering.add_node(number, x, y, self._tags or NO_TAGS)
        elif self._open == "way":
            self._take_way(number, self._tags)
        else:
            relation = Relation(number, self._tags, tuple(self._members))
            self.gathering.add_relation(relation)

    def _take_way(self, number: int, tags: dict[str, str]) -> None:
        """Take a way, whose vertices have a place or not."""
        xy = (self._x, self._y) if self._x else None
        self.gathering.add_way(number, tags or NO_TAGS, self._refs, xy)
