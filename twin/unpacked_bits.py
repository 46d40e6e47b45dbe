"""Keep a twin's visibility unpacked in a file that is mapped into memory.

Questions about new buildings read the bits of a few facets. Unpacking all of them takes
seconds and an eighth of a byte for each sensor and direction; so it is done once, and later
sessions map the file, which costs neither time nor memory for what is not asked about.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from gis.errors import GeometryError, OutputError, SourceError
from meshes.polygons import IntArray
from meshes.solar.lit_scene import compass_of
from meshes.solar.visibility import FacetBits, map_by_facet, unpack_by_facet
from twin.build import Built

CACHE = ".cache"
"""Folder within a twin that may be deleted at any time."""


def kept_bits(built: Built, folder: Path) -> FacetBits:
    """Return a twin's visibility facet by facet, from a file if there can be one.

    Parameters
    ----------
    built : Built
        The twin, with its visibility.
    folder : Path
        Where it is stored. The file lies in its folder ``.cache``, or in the user's own
        cache where the twin cannot be written to; where neither can, in memory.

    Returns
    -------
    FacetBits
        In the order of `meshes.solar.lit_scene.compass_of`.

    Raises
    ------
    GeometryError
        If the twin did not keep its visibility.

    Notes
    -----
    The file's name holds a hash of the packed bits and of their layout: a twin that was
    built again with other results never meets an old file, whose place is cleared. Files
    appear whole, so that several programs can ask for the same twin at once.
    """
    light = built.light
    if light.visibility is None:
        message = "a twin must keep its visibility for siting; build it again"
        raise GeometryError(message)
    order = compass_of(light).number
    name = f"bits-{_hash(built, order)}.npy"
    for place in _places(folder):
        path = place / name
        try:
            return map_by_facet(path, built.facets, len(order))
        except SourceError:  # not there as yet, or not whole
            pass
        try:
            place.mkdir(parents=True, exist_ok=True)
            found = unpack_by_facet(light.visibility, built.facets, order, path=path)
        except (OSError, OutputError):  # cannot be written: the next place
            continue
        for old in place.glob("bits-*.npy"):
            if old != path and place.parent == folder:
                old.unlink(missing_ok=True)
        return found
    return unpack_by_facet(light.visibility, built.facets, order)


def _places(folder: Path) -> Iterator[Path]:
    """Return where the file may lie, the best place first."""
    yield folder / CACHE
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        yield (Path(base) if base else Path.home() / ".cache") / "heidi"
    except RuntimeError:  # a user without home
        return


def _hash(built: Built, order: IntArray) -> str:
    """Return a name for the bits and their layout."""
    bits = built.light.visibility
    assert bits is not None, "the caller has looked"
    digest = hashlib.sha256()
    for text in (*bits.sky, *bits.sun):
        digest.update(len(text).to_bytes(8, "little") + text)
    digest.update(order.tobytes() + built.facets.words_per_facet.tobytes())
    return digest.hexdigest()[:16]
