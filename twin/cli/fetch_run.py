"""Fetch what a command asks for and put it into a folder."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gis.errors import SourceError
from gis.sources.cache import Cache, default_folder
from gis.sources.fetch import Fetcher, deliver
from gis.sources.place import read_place
from gis.sources.request import Request
from gis.sources.stac import (
    LANTMATERIET_API,
    LANTMATERIET_KEY,
    PRODUCTS,
    found_requests,
    search_request,
)
from twin.cli.fetch_table import show_fetched, show_requests
from twin.cli.stages import Stages


@dataclass(frozen=True)
class Wish:
    """What all commands that fetch take."""

    out: Path
    cache: Path | None
    offline: bool
    refresh: bool
    dry_run: bool
    as_json: bool


def get(
    requests: Sequence[Request],
    wish: Wish,
    *,
    then: Callable[[Path], Sequence[Request]] | None = None,
) -> None:
    """Fetch files, or what is found in the first one, and deliver them.

    Parameters
    ----------
    requests : sequence of Request
        What to ask.
    wish : Wish
        Where to and how.
    then : callable, optional
        Makes the requests proper from the reply to the first one.

    Raises
    ------
    SourceError, OutputError
        If a file cannot be got or put; those before it stay in the cache.
    """
    kept = cache_in(wish.cache)
    if wish.offline and wish.refresh:
        message = "--offline asks nobody and --refresh asks the server; leave one out"
        raise SourceError(message)
    if wish.dry_run:
        show_requests(requests, kept, wish.out, as_json=wish.as_json)
        return
    with Stages() as told:
        fetcher = Fetcher(kept, offline=wish.offline, refresh=wish.refresh, told=told)
        try:
            if then is not None:
                requests = then(fetcher.fetch(requests[0]).path)
            fetched = [fetcher.fetch(request) for request in requests]
        finally:
            fetcher.close()
        paths = [deliver(one, wish.out) for one in fetched]
    show_fetched(fetched, paths, as_json=wish.as_json)


def get_tiles(
    product: str, around: str, radius: float, server: str | None, wish: Wish
) -> None:
    """Search Lantmäteriet's catalogue and fetch what is found.

    Parameters
    ----------
    product : str
        One of `gis.sources.stac.PRODUCTS`.
    around : str
        Latitude and longitude [degrees].
    radius : float
        From there to the edges of the window [m].
    server : str or None
        Another catalogue.
    wish : Wish
        Where to and how.

    Raises
    ------
    HeidiError
        As `get`; also if the account is not set.
    """
    chosen = PRODUCTS[product]
    request = search_request(
        chosen, read_place(around), radius, server=server or LANTMATERIET_API
    )
    if not (wish.offline or wish.dry_run or server):
        # The search is free, but would be in vain.
        LANTMATERIET_KEY.require(os.environ)
    get([request], wish, then=lambda reply: found_requests(chosen, reply))


def cache_in(folder: Path | None) -> Cache:
    """Return the cache in a folder, the user's own if none is named."""
    return Cache(default_folder() if folder is None else folder)
