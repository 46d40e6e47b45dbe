"""Hold what was found wrong or odd in weather."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd


class Severity(StrEnum):
    """How much a finding should worry."""

    GOOD = "good"
    """The check was made and passed."""
    DOUBT = "doubt"
    """Look before use; results may be off by several per cent."""
    FAULT = "fault"
    """Not plausible weather; mend the source."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes
    ----------
    check : str
        Short name of the check, such as ``"closure"``.
    severity : Severity
        How much it should worry.
    text : str
        The outcome in one sentence with its numbers.
    hours, of_hours : int
        Hours that failed, and hours that could be checked; 0 where not hours are counted.
    worst : float
        The value farthest off; NaN where there is none. Its unit stands in ``text``.
    first : pd.Timestamp or None
        Label of the first hour that failed.
    """

    check: str
    severity: Severity
    text: str
    hours: int = 0
    of_hours: int = 0
    worst: float = float("nan")
    first: pd.Timestamp | None = None


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Put findings into a table.

    Parameters
    ----------
    findings : sequence of Finding
        In any number.

    Returns
    -------
    pd.DataFrame
        Indexed by ``check``: ``severity``, ``hours``, ``of_hours``, ``share`` (0..1, NaN
        where no hours are counted), ``worst``, ``first`` (UTC or NaT), ``text``.
    """
    rows = [
        {
            "check": finding.check,
            "severity": finding.severity.value,
            "hours": finding.hours,
            "of_hours": finding.of_hours,
            "share": finding.hours / finding.of_hours if finding.of_hours else float("nan"),
            "worst": finding.worst,
            "first": pd.NaT if finding.first is None else finding.first,
            "text": finding.text,
        }
        for finding in findings
    ]
    columns = ["check", "severity", "hours", "of_hours", "share", "worst", "first", "text"]
    table = pd.DataFrame(rows, columns=columns).set_index("check")
    return table.assign(first=pd.to_datetime(table["first"], utc=True))


def worst_severity(findings: Sequence[Finding]) -> Severity:
    """Tell the gravest of several findings.

    Parameters
    ----------
    findings : sequence of Finding
        In any number.

    Returns
    -------
    Severity
        ``GOOD`` for none.
    """
    order = list(Severity)
    return max(
        (finding.severity for finding in findings), key=order.index, default=Severity.GOOD
    )
