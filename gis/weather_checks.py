"""Check hours of weather against physics and themselves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.decomposition import MODEL, split_ghi
from gis.weather import (
    IRRADIANCE,
    RANGES,
    FloatArray,
    Weather,
    extraterrestrial,
    sun_elevation,
)
from gis.weather_clock import clear_sky, find_sun_offset
from gis.weather_findings import Finding, Severity

BoolArray = npt.NDArray[np.bool_]

# Limits of the Baseline Surface Radiation Network [1]_, made for minutes and so wide for
# hours: factor on the extraterrestrial beam, exponent of cos z, summand [W/m2].
_POSSIBLE = {"ghi": (1.5, 1.2, 100.0), "dni": (1.0, 0.0, 0.0), "dhi": (0.95, 1.2, 50.0)}
_RARE = {"ghi": (1.2, 1.2, 50.0), "dni": (0.95, 0.2, 10.0), "dhi": (0.75, 1.2, 30.0)}
_LEAST = {"possible": -4.0, "rare": -np.inf}  # [W/m2] zero offsets are usual, not rare

_BRIGHT = 50.0  # [W/m2] below which ratios say nothing
_HIGH_SUN, _LOW_SUN = 15.0, 5.0  # [degrees] of the closure test's two ranges
_CLOSURE_HIGH, _CLOSURE_LOW = 0.08, 0.15
_DIFFUSE_HIGH, _DIFFUSE_LOW = 1.05, 1.10
_NIGHT, _NIGHT_LIGHT = -6.0, 5.0  # [degrees], [W/m2] moonlight is a thousandth of a watt

# Beam through the cleanest and driest air, as transmittance ** (air mass ** 0.678) of the
# extraterrestrial (Meinel, Applied Solar Energy, 1976, with 0.7 for a mean clear sky);
# 0.80 leaves Rayleigh scattering and a little water. Hourly GHI may exceed Haurwitz' clear
# sky by cloud edges.
_CLEANEST, _EXPONENT = 0.80, 0.678
_CLOUD_EDGE, _CLOUD_GLOW = 1.15, 30.0  # [-], [W/m2]

_STUCK_LIGHT, _STUCK_AIR, _STUCK_WIND = 4, 18, 24  # [h] of the same number
_LEAP = 8.0  # [K/h] fronts bring about 5
_SEASON_CLOCK = 40.0  # [min] between summer and winter that an hour's change must exceed
_SPLIT_OFF = 0.15  # share by which beam may differ from the model's mean sky
_FEWEST = 100  # hours that say something

_DOUBT, _FAULT = 0.002, 0.02  # share of hours above which a limit worries
_DOUBT_WIDE, _FAULT_WIDE = 0.1, 0.35  # the same for closure, where instruments differ


@dataclass(frozen=True)
class _Sky:
    """The sun of each hour."""

    index: pd.DatetimeIndex
    times: pd.DatetimeIndex
    beyond: FloatArray
    elevation: FloatArray  # [degrees] at the representative moment
    highest: FloatArray  # [degrees] within the hour
    place: tuple[float, float]


def check_weather(weather: Weather) -> tuple[Finding, ...]:
    """Check a year of weather.

    Parameters
    ----------
    weather : Weather
        Hours that were filled are left out.

    Returns
    -------
    tuple of Finding
        As of `check_hours`.
    """
    latitude, longitude = weather.position
    table = weather.table
    measured = table.drop(columns="filled").where(~table["filled"])
    return check_hours(
        measured,
        latitude=latitude,
        longitude=longitude,
        sun_offset_minutes=weather.sun_offset_minutes,
    )


def check_hours(
    table: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    sun_offset_minutes: float,
) -> tuple[Finding, ...]:
    """Check hours of weather, complete or not, repaired or not.

    Parameters
    ----------
    table : pd.DataFrame
        Whole UTC hours, rising; some of ``ghi, dni, dhi`` [W/m2], ``temp_air`` [degC],
        ``wind_speed`` [m/s], NaN where missing.
    latitude, longitude : float
        Place [degrees].
    sun_offset_minutes : float
        From the label to the sun that represents the hour [min].

    Returns
    -------
    tuple of Finding
        One for each check that the columns allow, passed or not: completeness, possible and
        rare limits, night, closure, diffuse share, clear-sky ceiling, split, stuck values,
        leaps, ranges, clock.

    Notes
    -----
    Limits and ratios are those of [1]_, applied to hours with the highest sun within the
    hour. Checked in tests/gis/test_weather_checks.py by spoiling a sound year in one way at
    a time.

    References
    ----------
    .. [1] C. N. Long and E. G. Dutton, "BSRN Global Network recommended QC tests, V2.0",
       Baseline Surface Radiation Network (2002).
    """
    index = pd.DatetimeIndex(table.index)
    elevations = [
        sun_elevation(
            index + pd.Timedelta(minutes=sun_offset_minutes + shift),
            latitude=latitude,
            longitude=longitude,
        )
        for shift in (-30.0, 0.0, 30.0)
    ]
    sky = _Sky(
        index=index,
        times=index + pd.Timedelta(minutes=sun_offset_minutes),
        beyond=extraterrestrial(index),
        elevation=elevations[1],
        highest=np.max(elevations, axis=0),
        place=(latitude, longitude),
    )
    values = {
        name: table[name].to_numpy(dtype=np.float64) for name in RANGES if name in table
    }
    findings = [_completeness(values, sky)]
    findings += _limits(values, sky)
    findings += _night(values, sky)
    findings += _ratios(values, sky)
    findings += _ceilings(values, sky)
    findings += _split(values, sky)
    findings += _stillness(values, sky)
    findings += _air(values, sky)
    return (*findings, *_clock(table, sky))


def plausible_light(table: pd.DataFrame) -> pd.DataFrame:
    """Take the radiation of a raw table without sentinels.

    Parameters
    ----------
    table : (n, ...) pd.DataFrame
        Some of ``ghi, dni, dhi`` [W/m2].

    Returns
    -------
    (n, 3) pd.DataFrame
        ``ghi, dni, dhi``; NaN where missing or out of the plausible range.
    """
    light = table.reindex(columns=list(IRRADIANCE)).astype(np.float64)
    for name in IRRADIANCE:
        low, high, _ = RANGES[name]
        light[name] = light[name].where(light[name].between(low - 20.0, high))
    return light


def own_split_ratio(weather: Weather) -> float:
    """Compare a year's DNI with what a model makes of its own GHI.

    Parameters
    ----------
    weather : Weather
        Filled hours and hours that were split by a model are left out.

    Returns
    -------
    float
        Sum of DNI over that of the model; 1 for a mean sky, NaN where too few hours tell.
    """
    table = weather.table
    use = ~table["filled"].to_numpy()
    if weather.flags is not None:
        use &= (weather.flags["radiation"] != "split").to_numpy()
    ghi = np.where(use, table["ghi"].to_numpy(), np.nan)
    dni = np.where(use, table["dni"].to_numpy(), np.nan)
    return _split_ratio(ghi, dni, weather.sun_times, weather.position)[0]


def _judged(
    check: str,
    failed: BoolArray,
    tested: BoolArray,
    sky: _Sky,
    *,
    values: FloatArray,
    what: str,
    limits: tuple[float, float] = (_DOUBT, _FAULT),
    unit: str = "W/m2",
) -> Finding:
    """Count hours that failed; ``values`` are largest where it is worst."""
    failed = failed & tested
    count, total = int(failed.sum()), int(tested.sum())
    if not count:
        text = f"{what}: none of {total:,} hours."
        return Finding(check, Severity.GOOD, text, 0, total)
    worst = int(np.flatnonzero(failed)[np.argmax(np.abs(values[failed]))])
    share = count / total
    severity = Severity.GOOD if share <= limits[0] else Severity.DOUBT
    severity = Severity.FAULT if share > limits[1] else severity
    text = (
        f"{what}: {count:,} of {total:,} hours ({share:.1%}), worst {values[worst]:.4g} "
        f"{unit}".rstrip()
        + f" on {sky.index[worst]:%Y-%m-%d %H:%M} UTC."
    )
    first = sky.index[int(np.argmax(failed))]
    return Finding(check, severity, text, count, total, float(values[worst]), first)


def _completeness(values: dict[str, FloatArray], sky: _Sky) -> Finding:
    """Count hours without a value of what the table holds."""
    missing = np.zeros(len(sky.index), dtype=np.bool_)
    for column in values.values():
        missing |= np.isnan(column)
    span = len(sky.index)
    if span > 1:
        span = int((sky.index[-1] - sky.index[0]) / pd.Timedelta(hours=1)) + 1
    count = int(missing.sum()) + span - len(sky.index)
    first = sky.index[int(np.argmax(missing))] if missing.any() else None
    share = count / max(span, 1)
    severity = Severity.GOOD if share <= 0.01 else Severity.DOUBT
    severity = Severity.FAULT if share > 0.1 else severity
    text = f"Something is missing in {count:,} of {span:,} hours ({share:.1%})."
    return Finding("completeness", severity, text, count, span, float("nan"), first)


def _limits(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Radiation outside the physically possible and the extremely rare."""
    cosine = np.clip(np.sin(np.radians(sky.highest)), 0.0, None)
    findings = []
    for word, table in (("possible", _POSSIBLE), ("rare", _RARE)):
        for name in (name for name in IRRADIANCE if name in values):
            factor, power, summand = table[name]
            most = factor * sky.beyond * cosine**power + summand
            known = ~np.isnan(values[name])
            off = (values[name] < _LEAST[word]) | (values[name] > most)
            rarely = (0.01, 0.1) if word == "rare" else (_DOUBT, _FAULT)
            findings.append(
                _judged(
                    f"{word} {name}",
                    off,
                    known,
                    sky,
                    values=values[name],
                    what=f"{name.upper()} outside the {word} limits of BSRN",
                    limits=rarely,
                )
            )
    return findings


