"""Offer the twin on the command line.

One module per group of commands. They import what they work with inside the commands: a
question about the live state must not wait for the libraries of the light.
"""

import sys

import typer

from gis.errors import HeidiError
from twin.cli.build import build, demo

app = typer.Typer(
    help="Digital twin of the Helsingborg Innovation District.",
    epilog="Start with: heidi demo --out heidi-demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(build)


@app.callback()
def heidi() -> None:
    """Build, light and question a city district."""


def main() -> None:
    """Run the command line; what the user can mend becomes one line and exit code 2."""
    try:
        app()
    except HeidiError as error:
        typer.echo(f"heidi: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
