"""Compare two years of weather."""

from calendar import month_name
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.decomposition import MODEL
from gis.weather import (
    IRRADIANCE,
    FloatArray,
    Weather,
    closure_error,
    extraterrestrial,
    sun_elevation,
)
from gis.weather_checks import own_split_ratio
from gis.weather_clock import sun_offset_minutes
from gis.weather_findings import Finding, Severity

YEAR = "year"
Facts = dict[str, dict[str, float]]
SIDES = ("a", "b")

_BINS = np.round(np.arange(0.0, 1.01, 0.1), 1)  # edges of the clearness index
_HIGH = 10.0  # [degrees] of the sun above which the clearness index says something
_BRIGHT = 50.0  # [W/m2] above which closure says something
# Beam off by a tenth while GHI is off by less than a third of that: from year to year and
# place to place, beam varies about twice as much as GHI.
_SPLIT, _GLOBAL = 0.10, 0.3
_SUM_OFF, _AIR_OFF, _CLOCK_OFF = 0.05, 1.0, 10.0  # [-], [K], [min]
_SKY_OFF = 0.15  # largest distance of the clearness distributions
_FILLED = 0.05  # share of filled hours that makes a comparison shaky
_NEARER = 0.5  # the other split must be at most half as far from the model's


@dataclass(frozen=True)
class WeatherComparison:
    """Two years of weather side by side.

    Attributes
    ----------
    sources : tuple of str
        Of A and B.
    months : pd.DataFrame
        Rows 1 to 12 and ``"year"``. For each of ``ghi, dni, dhi``: sums ``ghi_a, ghi_b``
        [kWh/m2] and ``ghi_ratio`` (a / b); ``diffuse_a, diffuse_b`` (DHI / GHI);
        ``temp_a, temp_b, temp_difference`` (means and a - b) [degC, K]; ``clearness_a,
        clearness_b`` (GHI over extraterrestrial horizontal). NaN for a ratio to nothing.
    clearness : pd.DataFrame
        Share of the hours with the sun above 10 degrees in each tenth of the clearness
        index, indexed by its lower edge: ``a``, ``b``; each adds up to 1.
    facts : pd.DataFrame
        Columns ``a``, ``b``; rows ``closure_rmse`` [W/m2], ``closure_off`` (share of sun
        hours), ``sun_offset`` [min] as used, ``sun_offset_found`` [min],
        ``own_split`` (DNI over that of a model from the same GHI), ``filled`` (share),
        ``hours``, ``latitude``, ``longitude``.
    findings : tuple of Finding
        What differs enough to matter; gravest first.
    """

    sources: tuple[str, str]
    months: pd.DataFrame
    clearness: pd.DataFrame
    facts: pd.DataFrame
    findings: tuple[Finding, ...]


def compare_weather(a: Weather, b: Weather) -> WeatherComparison:
    """Compare two years of weather month by month.

    Parameters
    ----------
    a, b : Weather
        Of any year and place; b is the one that a is measured by.

    Returns
    -------
    WeatherComparison

    Notes
    -----
    Months are those of UTC. Whose split into beam and diffuse is doubtful is judged by each
    year's own GHI: the side whose DNI lies farther from that of the model is named, if the
    other is at most half as far. Checked in tests/gis/test_weather_comparison.py: a year
    against itself, against itself scaled, and real files.
    """
    months = _months(a, b)
    clearness = pd.DataFrame(
        {side: _clearness(weather) for side, weather in zip(SIDES, (a, b), strict=True)},
        index=pd.Index(_BINS[:-1], name="clearness_from"),
    )
    facts = {"a": _facts(a), "b": _facts(b)}
    order = [Severity.FAULT, Severity.DOUBT, Severity.GOOD]
    findings = sorted(
        _findings(months, clearness, facts), key=lambda found: order.index(found.severity)
    )
    return WeatherComparison(
        sources=(a.source, b.source),
        months=months,
        clearness=clearness,
        facts=pd.DataFrame(facts),
        findings=tuple(findings),
    )


