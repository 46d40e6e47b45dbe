"""Complete a year of hours from what a weather file holds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.decomposition import MODEL, split_ghi
from gis.errors import WeatherError
from gis.typical_year import monthly_climate
from gis.weather import (
    HOUR,
    IRRADIANCE,
    FloatArray,
    Weather,
    closure_error,
    count_steps,
    extraterrestrial,
    step_of,
    sun_elevation,
)
from gis.weather_flags import Method, blank_flags, flagged
from gis.weather_reference import DUSK, levelled, reference_hours

BoolArray = npt.NDArray[np.bool_]

SHORT_GAP = 3  # [h] interpolated over the clearness
LONG_GAP = 5 * 24  # [h] of radiation, taken from neighbouring days
LONG_GAP_OF_AIR = 14 * 24  # [h] temperature moves a PV yield by 0.4 % per kelvin only
MOST_MISSING = 0.1
MOST_REPLACED = 0.5  # with a reference year; beyond that it is no longer the file's weather
_MOST_IMPOSSIBLE = 0.05  # share of sun hours above what the sun can give
_MOST_OPEN = 0.35  # share of sun hours whose three radiations do not add up

# Instruments may read a little more than the extraterrestrial radiation for minutes beside
# bright clouds, and at a low sun that moves within the hour.
_HEADROOM, _GLOW = 1.05, 15.0  # [-], [W/m2]
# In minutes bright clouds add up to a half: the limit of BSRN (Long and Dutton 2002).
_HEADROOM_FINE, _POWER_FINE, _GLOW_FINE = 1.5, 1.2, 100.0
_LOWEST_SUN = 0.05  # cosine of the zenith below which beam cannot be told from GHI - DHI
_TWILIGHT = -6.0  # [degrees] end of civil twilight
_OPEN = 50.0  # [W/m2] or a tenth of GHI: what counts as not adding up


@dataclass(frozen=True)
class _Sun:
    """The sun of each step: radiation beyond the atmosphere, heights, night."""

    beyond: FloatArray  # [W/m2] on a plane facing the sun
    height: FloatArray  # cosine of the zenith that represents the hour
    highest: FloatArray  # cosine of the zenith, highest within the hour
    down: BoolArray  # below the horizon throughout
    night: BoolArray  # below civil twilight throughout
    times: pd.DatetimeIndex  # the moments that represent the hours
    place: tuple[float, float]  # latitude, longitude [degrees]
    step: float  # length of a step [min]

    @property
    def most(self) -> FloatArray:
        """(h,) float: the most light that a level plane can get [W/m2]."""
        if self.step == HOUR:
            return _HEADROOM * self.beyond * self.highest + _GLOW
        return _HEADROOM_FINE * self.beyond * self.highest**_POWER_FINE + _GLOW_FINE


@dataclass(frozen=True)
class FilledYear:
    """A year without gaps.

    Attributes
    ----------
    table : pd.DataFrame
        The rows that were given without NaN, and ``filled``: true where radiation or
        temperature were taken from other hours. Values derived from the same hour's own
        radiation (closure, split) do not count as filled.
    flags : pd.DataFrame
        How each value came about, see `gis.weather_flags.Method`.
    notes : tuple of str
        One sentence for each thing that was done.
    """

    table: pd.DataFrame
    flags: pd.DataFrame
    notes: tuple[str, ...]


def complete_year(
    table: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    sun_offset_minutes: float,
    reference: Weather | None = None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Drop what cannot be, derive what is implied, fill what is missing.

    Parameters
    ----------
    table, latitude, longitude, sun_offset_minutes, reference
        As of `fill_year`.

    Returns
    -------
    tuple
        ``table`` and ``notes`` of `fill_year`, where everything else is said.
    """
    done = fill_year(
        table,
        latitude=latitude,
        longitude=longitude,
        sun_offset_minutes=sun_offset_minutes,
        reference=reference,
    )
    return done.table, done.notes