def _night(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Light with the sun far below the horizon."""
    dark = sky.highest < _NIGHT
    light = [values[name] for name in IRRADIANCE if name in values]
    if not light or not dark.any():
        return []
    most = np.nanmax(np.abs(np.nan_to_num(np.stack(light))), axis=0)
    return [
        _judged(
            "night",
            most > _NIGHT_LIGHT,
            dark,
            sky,
            values=most,
            what=f"Radiation beyond {_NIGHT_LIGHT:g} W/m2 at night",
        )
    ]


def _ratios(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Closure of the three radiations, and diffuse that exceeds global."""
    if not set(IRRADIANCE) <= values.keys():
        return []
    ghi, dni, dhi = (values[name] for name in IRRADIANCE)
    high = sky.elevation > _HIGH_SUN
    total = dni * np.clip(np.sin(np.radians(sky.elevation)), 0.0, None) + dhi
    bright = (sky.elevation > _LOW_SUN) & (total > _BRIGHT) & ~np.isnan(ghi)
    ratio = np.divide(ghi, total, out=np.ones_like(ghi), where=bright)
    allowed = np.where(high, _CLOSURE_HIGH, _CLOSURE_LOW)
    known = (sky.elevation > _LOW_SUN) & (ghi > _BRIGHT) & ~np.isnan(dhi)
    share = np.divide(dhi, ghi, out=np.zeros_like(ghi), where=known)
    most = np.where(high, _DIFFUSE_HIGH, _DIFFUSE_LOW)
    wide = (_DOUBT_WIDE, _FAULT_WIDE)
    return [
        _judged(
            "closure",
            np.abs(ratio - 1.0) > allowed,
            bright,
            sky,
            values=ratio - 1.0,
            what="GHI differs from DNI sin h + DHI by more than 8 % (low sun 15 %)",
            limits=wide,
            unit="of the sum",
        ),
        _judged(
            "diffuse share",
            share > most,
            known,
            sky,
            values=share,
            what="DHI exceeds GHI by more than 5 % (low sun 10 %)",
            limits=wide,
            unit="DHI/GHI",
        ),
    ]


def _ceilings(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Radiation above that of a very clear sky."""
    findings = []
    up = sky.elevation > _LOW_SUN
    if "ghi" in values:
        most = _CLOUD_EDGE * clear_sky(np.sin(np.radians(np.maximum(sky.highest, 0.0))))
        findings.append(
            _judged(
                "clear-sky ghi",
                values["ghi"] > most + _CLOUD_GLOW,
                up & ~np.isnan(values["ghi"]),
                sky,
                values=values["ghi"],
                what="GHI above 1.15 times a clear sky",
                limits=(0.01, 0.1),
            )
        )
    if "dni" in values:
        # Kasten's air mass to within a per cent above 5 degrees: 1 / sin h.
        mass = 1.0 / np.sin(np.radians(np.maximum(sky.highest, _LOW_SUN)))
        most = sky.beyond * _CLEANEST ** (mass**_EXPONENT)
        findings.append(
            _judged(
                "clear-sky dni",
                values["dni"] > most,
                up & ~np.isnan(values["dni"]),
                sky,
                values=values["dni"],
                what="DNI above that through the cleanest air",
                limits=(0.01, 0.1),
            )
        )
    return findings


def _split(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Beam against what a model makes of the same GHI."""
    if not {"ghi", "dni"} <= values.keys():
        return []
    ratio, hours = _split_ratio(values["ghi"], values["dni"], sky.times, sky.place)
    if np.isnan(ratio):
        return []
    off = abs(ratio - 1.0) > _SPLIT_OFF
    above = "above" if ratio > 1.0 else "below"
    text = (
        f"DNI is {abs(ratio - 1.0):.0%} {above} what the model {MODEL} makes of the same "
        "GHI" + (": the split into beam and diffuse is doubtful." if off else ".")
    )
    severity = Severity.DOUBT if off else Severity.GOOD
    return [Finding("split", severity, text, 0, hours, ratio)]


def _split_ratio(
    ghi: FloatArray,
    dni: FloatArray,
    times: pd.DatetimeIndex,
    place: tuple[float, float],
) -> tuple[float, int]:
    """Sum of DNI over the model's, and the hours it rests on."""
    sound = np.where((ghi >= 0.0) & (ghi <= RANGES["ghi"][1]), ghi, np.nan)
    model, _ = split_ghi(sound, times, latitude=place[0], longitude=place[1])
    use = ~np.isnan(model) & (dni >= 0.0) & (dni <= RANGES["dni"][1]) & (sound > _BRIGHT)
    total = float(model[use].sum())
    if use.sum() < _FEWEST or total <= 0.0:
        return float("nan"), int(use.sum())
    return float(dni[use].sum()) / total, int(use.sum())


def _stillness(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Values that do not move for hours."""
    findings = []
    high = sky.elevation > 10.0
    for name, least, tested, unit in (
        ("ghi", _STUCK_LIGHT, high, "W/m2"),
        ("temp_air", _STUCK_AIR, np.ones_like(high), "degC"),
        ("wind_speed", _STUCK_WIND, np.ones_like(high), "m/s"),
    ):
        if name not in values:
            continue
        known = tested & ~np.isnan(values[name])
        same = np.append(False, np.diff(values[name]) == 0.0) & known
        same &= np.append(False, known[:-1])
        number = np.cumsum(~same)
        length = np.bincount(number)[number]
        findings.append(
            _judged(
                f"stuck {name}",
                known & (length >= least),
                known,
                sky,
                values=values[name],
                what=f"{name} the same for {least} h or more",
                limits=(0.005, 0.05),
                unit=unit,
            )
        )
    return findings


def _air(values: dict[str, FloatArray], sky: _Sky) -> list[Finding]:
    """Temperature and wind out of range, temperature that leaps."""
    findings = []
    for name in ("temp_air", "wind_speed"):
        if name in values:
            low, high, unit = RANGES[name]
            findings.append(
                _judged(
                    f"range {name}",
                    (values[name] < low) | (values[name] > high),
                    ~np.isnan(values[name]),
                    sky,
                    values=values[name],
                    what=f"{name} outside {low:g} to {high:g} {unit}",
                    unit=unit,
                )
            )
    if "temp_air" in values:
        step = np.append(0.0, np.diff(values["temp_air"]))
        next_hour = np.append(False, np.diff(sky.index) == pd.Timedelta(hours=1))
        findings.append(
            _judged(
                "leap temp_air",
                np.abs(step) > _LEAP,
                next_hour & ~np.isnan(step),
                sky,
                values=step,
                what=f"Temperature leaps by more than {_LEAP:g} K in an hour",
                unit="K",
            )
        )
    return findings


def _clock(table: pd.DataFrame, sky: _Sky) -> list[Finding]:
    """Sun that fits the labels, in summer and in winter."""
    if "ghi" not in table:
        return []
    light = plausible_light(table)
    seasons = []
    for months in ((4, 5, 6, 7, 8, 9), (1, 2, 11, 12)):
        part = light[np.isin(sky.index.month, months)]
        fit = find_sun_offset(part, latitude=sky.place[0], longitude=sky.place[1])
        if fit.method == "none":
            return []
        seasons.append(fit)
    summer, winter = seasons
    away = summer.minutes - winter.minutes
    wrong = abs(away) >= _SEASON_CLOCK
    text = (
        f"The sun stands {summer.minutes:+g} min from the labels in summer and "
        f"{winter.minutes:+g} min in winter"
        + (": local time with daylight saving is taken for UTC." if wrong else ".")
    )
    severity = Severity.FAULT if wrong else Severity.GOOD
    return [Finding("clock", severity, text, worst=away)]
