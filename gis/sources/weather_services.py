"""Write the requests that weather services understand."""

import re
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from gis.errors import SourceError
from gis.sources.origin import Origin
from gis.sources.place import Place
from gis.sources.request import Form, Request, check_one_of, safe_name

PVGIS = Origin(
    "European Commission, Joint Research Centre",
    "PVGIS 5.3",
    "not stated",
    "PVGIS © European Union",
)
SMHI = Origin("SMHI", "observations (metobs)", "CC BY 4.0", "SMHI")
STRANG = Origin("SMHI", "STRANG radiation fields", "CC BY 4.0", "SMHI")
EPW = Origin(
    "climate.onebuilding.org",
    "typical year (TMYx)",
    "not stated",
    "climate.onebuilding.org",
)

PVGIS_API = "https://re.jrc.ec.europa.eu/api/v5_3"
METOBS = "https://opendata-download-metobs.smhi.se/api/version/1.0"
STRANG_API = "https://opendata-download-metanalys.smhi.se/api/category/strang1g/version/1"
CLIMATE = "https://climate.onebuilding.org/WMO_Region_6_Europe"

TOOLS = ("tmy", "seriescalc", "printhorizon")
FIRST_YEAR = 2005  # of PVGIS' radiation
PERIODS = ("latest-hour", "latest-day", "latest-months", "corrected-archive")
PARAMETERS = {
    1: "air temperature",
    3: "wind direction",
    4: "wind speed",
    6: "relative humidity",
    7: "precipitation",
    9: "pressure",
    11: "global irradiance",
    39: "dew point",
}
RADIATION = {
    116: "CIE-weighted UV",
    117: "global horizontal",
    118: "direct normal",
    119: "sunshine",
    120: "PAR",
    121: "direct horizontal",
    122: "diffuse horizontal",
}
STATION = 62040
"""Helsingborg A."""

_EPW_FILE = re.compile(r"[A-Za-z0-9_./-]+\.zip")


def pvgis_request(
    place: Place,
    *,
    tool: str = "tmy",
    years: tuple[int, int] | None = None,
    server: str = PVGIS_API,
) -> Request:
    """Ask PVGIS for a typical year, an hourly series or the horizon of a place.

    Parameters
    ----------
    place : Place
        Where.
    tool : str
        One of `TOOLS`.
    years : (int, int), optional
        First and last year; for ``tmy`` ten or more.
    server : str
        The service with its version.

    Returns
    -------
    Request
        Of JSON that `gis.sources.weather_files.read_weather` or
        `gis.sources.horizon_files.read_pvgis_horizon` reads. Light is asked for without
        the shade of hills: the twin has terrain and horizon of its own.
    """
    check_one_of(tool, TOOLS, "tool")
    asked: dict[str, object] = {
        "lat": f"{place.latitude:.4f}",
        "lon": f"{place.longitude:.4f}",
        "outputformat": "json",
    }
    if tool != "printhorizon":
        asked["usehorizon"] = 0
    if tool == "seriescalc":
        asked |= {"angle": 0, "aspect": 0, "components": 1}
    span = ""
    if years is not None:
        first, last = years
        if tool == "printhorizon":
            message = "a horizon has no years, got some; leave them out"
            raise SourceError(message)
        least = 10 if tool == "tmy" else 1
        if not (first >= FIRST_YEAR and last - first + 1 >= least):
            message = (
                f"years must begin in {FIRST_YEAR} or later and be {least} or more, got "
                f"{first}..{last}; change them"
            )
            raise SourceError(message)
        asked |= {"startyear": first, "endyear": last}
        span = f"_{first}-{last}"
    return Request(
        f"{server.rstrip('/')}/{tool}?{urlencode(asked)}",
        "pvgis",
        PVGIS,
        safe_name(f"pvgis_{tool}_{place.words}{span}.json"),
        Form.JSON,
        max_age=timedelta(days=180),
        spacing=0.05,
    )


def metobs_request(
    parameter: int,
    *,
    station: int = STATION,
    period: str = "corrected-archive",
    server: str = METOBS,
) -> Request:
    """Ask SMHI for the observations of one quantity at one station.

    Parameters
    ----------
    parameter : int
        One of `PARAMETERS`.
    station : int
        Number of the station.
    period : str
        One of `PERIODS`; the archive ends about three months ago.
    server : str
        The service with its version.

    Returns
    -------
    Request
        Of CSV that `gis.sources.weather_files.read_weather` reads.
    """
    check_one_of(parameter, tuple(PARAMETERS), "parameter")
    check_one_of(period, PERIODS, "period")
    if not 1 <= station <= 9_999_999:
        message = f"a station must be a number of SMHI such as {STATION}, got {station}"
        raise SourceError(message)
    path = f"parameter/{parameter}/station/{station}/period/{period}/data.csv"
    return Request(
        f"{server.rstrip('/')}/{path}",
        "smhi",
        SMHI,
        safe_name(f"smhi_{station}_{parameter}_{period}.csv"),
        Form.CSV,
        max_age=timedelta(hours=1 if period.startswith("latest") else 24 * 7),
        spacing=0.5,
    )


def strang_request(
    place: Place, parameter: int, *, first: date, last: date, server: str = STRANG_API
) -> Request:
    """Ask SMHI for the hourly radiation of one kind at a place.

    Parameters
    ----------
    place : Place
        Where, in northern Europe.
    parameter : int
        One of `RADIATION`.
    first, last : date
        Days of the series, the last one included.
    server : str
        The service with its version.

    Returns
    -------
    Request
        Of JSON that `gis.sources.weather_files.read_weather` reads.
    """
    check_one_of(parameter, tuple(RADIATION), "parameter")
    if first > last:
        message = f"a series must not end before it begins, got {first}..{last}; swap them"
        raise SourceError(message)
    where = f"lon/{place.longitude:.4f}/lat/{place.latitude:.4f}"
    asked = urlencode(
        {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "interval": "hourly"}
    )
    path = f"geotype/point/{where}/parameter/{parameter}/data.json"
    return Request(
        f"{server.rstrip('/')}/{path}?{asked}",
        "strang",
        STRANG,
        safe_name(f"strang_{parameter}_{place.words}_{first:%Y%m%d}-{last:%Y%m%d}.json"),
        Form.JSON,
        max_age=timedelta(days=30),
        spacing=0.5,
    )


def epw_request(
    file: str = "SWE_Sweden/SN_Skane/SWE_SN_Malmo.026350_TMYx.2009-2023.zip",
    *,
    server: str = CLIMATE,
) -> Request:
    """Ask for the typical year of a station.

    Parameters
    ----------
    file : str
        Country, region and name on climate.onebuilding.org.
    server : str
        Folder of the continent.

    Returns
    -------
    Request
        Of a zip with an EPW file in it.
    """
    if not _EPW_FILE.fullmatch(file) or ".." in file:
        message = f"a typical year must be named as its page does, got {file[:60]!r}"
        raise SourceError(message)
    return Request(
        f"{server.rstrip('/')}/{quote(file)}",
        "epw",
        EPW,
        safe_name(file.rpartition("/")[2]),
        Form.ZIP,
        max_age=timedelta(days=365),
        spacing=2.0,
    )
