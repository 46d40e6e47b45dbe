"""Judge by their flags which values are measurements, and name the flags in hints."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gis.errors import TableError
from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, lasting, told
from twin.expectation.tracks import HOUR, Track, runs
from twin.store.records import Quality

Values = tuple[IntArray, FloatArray]

ESTIMATED = int(Quality.ESTIMATED)

BAD = int(Quality.DOUBTFUL | Quality.STUCK | Quality.SPIKE | Quality.UNIT)
"""Flags whose values say nothing of what is measured."""

MOSTLY = 0.5
"""Share of a point's values from which on estimates are what it tells, and are kept."""

STATED = 1 << 24
"""Flag of a step whose value was told to be missing."""

SILENT = int(Quality.SIMULATED)
"""Flags that every view tells anyway."""

NAMED: Mapping[Quality, HintKind] = {
    Quality.STUCK: HintKind.STUCK,
    Quality.UNIT: HintKind.UNIT,
}
"""Flags that name a fault."""

LEAST = 3 * HOUR
"""Shortest time of such flags worth a hint [microseconds]."""

FLAGGED = 0.6
"""Confidence in what others flagged."""


@dataclass(frozen=True)
class Sifted:
    """Values of points, and what was known of them.

    Attributes
    ----------
    measured : mapping of str to (times, values)
        NaN for known gaps and for what is no measurement.
    flags : mapping of str to (n,) int
        Of every value: those of `twin.store.records.Quality`, and `STATED`.
    """

    measured: Mapping[str, Values]
    flags: Mapping[str, IntArray]


def sift(
    values: Mapping[str, Values], quality: Mapping[str, IntArray] | None = None
) -> Sifted:
    """Set aside what is flagged as bad, and estimates where most values are none.

    Parameters
    ----------
    values : mapping of str to (times, values)
        NaN for known gaps.
    quality : mapping of str to (n,) int, optional
        Flags of each value; points without are taken as good.

    Raises
    ------
    TableError
        If a point has another number of flags than of values.
    """
    kept: dict[str, Values] = {}
    flags: dict[str, IntArray] = {}
    for point, (times, measured) in values.items():
        known = None if quality is None else quality.get(point)
        own = np.zeros(len(times), np.int64) if known is None else np.asarray(known)
        if own.shape != times.shape:
            message = (
                f"{point} must have a flag for each value, got {len(times)} values and "
                f"{own.size} flags"
            )
            raise TableError(message)
        own = own.astype(np.int64) & ~SILENT | np.where(np.isnan(measured), STATED, 0)
        bad = (own & BAD) > 0
        guessed = (own & ESTIMATED) > 0
        if guessed.any() and guessed.mean() < MOSTLY:
            bad |= guessed
        kept[point] = times, np.where(bad, np.nan, measured)
        flags[point] = own
    return Sifted(kept, flags)


def with_flags(track: Track, times: IntArray, flags: IntArray) -> Track:
    """Return a track that knows what its steps' values were flagged with."""
    if not flags.any():
        return track
    place = (times - track.start) // track.step
    inside = (place >= 0) & (place < len(track))
    own = np.zeros(len(track), np.int64)
    np.bitwise_or.at(own, place[inside], flags[inside])
    return replace(track, flags=own)


def has_flag(track: Track, flag: int) -> BoolArray:
    """Say which steps hold a value with one of the flags, (n,)."""
    if track.flags is None:
        return np.zeros(len(track), bool)
    held: BoolArray = (track.flags & flag) > 0
    return held


def find_flagged(track: Track) -> list[Hint]:
    """Return the times in which values were flagged as stuck or of a wrong unit before.

    Notes
    -----
    These values are not looked at any further.
    """
    hints = []
    for flag, kind in NAMED.items():
        held = np.flatnonzero(has_flag(track, int(flag)))
        # Lost values do not end it.
        apart = max(2, HOUR // track.step + 1)
        cuts = np.flatnonzero(np.diff(held) > apart) + 1
        for steps in np.split(held, cuts):
            if not len(steps) or len(steps) * track.step < LEAST:
                continue
            begin, end = track.time(int(steps[0])), track.time(int(steps[-1]) + 1)
            evidence = (
                f"Values of {len(steps):,} steps from {told(begin)} on "
                f"({lasting(end - begin)}) came flagged as {_name(flag)}; they were not "
                "taken as measured."
            )
            figures = {"steps": float(len(steps)), "hours": (end - begin) / HOUR}
            hints.append(Hint(kind, track.point, begin, end, FLAGGED, evidence, figures))
    return hints


def with_words(track: Track, hint: Hint) -> Hint:
    """Return a hint whose evidence names the flags of its time."""
    if track.flags is None:
        return hint
    first = max(0, (hint.start - track.start) // track.step)
    part = track.flags[first : max(first, -(-(hint.end - track.start) // track.step))]
    counts = {_name(flag): int(((part & int(flag)) > 0).sum()) for flag in Quality}
    counts["told to be missing"] = int(((part & STATED) > 0).sum())
    named = {name: count for name, count in counts.items() if count}
    if not named or "came flagged" in hint.evidence:
        return hint
    listed = ", ".join(f"{count:,} {name}" for name, count in named.items())
    return replace(
        hint,
        evidence=f"{hint.evidence} Flags in its {len(part):,} steps: {listed}.",
        figures={**hint.figures, "flagged_steps": float((part > 0).sum())},
    )


def gaps_without_flags(track: Track) -> list[tuple[int, int]]:
    """Return runs of steps without a value, but for those that flags explain."""
    named = int(Quality.STUCK | Quality.UNIT)
    return runs(~np.isfinite(track.value) & ~has_flag(track, named))


def _name(flag: Quality) -> str:
    """Return a flag in words."""
    words = {
        Quality.UNIT: "of a suspect unit",
        Quality.CLOCK: "of a suspect time",
        Quality.SPIKE: "spikes",
        Quality.RESET: "resets",
        Quality.ROLLOVER: "roll-overs",
    }
    return words.get(flag, (flag.name or "").lower())
