"""Say what a log takes, holds and answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one point.

    Attributes
    ----------
    point : str
        Id of the point.
    time : int
        Start of the interval [microseconds since 1970, UTC].
    value : float or None
        In the one unit of the point's quantity; None is a known gap.
    source : str
        How the value is known.
    """

    point: str
    time: int
    value: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Kept(Observation):
    """An observation in the log.

    Attributes
    ----------
    sequence : int
        Number in the order of arrival, from 1.
    known : int
        When the log learned it [microseconds since 1970, UTC]; never falls with sequence.
    revision : int
        0 for the first statement of a point and time, then 1, 2, ...
    """

    sequence: int
    known: int
    revision: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken.

    Attributes
    ----------
    number : int
        Place in its batch, from 0.
    reason : str
        One word for counting.
    message : str
        What must hold and what was found.
    row : str
        The row as text, cut where it is long.
    """

    number: int
    reason: str
    message: str
    row: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch, once it is on the disk.

    Attributes
    ----------
    new, repeated, revised, refused : int
        First statements; rows whose content was the latest known already; rows that
        supersede another value; rows put into quarantine.
    sequence : int
        Last number of the log.
    """

    new: int
    repeated: int
    revised: int
    refused: int
    sequence: int
