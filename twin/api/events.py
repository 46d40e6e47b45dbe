"""Stream what comes into the log as server-sent events, read once for all who listen."""

import asyncio
import time as clock
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
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

MOST_KEPT = 16_000_000
"""Bytes of events that are kept for those who are a little behind; who is further behind
reads the log for himself."""

LONGEST_WAIT = 1.0
"""After which a listener looks up even if nobody woke it [s]."""

MOST_LISTENERS = 256
"""Streams at a time; who comes next is sent away."""

ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class _Told:
    """An event with rows: after which number it begins, and with which it ends."""

    before: int
    after: int
    text: bytes


class Channel:
    """Follow the log once, however many listen.

    Parameters
    ----------
    desk : Desk
        Where the log is asked.
    """

    def __init__(self, desk: Desk) -> None:
        self.listeners = 0
        self._desk = desk
        self._sequence = -1
        self._beginnings = 0
        self._trouble: HeidiError | None = None
        self._told: deque[_Told] = deque()
        self._by_number: dict[int, _Told] = {}
        self._size = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def last(self) -> int:
        """Return the last number of the log."""
        return self._desk.ask(lambda store: store.sequence)

    async def stream(self, sequence: int, *, heartbeat: float) -> AsyncIterator[bytes]:
        """Send events until the client leaves or the server closes.

        Parameters
        ----------
        sequence : int
            Last number known.
        heartbeat : float
            Seconds of silence after which a comment is sent, so that broken connections
            are noticed.

        Yields
        ------
        bytes
            ``hello`` with the number to go on from, ``values`` with rows, ``reset`` where
            the log begins anew.
        """
        self.listeners += 1
        try:
            yield f"retry: {RETRY}\n\n".encode()
            yield _event("hello", sequence, {"sequence": sequence})
            spoken = clock.monotonic()
            async for text in self._following(sequence, min(heartbeat, LONGEST_WAIT)):
                if text:
                    yield text
                    spoken = clock.monotonic()
                elif clock.monotonic() - spoken >= heartbeat:
                    yield b": still here\n\n"
                    spoken = clock.monotonic()
        except HeidiError as error:
            # The client calls again and is told the same until it is mended.
            yield _event("trouble", None, {"detail": " ".join(str(error).split())})
        finally:
            self.listeners -= 1
            if not self.listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _following(self, sequence: int, wait: float) -> AsyncIterator[bytes]:
        """Yield events after a number; nothing while nothing comes."""
        beginnings: int | None = None
        while not self._desk.closing.is_set():
            if self._task is None:
                self._trouble = None
                self._task = asyncio.create_task(self._follow())
            # Asked for before anything is looked at: what comes after is not missed.
            news = self._news
            if self._trouble is not None:
                raise self._trouble
            anew = beginnings not in (None, self._beginnings)
            beginnings = self._beginnings
            if not anew and sequence > self._sequence >= 0:
                # Ahead of the channel, which asks only now and then, or of the log.
                anew = await run_in_threadpool(self.last) < sequence
            if anew:
                sequence = 0
                yield _event("reset", 0, {"sequence": 0})
            elif (told := self._by_number.get(sequence)) is not None:
                sequence = told.after
                yield told.text
            elif sequence < (end := self._sequence):
                behind = await self._caught_up(sequence, end)
                # Without rows there is nothing between: numbers may be left out.
                sequence = end if behind is None else behind.after
                yield b"" if behind is None else behind.text
            else:
                await _wait(news, wait)
                yield b""

    async def _follow(self) -> None:
        """Ask the log for news and keep them for all."""
        self._sequence = -1
        self._forget()
        while not self._desk.closing.is_set():
            try:
                last, rows = await run_in_threadpool(self._asked, self._sequence)
            except HeidiError as error:
                self._trouble = error
                self._task = None
                self._tell()
                return
            if self._sequence < 0:
                self._sequence = last
                self._tell()
            elif last < self._sequence:
                self._sequence = 0
                self._beginnings += 1
                self._forget()
                self._tell()
            elif rows:
                self._keep(_told(self._sequence, rows))
                self._tell()
            if len(rows) < PER_EVENT:
                await asyncio.sleep(PAUSE)
        self._tell()

    def _asked(self, sequence: int) -> tuple[int, list[Kept]]:
        """Return the last number of the log and what came after another."""

        def asked(store: Store) -> tuple[int, list[Kept]]:
            last = store.sequence
            known = 0 <= sequence < last
            return last, store.since(sequence, count=PER_EVENT) if known else []

        return self._desk.ask(asked)

    def _keep(self, told: _Told) -> None:
        """Keep an event, and let go of the oldest."""
        self._sequence = told.after
        self._told.append(told)
        self._by_number[told.before] = told
        self._size += len(told.text)
        while self._size > MOST_KEPT and len(self._told) > 1:
            oldest = self._told.popleft()
            self._by_number.pop(oldest.before, None)
            self._size -= len(oldest.text)

    def _forget(self) -> None:
        """Let go of all events."""
        self._told.clear()
        self._by_number.clear()
        self._size = 0

    def _tell(self) -> None:
        """Wake all who wait."""
        self._news.set()
        self._news = asyncio.Event()

    async def _caught_up(self, sequence: int, end: int) -> _Told | None:
        """Read for somebody who is behind, up to a number that all others know."""
        _, rows = await run_in_threadpool(self._asked, sequence)
        own = [row for row in rows if row.sequence <= end]
        return _told(sequence, own) if own else None


async def _wait(news: asyncio.Event, seconds: float) -> None:
    """Wait for news, but not for ever."""
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return


def _told(before: int, rows: list[Kept]) -> _Told:
    """Write rows as an event."""
    after = rows[-1].sequence
    told = {"sequence": after, "values": [_row(row) for row in rows]}
    return _Told(before, after, _event("values", after, told))


def _event(name: str, number: int | None, data: dict[str, Any]) -> bytes:
    """Write an event; JSON holds no line breaks."""
    told = "" if number is None else f"id: {number}\n"
    return f"{told}event: {name}\ndata: ".encode() + ENCODER.encode(data) + b"\n\n"


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
