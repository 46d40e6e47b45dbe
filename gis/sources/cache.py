"""Keep fetched files on disk."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from gis.errors import HeidiError, OutputError, SourceError
from gis.faults import count_things
from gis.sources.request import Request, plain_url, safe_name
from gis.sources.sidecar import (
    SUFFIX,
    Record,
    checksum,
    read_record,
    write_record,
)

FORGOTTEN = 86_400.0
"""Age from which on a part of a transfer belongs to nobody any more [s]."""


def default_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the user's cache folder by the rules of XDG.

    Parameters
    ----------
    environment : mapping, optional
        Of the process.

    Returns
    -------
    Path
        ``heidi`` in ``$XDG_CACHE_HOME``, or in ``~/.cache`` where that is not an absolute
        path; it need not exist.

    Raises
    ------
    SourceError
        If the user has no home.
    """
    told = (os.environ if environment is None else environment).get("XDG_CACHE_HOME", "")
    if told and Path(told).is_absolute():
        return Path(told) / "heidi"
    try:
        return Path.home() / ".cache" / "heidi"
    except RuntimeError as error:
        message = "a cache needs a folder, but this user has no home; give one with --cache"
        raise SourceError(message) from error


@dataclass(frozen=True)
class Cached:
    """A file in the cache."""

    path: Path
    record: Record

    def age(self, now: datetime) -> timedelta:
        """Time since the server last said that it is up to date."""
        return now - self.record.checked


@dataclass(frozen=True)
class Cache:
    """A folder of fetched files, one folder a source, each file with its record.

    Whatever does not match its record (a file cut by a crash, a record of another file)
    counts as absent.

    Attributes
    ----------
    folder : Path
        Made when something is kept.
    """

    folder: Path

    def path(self, request: Request) -> Path:
        """Return where the reply to a request lies or would lie."""
        key = hashlib.sha256(request.url.encode()).hexdigest()[:20]
        suffix = Path(request.name).suffix
        return self.folder / safe_name(request.source) / f"{key}{suffix}"

    def find(self, request: Request) -> Cached | None:
        """Return the reply to a request if it is here, whole and unchanged."""
        path = self.path(request)
        record = read_record(path)
        if record is None or not path.is_file():
            return None
        if path.stat().st_size != record.size or checksum(path) != record.sha256:
            return None
        return Cached(path, record)

    @contextmanager
    def part(self, request: Request) -> Iterator[Path]:
        """Give a name for a file in transfer, which is gone afterwards.

        Raises
        ------
        OutputError
            If nothing can be written there.
        """
        path = self.path(request)
        part = path.with_name(f".{path.stem}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep(path.parent)
            yield part
        except HeidiError:
            raise  # says already what is wrong
        except OSError as error:
            message = (
                f"cannot write into the cache {self.folder}: {error.strerror or error}; "
                "choose another one with --cache"
            )
            raise OutputError(message) from error
        finally:
            with suppress(OSError):
                part.unlink()

    def keep(self, request: Request, part: Path, record: Record) -> Cached:
        """Take a transferred file over and return it."""
        path = self.path(request)
        # Between the two the old record does not match the new file: it counts as absent.
        part.replace(path)
        write_record(path, record)
        return Cached(path, record)

    def confirm(self, cached: Cached, now: datetime) -> Cached:
        """Note that the server says that a file is up to date."""
        record = replace(cached.record, checked=now)
        write_record(cached.path, record)
        return Cached(cached.path, record)

    def files(self) -> tuple[Cached, ...]:
        """Return what is here, by source and name, without testing checksums."""
        found = []
        for sidecar in sorted(self.folder.glob(f"*/*{SUFFIX}")):
            path = sidecar.with_name(sidecar.name.removesuffix(SUFFIX))
            record = read_record(path)
            if record is not None and path.is_file():
                found.append(Cached(path, record))
        return tuple(sorted(found, key=lambda c: (c.record.source, c.record.name)))

    def _sweep(self, folder: Path) -> None:
        """Remove parts that a killed process left."""
        for part in folder.glob(".*.part*"):
            if time.time() - part.stat().st_mtime > FORGOTTEN:
                part.unlink(missing_ok=True)


def make_record(
    request: Request,
    *,
    now: datetime,
    etag: str,
    last_modified: str,
    content_type: str,
    size: int,
    sha256: str,
) -> Record:
    """Describe a file that has just come."""
    origin = request.origin
    return Record(
        source=request.source,
        name=request.name,
        url=plain_url(request.url),
        fetched=now,
        checked=now,
        etag=etag,
        last_modified=last_modified,
        content_type=content_type,
        size=size,
        sha256=sha256,
        provider=origin.provider,
        dataset=origin.dataset,
        licence=origin.licence,
        credit=origin.credit,
        year=origin.year or 0,
    )


def age_words(age: timedelta) -> str:
    """Say how old something is.

    Parameters
    ----------
    age : timedelta
        Any; negative ones count as none.

    Returns
    -------
    str

    Examples
    --------
    >>> age_words(timedelta(days=3, hours=5)), age_words(timedelta(seconds=20))
    ('3 days', 'less than a minute')
    """
    seconds = age.total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return count_things(int(seconds // size), unit)
    return "less than a minute"
