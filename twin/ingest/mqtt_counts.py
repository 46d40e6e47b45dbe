"""Count what a listener hears, so that others can see how it is doing."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from gis.files import atomic_path

FOLDER = "listening"
"""Folder in the twin folder with a file for each listener."""

SILENT_AFTER = 60_000_000
"""Age of the file from which on its writer has ended without a word [microseconds]."""


@dataclass(frozen=True)
class Counts:
    """How a listener is doing, since it was started.

    Attributes
    ----------
    broker, client : str
        Address of the broker, and the name we bear there.
    topics : tuple of str
        What is subscribed to, with the group if there is one.
    connected : bool
        Whether the broker hears us now.
    received : int
        Messages that came, repeats included.
    behind : int
        Messages that came and are not on the disk yet.
    acknowledged : int
        Messages that are on the disk and were acknowledged.
    new, repeated, revised, refused : int
        Rows in them, as in `twin.store.records.Receipt`.
    reconnects : int
        How often the connection was made again.
    forgotten : int
        How often the broker knew nothing of our session when it was made again: what was
        sent in between is lost, and the broker's persistence should be looked at.
    error : str
        The last fault in words, "" if there was none.
    failing : str
        What keeps observations from being stored now, "" if nothing does.
    heard : int
        When the last message came [microseconds since 1970, UTC], 0 if none came.
    started, written : int
        When it was started, and when this was said.
    ended : bool
        Whether it was stopped.
    """

    broker: str
    client: str
    topics: tuple[str, ...] = ()
    connected: bool = False
    received: int = 0
    behind: int = 0
    acknowledged: int = 0
    new: int = 0
    repeated: int = 0
    revised: int = 0
    refused: int = 0
    reconnects: int = 0
    forgotten: int = 0
    error: str = ""
    failing: str = ""
    heard: int = 0
    started: int = 0
    written: int = 0
    ended: bool = False

    @property
    def kept(self) -> int:
        """Rows that are in the store: new, known before, or superseding another."""
        return self.new + self.repeated + self.revised

    def alive(self, now: int) -> bool:
        """Say whether it runs, by what it wrote [microseconds since 1970, UTC]."""
        return not self.ended and now - self.written < SILENT_AFTER


def write_counts(folder: Path, counts: Counts) -> None:
    """Leave counts in a twin folder, for ``heidi status``.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    place = folder / FOLDER
    name = hashlib.sha256(counts.client.encode()).hexdigest()[:16]
    with atomic_path(place / f"{name}.json") as path:
        place.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(counts)), encoding="utf-8")


def read_counts(folder: Path) -> list[Counts]:
    """Return what listeners of a twin folder left, the latest first.

    Files that are no such counts are passed over: they tell of the past, not of data.
    """
    found = []
    kinds = {field.name: field.type for field in fields(Counts)}
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(told, dict) or told.keys() != kinds.keys():
            continue
        if not all(isinstance(told[name], _plain(kinds[name])) for name in kinds):
            continue
        found.append(Counts(**(told | {"topics": tuple(map(str, told["topics"]))})))
    return sorted(found, key=lambda counts: -counts.written)


def stamped(counts: Counts, *, ended: bool = False) -> Counts:
    """Return counts that say when they were written."""
    return replace(counts, written=time.time_ns() // 1000, ended=ended)


def described(counts: Counts) -> str:
    """Return counts as one line.

    Examples
    --------
    >>> described(Counts("mqtt://b:1883", "me", connected=True, received=3, new=2))
    'connected · 3 messages received, 0 behind · 2 values new, 0 known, 0 refused'
    """
    parts = [
        "connected" if counts.connected else "NOT CONNECTED",
        f"{counts.received:,} messages received, {counts.behind:,} behind",
        f"{counts.new + counts.revised:,} values new, {counts.repeated:,} known, "
        f"{counts.refused:,} refused",
    ]
    if counts.reconnects:
        parts.append(f"{counts.reconnects:,} reconnects")
    if counts.failing:
        parts.append(f"NOT STORING: {counts.failing}")
    return " · ".join(parts)


def _plain(kind: object) -> type | tuple[type, ...]:
    """Return the types that JSON has for one of ours."""
    plain: dict[object, type] = {str: str, int: int, bool: bool}
    return plain.get(kind, list)


def told_topics(topics: Sequence[str]) -> str:
    """Return topics as text, the first three of many."""
    more = f" and {len(topics) - 3} more" if len(topics) > 3 else ""
    return ", ".join(topics[:3]) + more
