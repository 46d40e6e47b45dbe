"""Write the requests that map services understand."""

import math
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from gis.errors import SourceError
from gis.sources.origin import Origin
from gis.sources.place import Place
from gis.sources.request import Credential, Form, Request, check_one_of, safe_name

OSM = Origin(
    "OpenStreetMap", "map, Overpass extract", "ODbL 1.0", "© OpenStreetMap contributors"
)
BOVERKET = Origin(
    "Boverket", "energy declarations", "not stated", "Energy declarations: Boverket"
)
OVERTURE = Origin(
    "Overture Maps Foundation",
    "buildings, list of files",
    "ODbL 1.0",
    "© OpenStreetMap contributors, Overture Maps Foundation",
)
COPERNICUS = Origin(
    "European Space Agency",
    "Copernicus DEM GLO-30",
    "Copernicus DEM licence, free of charge",
    "© DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018, provided under "
    "COPERNICUS by the European Union and ESA; all rights reserved",
)
HELSINGBORG = Origin("City of Helsingborg", "base map", "not stated", "City of Helsingborg")
OVERPASS = "https://overpass-api.de/api/interpreter"
BOVERKET_API = "https://api.boverket.se/energideklarationer/"
OVERTURE_BUCKET = "https://overturemaps-us-west-2.s3.us-west-2.amazonaws.com/"
COPERNICUS_BUCKET = "https://copernicus-dem-30m.s3.amazonaws.com"
BASE_MAP = "https://kartor.helsingborg.se/oppnageodata/baskarta.php"
BOVERKET_KEY = Credential(
    ("HEIDI_BOVERKET_KEY",),
    "Ocp-Apim-Subscription-Key",
    ("api.boverket.se",),
    "Boverket gives keys in its API portal",
)

THEMES = {
    "buildings": (
        'way["building"]',
        'relation["building"]',
        'way["building:part"]',
        'relation["building:part"]',
        'way["tunnel"="building_passage"]',
    ),
    "trees": ('node["natural"="tree"]', 'way["natural"="tree_row"]'),
    "streets": ('way["highway"]', 'way["railway"]'),
    "ground": (
        'way["natural"]',
        'relation["natural"]',
        'way["landuse"]',
        'relation["landuse"]',
        'way["leisure"="park"]',
        'way["waterway"]',
    ),
}
"""What can be asked of OpenStreetMap, as selections of Overpass' query language."""

COMPUTED = 120
"""Time that Overpass may compute [s]; our limit to read is longer."""

_REMARK = re.compile(rb'"remark"\s*:\s*"([^"]*)"')
_TAIL = 4096
_RELEASE = re.compile(r"\d{4}-\d{2}-\d{2}\.\d+")


def osm_request(
    place: Place, radius: float, *, theme: str = "buildings", server: str = OVERPASS
) -> Request:
    """Ask Overpass for one theme of OpenStreetMap in a window.

    Parameters
    ----------
    place : Place
        Middle of the window.
    radius : float
        From the middle to its edges [m].
    theme : str
        One of `THEMES`.
    server : str
        An Overpass interpreter.

    Returns
    -------
    Request
        Of JSON that `gis.sources.osm.read_osm` reads.
    """
    check_one_of(theme, tuple(THEMES), "theme")
    window = place.window(radius)
    box = f"{window.south:.5f},{window.west:.5f},{window.north:.5f},{window.east:.5f}"
    chosen = ";".join(THEMES[theme])
    query = (
        f"[out:json][timeout:{COMPUTED}][bbox:{box}];({chosen};);out body;>;out skel qt;"
    )
    return Request(
        f"{server}?{urlencode({'data': query})}",
        "osm",
        OSM,
        safe_name(f"osm_{theme}_{place.words}_r{radius:.0f}.json"),
        Form.JSON,
        credential=None,
        spacing=5.0,
        least_wait=30.0,
        complaint=overpass_complaint,
    )


