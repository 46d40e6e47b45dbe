"""Keep a number that was taken and not measured together with its source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """A number that was taken and not measured.

    Attributes
    ----------
    name : str
        What it is.
    value : float
        In ``unit``.
    unit : str
        Of the value.
    source : str
        Where it comes from, or that nothing better is known.
    unverified : bool
        True where nobody has checked it against a publication or a meter.
    """

    name: str
    value: float
    unit: str
    source: str
    unverified: bool = True
