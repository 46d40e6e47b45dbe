"""List the known sources of data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gis.sources import services, stac, weather_services
from gis.sources.origin import Origin
from gis.sources.request import Credential, Request

Requester = Callable[..., Request]


@dataclass(frozen=True)
class Source:
    """One source of data.

    Attributes
    ----------
    key : str
        Short name, as ``heidi fetch`` takes it.
    origin : Origin
        Whose data it is, licence and credit.
    gives : str
        What it tells of a district.
    address : str
        What is asked, with the variable parts in braces.
    limits : str
        How often and how much may be asked, "" where nobody says.
    basis : str
        Where address and terms are known from: "published" in the provider's own pages, or
        "not confirmed": try it, and tell us.
    request : callable
        Builds a request; its arguments differ.
    credential : Credential or None
        Account or key that it needs.
    """

    key: str
    origin: Origin
    gives: str
    address: str
    limits: str
    basis: str
    request: Requester
    credential: Credential | None = None


PUBLISHED, UNCONFIRMED = "published", "not confirmed"


def _stac_source(product: stac.Product, gives: str) -> Source:
    """Return the source of one of Lantmäteriet's products."""

    def request(*args: Any, **options: Any) -> Request:  # noqa: ANN401
        return stac.search_request(product, *args, **options)

    return Source(
        product.key,
        product.origin,
        gives,
        f"{stac.LANTMATERIET_API}/{product.catalogue}/search?bbox={{window}}",
        "429 when asked too often",
        PUBLISHED,
        request,
        stac.LANTMATERIET_KEY,
    )


SOURCES = (
    Source(
        "osm",
        services.OSM,
        "outlines, storeys, heights, roof shapes, names, uses; trees, streets, ground",
        f"{services.OVERPASS}?data={{query}}",
        "one query after the other; 30 s of rest after 429",
        PUBLISHED,
        services.osm_request,
    ),
    _stac_source(stac.BUILDINGS, "outlines, names, purposes; no heights"),
    _stac_source(stac.TERRAIN, "bare ground, 1 m, RH2000"),
    _stac_source(stac.CLOUD, "1 to 2 points/m2: roof heights; no class for buildings"),
    Source(
        "baskarta",
        services.HELSINGBORG,
        "outlines, purposes; roads, ground, estates",
        services.BASE_MAP,
        "",
        UNCONFIRMED,
        services.base_map_request,
    ),
    Source(
        "boverket",
        services.BOVERKET,
        "energy class, primary energy number, energy use",
        f"{services.BOVERKET_API}?kommun={{}}&fastighetsbeteckning={{}} or ?adress={{}}",
        "10 calls in 2 s, 1,500 and 40 MB a day",
        PUBLISHED,
        services.declaration_request,
        services.BOVERKET_KEY,
    ),
    Source(
        "copernicus",
        services.COPERNICUS,
        "surface, 30 m, EGM2008: hills of the far horizon",
        f"{services.COPERNICUS_BUCKET}/{{tile}}/{{tile}}.tif",
        "",
        PUBLISHED,
        services.copernicus_request,
    ),
    Source(
        "overture",
        services.OVERTURE,
        "list of the building files of a release",
        f"{services.OVERTURE_BUCKET}?list-type=2&prefix={{release}}",
        "",
        PUBLISHED,
        services.overture_request,
    ),
    Source(
        "pvgis",
        weather_services.PVGIS,
        "typical year, hourly radiation from satellites, horizon",
        f"{weather_services.PVGIS_API}/{{tool}}?lat={{latitude}}&lon={{longitude}}",
        "30 calls in 1 s",
        PUBLISHED,
        weather_services.pvgis_request,
    ),
    Source(
        "smhi",
        weather_services.SMHI,
        "temperature, wind, humidity at stations, measured",
        f"{weather_services.METOBS}/parameter/{{}}/station/{{}}/period/{{}}/data.csv",
        "",
        PUBLISHED,
        weather_services.metobs_request,
    ),
    Source(
        "strang",
        weather_services.STRANG,
        "hourly radiation fields, modelled, northern Europe",
        f"{weather_services.STRANG_API}/geotype/point/lon/{{}}/lat/{{}}/parameter/{{}}/data.json",
        "",
        PUBLISHED,
        weather_services.strang_request,
    ),
    Source(
        "epw",
        weather_services.EPW,
        "typical years of stations in EnergyPlus' format",
        f"{weather_services.CLIMATE}/{{file}}.zip",
        "",
        UNCONFIRMED,
        weather_services.epw_request,
    ),
)
"""All of them, buildings first, weather last."""
