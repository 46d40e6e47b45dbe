"""Hold the line where land and sky meet, seen from one place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gis.errors import TerrainError

FloatArray = npt.NDArray[np.float64]

_FULL = 360.0  # [degrees]


@dataclass(frozen=True, eq=False)
class HorizonLine:
    """Elevation of the horizon in every direction.

    Two lines are equal when they are the same object; compare the arrays for more.

    Attributes
    ----------
    azimuths : (n,) float
        Directions [degrees clockwise from north], rising, 0 to below 360, one or more; kept
        read-only.
    elevations : (n,) float
        Of the horizon in these directions [degrees above the horizontal plane]; negative
        where a high place looks down on the sea. Kept read-only.
    source : str
        Where the line comes from, with credit.

    Raises
    ------
    TerrainError
        If the directions do not rise within one turn or an elevation is missing.
    """

    azimuths: FloatArray
    elevations: FloatArray
    source: str

    def __post_init__(self) -> None:
        """Check the line and guard it against changes."""
        azimuths = np.array(self.azimuths, dtype=np.float64)
        elevations = np.array(self.elevations, dtype=np.float64)
        if azimuths.ndim != 1 or azimuths.shape != elevations.shape or not len(azimuths):
            message = (
                "a horizon needs one elevation for each direction, got shapes "
                f"{azimuths.shape} and {elevations.shape}; give two equally long lists"
            )
            raise TerrainError(message)
        inside = (azimuths >= 0.0) & (azimuths < _FULL)
        if not inside.all() or (np.diff(azimuths) <= 0.0).any():
            message = (
                "directions of a horizon must rise from 0 to below 360 degrees, got "
                f"{azimuths.min():g} to {azimuths.max():g}, {len(azimuths)} of them; "
                "sort them and leave out repeated ones"
            )
            raise TerrainError(message)
        good = np.abs(elevations) < 90.0  # NaN is not
        if not good.all():
            message = (
                "elevations of a horizon must lie between -90 and 90 degrees, got "
                f"{elevations[int(np.argmin(good))]:g} at azimuth "
                f"{azimuths[int(np.argmin(good))]:g}; mend the source"
            )
            raise TerrainError(message)
        azimuths.flags.writeable = False
        elevations.flags.writeable = False
        object.__setattr__(self, "azimuths", azimuths)
        object.__setattr__(self, "elevations", elevations)

    def elevation_at(self, azimuth: float | Sequence[float] | FloatArray) -> FloatArray:
        """Elevation of the horizon in any direction, on straight lines between the known.

        Parameters
        ----------
        azimuth : float or array of float
            Directions [degrees clockwise from north]; any number of turns.

        Returns
        -------
        array of float
            [degrees], of the shape of ``azimuth`` (0-dimensional for one number); NaN for
            NaN.

        Notes
        -----
        The line closes across north. Checked in tests/gis/test_horizon.py.
        """
        turned = np.mod(np.asarray(azimuth, dtype=np.float64), _FULL)
        return np.asarray(np.interp(turned, self.azimuths, self.elevations, period=_FULL))

    def hides(
        self, azimuth: float | FloatArray, elevation: float | FloatArray
    ) -> npt.NDArray[np.bool_]:
        """Tell whether the land hides a point of the sky, such as the sun.

        Parameters
        ----------
        azimuth, elevation : float or array of float
            Of the point [degrees], shapes that broadcast.

        Returns
        -------
        array of bool
            True below the line.
        """
        return np.asarray(np.asarray(elevation) < self.elevation_at(azimuth))