def fill_year(
    table: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    sun_offset_minutes: float,
    reference: Weather | None = None,
) -> FilledYear:
    """Drop what cannot be, derive what is implied, fill what is missing, say how.

    Parameters
    ----------
    table : pd.DataFrame
        One year of hours, or any time in even steps, UTC labels without holes; ``ghi,
        dni, dhi`` [W/m2], ``temp_air`` [degC], ``wind_speed`` [m/s], NaN where missing.
    latitude, longitude : float
        Place [degrees].
    sun_offset_minutes : float
        From the label to the sun that represents the hour [min].
    reference : Weather or None
        Another year that stands in where a gap is too long for its neighbours; None
        refuses such gaps.

    Returns
    -------
    FilledYear

    Raises
    ------
    WeatherError
        If more than a tenth (with a reference: half) of radiation or temperature is
        missing, a gap is too long, or the radiation contradicts the sun.

    Notes
    -----
    Gaps of up to 3 h are interpolated: beam as share of the extraterrestrial beam, diffuse
    as share of the extraterrestrial horizontal radiation, over hours of daylight. A longer
    gap takes the mean of the equally long stretches of whole days before and after it, so
    that the level of the neighbours and the time of day are kept. Beyond 5 days of
    radiation and 14 of temperature or wind, the same hours of the reference year stand in:
    its shares of the extraterrestrial radiation under this place's sun, its temperature
    moved to the level of the three days at either end. Checked in
    tests/gis/test_weather_gaps.py and test_weather_long_gaps.py.
    """
    index = pd.DatetimeIndex(table.index)
    step = step_of(index)
    per_hour = round(HOUR / step)
    longest_dark, longest_cold = LONG_GAP * per_hour, LONG_GAP_OF_AIR * per_hour
    sun = _sun(index, latitude=latitude, longitude=longitude, minutes=sun_offset_minutes)
    other = None if reference is None else reference_hours(reference, index)
    notes: list[str] = []
    light = {name: table[name].to_numpy(dtype=np.float64, copy=True) for name in IRRADIANCE}
    light = _within_physics(light, sun, notes)
    _check_closure(light, sun, notes)
    light, how = _derived(light, sun, notes)

    dark = np.isnan(np.sum([light[name] for name in IRRADIANCE], axis=0))
    _check_gaps(dark, "radiation", longest_dark, index, replaced=other is not None)
    up = sun.height > _LOWEST_SUN
    beam = _bridged(
        light["dni"] / sun.beyond,
        dark,
        up,
        longest_dark,
        None if other is None else other.beam,
        per_hour,
    )
    horizontal = sun.beyond * np.maximum(sun.height, DUSK)
    diffuse = _bridged(
        light["dhi"] / horizontal,
        dark,
        up,
        longest_dark,
        None if other is None else other.diffuse,
        per_hour,
    )
    dni = np.where(dark, np.where(sun.height > 0.0, beam * sun.beyond, 0.0), light["dni"])
    dhi = np.where(dark, np.where(sun.night, 0.0, diffuse * horizontal), light["dhi"])
    ghi = np.where(dark, dni * sun.height + dhi, light["ghi"])
    _say_gaps(dark, "radiation", longest_dark, step, reference, notes)

    air = table["temp_air"].to_numpy(dtype=np.float64)
    cold = np.isnan(air)
    _check_gaps(cold, "temperature", longest_cold, index, replaced=other is not None)
    _say_gaps(cold, "temperature", longest_cold, step, reference, notes)
    always = np.ones(len(air), dtype=np.bool_)
    level = None if other is None else levelled(other.air, air, _runs(cold), per_hour)
    wind, wind_how = _wind(
        table["wind_speed"], None if other is None else other.wind, step, notes
    )
    columns = {
        "ghi": ghi,
        "dni": dni,
        "dhi": dhi,
        "temp_air": _bridged(air, cold, always, longest_cold, level, per_hour),
        "wind_speed": wind,
        "filled": dark | cold,
    }
    flags = blank_flags(index).assign(
        radiation=_gap_flags(how, dark, longest_dark, per_hour),
        temperature=_gap_flags(_all_read(len(air)), cold, longest_cold, per_hour),
        wind=wind_how,
    )
    return FilledYear(pd.DataFrame(columns, index=index), flags, tuple(notes))


def _gap_flags(
    how: npt.NDArray[np.object_], missing: BoolArray, longest: int, per_hour: int
) -> npt.NDArray[np.object_]:
    """Say by which method each gap was filled."""
    flags = how.copy()
    for start, length in _runs(missing):
        method = Method.REFERENCE if length > longest else Method.NEIGHBOURS
        method = Method.INTERPOLATED if length <= SHORT_GAP * per_hour else method
        flags[start : start + length] = method.value
    return flags


def _sun(
    index: pd.DatetimeIndex, *, latitude: float, longitude: float, minutes: float
) -> _Sun:
    """Sun of each step at its representative moment and half a step to either side."""
    step = step_of(index)
    early, middle, late = (
        sun_elevation(
            index + pd.Timedelta(minutes=minutes + shift),
            latitude=latitude,
            longitude=longitude,
        )
        for shift in (-step / 2.0, 0.0, step / 2.0)
    )
    highest = np.maximum(np.maximum(early, middle), late)
    return _Sun(
        times=index + pd.Timedelta(minutes=minutes),
        place=(latitude, longitude),
        beyond=extraterrestrial(index),
        height=np.clip(np.sin(np.radians(middle)), 0.0, None),
        highest=np.clip(np.sin(np.radians(highest)), 0.0, None),
        down=np.asarray(highest < 0.0),
        night=np.asarray(highest < _TWILIGHT),
        step=step,
    )


