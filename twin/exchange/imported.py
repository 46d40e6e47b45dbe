"""Hold what was read from elsewhere with what was assumed."""

from dataclasses import dataclass

from twin.model import Model


@dataclass(frozen=True)
class Imported:
    """Things read from elsewhere.

    Attributes
    ----------
    model : Model
    notes : tuple of str
        What was assumed, one sentence each.
    """

    model: Model
    notes: tuple[str, ...] = ()
