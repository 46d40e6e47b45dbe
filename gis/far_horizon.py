"""Find the line where far land meets the sky, over the curved Earth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from gis.crs import to_wgs84
from gis.errors import TerrainError
from gis.horizon import HorizonLine
from gis.sources.dem_samples import cell_size, sample_elevations

EARTH_RADIUS = 6_371_008.8
"""Mean radius (2a + b) / 3 of GRS80 [m]; Moritz, 2000, doi:10.1007/s001900050278. The
true curvature differs by up to 0.5 %, which is 4 m of height at 100 km."""

REFRACTION = 0.13
"""Coefficient of terrestrial refraction: radius of the Earth over radius of the light's
path. The common value of geodesy for daytime, after Gauss; 0 is no air, near cold water
it can exceed 0.2."""

EYE = 2.0
"""Height of the observer above the ground where no level is told [m], assumed."""

MOST_SAMPLES = 20_000_000
"""Directions times steps; 1 GB of memory."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sight:
    """How far and how finely to look.

    Attributes
    ----------
    nearest, farthest : float
        Distances within which land counts [m]; nearer land is for the terrain and
        buildings of the twin itself.
    directions : int
        Azimuths round the compass, the first at true north.
    step : float or None
        Distance between samples along a line of sight [m]; the cell of the (first) raster
        if None.
    refraction : float
        Coefficient of terrestrial refraction, -1 to below 1.

    Raises
    ------
    TerrainError
        If a number is out of range, or samples would be too many.
    """

    nearest: float = 0.0
    farthest: float = 100_000.0
    directions: int = 720
    step: float | None = None
    refraction: float = REFRACTION

    def __post_init__(self) -> None:
        """Refuse what cannot be looked at."""
        if not (0.0 <= self.nearest < self.farthest <= 500_000.0):
            message = (
                "distances must rise from 0 to at most 500 km, got nearest="
                f"{self.nearest} m and farthest={self.farthest} m"
            )
            raise TerrainError(message)
        if not 1 <= self.directions <= 36_000:
            message = f"directions must be 1..36,000, got {self.directions}"
            raise TerrainError(message)
        if self.step is not None and not self.step > 0.0:
            message = f"the step must be a positive length, got {self.step} m"
            raise TerrainError(message)
        if not -1.0 <= self.refraction < 1.0:
            message = (
                f"the coefficient of refraction must be -1 to below 1, got "
                f"{self.refraction}; {REFRACTION} is usual"
            )
            raise TerrainError(message)


