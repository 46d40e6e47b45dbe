"""Get data from its providers on the command line."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gis.errors import SourceError

fetch_app = typer.Typer(
    help="Get data from its providers, with licence and credit.",
    epilog="Start with: heidi fetch osm --around 56.043,12.695 --radius 800 --dry-run",
    no_args_is_help=False,
    rich_markup_mode=None,
)

Around = Annotated[
    str,
    typer.Option(
        "--around", metavar="LAT,LON", help="Place, for example 56.043,12.695 [degrees]."
    ),
]
Radius = Annotated[
    float, typer.Option("--radius", help="From the place to the edges of the window [m].")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the files; made if missing.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Folder that keeps what was fetched. Default: the user's cache."
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Use no network, only the cache, at any age."),
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Ask the server even if the copy is young.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only show what would be asked, and on what terms."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Mirror = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Ask this server instead: a mirror or another version. It gets no account.",
    ),
]
FOLDER = Path("heidi-data")


@fetch_app.callback(invoke_without_command=True)
def fetch(
    context: typer.Context, cache: CacheFolder = None, *, as_json: AsJson = False
) -> None:
    """List the sources, their licences and what was fetched; or fetch from one.

    Example: heidi fetch osm --around 56.043,12.695 --radius 800 --out my-data
    """
    if context.invoked_subcommand is not None:
        return
    from twin.cli.fetch_run import cache_in
    from twin.cli.fetch_table import show_sources

    show_sources(cache_in(cache), as_json=as_json)


@fetch_app.command()
def osm(
    around: Around,
    radius: Radius = 800.0,
    theme: Annotated[
        str, typer.Option("--theme", help="buildings, trees, streets or ground.")
    ] = "buildings",
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch from OpenStreetMap by Overpass: ODbL, name the contributors.

    Example: heidi fetch osm --around 56.043,12.695 --radius 800 --out my-data
    """
    from gis.sources.place import read_place
    from gis.sources.services import OVERPASS, osm_request
    from twin.cli.fetch_run import Wish, get

    place = read_place(around)
    request = osm_request(place, radius, theme=theme, server=server or OVERPASS)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def buildings(
    around: Around,
    radius: Radius = 800.0,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch Lantmäteriet's buildings of the municipality: needs a free account.

    Example: heidi fetch buildings --around 56.043,12.695 --out my-data
    """
    from twin.cli.fetch_run import Wish, get_tiles

    wish = Wish(out, cache, offline, refresh, dry_run, as_json)
    get_tiles("buildings", around, radius, server, wish)


@fetch_app.command()
def terrain(
    around: Around,
    radius: Radius = 800.0,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch Lantmäteriet's terrain, 1 m: needs a free account.

    Example: heidi fetch terrain --around 56.043,12.695 --radius 800 --out my-data
    """
    from twin.cli.fetch_run import Wish, get_tiles

    wish = Wish(out, cache, offline, refresh, dry_run, as_json)
    get_tiles("terrain", around, radius, server, wish)


@fetch_app.command()
def cloud(
    around: Around,
    radius: Radius = 800.0,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch Lantmäteriet's point cloud (Laserdata Skog): needs a free account.

    Example: heidi fetch cloud --around 56.043,12.695 --radius 800 --out my-data
    """
    from twin.cli.fetch_run import Wish, get_tiles

    wish = Wish(out, cache, offline, refresh, dry_run, as_json)
    get_tiles("cloud", around, radius, server, wish)


@fetch_app.command()
def baskarta(
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the base map of the City of Helsingborg.

    Example: heidi fetch baskarta --out my-data
    """
    from gis.sources.services import BASE_MAP, base_map_request
    from twin.cli.fetch_run import Wish, get

    request = base_map_request(server=server or BASE_MAP)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def boverket(
    address: Annotated[
        str, typer.Option("--address", help="Street and number, with the town.")
    ] = "",
    municipality: Annotated[
        str, typer.Option("--municipality", help="Municipality of the estate.")
    ] = "",
    estate: Annotated[
        str, typer.Option("--estate", help="Estate (fastighetsbeteckning).")
    ] = "",
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch energy declarations of Boverket: needs a free key.

    Example: heidi fetch boverket --municipality Helsingborg --estate "Hermes 10"
    """
    from gis.sources.services import declaration_request
    from twin.cli.fetch_run import Wish, get

    request = declaration_request(municipality=municipality, address=address, estate=estate)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def copernicus(
    around: Around,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the tile of the Copernicus DEM, 30 m, for the hills of the horizon.

    Example: heidi fetch copernicus --around 56.043,12.695 --out my-data
    """
    from gis.sources.place import read_place
    from gis.sources.services import COPERNICUS_BUCKET, copernicus_request
    from twin.cli.fetch_run import Wish, get

    request = copernicus_request(read_place(around), server=server or COPERNICUS_BUCKET)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def overture(
    release: Annotated[str, typer.Option("--release", help="Such as 2026-06-17.0.")],
    kind: Annotated[
        str, typer.Option("--kind", help="building or building_part.")
    ] = "building",
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the list of a release's building files; they cover the world.

    Example: heidi fetch overture --release 2026-06-17.0 --out my-data
    """
    from gis.sources.services import OVERTURE_BUCKET, overture_request
    from twin.cli.fetch_run import Wish, get

    request = overture_request(release, kind=kind, server=server or OVERTURE_BUCKET)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def pvgis(
    around: Around,
    tool: Annotated[
        str, typer.Option("--tool", help="tmy, seriescalc or printhorizon.")
    ] = "tmy",
    years: Annotated[
        str | None, typer.Option("--years", help="Such as 2005-2020, or one year.")
    ] = None,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a typical year, an hourly series or the horizon from PVGIS.

    Example: heidi fetch pvgis --around 56.043,12.695 --tool tmy --out my-data
    """
    from gis.sources.place import read_place
    from gis.sources.weather_services import PVGIS_API, pvgis_request
    from twin.cli.fetch_run import Wish, get

    request = pvgis_request(
        read_place(around), tool=tool, years=_years(years), server=server or PVGIS_API
    )
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def smhi(
    parameter: Annotated[
        list[int],
        typer.Option(
            "--parameter",
            help="1 temperature, 4 wind, 6 humidity, 11 global irradiance, ...; repeat it.",
        ),
    ],
    station: Annotated[
        int, typer.Option("--station", help="Number; 62040 is Helsingborg A.")
    ] = 62040,
    period: Annotated[
        str,
        typer.Option(
            "--period",
            help="latest-hour, latest-day, latest-months or corrected-archive.",
        ),
    ] = "corrected-archive",
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch measured weather of SMHI's stations: CC BY 4.0.

    Example: heidi fetch smhi --parameter 1 --parameter 4 --out my-data
    """
    from gis.sources.weather_services import METOBS, metobs_request
    from twin.cli.fetch_run import Wish, get

    requests = [
        metobs_request(number, station=station, period=period, server=server or METOBS)
        for number in parameter
    ]
    get(requests, Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def strang(
    around: Around,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"])],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"])],
    parameter: Annotated[
        list[int] | None,
        typer.Option(
            "--parameter",
            help="117 global, 118 direct, 122 diffuse, ...; repeat it. Default: these.",
        ),
    ] = None,
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch modelled radiation of SMHI (STRANG), northern Europe: CC BY 4.0.

    Example: heidi fetch strang --around 56.043,12.695 --from 2024-01-01 --to 2024-12-31
    """
    from gis.sources.place import read_place
    from gis.sources.weather_services import STRANG_API, strang_request
    from twin.cli.fetch_run import Wish, get

    requests = [
        strang_request(
            read_place(around),
            number,
            first=first.date(),
            last=last.date(),
            server=server or STRANG_API,
        )
        for number in parameter or (117, 118, 122)
    ]
    get(requests, Wish(out, cache, offline, refresh, dry_run, as_json))


@fetch_app.command()
def epw(
    file: Annotated[
        str,
        typer.Option("--file", help="Country, region and name on climate.onebuilding.org."),
    ] = "SWE_Sweden/SN_Skane/SWE_SN_Malmo.026350_TMYx.2009-2023.zip",
    server: Mirror = None,
    out: Out = FOLDER,
    cache: CacheFolder = None,
    *,
    offline: Offline = False,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the typical year of a weather station.

    Example: heidi fetch epw --out my-data
    """
    from gis.sources.weather_services import CLIMATE, epw_request
    from twin.cli.fetch_run import Wish, get

    request = epw_request(file, server=server or CLIMATE)
    get([request], Wish(out, cache, offline, refresh, dry_run, as_json))


def _years(text: str | None) -> tuple[int, int] | None:
    """Read one year or two with a dash between."""
    if text is None:
        return None
    words = text.split("-")
    if not (1 <= len(words) <= 2 and all(w.isdigit() and len(w) == 4 for w in words)):
        message = f"years must be written as 2005-2020 or 2019, got {text[:20]!r}"
        raise SourceError(message)
    return int(words[0]), int(words[-1])
