"""Say what a hint of a fault is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HintKind(StrEnum):
    """What may be wrong; ``meaning`` says it in words."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "HintKind":
        """Make a text that knows its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    GAP = "gap", "nothing came in"
    STUCK = "stuck", "the same value again and again while it should have changed"
    UNIT = "unit", "values off by the factor of another unit or with the wrong sign"
    OUTAGE = "outage", "nothing is made or used though it should be"
    PARTIAL = "partial", "part of a plant is off: less by the same share all day"
    CLOCK = "clock", "the course of the day comes too early or too late"
    SOILING = "soiling", "the yield falls slowly, until rain or cleaning"
    SHADING = "shading", "less whenever the sun stands at the same place"


@dataclass(frozen=True)
class Hint:
    """A suspicion, with what speaks for it.

    Attributes
    ----------
    kind : HintKind
        What may be wrong.
    point : str
        Where it was measured.
    start, end : int
        First moment and first moment after it [microseconds since 1970, UTC].
    confidence : float
        How clear it is, 0 to 1: a score by size and length, not a probability.
    evidence : str
        One sentence with numbers.
    figures : mapping of str to float
        The numbers, their unit in the name.
    """

    kind: HintKind
    point: str
    start: int
    end: int
    confidence: float
    evidence: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "kind": self.kind.value,
            "point": self.point,
            "start": told(self.start),
            "end": told(self.end),
            "confidence": round(self.confidence, 2),
            "evidence": self.evidence,
            "figures": {name: round(value, 4) for name, value in self.figures.items()},
        }


def told(time: int) -> str:
    """Write a moment down, to the minute.

    Examples
    --------
    >>> told(1_750_507_200_000_000)
    '2025-06-21T12:00Z'
    """
    return f"{EPOCH + timedelta(microseconds=time):%Y-%m-%dT%H:%MZ}"


def lasting(length: int) -> str:
    """Write a length of time [microseconds] down.

    Examples
    --------
    >>> lasting(5_400_000_000), lasting(3 * 86_400_000_000)
    ('1.5 hours', '3.0 days')
    """
    hours = length / 3.6e9
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def certainty(strength: float) -> float:
    """Turn a strength of evidence into a score: 0.5 at 1, towards 1 beyond.

    Examples
    --------
    >>> certainty(1.0), certainty(9.0)
    (0.5, 0.9)
    """
    return max(0.0, strength / (1.0 + strength))
