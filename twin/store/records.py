"""Say what a store takes, holds and answers."""

from dataclasses import dataclass
from enum import IntFlag


class Quality(IntFlag):
    """What is known of a value besides itself; no flag is a good value."""

    ESTIMATED = 1
    """Not read but worked out, by the source."""
    DOUBTFUL = 2
    """The source itself calls it bad or uncertain."""
    LATE = 4
    """It arrived after newer values of the point."""
    STUCK = 8
    """It repeats the value before longer than the quantity can stand still."""
    SPIKE = 16
    """It stands out from its neighbours and goes back at once."""
    RESET = 32
    """A register started anew here: the meter was changed or set back."""
    ROLLOVER = 64
    """A register passed its largest number here."""
    CLOCK = 128
    """The time is suspect: the device's clock is off, or only its arrival is known."""
    UNIT = 256
    """The unit is suspect."""
    MANUAL = 512
    """A person typed or corrected it."""
    SIMULATED = 1024
    """It is made up."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One statement about one point at one time.

    Attributes
    ----------
    point : str
        Id of the point.
    time : int
        Start of the interval, or the instant of a state or register [microseconds since
        1970, UTC].
    value : float or None
        In the one unit of the point's quantity; None is a known gap.
    source : str
        How the value is known.
    quality : int
        Flags of `Quality`.
    version : int
        Rank the source gives its statements on the same point and time; the higher
        stands, whatever the order of arrival. Of equal ones the last to arrive stands.

    Notes
    -----
    Point, time and version are the natural key. The same content of a key twice is one
    statement, however often and in whatever order it is delivered: who wants to go back
    to an earlier value says so with a higher version.
    """

    point: str
    time: int
    value: float | None
    source: str
    quality: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Kept(Observation):
    """An observation in the store.

    Attributes
    ----------
    sequence : int
        Number in the order of arrival, from 1.
    known : int
        When the store learned it [microseconds since 1970, UTC]; never falls with sequence.
    revision : int
        0 for the first statement of a point and time, then 1, 2, ... as they arrive.
    """

    sequence: int = 0
    known: int = 0
    revision: int = 0


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
    origin : str
        Where it came from: an address, a topic, a file.
    form : str
        Name of the payload's form, "" where none was recognised.
    payload : bytes
        The message as it came, so that it can be fed again; b"" where the row is all.
    """

    number: int
    reason: str
    message: str
    row: str
    origin: str = ""
    form: str = ""
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Quarantined(Refused):
    """A refused row as the store holds it.

    Attributes
    ----------
    first_known, last_known : int
        When it came first and last [microseconds since 1970, UTC].
    times : int
        How often it came.
    released : int or None
        When it was fed again with success; None while it waits.
    """

    first_known: int = 0
    last_known: int = 0
    times: int = 1
    released: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch, once it is on the disk.

    Attributes
    ----------
    new, repeated, revised, refused : int
        First statements of a key; rows that say what is known already; rows that add a
        statement to a point and time that has one; rows put into quarantine.
    sequence : int
        Last number of the store.
    """

    new: int
    repeated: int
    revised: int
    refused: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Edition:
    """The things of the district as they were from a time on.

    Attributes
    ----------
    valid_from : int
        From when on they are so [microseconds since 1970, UTC].
    geometry : str
        Hash of the inputs that the geometry was built from.
    model : str
        Buildings, systems and points as JSON (`twin.things`).
    number, known : int
        Number in the order of arrival, from 1, and when the store learned it.
    """

    valid_from: int
    geometry: str
    model: str
    number: int = 0
    known: int = 0
