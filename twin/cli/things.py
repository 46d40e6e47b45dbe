"""Exchange the things of a twin with other programs on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.model import Model

import_app = typer.Typer(
    help="Take over what other programs know of a twin.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


# One command would stand for the whole group without this.
@import_app.callback()
def importing() -> None:
    """Take over what other programs know of a twin."""


Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]


def export_things(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    form: Annotated[
        str,
        typer.Option(
            "--as",
            help="jsonld: Brick 1.4 with RealEstateCore 4; csv: one row for each point.",
        ),
    ] = "jsonld",
) -> None:
    """Write buildings, systems and measuring points, for building management and planners.

    Example: heidi export things heidi-demo --as csv --out things.csv
    """
    from twin.exchange.replacing import write_things
    from twin.things import FILE, read_model

    model = read_model(folder / FILE)
    write_things(out, model, form=form)
    typer.echo(
        f"written: {out} ({len(model.buildings):,} buildings, "
        f"{len(model.systems):,} systems, {len(model.points):,} points)"
    )


@import_app.command("things")
def import_things(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON-LD (.jsonld), a table (.csv), or a model.json kept by an import.",
        ),
    ],
    folder: Folder,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
) -> None:
    """Replace the systems and measuring points of a twin by those of a file.

    Buildings stay those of the twin. The old things are kept beside the new ones as
    model.DATE.json: importing that file undoes this. heidi build makes the default ones
    again. A running heidi serve sees the new things when it is started again.

    Example: heidi import things things.csv heidi-demo --dry-run
    """
    from twin.exchange.replacing import changes, check_fits, read_things, replace_things
    from twin.things import FILE, read_model

    old = read_model(folder / FILE)
    imported = read_things(file)
    check_fits(folder, old, imported.model)
    for note in imported.notes:
        typer.echo(f"note: {note}", err=True)
    for line in changes(old, imported.model):
        typer.echo(line)
    if dry_run:
        typer.echo("nothing written (--dry-run)")
        return
    if imported.model == old:
        typer.echo("nothing to write: the things are the same")
    else:
        kept = replace_things(folder, imported.model)
        typer.echo(f"written: {folder / FILE}")
        typer.echo(f"undo: heidi import things {kept} {folder}")
    _write_expected(folder, imported.model)


def _write_expected(folder: Path, model: "Model") -> None:
    """Write what systems that tell their size, and collectors, should give in a year."""
    from gis.errors import HeidiError
    from twin.expected_systems import FILE, own_systems, write_systems
    from twin.reopen import open_twin

    if not own_systems(model):
        (folder / FILE).unlink(missing_ok=True)
        return
    try:
        with Stages() as told:
            count = write_systems(folder, open_twin(folder, progress=told), model)
    except HeidiError as error:
        # The things are written all the same; only their expectation is lacking.
        typer.echo(f"note: nothing is expected of collectors yet: {error}", err=True)
        return
    if count:
        typer.echo(f"written: {folder / FILE} ({count:,} systems)")