def _within_physics(
    light: dict[str, FloatArray], sun: _Sun, notes: list[str]
) -> dict[str, FloatArray]:
    """Drop radiation above the sun's own and set the night to zero."""
    limits = {"ghi": sun.most, "dni": sun.beyond, "dhi": sun.most}
    above = {name: light[name] > limit for name, limit in limits.items()}
    # A night sensor that reads a few watts is a zero offset; at the limit it is no night.
    count = int(np.any(list(above.values()), axis=0).sum())
    daylight = int((sun.highest > 0.0).sum())
    if count > _MOST_IMPOSSIBLE * daylight:
        message = (
            "radiation must stay below that of the sun outside the atmosphere, "
            f"got more in {count_steps(count, sun.step)} of a year; check time zone, place "
            "and units (W/m2)"
        )
        raise WeatherError(message)
    if count:
        notes.append(
            "Radiation above that of the sun outside the atmosphere was dropped in "
            f"{count_steps(count, sun.step)}."
        )
    kept = {name: np.where(above[name], np.nan, light[name]) for name in IRRADIANCE}
    kept["dni"] = np.where(sun.down & ~np.isnan(kept["dni"]), 0.0, kept["dni"])
    for name in ("ghi", "dhi"):
        kept[name] = np.where(sun.night & ~np.isnan(kept[name]), 0.0, kept[name])
    return kept


def _check_closure(light: dict[str, FloatArray], sun: _Sun, notes: list[str]) -> None:
    """Say how well the three radiations add up; refuse them if they contradict."""
    residual = closure_error(pd.DataFrame(light), sun.height)
    use = ~np.isnan(residual) & (light["ghi"] > _OPEN) & (sun.height > 2.0 * _LOWEST_SUN)
    if not use.any():
        return
    error = np.abs(residual[use])
    share = float((error > np.maximum(_OPEN, 0.1 * light["ghi"][use])).mean())
    root = float(np.sqrt((error**2).mean()))
    if share > _MOST_OPEN:
        message = (
            "GHI must equal DNI cos z + DHI, but is off by more than 50 W/m2 in "
            f"{share:.0%} of the sun hours (RMSE {root:.0f} W/m2); check that the columns "
            "hold what their names say and that times are UTC"
        )
        raise WeatherError(message)
    notes.append(
        f"GHI = DNI cos z + DHI holds with RMSE {root:.1f} W/m2; {share:.1%} of the sun "
        "hours are off by more than 50 W/m2 and a tenth of GHI."
    )


def _derived(
    light: dict[str, FloatArray], sun: _Sun, notes: list[str]
) -> tuple[dict[str, FloatArray], npt.NDArray[np.object_]]:
    """Give each hour its third radiation by closure, or two of them by a model."""
    ghi, dni, dhi = (light[name].copy() for name in IRRADIANCE)
    none = [np.isnan(values) for values in (ghi, dni, dhi)]
    limit = sun.most

    no_ghi = none[0] & ~none[1] & ~none[2]
    ghi[no_ghi] = (dni * sun.height + dhi)[no_ghi]
    no_dhi = ~none[0] & ~none[1] & none[2]
    dhi[no_dhi] = np.clip(ghi - dni * sun.height, 0.0, limit)[no_dhi]
    no_dni = ~none[0] & none[1] & ~none[2]
    slope = np.clip(ghi - dhi, 0.0, None) / np.maximum(sun.height, _LOWEST_SUN)
    dni[no_dni] = np.where(sun.height > _LOWEST_SUN, np.minimum(slope, sun.beyond), 0.0)[
        no_dni
    ]
    closed = no_ghi | no_dhi | no_dni
    if by_closure := int(closed.sum()):
        notes.append(
            "One of GHI, DNI, DHI follows from the other two in "
            f"{count_steps(by_closure, sun.step)}."
        )

    alone = ~none[0] & none[1] & none[2]
    if alone.any():
        latitude, longitude = sun.place
        beam, rest = split_ghi(ghi, sun.times, latitude=latitude, longitude=longitude)
        dni[alone], dhi[alone] = beam[alone], rest[alone]
        count = int((alone & ~sun.night).sum())
        notes.append(
            f"GHI was split into beam and diffuse by the model {MODEL} in "
            f"{count_steps(count, sun.step)}."
        )
    how = flagged(_all_read(len(ghi)), closed, Method.CLOSURE)
    how = flagged(how, alone & ~sun.night, Method.SPLIT)
    return {"ghi": ghi, "dni": dni, "dhi": dhi}, how


def _all_read(count: int) -> npt.NDArray[np.object_]:
    """Flag values that are as the source has them."""
    return np.full(count, Method.READ.value, dtype=object)


