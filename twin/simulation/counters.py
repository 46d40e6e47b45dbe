"""Count what passes a meter, as its register shows it."""

from dataclasses import dataclass

import numpy as np

from gis.errors import TableError
from twin.expectation.conditions import FloatArray


@dataclass(frozen=True)
class Counter:
    """How a register shows what it counted.

    Attributes
    ----------
    offset : float
        What it showed when the run began.
    resolution : float
        Its last digit.
    largest : float
        Number at which it starts again from 0.
    """

    offset: float = 0.0
    resolution: float = 1.0
    largest: float = 1e8

    def __post_init__(self) -> None:
        """Refuse registers that show nothing."""
        if not (0 < self.resolution < self.largest and 0 <= self.offset < self.largest):
            message = (
                "a register must have a last digit below its largest number and begin "
                f"between them, got {self}"
            )
            raise TableError(message)

    def read(self, flow: FloatArray, hours: float) -> FloatArray:
        """Return what it shows at the start of each step.

        Parameters
        ----------
        flow : (t,) float
            What passes, mean of each step [per hour], 0 or more.
        hours : float
            Length of a step [h].

        Returns
        -------
        (t,) float
            Whole multiples of the resolution, cut off and not rounded.

        Examples
        --------
        >>> meter = Counter(98.5, resolution=1.0, largest=100.0)
        >>> meter.read(np.array([1.0, 1.0, 0.5]), 1.0)
        array([98., 99.,  0.])
        """
        before = np.concatenate([[0.0], np.cumsum(flow)[:-1]]) * hours
        # A hair is added: 0.1 + 0.2 must not show 0.2.
        digits = np.floor((self.offset + before) / self.resolution + 1e-6)
        shown = np.mod(digits, np.round(self.largest / self.resolution))
        return np.asarray(np.round(shown * self.resolution, 6), np.float64)


def worn_offset(flow: FloatArray, chance: float, resolution: float) -> float:
    """Return what a register of a meter shows that has run for one to nine years.

    Parameters
    ----------
    flow : (t,) float
        What passes in the run [per hour].
    chance : float
        0..1, of the meter.
    resolution : float
        Of the register.
    """
    counted = float(flow.mean()) * 8760 * (1 + 8 * chance)
    return float(np.floor(counted / resolution) * resolution)
