"""Keep observations in a plain list: what every store must answer like."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twin.store.protocol import BUCKETS, COLUMNS, Store
from twin.store.records import Kept, Observation, Receipt, Refused

HOUR = 3_600_000_000
EVER = 2**62

BAD = [
    Refused(0, "unit", "kW, got W", "{1}", "mqtt a/b", "native", b"\x00\xff"),
    Refused(4, "range", "too hot", "{2}"),
]


@dataclass
class Plain:
    """The contract in its simplest words: no index, no file, no speed."""

    rows: list[Kept] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sequence: int = 0
    known: int = 0

    def append(self, batch: Iterable[Observation], *, known: int) -> Receipt:
        """Add statements one by one."""
        new = repeated = revised = 0
        for row in batch:
            before = [kept for kept in self.rows if (kept.point, kept.time) == _key(row)]
            if row.point not in self.names:
                self.names.append(row.point)
            if any(content(kept) == content(row) for kept in before):
                repeated += 1
                continue
            # What was retired is forgotten and counts no more.
            revision = max((kept.revision + 1 for kept in before), default=0)
            new += revision == 0
            revised += revision > 0
            self.sequence += 1
            self.known = max(self.known, known)
            self.rows.append(
                Kept(
                    *content(row),
                    sequence=self.sequence,
                    known=self.known,
                    revision=revision,
                )
            )
        return Receipt(new, repeated, revised, 0, self.sequence)

    def standing(self, known_at: int | None = None) -> dict[tuple[str, int], Kept]:
        """Return what stands, by point and time."""
        best: dict[tuple[str, int], Kept] = {}
        for row in self.rows:
            if known_at is not None and row.known > known_at:
                continue
            held = best.get(_key(row))
            if held is None or row.version >= held.version:
                best[_key(row)] = row
        return best

    def between(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        count: int = -1,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return what stands of a time."""
        standing = self.standing(known_at)
        found = []
        for name in self.names if points is None else points:
            own = [row for key, row in standing.items() if key[0] == name]
            own = sorted((r for r in own if start <= r.time < end), key=lambda r: r.time)
            found += own if count < 0 else own[:count]
        return found

    def latest(
        self,
        *,
        points: Sequence[str] | None = None,
        until: int | None = None,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return the newest values."""
        end = 2**62 if until is None else until + 1
        rows = self.between(-(2**62), end, points=points, known_at=known_at)
        newest = {row.point: row for row in rows if row.value is not None}
        return list(newest.values())

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count times heard of, and those with a value."""
        counted: dict[str, tuple[int, int]] = {}
        for row in self.between(start, end):
            heard, told = counted.get(row.point, (0, 0))
            counted[row.point] = heard + 1, told + (row.value is not None)
        return counted

    def resample(
        self,
        start: int,
        end: int,
        step: int,
        *,
        points: Sequence[str],
        known_at: int | None,
    ) -> list[tuple]:
        """Sum up values in steps."""
        buckets: dict[tuple[str, int], list[float]] = {}
        for row in self.between(start, end, points=points, known_at=known_at):
            if row.value is not None:
                begin = start + (row.time - start) // step * step
                buckets.setdefault((row.point, begin), []).append(row.value)
        return [
            (*key, len(v), sum(v) / len(v), min(v), max(v), v[-1])
            for key, v in buckets.items()
        ]

    def span(self) -> tuple[int, int] | None:
        """Return the first and last time."""
        times = [row.time for row in self.rows]
        return (min(times), max(times)) if times else None

    def retire(self, before: int) -> int:
        """Forget what is older."""
        held = len(self.rows)
        self.rows = [row for row in self.rows if row.time >= before]
        return held - len(self.rows)


def content(row: Observation) -> tuple:
    """Return what makes two statements the same one."""
    return row.point, row.time, row.value, row.source, row.quality, row.version


def digest(store: Store) -> str:
    """Return all that a store answers in one word, whatever the order of arrival.

    When a statement came, and as the how manieth, is left out.
    """
    ever = -(2**62), 2**62
    told = {
        "statements": sorted(map(_bits, store.since(0, count=10**9))),
        "standing": sorted(map(_bits, store.between(*ever))),
        "latest": sorted(map(_bits, store.latest())),
        "table": sorted(map(_bits, kept_rows(store.table(*ever)))),
        "coverage": sorted(store.coverage(*ever).items()),
        "counts": (store.sequence, store.revisions(), store.span()),
        "sources": sorted(store.sources()),
        "refused": sorted((row.reason, row.row) for row in store.quarantine(count=10**9)),
        "editions": [(one.valid_from, one.geometry, one.model) for one in store.editions()],
    }
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _bits(row: Observation) -> tuple:
    """Return the content of a statement so that it sorts and tells every bit."""
    value = "gap" if row.value is None else row.value.hex()
    return (*content(row)[:2], value, *content(row)[3:])


def _key(row: Observation) -> tuple[str, int]:
    return row.point, row.time


def kept_rows(table) -> list[Kept]:
    """Return a table that a store answered as rows."""
    assert table.column_names == [*COLUMNS, "sequence", "known", "revision"]
    return [Kept(**row) for row in table.to_pylist()]


def buckets(table) -> list[tuple]:
    """Return a resampled table as rows."""
    assert tuple(table.column_names) == BUCKETS
    return [tuple(row.values()) for row in table.to_pylist()]


def assert_agree(store: Store, plain: Plain, moments: Sequence[int | None]) -> None:
    """Ask a store everything, at every moment; it must say what the plain list says."""
    assert store.sequence == plain.sequence
    assert store.span() == plain.span()
    assert store.revisions() == sum(row.revision > 0 for row in plain.rows)
    assert store.since(0) == plain.rows
    assert (
        store.since(plain.sequence // 2, count=3)
        == [row for row in plain.rows if row.sequence > plain.sequence // 2][:3]
    )
    first, last = plain.span() or (0, 1)
    middle = (first + last) // 2
    assert store.coverage(first, last + 1) == plain.coverage(first, last + 1)
    assert store.coverage(middle, last) == plain.coverage(middle, last)
    for key in plain.standing():
        own = [row for row in plain.rows if (row.point, row.time) == key]
        assert store.history(*key) == own
    backwards = [*reversed(plain.names), "ghost"]
    for known_at in moments:
        for start, end in ((first, last + 1), (middle, last), (last + 1, last + 9)):
            for points in (None, backwards, plain.names[:1]):
                asked = {"points": points, "known_at": known_at}
                wanted = plain.between(start, end, **asked)
                assert store.between(start, end, **asked) == wanted
                assert kept_rows(store.table(start, end, **asked)) == wanted
                assert store.between(start, end, count=2, **asked) == plain.between(
                    start, end, count=2, **asked
                )
            step = max(1, (last - first) // 3)
            told = buckets(
                store.resample(start, end, step, points=backwards, known_at=known_at)
            )
            due = plain.resample(start, end, step, points=backwards, known_at=known_at)
            assert [row[:3] for row in told] == [row[:3] for row in due]
            for one, other in zip(told, due, strict=True):
                assert one[4:] == other[4:]
                assert abs(one[3] - other[3]) <= 1e-12 * max(1.0, abs(other[3]))
        for until in (None, middle, first - 1):
            for points in (None, backwards):
                asked = {"points": points, "until": until, "known_at": known_at}
                assert store.latest(**asked) == plain.latest(**asked)


def at(
    point: str, hour: int, value: float | None, source: str = "meter", version: int = 0
) -> Observation:
    return Observation(point, hour * HOUR, value, source, version=version)


def made_up(chance: random.Random, count: int) -> list[Observation]:
    """Return distinct statements; every further one of a key has a version of its own."""
    return [
        Observation(
            f"b{point % 3}/p{point}",
            time * HOUR,
            None if chance.random() < 0.1 else chance.uniform(-5.0, 5.0),
            chance.choice(["meter", "typed"]),
            quality=chance.choice([0, 1, 512]),
            version=version,
        )
        for point in range(7)
        for time in range(count)
        for version in range(1 + (chance.random() < 0.3) + (chance.random() < 0.1))
    ]
