"""Judge how far a twin can be trusted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis.faults import count_things

if TYPE_CHECKING:
    from twin.quality_files import Files


class Verdict(StrEnum):
    """What to think of something that was checked."""

    GOOD = "good"
    """Nothing to do."""
    LOOK = "look"
    """Usable; know it, and mend it if you can."""
    BAD = "bad"
    """Results that rest on it are wrong or say little; mend it first."""


ORDER = tuple(Verdict)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What was looked at.
    found : str
        What was found, in words with numbers.
    number : float
        The number that was judged, NaN where nothing is.
    unit : str
        Of the number: "share" (0..1), "m", "km", "parts", "K" ...
    verdict : Verdict or None
        None: told, but not judged.
    limit : str
        From which number on it is good or bad; "" where not judged.
    reason : str
        Why there, "" where not judged.
    parts : tuple of str
        Building parts that it is about, to be looked at.
    rows : tuple of (str, str)
        More that belongs to it, in two columns.
    """

    name: str
    found: str
    number: float = float("nan")
    unit: str = ""
    verdict: Verdict | None = None
    limit: str = ""
    reason: str = ""
    parts: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Topic:
    """Checks that belong together."""

    name: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The gravest of its checks."""
        return gravest([check.verdict for check in self.checks])


@dataclass(frozen=True)
class Quality:
    """All that was found in a twin.

    Attributes
    ----------
    name : str
        Of the district.
    version : str
        Of the program that built it.
    inputs : str
        Hash of what it was built from.
    topics : tuple of Topic
        In the order of reading.
    notes, weather_notes : tuple of str
        What building it repaired and assumed, in its own words.
    credits : tuple of str
        Whom to name.
    table : DataFrame
        See `twin.quality_files.part_table`, for maps.
    repairs, conflicts : DataFrame or None
        The twin's own logs, where it has them.
    """

    name: str
    version: str
    inputs: str
    topics: tuple[Topic, ...]
    notes: tuple[str, ...]
    weather_notes: tuple[str, ...]
    credits: tuple[str, ...]
    table: Any = field(compare=False)
    repairs: pd.DataFrame | None = field(default=None, compare=False)
    conflicts: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The gravest of its topics."""
        return gravest([topic.verdict for topic in self.topics])


def gravest(verdicts: Sequence[Verdict | None]) -> Verdict:
    """Return the gravest verdict, good if there is none."""
    return max(
        (verdict for verdict in verdicts if verdict is not None),
        key=ORDER.index,
        default=Verdict.GOOD,
    )


def judge(number: float, good: float, bad: float | None) -> Verdict:
    """Judge a number by two limits.

    Parameters
    ----------
    number : float
        What was found; NaN wants a look.
    good : float
        At this or beyond it is good.
    bad : float or None
        Beyond this it is bad; None: it never is. Lies above ``good``, or at it, where
        small numbers are good, below where large ones are.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> [judge(n, 0.9, 0.5).value for n in (0.95, 0.9, 0.6, 0.5, 0.4)]
    ['good', 'good', 'look', 'look', 'bad']
    >>> [judge(n, 1.0, 5.0).value for n in (0, 1, 2, 5, 6)]
    ['good', 'good', 'look', 'look', 'bad']
    """
    large_is_good = bad is None or good > bad
    if number >= good if large_is_good else number <= good:
        return Verdict.GOOD
    if bad is None or math.isnan(number):
        return Verdict.LOOK
    is_bad = number < bad if large_is_good else number > bad
    return Verdict.BAD if is_bad else Verdict.LOOK


def limit_words(good: float, bad: float | None, unit: str) -> str:
    """Say which numbers are good and which are bad.

    Parameters
    ----------
    good, bad : float
        As for `judge`.
    unit : str
        Of the number; shares become per cent.

    Returns
    -------
    str

    Examples
    --------
    >>> limit_words(0.9, 0.5, "share"), limit_words(0, 10, "parts")
    ('good from 90 %, bad below 50 %', 'good at 0 parts, bad above 10 parts')
    >>> limit_words(0, 0, "pairs")
    'good at 0 pairs, else bad'
    """
    words = [amount(value, unit) for value in (good, good if bad is None else bad)]
    if bad is None:
        return f"good from {words[0]}, never bad"
    if good > bad:
        return f"good from {words[0]}, bad below {words[1]}"
    begin = f"good at {words[0]}" if good == 0 else f"good up to {words[0]}"
    return f"{begin}, else bad" if good == bad else f"{begin}, bad above {words[1]}"


def amount(value: float, unit: str) -> str:
    """Write a number with its unit.

    >>> amount(0.6789, "share"), amount(0.0004, "share"), amount(1, "parts")
    ('68 %', '0.04 %', '1 part')
    """
    if unit == "share":
        percent = 100.0 * value
        small = 0.0 < percent < 1.0
        return f"{percent:.2g} %" if small else f"{percent:.0f} %"
    if unit.endswith("s") and float(value).is_integer():
        return count_things(int(value), unit.removesuffix("s"))
    return f"{value:,.4g} {unit}".strip()


def judged(
    name: str,
    found: str,
    number: float,
    *,
    unit: str,
    good: float,
    bad: float | None,
    reason: str,
    parts: Sequence[str] = (),
    rows: Sequence[tuple[str, str]] = (),
) -> Check:
    """Make a check of a number that is judged by two limits."""
    return Check(
        name,
        found,
        float(number),
        unit,
        judge(number, good, bad),
        limit_words(good, bad, unit),
        reason,
        tuple(parts),
        tuple(rows),
    )


def verdict_sentence(quality: Quality) -> str:
    """Say in one sentence what came out."""
    counts = {
        verdict: [t.name.lower() for t in quality.topics if t.verdict is verdict]
        for verdict in ORDER
    }
    bad, look = counts[Verdict.BAD], counts[Verdict.LOOK]
    if not bad and not look:
        return f"All {len(quality.topics)} topics are good."
    want = f"{_listed(look)} {'wants' if len(look) == 1 else 'want'} a look"
    if not bad:
        return f"Nothing is bad; {want}."
    begin = f"{_listed(bad)} {'is' if len(bad) == 1 else 'are'} bad"
    text = f"{begin}; {want}." if look else f"{begin}."
    return text[0].upper() + text[1:]


def _listed(words: Sequence[str]) -> str:
    """Join words with commas and an "and"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def check_twin(files: "Files") -> Quality:
    """Judge a twin by its layers, terrain and weather.

    Parameters
    ----------
    files : Files
        From `twin.quality_files.read_files`. The light is not among them: what it rests on
        is judged.

    Returns
    -------
    Quality
    """
    # Imported here: the checks are made of the values of this module.
    from twin.quality_buildings import attribute_topic, footprint_topic, height_topic
    from twin.quality_files import part_table
    from twin.quality_ground import extent_topic, ground_topic, system_topic
    from twin.quality_weather import credit_topic, weather_topic

    twin = files.description["twin"]
    return Quality(
        name=str(twin["name"]),
        version=str(twin["version"]),
        inputs=str(twin["inputs"]),
        topics=(
            height_topic(files),
            footprint_topic(files),
            attribute_topic(files),
            system_topic(files),
            extent_topic(files),
            ground_topic(files),
            weather_topic(files),
            credit_topic(files),
        ),
        notes=tuple(twin["notes"]),
        weather_notes=files.weather.notes,
        credits=tuple(twin["credits"]),
        table=part_table(files),
        repairs=files.repairs,
        conflicts=files.conflicts,
    )