def overpass_complaint(path: Path) -> str:
    """Tell of a reply whether Overpass ran out of time or memory while writing it.

    Parameters
    ----------
    path : Path
        A reply.

    Returns
    -------
    str
        "" if it is whole.
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL, 0))
        told = _REMARK.search(file.read())
    remark = told.group(1).decode("utf-8", "replace") if told else ""
    if "error" not in remark.lower():
        return ""
    words = "".join(letter for letter in remark if letter.isprintable())[:120]
    return f"gave only a part of the data ({words})"


def declaration_request(
    *,
    municipality: str = "",
    address: str = "",
    estate: str = "",
    server: str = BOVERKET_API,
) -> Request:
    """Ask Boverket for the energy declarations of an address or an estate.

    Parameters
    ----------
    municipality, address, estate : str
        Address, or municipality and estate (fastighetsbeteckning).
    server : str
        The service.

    Returns
    -------
    Request
        Of JSON that `gis.sources.boverket` reads; needs a key.
    """
    if bool(address) == bool(estate) or (estate and not municipality):
        message = (
            "declarations are asked for by an address, or by municipality and estate, got "
            f"address {address!r}, municipality {municipality!r}, estate {estate!r}"
        )
        raise SourceError(message)
    asked = {"adress": address, "kommun": municipality, "fastighetsbeteckning": estate}
    given = {name: value for name, value in asked.items() if value}
    return Request(
        f"{server}?{urlencode(given)}",
        "boverket",
        BOVERKET,
        safe_name(f"boverket_{'_'.join(given.values())}.json"),
        Form.JSON,
        max_age=timedelta(days=90),
        most_bytes=40_000_000,
        credential=BOVERKET_KEY,
        spacing=0.2,
        least_wait=2.0,
    )


def copernicus_request(place: Place, *, server: str = COPERNICUS_BUCKET) -> Request:
    """Ask for the tile of the Copernicus DEM that holds a place.

    Parameters
    ----------
    place : Place
        Where; no tile exists over open sea.
    server : str
        The bucket.

    Returns
    -------
    Request
        Of a GeoTIFF of one degree, 30 m, a surface (with buildings), EGM2008.
    """
    name = copernicus_tile(place)
    return Request(
        f"{server.rstrip('/')}/{name}/{name}.tif",
        "copernicus",
        COPERNICUS,
        f"{name}.tif",
        Form.TIFF,
        max_age=timedelta(days=365),
    )


def copernicus_tile(place: Place) -> str:
    """Return the name of the tile of a place, after its south-west corner.

    Examples
    --------
    >>> copernicus_tile(Place(56.04, 12.69))
    'Copernicus_DSM_COG_10_N56_00_E012_00_DEM'
    >>> copernicus_tile(Place(-33.9, -70.1))
    'Copernicus_DSM_COG_10_S34_00_W071_00_DEM'
    """
    south, west = math.floor(place.latitude), math.floor(place.longitude)
    north_south, east_west = "S" if south < 0 else "N", "W" if west < 0 else "E"
    return (
        f"Copernicus_DSM_COG_10_{north_south}{abs(south):02d}_00_"
        f"{east_west}{abs(west):03d}_00_DEM"
    )


def overture_request(
    release: str, *, kind: str = "building", server: str = OVERTURE_BUCKET
) -> Request:
    """Ask for the list of a release's building files.

    Parameters
    ----------
    release : str
        Such as "2026-06-17.0".
    kind : str
        "building" or "building_part".
    server : str
        The bucket.

    Returns
    -------
    Request
        Of XML. The files cover the world in pieces of a gigabyte; cut a window out of them
        with Overture's own program, and `gis.sources.overture` reads it.
    """
    check_one_of(kind, ("building", "building_part"), "kind")
    if not _RELEASE.fullmatch(release):
        message = f"a release must be a date and a number, got {release[:40]!r}"
        raise SourceError(message)
    prefix = f"release/{release}/theme=buildings/type={kind}/"
    asked = urlencode({"list-type": 2, "prefix": prefix})
    return Request(
        f"{server}?{asked}",
        "overture",
        OVERTURE,
        safe_name(f"overture_{release}_{kind}_files.xml"),
        Form.XML,
        max_age=timedelta(days=30),
    )


def base_map_request(*, server: str = BASE_MAP) -> Request:
    """Ask the City of Helsingborg for its base map, a zip of GeoJSON.

    Parameters
    ----------
    server : str
        Address of the file.

    Returns
    -------
    Request
        Of what `gis.sources.baskarta` reads.
    """
    return Request(
        server,
        "baskarta",
        HELSINGBORG,
        "helsingborg_baskarta.zip",
        Form.ZIP,
        max_age=timedelta(days=30),
        most_bytes=1_000_000_000,
        spacing=1.0,
    )
