"""Get files from servers, each once, politely and whole."""

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from shutil import copyfile

import requests

from gis.errors import OutputError, SourceError
from gis.files import atomic_path
from gis.sources.cache import Cache, Cached, age_words, default_folder, make_record
from gis.sources.pace import Clock, Pace, growing_pause
from gis.sources.request import Request
from gis.sources.sidecar import checksum, write_record
from gis.sources.transfer import (
    Limits,
    Reply,
    Resume,
    TransferError,
    open_session,
    transfer,
)

Told = Callable[[str, float], None]


class Way(StrEnum):
    """How a file was got."""

    FETCHED = "fetched"
    """It came over the network."""
    CONFIRMED = "up to date"
    """The server says that the copy in the cache is the newest."""
    CACHED = "from the cache"
    """The copy is young enough to serve without asking."""
    OLD = "old copy from the cache"
    """The copy is older than it should be, and no network was to be used."""


@dataclass(frozen=True)
class Fetched:
    """A file and how it was got."""

    cached: Cached
    way: Way

    @property
    def path(self) -> Path:
        """Where it lies in the cache; not to be changed there."""
        return self.cached.path


@dataclass
class Fetcher:
    """Get files through a cache.

    Attributes
    ----------
    cache : Cache
        Where files are kept.
    offline : bool
        Use no network: what is in the cache serves at any age.
    refresh : bool
        Ask the server whether a copy is up to date, however young it is.
    limits : Limits
        How long and how much.
    clock : Clock
        Tells time and waits; tests bring their own.
    chance : callable
        Random numbers 0..1 for the length of pauses.
    environment : mapping
        Where secrets come from.
    told : callable
        Told what is being done and how far it is.

    Notes
    -----
    One after the other: not to be used by several threads. Checked in
    tests/gis/sources/test_fetch.py against a server on this machine that answers late,
    wrongly, in part, in circles or not at all.
    """

    cache: Cache = field(default_factory=lambda: Cache(default_folder()))
    offline: bool = False
    refresh: bool = False
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=Clock)
    chance: Callable[[], float] = random.random
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    told: Told = lambda _text, _share: None

    def __post_init__(self) -> None:
        """Prepare for a network that may never be used."""
        self._pace = Pace(self.clock)
        self._session: requests.Session | None = None

    def fetch(self, request: Request) -> Fetched:
        """Get one file.

        Parameters
        ----------
        request : Request
            What to get.

        Returns
        -------
        Fetched
            A whole file in the cache, with its record beside it.

        Raises
        ------
        SourceError
            If it cannot be got; the line says why, what to do and what the cache holds.
        OutputError
            If the cache cannot be written.
        """
        known = self.cache.find(request)
        if known is not None:
            age = known.age(self.clock.now())
            # A copy from the future tells that a clock was wrong: ask again.
            young = timedelta(0) <= age <= request.max_age
            if young and not self.refresh:
                return Fetched(known, Way.CACHED)
            if self.offline:
                return Fetched(known, Way.CACHED if young else Way.OLD)
        if self.offline:
            reason = "no network is to be used and the cache does not hold it"
            raise SourceError(self._line(request, reason, "fetch it once online", None))
        with self.cache.part(request) as part:
            reply = self._try(request, part, known)
            if not reply.changed and known is not None:
                return Fetched(self.cache.confirm(known, self.clock.now()), Way.CONFIRMED)
            self._check(request, part, known)
            record = make_record(
                request,
                now=self.clock.now(),
                etag=reply.etag,
                last_modified=reply.last_modified,
                content_type=reply.content_type,
                size=part.stat().st_size,
                sha256=checksum(part),
            )
            return Fetched(self.cache.keep(request, part, record), Way.FETCHED)

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _try(self, request: Request, part: Path, known: Cached | None) -> Reply:
        """Ask until the file is there or there is no point in asking."""
        self._session = self._session or open_session()
        resume: Resume | None = None
        for attempt in range(1, self.limits.attempts + 1):
            self._pace.wait(request.host, request.spacing)
            self.told(f"asking {request.host}", 0.0)
            try:
                return transfer(
                    self._session,
                    request,
                    part,
                    known=known.record if known else None,
                    resume=resume,
                    limits=self.limits,
                    clock=self.clock,
                    environment=self.environment,
                    told=lambda share: self.told(f"fetching {request.name}", share),
                )
            except TransferError as error:
                if not error.again or attempt == self.limits.attempts:
                    line = self._line(request, error.reason, error.remedy, known)
                    raise SourceError(line) from error
                resume = error.resume
                pause = growing_pause(attempt, self.chance())
                pause = max(pause, error.pause or 0.0)
                self.told(f"{request.host} fails, asking again in {pause:.0f} s", 0.0)
                self.clock.sleep(pause)
        message = f"a file must be asked for at least once, got {self.limits.attempts}"
        raise SourceError(message)

    def _check(self, request: Request, part: Path, known: Cached | None) -> None:
        """Refuse a reply that is not what was asked for."""
        fault = request.form.fault(part)
        if fault:
            reason = (
                f"the reply of {request.host} must be {request.form.value}, but {fault}"
            )
            raise SourceError(self._line(request, reason, "check the address", known))
        complaint = "" if request.complaint is None else request.complaint(part)
        if complaint:
            reason, remedy = f"{request.host} {complaint}", "ask for less or later"
            raise SourceError(self._line(request, reason, remedy, known))

    def _line(
        self, request: Request, reason: str, remedy: str, known: Cached | None
    ) -> str:
        """Say what failed, what to do and what the cache holds."""
        held = "the cache holds no copy"
        if known is not None:
            age = age_words(known.age(self.clock.now()))
            held = f"the cache holds a copy of {age} ago, --offline uses it"
        if reason.endswith("does not hold it"):
            held = f"cache {self.cache.folder}"
        return f"cannot fetch {request.name}: {reason}; {remedy} ({held})"


def deliver(fetched: Fetched, folder: Path) -> Path:
    """Copy a fetched file and its record to a folder.

    Parameters
    ----------
    fetched : Fetched
        From `Fetcher.fetch`.
    folder : Path
        Made if missing.

    Returns
    -------
    Path
        The copy, under its name for people; its record lies beside it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = folder / fetched.cached.record.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make {folder}: {error.strerror}; choose another folder"
        raise OutputError(message) from error
    with atomic_path(target) as temporary:
        copyfile(fetched.path, temporary)
    write_record(target, fetched.cached.record)
    return target
