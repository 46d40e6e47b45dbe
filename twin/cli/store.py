"""Take care of a twin's observations on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from gis.errors import SourceError, TableError

app = typer.Typer(
    help="Take care of the observations of a twin: move, check, copy, retire, adopt.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Twin folder.")]


@app.command()
def compact(folder: Folder) -> None:
    """Move what came in into the history, where long questions are answered fast.

    Example: heidi store compact heidi-demo
    """
    from twin.store.opening import open_store

    with open_store(_known(folder)) as store:
        moved = store.compact()
    typer.echo(f"{moved:,} statements moved into the history")


@app.command()
def rebuild(folder: Folder) -> None:
    """Check everything, and make again what follows from the statements.

    Example: heidi store rebuild heidi-demo
    """
    from twin.store.opening import open_store

    with open_store(_known(folder)) as store:
        store.rebuild()
        last = store.sequence
    typer.echo(f"all is whole: {last:,} statements have come in so far")


@app.command()
def retire(
    folder: Folder,
    before: Annotated[
        str,
        typer.Option(
            "--before", help="First moment that stays, such as 2020-01-01T00:00Z."
        ),
    ],
    *,
    sure: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only tell what would go.")
    ] = False,
) -> None:
    """Forget statements of times before a moment, for good. Make an export first.

    Example: heidi store retire heidi-demo --before 2020-01-01T00:00Z --yes
    """
    from twin.ingest.gate import read_time
    from twin.store.opening import open_store

    first = read_time(before)
    with open_store(_known(folder), read_only=not sure) as store:
        if sure:
            typer.echo(f"{store.retire(first):,} statements retired")
            return
        span = store.span()
        begin = first if span is None else min(span[0], first)
        held = sum(heard for heard, _ in store.coverage(begin, first).values())
    typer.echo(f"{held:,} values would go, with what they superseded; --yes does it")


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="New folder for the copy.")],
) -> None:
    """Copy everything to open files, which any store takes back.

    Example: heidi store export heidi-demo --out observations-2026-11
    """
    from twin.store.opening import open_store

    with open_store(_known(folder), read_only=True) as store:
        store.export(out)
    typer.echo(f"everything is in {out}")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="COPY", help="What export wrote.")],
    folder: Folder,
) -> None:
    """Take a copy back into a twin that holds no observations.

    Example: heidi store restore observations-2026-11 heidi-demo
    """
    from twin.store.opening import open_store

    with open_store(_known(folder)) as store:
        receipt = store.restore(source)
    typer.echo(f"{receipt.new + receipt.revised:,} statements restored")


@app.command()
def adopt(
    folder: Folder,
    *,
    sure: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only tell whose they are.")
    ] = False,
) -> None:
    """Tie a rebuilt or moved folder to what PostgreSQL keeps under its name.

    Another folder that is tied to it stays so: let only one be fed.

    Example: heidi store adopt heidi-demo --yes
    """
    from twin.store.opening import open_untied
    from twin.store.postgres_identity import is_own, write_identity

    with open_untied(_known(folder)) as store:
        kept, where, last = store.identity, store.where, store.sequence
    if kept is None:
        message = (
            f"{where} must be some folder's to be adopted, but is nobody's yet; the first "
            "that is opened for writing gets it (heidi store compact)"
        )
        raise SourceError(message)
    if is_own(folder, kept):
        typer.echo(f"{folder} is tied to {where} already")
        return
    held = f"{where}, {last:,} statements, identity {kept.number[:8]}, first fed from"
    if sure:
        write_identity(folder, kept)
        typer.echo(f"{folder} is tied to {held} {kept.origin}")
    else:
        typer.echo(f"{folder} would be tied to {held} {kept.origin}; --yes does it")


def _known(folder: Path) -> Path:
    """Return a folder that is a twin's; a slip of the pen makes no store elsewhere."""
    if not (folder / "heidi.toml").is_file():
        message = f"{folder} must be a twin folder, but has no heidi.toml; name another"
        raise TableError(message)
    return folder
