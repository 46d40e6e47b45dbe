"""Stream what comes into the log as server-sent events."""

import asyncio
import json
import threading
import time as clock
from collections.abc import AsyncIterator
from typing import Any

from fastapi.concurrency import run_in_threadpool

from gis.errors import HeidiError
from twin.api.desk import Desk
from twin.as_of import flags
from twin.live_record import utc
from twin.store.protocol import Store
from twin.store.records import Kept

PER_EVENT = 1_000
"""Values that one event holds at most."""

PAUSE = 0.25
"""How often the log is asked [s]: another process may write it."""

RETRY = 2_000
"""When a browser shall call again after a break [ms]."""


class Follower:
    """Someone who follows the log.

    Parameters
    ----------
    desk : Desk
        Where the log is asked.
    sequence : int
        Last number known.
    """

    def __init__(self, desk: Desk, sequence: int) -> None:
        self.sequence = sequence
        self._desk = desk

    def skip(self) -> None:
        """Begin at the end of the log."""
        self.sequence = self._desk.ask(lambda store: store.sequence)

    def news(self) -> list[Kept] | None:
        """Return what came since, at most `PER_EVENT`; None where the log begins anew."""

        def asked(store: Store) -> list[Kept] | None:
            last = store.sequence
            if last == self.sequence:
                return []
            return (
                None
                if last < self.sequence
                else store.since(self.sequence, count=PER_EVENT)
            )

        rows = self._desk.ask(asked)
        if rows is None:
            self.sequence = 0
        elif rows:
            self.sequence = rows[-1].sequence
        return rows


async def stream(
    follower: Follower, closing: threading.Event, *, heartbeat: float
) -> AsyncIterator[str]:
    """Send events until the client leaves or the server closes.

    Parameters
    ----------
    follower : Follower
    closing : Event
        Set when the server ends.
    heartbeat : float
        Seconds of silence after which a comment is sent, so that broken connections are
        noticed.

    Yields
    ------
    str
        ``hello`` with the number to go on from, ``values`` with rows, ``reset`` where the
        log begins anew.
    """
    yield f"retry: {RETRY}\n\n"
    yield _event("hello", follower.sequence, {"sequence": follower.sequence})
    spoken = clock.monotonic()
    while not closing.is_set():
        try:
            rows = await run_in_threadpool(follower.news)
        except HeidiError as error:
            # The client calls again and is told the same until it is mended.
            yield _event("trouble", None, {"detail": " ".join(str(error).split())})
            return
        if rows is None:
            yield _event("reset", 0, {"sequence": 0})
            spoken = clock.monotonic()
        elif rows:
            told = {"sequence": follower.sequence, "values": [_row(row) for row in rows]}
            yield _event("values", follower.sequence, told)
            spoken = clock.monotonic()
        elif clock.monotonic() - spoken >= heartbeat:
            yield ": still here\n\n"
            spoken = clock.monotonic()
        if rows is None or len(rows) < PER_EVENT:
            await asyncio.sleep(PAUSE)


def _event(name: str, number: int | None, data: dict[str, Any]) -> str:
    """Write an event; JSON holds no line breaks."""
    told = "" if number is None else f"id: {number}\n"
    return f"{told}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _row(row: Kept) -> dict[str, Any]:
    """Say one value."""
    return {
        "point": row.point,
        "time": utc(row.time),
        "value": row.value,
        "source": row.source,
        "quality": flags(row.quality),
        "version": row.version,
        "revision": row.revision,
        "sequence": row.sequence,
    }