def _wind(
    values: "pd.Series[float]", other: FloatArray | None, step: float, notes: list[str]
) -> tuple[FloatArray, npt.NDArray[np.object_]]:
    """Wind without gaps; the district's monthly means where too little is known."""
    per_hour = round(HOUR / step)
    long = LONG_GAP_OF_AIR * per_hour
    wind = np.asarray(values, dtype=np.float64)
    missing = np.isnan(wind)
    longest = max((length for _, length in _runs(missing)), default=0)
    many = missing.mean() > MOST_MISSING or longest > long
    read = _all_read(len(wind))
    if many and (other is None or missing.mean() > MOST_REPLACED):
        means = monthly_climate()["wind_speed"]
        months = pd.DatetimeIndex(values.index).month.to_numpy()
        assumed = means.reindex(months).to_numpy(dtype=np.float64)
        notes.append(
            f"Wind speed is missing in {count_steps(int(missing.sum()), step)}; monthly "
            "means assumed for a coastal town stand there."
        )
        return np.where(missing, assumed, wind), flagged(read, missing, Method.ASSUMED)
    always = np.ones(len(wind), dtype=np.bool_)
    full = _bridged(wind, missing, always, long, other, per_hour)
    return full, _gap_flags(read, missing, long, per_hour)


def _bridged(
    values: FloatArray,
    missing: BoolArray,
    lit: BoolArray,
    longest: int,
    other: FloatArray | None,
    per_hour: int,
) -> FloatArray:
    """Fill every run of missing values, short ones from the steps that are ``lit``."""
    known = np.flatnonzero(~missing & lit)
    filled = values.copy()
    for start, length in _runs(missing):
        hours = np.arange(start, start + length)
        if length > longest and other is not None:
            filled[hours] = other[hours]
        elif length <= SHORT_GAP * per_hour and len(known):
            filled[hours] = np.interp(hours, known, values[known])
        else:
            filled[hours] = _from_neighbours(values, hours, 24 * per_hour)
    return filled


def _from_neighbours(
    values: FloatArray, hours: npt.NDArray[np.intp], day: int
) -> FloatArray:
    """Mean of the same times, as many whole days before and after as the gap needs.

    NaN where a part of a year is too short to have such days.
    """
    days = -(-len(hours) // day)
    found = np.full((2, len(hours)), np.nan)
    for side, sign in enumerate((-1, 1)):
        for further in range(days, len(values) // day + 1):
            there = hours + sign * day * further
            inside = (there >= 0) & (there < len(values))
            if not inside.any():
                break
            source = np.clip(there, 0, len(values) - 1)
            take = inside & np.isnan(found[side])
            found[side, take] = values[source[take]]
            if not np.isnan(found[side, inside]).any():
                break
    count = (~np.isnan(found)).sum(axis=0)
    means = np.full(len(hours), np.nan)
    np.divide(np.nansum(found, axis=0), count, out=means, where=count > 0)
    return means


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    """Start and length of each run of true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _check_gaps(
    missing: BoolArray, what: str, longest: int, times: pd.DatetimeIndex, *, replaced: bool
) -> None:
    """Refuse a year that misses too much of one thing."""
    per_day = round(24 * HOUR / step_of(times))
    for start, length in _runs(missing):
        if length <= longest or replaced:
            continue
        if start == 0 or start + length == len(missing):
            known = times[~missing]
            covered = (
                f"{known[0]:%Y-%m-%d} to {known[-1]:%Y-%m-%d}" if len(known) else "nothing"
            )
            message = f"{what} must cover a full year, got {covered}; give a year of hours"
        else:
            message = (
                f"{what} must have no gap longer than {longest // per_day} days, got "
                f"{length / per_day:.1f} days from {times[start]:%Y-%m-%d %H:%M}; fill it, "
                "choose another year or give a reference year"
            )
        raise WeatherError(message)
    share = float(missing.mean())
    most = MOST_REPLACED if replaced else MOST_MISSING
    if share > most:
        message = (
            f"{what} must be known in {1 - most:.0%} of the hours, "
            f"got {1 - share:.0%}; choose a more complete year"
        )
        raise WeatherError(message)


def _say_gaps(
    missing: BoolArray,
    what: str,
    longest: int,
    step: float,
    reference: Weather | None,
    notes: list[str],
) -> None:
    """Count what was filled and how."""
    runs = _runs(missing)
    if not runs:
        return
    few = SHORT_GAP * round(HOUR / step)
    short = sum(length for _, length in runs if length <= few)
    count = int(missing.sum())
    long = sum(length for _, length in runs if length > longest)
    notes.append(
        f"{what.capitalize()} was missing in {count_steps(count, step)}: {short} "
        f"interpolated, {count - short - long} taken from the same hours of neighbouring "
        "days" + (f", {long} from the reference year" if long else "") + "."
    )
    if long and reference is not None:
        notes.append(f"The reference year for {what} is: {reference.source}.")
