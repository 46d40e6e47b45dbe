"""Tell how much light the ground reflects, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pvlib

from gis.errors import GeometryError, WeatherError
from meshes.polygons import FloatArray
from meshes.solar.materials import find_material, read_reflectance

BARE_GROUND = 0.2
"""Albedo of unknown urban ground without snow; the usual value (PVsyst: 0.14 to 0.22)."""

SNOW_COVER = (0.20, 0.22, 0.10, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.12)
"""Share of each month, January first, in which snow covers the ground in Helsingborg.

An assumption: 20 days a winter. SMHI says of snow cover that the coasts of Götaland have
fewer than 50 days a year, the southernmost parts a few days only in some winters, and the
last of them at the end of March [1]_. Snow lies shorter on streets that are cleared.

.. [1] SMHI, Kunskapsbanken: Snötäckets utbredning och varaktighet. For 1961-1990; since
   then Götaland has lost 20 days (klimatanpassning.se, Snö)."""

SKANE = "skane"
"""Name of `SNOW_COVER` for people."""

MONTHS = 12

WATER_COLOUR, WATER_WAVES = 0.16, 0.70
"""Clear water with ripples up to 2.5 cm [2]_.

.. [2] Dvoracek, M. J. and Hannabas, B. (1990). Prediction of albedo for use in
   evapotranspiration and irrigation scheduling. ASAE Publication 04-90, 692-699."""


@dataclass(frozen=True)
class GroundAlbedo:
    """Reflectance of the ground in each month.

    Attributes
    ----------
    months : tuple of 12 float
        January first [-].
    source : str
        Where the numbers come from, in a few words.
    """

    months: tuple[float, ...] = (BARE_GROUND,) * MONTHS
    source: str = "assumed"

    def __post_init__(self) -> None:
        """Refuse what is no share of light in each of twelve months."""
        values = np.asarray(self.months, dtype=np.float64)
        if values.shape != (MONTHS,):
            message = (
                f"albedo must be one number or twelve, January first, got {values.size}"
            )
            raise GeometryError(message)
        bad = ~((values >= 0.0) & (values < 1.0))
        if bad.any():
            message = (
                f"albedo must be at least 0 and below 1, got {values[bad][0]:g}; give a "
                "share of light, not percent"
            )
            raise GeometryError(message)

    @property
    def value(self) -> float | FloatArray:
        """One number where it is the same all year, else (12,) float."""
        if len(set(self.months)) == 1:
            return self.months[0]
        return np.array(self.months)

    def with_snow(self, cover: Sequence[float], source: str) -> "GroundAlbedo":
        """Return the albedo under snow that covers a share of each month.

        Parameters
        ----------
        cover : sequence of 12 float
            Share of each month in which snow covers the ground, January first.
        source : str
            Where the shares come from.
        """
        months = monthly_albedo(np.array(self.months), snow_cover=cover)
        return GroundAlbedo(
            tuple(round(float(value), 6) for value in months),
            f"{self.source}; snow: {source}",
        )


def read_albedo(text: str, *, snow: str | None = None) -> GroundAlbedo:
    """Read the ground's albedo as people write it.

    Parameters
    ----------
    text : str
        A number, twelve of them separated by commas (January first), or the name of a
        material.
    snow : str, optional
        Share of each month in which snow covers the ground: ``skane`` for `SNOW_COVER`, or
        twelve numbers separated by commas.

    Returns
    -------
    GroundAlbedo

    Raises
    ------
    GeometryError, UnknownIdError, WeatherError
        If a text cannot be read so, or a number is no share.

    Examples
    --------
    >>> read_albedo("asphalt").value
    0.12
    >>> read_albedo("0.2", snow="skane").value.round(3).tolist()[:4]
    [0.29, 0.299, 0.245, 0.209]
    """
    if "," in text:
        numbers = _numbers(text, "albedo")
        bare = GroundAlbedo(numbers, "given by month")
    else:
        one = read_reflectance(text.strip())
        bare = GroundAlbedo((one.value,) * MONTHS, one.source)
    if snow is None:
        return bare
    if snow.strip().casefold() in (SKANE, "skåne"):
        return bare.with_snow(SNOW_COVER, "shares of months assumed after SMHI for Skåne")
    return bare.with_snow(_numbers(snow, "snow"), "shares of months given")


def _numbers(text: str, what: str) -> tuple[float, ...]:
    """Read twelve numbers separated by commas."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != MONTHS:
        named = f", or the name {SKANE}" if what == "snow" else ""
        message = (
            f"{what} by month must be twelve numbers separated by commas, January first"
            f"{named}, got {text[:80]!r}; use a point for decimals"
        )
        raise WeatherError(message)
    return numbers


def monthly_albedo(
    bare: float | FloatArray = BARE_GROUND,
    *,
    snow_cover: Sequence[float] = SNOW_COVER,
    snow: float | None = None,
) -> FloatArray:
    """Return the mean albedo of the ground in each month.

    Parameters
    ----------
    bare : float or (12,) float
        Albedo without snow, all year or by month.
    snow_cover : sequence of 12 float
        Share of each month in which snow covers the ground, January first.
    snow : float, optional
        Albedo of snow; by default that of old snow, 0.65.

    Returns
    -------
    (12,) float
        January first; between ``bare`` and ``snow``.

    Raises
    ------
    WeatherError
        If a share or an albedo is outside 0 to 1, or not twelve months are given.
    """
    white = find_material("old snow").reflectance if snow is None else snow
    cover = np.asarray(snow_cover, dtype=np.float64)
    if cover.shape != (MONTHS,):
        message = f"snow cover must have 12 months, January first, got {cover.size}"
        raise WeatherError(message)
    values = np.concatenate([cover, np.ravel(bare), [white]])
    if not ((values >= 0) & (values <= 1)).all():
        bad = values[~((values >= 0) & (values <= 1))][0]
        message = f"snow cover and albedo must be 0 to 1, got {bad:g}; give shares"
        raise WeatherError(message)
    mixed: FloatArray = bare + cover * (white - np.asarray(bare, dtype=np.float64))
    return mixed


def water_albedo(elevation: FloatArray) -> FloatArray:
    """Return the albedo of calm water under the sun's beam.

    Parameters
    ----------
    elevation : (n,) float
        Height of the sun [degrees]; below the horizon it counts as 0.

    Returns
    -------
    (n,) float
        0.16 at the horizon, falling to 0.04 at the zenith.

    Notes
    -----
    Dvoracek and Hannabas [2]_ as implemented in pvlib, which is made for lakes and does not
    reach the mirror-like 0.3 and more of a flat sea below 10 degrees.
    """
    albedo = pvlib.albedo.inland_water_dvoracek(
        np.asarray(elevation, dtype=np.float64),
        color_coeff=WATER_COLOUR,
        wave_roughness_coeff=WATER_WAVES,
    )
    return np.asarray(albedo, dtype=np.float64)
