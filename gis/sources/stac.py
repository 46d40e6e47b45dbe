"""Find Lantmäteriet's files in its catalogue (STAC)."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

from gis.errors import SourceError
from gis.faults import name_some
from gis.sources import json_text
from gis.sources.origin import Origin
from gis.sources.place import Place
from gis.sources.request import Credential, Form, Request, safe_name

LANTMATERIET_API = "https://api.lantmateriet.se"
LANTMATERIET_KEY = Credential(
    ("HEIDI_LANTMATERIET_USER", "HEIDI_LANTMATERIET_PASSWORD"),
    "Authorization",
    ("dl1.lantmateriet.se",),
    "an account of Geotorget (geotorget.lantmateriet.se) is free",
)

MOST_TILES = 64
"""Files of one window; a district has one to four."""

PAGE = 100
"""Items asked for at once."""


@dataclass(frozen=True)
class Product:
    """One kind of Lantmäteriet's files.

    Attributes
    ----------
    key : str
        Key of the source in `gis.sources.catalogue`.
    origin : Origin
        Whose data it is.
    catalogue : str
        Part of the address of its catalogue.
    folder, ending : str
        What the path of its files holds, and how it ends.
    form : Form
        What its files are.
    """

    key: str
    origin: Origin
    catalogue: str
    folder: str
    ending: str
    form: Form


def _origin(dataset: str) -> Origin:
    """Return whose data it is."""
    return Origin("Lantmäteriet", dataset, "CC BY 4.0", "© Lantmäteriet")


TERRAIN = Product(
    "terrain",
    _origin("Markhöjdmodell, 1 m"),
    "stac-hojd/v1",
    "/grid/mhm/",
    ".tif",
    Form.TIFF,
)
CLOUD = Product(
    "cloud",
    _origin("Laserdata Skog"),
    "stac-hojd/v1",
    "/pointcloud/",
    ".copc.laz",
    Form.LAS,
)
BUILDINGS = Product(
    "buildings",
    _origin("buildings, Byggnad Nedladdning"),
    "stac-vektor/v1",
    "/byggnad_kn",
    ".zip",
    Form.ZIP,
)
PRODUCTS = {product.key: product for product in (TERRAIN, CLOUD, BUILDINGS)}


def search_request(
    product: Product, place: Place, radius: float, *, server: str = LANTMATERIET_API
) -> Request:
    """Ask which files lie in a window; that needs no account.

    Parameters
    ----------
    product : Product
        What is wanted.
    place : Place
        Middle of the window.
    radius : float
        From the middle to its edges [m].
    server : str
        The service.

    Returns
    -------
    Request
        Of JSON that `found_requests` reads.
    """
    window = place.window(radius)
    box = f"{window.west:.5f},{window.south:.5f},{window.east:.5f},{window.north:.5f}"
    return Request(
        f"{server.rstrip('/')}/{product.catalogue}/search?"
        f"{urlencode({'bbox': box, 'limit': PAGE})}",
        product.key,
        product.origin,
        safe_name(f"lantmateriet_{product.key}_{place.words}_r{radius:.0f}_list.json"),
        Form.JSON,
        most_bytes=20_000_000,
        spacing=1.0,
    )


def found_requests(product: Product, reply: Path) -> tuple[Request, ...]:
    """Ask for the files that a search found.

    Parameters
    ----------
    product : Product
        What was asked for.
    reply : Path
        The catalogue's reply.

    Returns
    -------
    tuple of Request
        By address, each once; they need an account.

    Raises
    ------
    SourceError
        If the reply is no list of items, or holds no or too many fitting files.
    """
    text, _ = json_text.decode(json_text.read_bytes(reply), reply.name)
    document = json_text.mapping(json_text.parse(text, reply.name))
    if not isinstance(document.get("features"), list):
        message = f"{reply.name} must be a list of STAC items, it is not; fetch it again"
        raise SourceError(message)
    if any(json_text.mapping(link).get("rel") == "next" for link in _links(document)):
        message = (
            f"a window must hold at most {PAGE} items of Lantmäteriet, got more; take a "
            "smaller radius"
        )
        raise SourceError(message)
    found = set()
    for item in json_text.sequence(document["features"]):
        assets = json_text.mapping(json_text.mapping(item).get("assets"))
        found |= {str(json_text.mapping(asset).get("href")) for asset in assets.values()}
    fitting = sorted(url for url in found if _fits(url, product))
    if not fitting or len(fitting) > MOST_TILES:
        message = (
            f"a window must hold 1..{MOST_TILES} files of {product.origin.dataset}, got "
            f"{len(fitting)} among {len(found)} files ({name_some(sorted(found))[:200]}); "
            "change place or radius"
        )
        raise SourceError(message)
    return tuple(
        Request(
            url,
            product.key,
            product.origin,
            safe_name(f"lantmateriet_{unquote(urlsplit(url).path).rpartition('/')[2]}"),
            product.form,
            max_age=timedelta(days=180),
            most_bytes=4_000_000_000,
            credential=LANTMATERIET_KEY,
            spacing=1.0,
        )
        for url in fitting
    )


def _links(document: dict[str, object]) -> list[object]:
    """Return the links of a page of items."""
    return json_text.sequence(document.get("links"))


def _fits(url: str, product: Product) -> bool:
    """Whether an address is one of a product's files."""
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return False
    return product.folder in path and path.endswith(product.ending)
