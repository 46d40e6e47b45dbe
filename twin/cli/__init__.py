"""Offer the twin on the command line.

One module per group of commands. They import what they work with inside the commands: a
question about the live state must not wait for the libraries of the light.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from gis.errors import HeidiError
from twin.cli.boundary import boundary
from twin.cli.build import build, demo
from twin.cli.check import check
from twin.cli.daylight import daylight
from twin.cli.expect import expect
from twin.cli.export import export_app
from twin.cli.fetch import fetch_app
from twin.cli.ground import ground_app
from twin.cli.hints import hints
from twin.cli.ingest import ingest
from twin.cli.light import light
from twin.cli.listen import listen
from twin.cli.live import serve, simulate, status
from twin.cli.modules import collectors, modules
from twin.cli.quarantine import quarantine
from twin.cli.render import render_app
from twin.cli.site import site_app
from twin.cli.solar import solar
from twin.cli.store import app as store_app
from twin.cli.things import export_things, import_app
from twin.cli.weather import weather_app

app = typer.Typer(
    help="Digital twin of the Helsingborg Innovation District.",
    epilog="Start with: heidi demo --out heidi-demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo,
    build,
    check,
    boundary,
    solar,
    light,
    daylight,
    simulate,
    status,
    serve,
    listen,
    modules,
    collectors,
    expect,
    hints,
    ingest,
    quarantine,
):
    app.command()(command)
app.add_typer(site_app, name="site")
app.add_typer(render_app, name="render")
app.add_typer(weather_app, name="weather")
app.add_typer(fetch_app, name="fetch")
app.add_typer(export_app, name="export")
app.add_typer(store_app, name="store")
export_app.command("things")(export_things)
app.add_typer(import_app, name="import")
app.add_typer(ground_app, name="ground")


def _tell_version(*, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"heidi {version('heidi-twin')}")
        raise typer.Exit


@app.callback()
def heidi(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Tell the version and end.",
            is_eager=True,
            callback=lambda wanted: _tell_version(wanted=wanted),
        ),
    ] = False,
) -> None:
    """Build, light and question a city district."""


def main() -> None:
    """Run the command line; what the user can mend becomes one line and exit code 2."""
    try:
        app()
    except HeidiError as error:
        typer.echo(f"heidi: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
