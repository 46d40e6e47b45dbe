"""Write all that a store holds as open files that every store reads.

A folder holds ``observations.parquet``, every statement in order of arrival;
``quarantine.parquet``; and ``store.json`` with the editions and the order of names.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.errors import OutputError, SourceError
from twin.store.records import Edition, Quarantined

if TYPE_CHECKING:
    import pyarrow as pa

FORM = "heidi-observations"
VERSION = 1

STORE = "store.json"
OBSERVATIONS = "observations.parquet"
QUARANTINE = "quarantine.parquet"

BATCH = 1 << 20
"""Rows read at a time."""


@dataclass(frozen=True)
class Exported:
    """What a store holds besides its observations.

    Attributes
    ----------
    sequence, known : int
        Last number of the store, and the latest time that anything was learned.
    points : tuple of (str, str)
        Ids and buildings of the points, in the order of first arrival.
    sources : tuple of str
        In the order of first arrival.
    editions : tuple of Edition
        In the order of arrival.
    quarantine : tuple of Quarantined
        By number.
    """

    sequence: int = 0
    known: int = 0
    points: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()
    editions: tuple[Edition, ...] = ()
    quarantine: tuple[Quarantined, ...] = ()


def observation_schema() -> "pa.Schema":
    """Return the columns of a table of statements."""
    import pyarrow as pa

    return pa.schema(
        [
            ("point", pa.string()),
            ("time", pa.int64()),
            ("value", pa.float64()),
            ("source", pa.string()),
            ("quality", pa.int32()),
            ("version", pa.int64()),
            ("sequence", pa.int64()),
            ("known", pa.int64()),
            ("revision", pa.int64()),
        ]
    )


def write_exported(folder: Path, what: Exported, tables: Iterable["pa.Table"]) -> None:
    """Write everything, or nothing.

    Parameters
    ----------
    folder : Path
        Must not exist yet, or be empty.
    what : Exported
    tables : iterable of pyarrow.Table
        Statements with the columns of `observation_schema`, rising in ``sequence``.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    import pyarrow.parquet as pq

    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    with _told(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            message = (
                f"{folder} must be a new or empty folder, but holds files; name another"
            )
            raise OutputError(message)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            schema = observation_schema()
            with pq.ParquetWriter(
                temporary / OBSERVATIONS,
                schema,
                compression="zstd",
                write_page_checksum=True,
            ) as writer:
                for table in tables:
                    writer.write_table(table.select(schema.names).cast(schema))
            _write_quarantine(temporary / QUARANTINE, what.quarantine)
            text = json.dumps(
                {
                    "form": FORM,
                    "version": VERSION,
                    "sequence": what.sequence,
                    "known": what.known,
                    "points": what.points,
                    "sources": what.sources,
                    "editions": [asdict(edition) for edition in what.editions],
                },
                ensure_ascii=False,
                indent=1,
            )
            (temporary / STORE).write_text(text + "\n", encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def read_exported(folder: Path) -> Exported:
    """Read what stands beside the observations.

    Raises
    ------
    SourceError
        If the folder is not what `write_exported` wrote, or damaged.
    """
    import pyarrow.parquet as pq

    with _damage_told(folder):
        told = json.loads((folder / STORE).read_text(encoding="utf-8"))
        if told["form"] != FORM or told["version"] != VERSION:
            message = (
                f"{folder} must hold an export of form {FORM} {VERSION}, got "
                f"{told['form']} {told['version']}; update this program"
            )
            raise SourceError(message)
        rows = pq.read_table(
            folder / QUARANTINE, page_checksum_verification=True
        ).to_pylist()
        return Exported(
            sequence=int(told["sequence"]),
            known=int(told["known"]),
            points=tuple((str(name), str(building)) for name, building in told["points"]),
            sources=tuple(map(str, told["sources"])),
            editions=tuple(Edition(**edition) for edition in told["editions"]),
            quarantine=tuple(Quarantined(**row) for row in rows),
        )


def exported_tables(folder: Path) -> Iterator["pa.Table"]:
    """Give the statements in order of arrival, a few at a time.

    Raises
    ------
    SourceError
        If the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        _damage_told(folder),
        pq.ParquetFile(folder / OBSERVATIONS, page_checksum_verification=True) as file,
    ):
        for batch in file.iter_batches(batch_size=BATCH):
            yield pa.Table.from_batches([batch]).cast(observation_schema())


def _write_quarantine(path: Path, rows: tuple[Quarantined, ...]) -> None:
    """Write the quarantine."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[object, Any] = {str: pa.string(), int: pa.int64(), bytes: pa.binary()}
    schema = pa.schema(
        [(field.name, kinds.get(field.type, pa.int64())) for field in fields(Quarantined)]
    )
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder that is written into one clear line."""
    try:
        yield
    except (OutputError, SourceError):
        raise
    except OSError as error:
        reason = error.strerror or error
        message = f"cannot write {folder}: {reason}; choose a folder that can be written"
        raise OutputError(message) from error


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Turn what is wrong with a folder that is read into one clear line."""
    import pyarrow as pa

    try:
        yield
    except (OutputError, SourceError):
        raise
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        message = f"{folder} must be a whole export: {error}; export it again"
        raise SourceError(message) from error