def far_horizon(
    dem: Path | Sequence[Path],
    *,
    easting: float,
    northing: float,
    level: float | None = None,
    sight: Sight | None = None,
    unknown: float = 0.0,
) -> tuple[HorizonLine, tuple[str, ...]]:
    """Horizon of a place from rasters of elevations.

    Parameters
    ----------
    dem : Path or sequence of Path
        Rasters in any reference system; where they overlap the first counts. Read by
        windows along the lines of sight, never whole.
    easting, northing : float
        The observer, EPSG:3008 [m].
    level : float, optional
        Of the observer's eye [m RH2000]; `EYE` above the raster at the place if not given.
    sight : Sight, optional
        Distances, directions, refraction.
    unknown : float
        Level of what no raster covers, such as the open sea [m].

    Returns
    -------
    line : HorizonLine
        Azimuths from true north (not from north of the plan; at Helsingborg the two
        differ by 0.7 degrees), elevations above the observer's horizontal plane.
    notes : tuple of str
        What was assumed, with counts.

    Raises
    ------
    SourceError, CrsError, TerrainError
        If a raster cannot be used, or none knows the observer's ground.

    Notes
    -----
    Places along geodesics of GRS80, elevations on a sphere whose radius is enlarged by
    refraction, R / (1 - k). Peaks that stand between two directions are missed: at 100 km,
    720 directions lie 870 m apart. Checked against cones, ridges and the bare sea in
    tests/gis/test_far_horizon.py.
    """
    paths = [Path(dem)] if isinstance(dem, str | Path) else [Path(one) for one in dem]
    if not paths:
        message = "a horizon needs a raster of elevations, got none"
        raise TerrainError(message)
    sight = sight or Sight()
    longitude, latitude = (float(c) for c in to_wgs84(np.array([easting, northing])))
    notes: list[str] = []
    if level is None:
        ground, _ = sample_elevations(paths, np.array([longitude]), np.array([latitude]))
        if np.isnan(ground[0]):
            message = (
                f"the raster must know the ground at E {easting:.0f}, N {northing:.0f}, "
                f"{paths[0].name} does not; give level or a raster that covers the place"
            )
            raise TerrainError(message)
        level = float(ground[0]) + EYE
        notes.append(f"eye taken {EYE:g} m above the raster, at {level:.1f} m")
    step = sight.step or cell_size(paths[0], longitude=longitude, latitude=latitude)
    distance = _distances(sight, step)
    azimuth = np.arange(sight.directions, dtype=np.float64) * (360.0 / sight.directions)
    longitudes, latitudes = _look(longitude, latitude, azimuth, distance)
    z, told = sample_elevations(paths, longitudes, latitudes)
    notes += told
    lost = np.isnan(z)
    if lost.all():
        message = (
            "the rasters must cover land in sight, no sample between "
            f"{sight.nearest:,.0f} and {sight.farthest:,.0f} m lies on {paths[0].name}; "
            "give the tiles around the place"
        )
        raise TerrainError(message)
    if lost.any():
        notes.append(
            f"{lost.mean():.1%} of the samples lie on no raster and were taken at "
            f"{unknown:g} m"
        )
        z[lost] = unknown
    angle = apparent_elevation(
        z.reshape(len(azimuth), len(distance)),
        distance,
        level=level,
        refraction=sight.refraction,
    ).max(axis=1)
    names = ", ".join(path.name for path in paths[:3]) + (" ..." if len(paths) > 3 else "")
    source = (
        f"{names}; eye at {level:.1f} m, land {sight.nearest / 1000:g} to "
        f"{sight.farthest / 1000:g} km away, step {step:.0f} m, refraction "
        f"{sight.refraction:g}, azimuth from true north"
    )
    return HorizonLine(azimuth, angle, source), tuple(notes)


def apparent_elevation(
    z: FloatArray, distance: FloatArray, *, level: float, refraction: float = REFRACTION
) -> FloatArray:
    """Angle at which far ground appears over the curved Earth.

    Parameters
    ----------
    z : (..., n) float
        Elevation of the ground [m].
    distance : (n,) float
        To it, along the ground at sea level [m], above 0.
    level : float
        Of the eye [m].
    refraction : float
        Coefficient of terrestrial refraction, below 1.

    Returns
    -------
    (..., n) float
        Above the horizontal plane of the eye [degrees].

    Notes
    -----
    Light that bends with a coefficient k over a sphere of radius R is straight over one of
    R / (1 - k). For small angles the result is ``(z - level) / d - d (1 - k) / (2 R)``.
    """
    radius = EARTH_RADIUS / (1.0 - refraction)
    turn = distance / radius
    # cos(turn) - 1 without cancellation; the heights stay apart from the radius.
    fall = -2.0 * np.sin(turn / 2.0) ** 2
    up = (radius + z) * fall + (z - level)
    result: FloatArray = np.degrees(np.arctan2(up, (radius + z) * np.sin(turn)))
    return result


def _distances(sight: Sight, step: float) -> FloatArray:
    """Distances of the samples on a line of sight [m]."""
    first = max(sight.nearest, step)
    count = int(max(sight.farthest - first, 0.0) // step) + 1
    if count * sight.directions > MOST_SAMPLES:
        message = (
            f"a horizon must do with {MOST_SAMPLES:,} samples, got {sight.directions} "
            f"directions of {count:,} steps of {step:g} m; look less far or less finely"
        )
        raise TerrainError(message)
    return first + np.arange(count, dtype=np.float64) * step


def _look(
    longitude: float, latitude: float, azimuth: FloatArray, distance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Places on the lines of sight, direction by direction [degrees]."""
    geod = Geod(ellps="GRS80")
    count = len(azimuth) * len(distance)
    there = geod.fwd(
        np.full(count, longitude),
        np.full(count, latitude),
        np.repeat(azimuth, len(distance)),
        np.tile(distance, len(azimuth)),
    )
    return np.asarray(there[0]), np.asarray(there[1])