def _months(a: Weather, b: Weather) -> pd.DataFrame:
    """Put sums, ratios and means of each month and the year side by side."""
    parts = {side: _sums(weather) for side, weather in zip(SIDES, (a, b), strict=True)}
    table = pd.DataFrame(index=parts["a"].index)
    for name in IRRADIANCE:
        for side in SIDES:
            table[f"{name}_{side}"] = parts[side][name]
        table[f"{name}_ratio"] = _ratio(parts["a"][name], parts["b"][name])
    for name, parts_of in (("diffuse", ("dhi", "ghi")), ("clearness", ("ghi", "top"))):
        for side in SIDES:
            upper, lower = (parts[side][part] for part in parts_of)
            table[f"{name}_{side}"] = _ratio(upper, lower)
    for side in SIDES:
        table[f"temp_{side}"] = parts[side]["temp_air"]
    return table.assign(temp_difference=table["temp_a"] - table["temp_b"])


def _sums(weather: Weather) -> pd.DataFrame:
    """Radiation [kWh/m2], extraterrestrial included, and mean temperature [degC]."""
    light = weather.table[list(IRRADIANCE)].assign(top=_top(weather)) / 1000.0
    month = pd.DatetimeIndex(weather.table.index).month
    sums = light.groupby(month).sum()
    sums["temp_air"] = weather.table["temp_air"].groupby(month).mean()
    sums.index = sums.index.astype(object)
    year = light.sum()
    year["temp_air"] = weather.mean_temperature
    sums.loc[YEAR] = year
    return sums.rename_axis("month")


def _ratio(upper: "pd.Series[float]", lower: "pd.Series[float]") -> "pd.Series[float]":
    """Divide; NaN where there is nothing to divide by."""
    return upper / lower.where(lower > 1e-9)


def _top(weather: Weather) -> FloatArray:
    """Extraterrestrial radiation on the horizontal [W/m2]."""
    height = np.clip(np.sin(np.radians(_elevation(weather))), 0.0, None)
    return np.asarray(extraterrestrial(pd.DatetimeIndex(weather.table.index)) * height)


def _elevation(weather: Weather) -> FloatArray:
    """Sun of each hour [degrees]."""
    latitude, longitude = weather.position
    return sun_elevation(weather.sun_times, latitude=latitude, longitude=longitude)


def _clearness(weather: Weather) -> FloatArray:
    """Share of the sun hours in each tenth of the clearness index."""
    high = _elevation(weather) > _HIGH
    index = weather.table["ghi"].to_numpy()[high] / _top(weather)[high]
    counts = np.histogram(np.clip(index, 0.0, 0.999), bins=_BINS)[0]
    return np.asarray(counts / max(int(counts.sum()), 1), dtype=np.float64)


def _facts(weather: Weather) -> dict[str, float]:
    """Numbers of one year."""
    latitude, longitude = weather.position
    height = np.clip(np.sin(np.radians(_elevation(weather))), 0.0, None)
    error = closure_error(weather.table, height)
    ghi = weather.table["ghi"].to_numpy()
    use = (ghi > _BRIGHT) & (height > 0.1)
    off = np.abs(error[use]) > np.maximum(_BRIGHT, 0.1 * ghi[use])
    return {
        "closure_rmse": float(np.sqrt((error[use] ** 2).mean())) if use.any() else 0.0,
        "closure_off": float(off.mean()) if use.any() else 0.0,
        "sun_offset": weather.sun_offset_minutes,
        "sun_offset_found": sun_offset_minutes(weather).minutes,
        "own_split": own_split_ratio(weather),
        "filled": weather.filled_hours / weather.hours,
        "hours": float(weather.hours),
        "latitude": latitude,
        "longitude": longitude,
    }


