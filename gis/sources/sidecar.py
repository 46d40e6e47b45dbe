"""Keep beside a fetched file where it comes from."""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from gis.errors import SourceError
from gis.files import atomic_path
from gis.sources.origin import Origin

SUFFIX = ".origin.toml"
"""Follows the whole name of the file; no reader of data takes it for data."""

_MOST_BYTES = 20_000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Record:
    """Where and when a file was fetched.

    Attributes
    ----------
    source : str
        Key of the source in `gis.sources.catalogue`.
    name : str
        File name for people.
    url : str
        What was asked, without secrets.
    fetched, checked : datetime
        When it came, and when the server last said that it is up to date, UTC.
    etag, last_modified, content_type : str
        What the server told, "" where nothing.
    size : int
        Bytes.
    sha256 : str
        Of the bytes.
    provider, dataset, licence, credit : str
        See `gis.sources.origin.Origin`.
    year : int
        Of the data, 0 where it is not told.
    """

    source: str
    name: str
    url: str
    fetched: datetime
    checked: datetime
    etag: str
    last_modified: str
    content_type: str
    size: int
    sha256: str
    provider: str
    dataset: str
    licence: str
    credit: str
    year: int

    @property
    def origin(self) -> Origin:
        """Whose data it is."""
        return Origin(
            self.provider, self.dataset, self.licence, self.credit, self.year or None
        )


def sidecar_path(path: Path) -> Path:
    """Return where the record of a file lies."""
    return path.with_name(path.name + SUFFIX)


def write_record(path: Path, record: Record) -> None:
    """Write the record of a file beside it.

    Parameters
    ----------
    path : Path
        The file that the record is of.
    record : Record
        What to write.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    lines = []
    for name, value in asdict(record).items():
        if isinstance(value, datetime):
            text = value.isoformat(timespec="seconds")
        elif isinstance(value, int):
            text = str(value)
        else:
            # What JSON escapes, TOML does alike, but for DEL.
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f"{name} = {text}\n")
    with atomic_path(sidecar_path(path)) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")


def read_record(path: Path) -> Record | None:
    """Read the record of a file.

    Parameters
    ----------
    path : Path
        The file that the record is of.

    Returns
    -------
    Record or None
        None if there is none that can be used.
    """
    sidecar = sidecar_path(path)
    try:
        if sidecar.stat().st_size > _MOST_BYTES:
            return None
        told = tomllib.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    if not all(_fits(told.get(field.name), field.type) for field in fields(Record)):
        return None
    return Record(**{field.name: told[field.name] for field in fields(Record)})


def _fits(value: object, kind: object) -> bool:
    """Whether a value is of its kind: a printable text, a number, a moment."""
    if isinstance(value, str):
        return kind is str and value.isprintable()
    if isinstance(value, datetime):
        return kind is datetime and value.tzinfo is not None
    return kind is int and isinstance(value, int)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    return digest.hexdigest()


def credit_line(origin: Origin) -> str:
    """Return what every map and export must say of some data.

    Parameters
    ----------
    origin : Origin
        Whose data it is.

    Returns
    -------
    str
        Credit and licence; the provider where no credit is asked for.

    Examples
    --------
    >>> credit_line(Origin("OSM", "buildings", "ODbL 1.0", "© OpenStreetMap contributors"))
    '© OpenStreetMap contributors, ODbL 1.0'
    """
    named = origin.credit or origin.provider
    told = origin.licence and origin.licence != "not stated"
    return f"{named}, {origin.licence}" if told and origin.licence not in named else named


def credits_of(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return whom to name for some files, for `gis.district.District.credits`.

    Parameters
    ----------
    paths : iterable of Path
        Files; those without a record add nothing.

    Returns
    -------
    tuple of str
        Each line once, in the order of the files.
    """
    records = [read_record(Path(path)) for path in paths]
    return tuple(dict.fromkeys(credit_line(r.origin) for r in records if r is not None))