def _findings(months: pd.DataFrame, clearness: pd.DataFrame, facts: Facts) -> list[Finding]:
    """Say what differs enough to matter."""
    off = {name: float(months[f"{name}_ratio"].to_numpy()[-1]) - 1.0
           for name in IRRADIANCE}  # fmt: skip
    found = [_beam_finding(off, facts)]
    for name in ("ghi", "dhi"):
        wide = _SUM_OFF if name == "ghi" else 2.0 * _SUM_OFF
        found.append(
            Finding(
                f"{name} sum",
                Severity.DOUBT if abs(off[name]) > wide else Severity.GOOD,
                f"{name.upper()} of A is {_than(off[name])} B over the year.",
                worst=off[name],
            )
        )
    far = months["ghi_ratio"].to_numpy(dtype=np.float64)[:-1] - 1.0
    if np.isfinite(far).any():
        month = int(np.nanargmax(np.abs(far)))
        found.append(
            Finding(
                "ghi months",
                Severity.DOUBT if abs(far[month]) > 0.25 else Severity.GOOD,
                f"GHI differs most in {month_name[month + 1]}: A is {_than(far[month])} B.",
                worst=float(far[month]),
            )
        )
    found.append(_closure_finding(facts))
    distance = float((clearness["a"].cumsum() - clearness["b"].cumsum()).abs().max())
    found.append(
        Finding(
            "clearness",
            Severity.DOUBT if distance > _SKY_OFF else Severity.GOOD,
            "The distributions of the clearness index are at most "
            f"{distance:.0%} of the hours apart.",
            worst=distance,
        )
    )
    air = float(months["temp_difference"].to_numpy()[-1])
    found.append(
        Finding(
            "temperature",
            Severity.DOUBT if abs(air) > _AIR_OFF else Severity.GOOD,
            f"A is {abs(air):.1f} K {'warmer' if air > 0 else 'colder'} than B on average.",
            worst=air,
        )
    )
    shift = facts["a"]["sun_offset"] - facts["b"]["sun_offset"]
    found.append(
        Finding(
            "sun time",
            Severity.DOUBT if abs(shift) > _CLOCK_OFF else Severity.GOOD,
            f"Radiation belongs to the sun {facts['a']['sun_offset']:+g} min from A's "
            f"labels and {facts['b']['sun_offset']:+g} min from B's"
            + (": do not compare hour by hour." if abs(shift) > _CLOCK_OFF else "."),
            worst=float(shift),
        )
    )
    for side in SIDES:
        share = facts[side]["filled"]
        found.append(
            Finding(
                f"filled {side}",
                Severity.DOUBT if share > _FILLED else Severity.GOOD,
                f"{share:.1%} of the hours of {side.upper()} were taken from other hours.",
                worst=share,
            )
        )
    return found


def _beam_finding(off: dict[str, float], facts: Facts) -> Finding:
    """Tell a doubtful split into beam and diffuse from a brighter year."""
    beam, total = off["dni"], off["ghi"]
    if not (abs(beam) > _SPLIT and abs(total) < _GLOBAL * abs(beam)):
        text = f"DNI of A is {_than(beam)} B, GHI {_than(total)} B."
        return Finding("beam and diffuse", Severity.GOOD, text, worst=beam)
    away = {side: abs(facts[side]["own_split"] - 1.0) for side in SIDES}
    whose, why = "", ""
    for side, other in (("a", "b"), ("b", "a")):
        if away[side] > _SPLIT and away[other] < _NEARER * away[side]:
            whose = f"{side.upper()}'s split"
            own = facts[side]["own_split"] - 1.0
            kept = facts[other]["own_split"] - 1.0
            why = (
                f" (against the model {MODEL} from its own GHI, the DNI of {side.upper()} "
                f"is {own:+.0%}, of {other.upper()} {kept:+.0%})"
            )
    whose = "its split" if whose == "A's split" else whose
    end = f"{whose} into beam and diffuse is doubtful{why}."
    if not whose:
        end = "their skies or their splits into beam and diffuse differ."
    text = f"DNI of A is {_than(beam)} B while GHI differs by {abs(total):.0%}: {end}"
    return Finding("beam and diffuse", Severity.DOUBT, text, worst=beam)


def _closure_finding(facts: Facts) -> Finding:
    """Say how well each side adds up."""
    rmse = {side: facts[side]["closure_rmse"] for side in SIDES}
    off = max(facts[side]["closure_off"] for side in SIDES)
    text = (
        f"GHI = DNI cos z + DHI holds with RMSE {rmse['a']:.1f} W/m2 in A and "
        f"{rmse['b']:.1f} W/m2 in B."
    )
    severity = Severity.DOUBT if off > 0.1 else Severity.GOOD
    return Finding("closure", severity, text, worst=max(rmse.values()))


def _than(share: float) -> str:
    """Say a difference as text that a name follows."""
    if not np.isfinite(share):
        return "without measure beside"
    if abs(share) < 0.005:
        return "equal to"
    return f"{abs(share):.0%} {'above' if share > 0 else 'below'}"
