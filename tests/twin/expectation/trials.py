"""Draw systems with planted faults from measured weather, and count what is found.

Not the product's simulator: what the plants do is computed by other models (Hay and
Davies' sky, a linear cell, other losses, other directions, clouds that pass at other
moments) than what they are expected to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from gis.typical_year import typical_year
from twin.expectation.conditions import Conditions, make_conditions
from twin.expectation.doubt import Doubt
from twin.expectation.hint import Hint, HintKind
from twin.expectation.hints import find_hints
from twin.expectation.tracks import DAY, HOUR, Nature, Track
from twin.expectation.typical import with_typical

LYNGBY = (55.79064, 12.52505)
FINE = 10
"""Step of what really happens [min]."""
LOCAL = "Europe/Stockholm"
APART = 12
"""Days between faults of a system."""


@dataclass(frozen=True)
class Planted:
    """A fault, when it is there and how large it is."""

    kind: HintKind
    start: int
    end: int
    size: float


@dataclass(frozen=True)
class Case:
    """A point, what is seen of it, and what was done to it."""

    track: Track
    faults: tuple[Planted, ...]


@dataclass(frozen=True)
class Site:
    """Weather as measured, in steps, and the light of ten minutes behind it."""

    conditions: Conditions
    fine: pd.DataFrame
    sun: pd.DataFrame
    per_step: int

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.conditions)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of each step."""
        return values.reshape(-1, self.per_step).mean(axis=1)


def measured_weather(folder: Path | None) -> pd.DataFrame:
    """Return the hours of Lyngby 2016 and 2017, or the embedded year without them."""
    if folder is None:
        return typical_year().table
    tables = [
        pd.read_csv(folder / "weather" / f"dtu_lyngby_{year}_hourly.csv")
        for year in (2016, 2017)
    ]
    table = pd.concat(tables).rename(
        columns={"air_temperature": "temp_air", "wind_speed_avg": "wind_speed"}
    )
    table.index = pd.DatetimeIndex(pd.to_datetime(table["time_utc_hour_start"], utc=True))
    return table.rename(columns=str.lower)[["ghi", "dni", "dhi", "temp_air", "wind_speed"]]


def minute_weather(folder: Path) -> pd.DataFrame:
    """Return the minutes of June 2016 at Lyngby."""
    table = pd.read_csv(folder / "weather" / "dtu_2016_06_1min.csv").rename(
        columns={"air_temperature": "temp_air", "wind_speed_avg": "wind_speed"}
    )
    table.index = pd.DatetimeIndex(pd.to_datetime(table["Time(utc)"], utc=True))
    names = ["ghi", "dni", "dhi", "temp_air", "wind_speed"]
    return table.rename(columns=str.lower)[names].resample("5min").mean()


def make_site(table: pd.DataFrame, *, seed: int, step: int = 60, fine: int = FINE) -> Site:
    """Lay measured weather out; without finer values clouds within an hour are made up."""
    rng = np.random.default_rng(seed)
    own = round((table.index[1] - table.index[0]).total_seconds() / 60)
    latitude, longitude = LYNGBY
    coarse = table.resample(f"{step}min").mean() if own < step else table
    conditions = make_conditions(
        coarse, latitude=latitude, longitude=longitude, source="a measured year"
    )
    count = len(coarse) * step // fine
    times = coarse.index[0] + pd.to_timedelta(np.arange(count) * fine, unit="min")
    middle = times + pd.Timedelta(minutes=fine / 2)
    sun = pvlib.solarposition.get_solarposition(middle, latitude, longitude)
    if own > fine:
        detail = pd.DataFrame(
            {
                name: np.repeat(getattr(conditions, name), step // fine)
                for name in ("ghi", "dni", "dhi", "temp_air", "wind_speed")
            },
            index=times,
        )
        height = np.sin(np.radians(sun["apparent_elevation"].to_numpy())).clip(0)
        mean = np.repeat(height.reshape(-1, step // fine).mean(axis=1), step // fine)
        # Within an hour the sky follows the sun; clouds come and go besides.
        slope = np.where(mean > 0.02, height / np.maximum(mean, 0.02), 1.0).clip(0, 3)
        detail["dhi"] *= slope
        share = (detail["dhi"] / detail["ghi"].clip(lower=1)).clip(0, 1).to_numpy()
        broken = 4 * share * (1 - share)
        detail["dni"] *= np.exp(0.35 * broken * _red(rng, count, 0.6))
    else:
        detail = table.reindex(times)
        detail = detail.interpolate(limit=3)
    # Where the instrument was silent, plants ran all the same: as the day before.
    for _ in range(20):
        detail = detail.fillna(detail.shift(24 * 60 // fine))
    return Site(conditions, detail.bfill(), sun, step // fine)


def _red(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """Return noise of variance 1 that remembers."""
    from scipy.signal import lfilter

    white = rng.normal(size=count) * np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], white)


def solar_case(
    site: Site, rng: np.random.Generator, number: int, *, kinds: Iterable[HintKind]
) -> Case:
    """Draw a plant with faults."""
    rated = float(np.exp(rng.uniform(np.log(5), np.log(400))))
    planes = rng.integers(1, 4)
    tilt = rng.choice([0, 10, 15, 30, 40, 90], planes)
    azimuth = rng.uniform(80, 280, planes)
    share = rng.dirichlet(np.full(planes, 3.0))
    told_tilt = np.clip(tilt + rng.uniform(-3, 3, planes), 0, 90)
    told_azimuth = azimuth + rng.uniform(-8, 8, planes)
    limit = rated * rng.choice([0.75, 0.85, 1.0, 1.2])
    losses = rng.uniform(0.09, 0.19)
    real = sum(
        s * _real(site, rng, t, a) for s, t, a in zip(share, tilt, azimuth, strict=True)
    )
    expected = sum(
        s * _told(site, t, a)
        for s, t, a in zip(share, told_tilt, told_azimuth, strict=True)
    )
    told_rated = rated * rng.uniform(0.95, 1.05)
    # Panels are known with their inverter.
    expected = np.minimum(told_rated * 0.86 * expected, limit)
    fine = np.minimum(rated * (1 - losses) * real, limit)
    faults = _draw(site, rng, kinds, Nature.SOLAR)
    fine = fine * _physical(site, rng, faults)
    value = site.means(fine)
    resolution = float(rng.choice([0.001, 0.01, 0.1])) if rated > 20 else 0.01
    value = _reported(site, rng, fine, value, faults, Nature.SOLAR, resolution)
    rows = np.arange(site.steps)
    doubt = Doubt().of(expected[None], np.array([told_rated]), site.conditions, rows)[0]
    conditions = site.conditions
    middle = conditions.middle
    sun = pvlib.solarposition.get_solarposition(middle, *LYNGBY)
    lit = conditions.ghi > 1
    beam = np.zeros(site.steps)
    beam[lit] = 1 - np.clip(conditions.dhi[lit] / conditions.ghi[lit], 0, 1)
    track = Track(
        point=f"s{number}/pv/power",
        nature=Nature.SOLAR,
        start=int(conditions.start[0]),
        step=conditions.step,
        value=value,
        expected=expected,
        doubt=doubt,
        size=told_rated,
        azimuth=sun["azimuth"].to_numpy(),
        elevation=sun["apparent_elevation"].to_numpy(),
        beam=beam,
    )
    return Case(track, _visible(faults, track, value))


def _real(site: Site, rng: np.random.Generator, tilt: float, azimuth: float) -> np.ndarray:
    """Return direct current by rated power of what really happens, in fine steps."""
    light, sun = site.fine, site.sun
    ratio = (light["dhi"] / light["ghi"].clip(lower=1)).clip(0, 1).to_numpy()
    broken = 4 * ratio * (1 - ratio)
    passing = np.exp(0.25 * broken * _red(rng, len(light), 0.5))
    dni = light["dni"].to_numpy() * passing
    extra = pvlib.irradiance.get_extra_radiation(light.index.day_of_year.to_numpy(float))
    parts = pvlib.irradiance.get_total_irradiance(
        tilt,
        azimuth,
        sun["apparent_zenith"].to_numpy(),
        sun["azimuth"].to_numpy(),
        dni,
        light["ghi"].to_numpy(),
        light["dhi"].to_numpy(),
        dni_extra=extra,
        model="haydavies",
        albedo=0.15,
    )
    total = np.nan_to_num(np.asarray(parts["poa_global"]))
    angle = pvlib.irradiance.aoi(
        tilt, azimuth, sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    )
    direct = np.nan_to_num(np.asarray(parts["poa_direct"]))
    total = total - direct * (1 - np.nan_to_num(pvlib.iam.ashrae(angle)))
    cell = pvlib.temperature.faiman(
        total, light["temp_air"].to_numpy(), light["wind_speed"].to_numpy(), u0=22, u1=6
    )
    return np.maximum(total / 1000 * (1 - 0.0037 * (cell - 25)), 0.0)


def _told(site: Site, tilt: float, azimuth: float) -> np.ndarray:
    """Return direct current by rated power of the model, from the measured steps."""
    weather, sun = site.conditions, site.sun
    total = np.zeros(site.steps)
    effective = np.zeros(site.steps)
    extra = pvlib.irradiance.get_extra_radiation(weather.middle.day_of_year.to_numpy(float))
    for k in range(site.per_step):
        zenith = sun["apparent_zenith"].to_numpy()[k :: site.per_step]
        around = sun["azimuth"].to_numpy()[k :: site.per_step]
        parts = pvlib.irradiance.get_total_irradiance(
            tilt,
            around * 0 + azimuth,
            np.minimum(zenith, 90.0),
            around,
            np.where(zenith < 90, np.nan_to_num(weather.dni), 0.0),
            np.nan_to_num(weather.ghi),
            np.nan_to_num(weather.dhi),
            dni_extra=extra,
            airmass=pvlib.atmosphere.get_relative_airmass(np.minimum(zenith, 90.0)),
            model="perez",
            albedo=0.2,
        )
        angle = pvlib.irradiance.aoi(tilt, azimuth, zenith, around)
        direct = np.nan_to_num(np.asarray(parts["poa_direct"]))
        whole = np.nan_to_num(np.asarray(parts["poa_global"]))
        total += whole
        effective += whole - direct * (1 - np.nan_to_num(pvlib.iam.physical(angle)))
    total /= site.per_step
    effective /= site.per_step
    cell = pvlib.temperature.faiman(total, weather.temp_air, weather.wind_speed)
    lit = effective > 1
    power = pvlib.pvarray.huld(np.where(lit, effective, 1000.0), cell, 1.0, cell_type="csi")
    power = np.where(lit, np.maximum(power, 0), 0.0)
    return np.where(np.isfinite(weather.ghi), power, np.nan)


LENGTHS = {
    # Days, log-uniform.
    HintKind.OUTAGE: (0.4, 15.0),
    HintKind.PARTIAL: (5.0, 40.0),
    HintKind.STUCK: (0.25, 8.0),
    HintKind.CLOCK: (6.0, 60.0),
    HintKind.UNIT: (2.0, 60.0),
    HintKind.GAP: (0.2, 5.0),
    HintKind.SOILING: (30.0, 90.0),
    HintKind.SHADING: (200.0, 400.0),
}


def _draw(
    site: Site, rng: np.random.Generator, kinds: Iterable[HintKind], nature: Nature
) -> list[Planted]:
    """Draw faults that keep their distance."""
    faults: list[Planted] = []
    first = int(site.conditions.start[0])
    whole = site.steps * site.conditions.step
    for kind in rng.permutation(list(kinds))[: rng.choice([0, 1, 2, 3, 4])]:
        kind = HintKind(kind)
        low, high = LENGTHS[kind]
        scale = min(1.0, whole / DAY / 120)
        length = np.exp(rng.uniform(np.log(low), np.log(max(low * 1.2, high * scale))))
        if nature is not Nature.SOLAR and kind is HintKind.CLOCK:
            length = max(length, 14.0)
        if nature is Nature.STATE and kind is HintKind.STUCK:
            length = max(length, 1.5)
        span = int(length * DAY)
        if span > 0.45 * whole:
            continue
        for _ in range(60):
            start = first + int(rng.uniform(0, whole - span))
            start -= (start - first) % site.conditions.step
            if kind is HintKind.STUCK and nature is Nature.SOLAR:
                # By day: a night that does not change is no fault to be seen.
                place = (start - first) // site.conditions.step
                if not site.conditions.ghi[place] > 100:
                    continue
            end = start + span - span % site.conditions.step
            if all(
                end + APART * DAY < other.start or other.end + APART * DAY < start
                for other in faults
            ):
                faults.append(Planted(kind, start, end, _size(rng, kind, nature)))
                break
    return faults


def _size(rng: np.random.Generator, kind: HintKind, nature: Nature) -> float:
    """Draw how large a fault is."""
    if kind is HintKind.PARTIAL:
        strings = rng.integers(2, 7)
        return float(rng.integers(1, strings)) / strings
    if kind is HintKind.CLOCK:
        solar = [-120, -60, -30, 30, 60, 120, rng.uniform(30, 170), -rng.uniform(30, 170)]
        return float(rng.choice(solar if nature is Nature.SOLAR else [-120, -60, 60, 120]))
    if kind is HintKind.UNIT:
        if nature is Nature.STATE:
            return float(rng.choice([0, 1]))
        return float(
            rng.choice([1000, 1e-3, 3.6, 1 / 3.6, -1])
            if nature is Nature.SOLAR
            else rng.choice([1000, 1e-3, 3.6, 1 / 3.6])
        )
    if kind is HintKind.SOILING:
        return float(rng.uniform(0.07, 0.2))
    if kind is HintKind.SHADING:
        return float(rng.uniform(0.5, 0.9))
    return 1.0


def _physical(site: Site, rng: np.random.Generator, faults: list[Planted]) -> np.ndarray:
    """Return what the faults leave of the plant's power, in fine steps."""
    count = len(site.fine)
    times = int(site.conditions.start[0]) + np.arange(count) * (
        site.conditions.step // site.per_step
    )
    left = np.ones(count)
    elevation = site.sun["apparent_elevation"].to_numpy()
    azimuth = site.sun["azimuth"].to_numpy()
    for fault in faults:
        inside = (times >= fault.start) & (times < fault.end)
        if fault.kind is HintKind.OUTAGE:
            left[inside] = 0.0
        elif fault.kind is HintKind.PARTIAL:
            left[inside] *= 1 - fault.size
        elif fault.kind is HintKind.SOILING:
            progress = (times[inside] - fault.start) / (fault.end - fault.start)
            left[inside] *= 1 - fault.size * progress
        elif fault.kind is HintKind.SHADING:
            middle = rng.uniform(130, 230)
            wide = rng.uniform(15, 25)
            top = rng.uniform(25, 45)
            hidden = (np.abs(azimuth - middle) < wide) & (elevation < top)
            beam = 1 - (site.fine["dhi"] / site.fine["ghi"].clip(lower=1)).clip(0, 1)
            hit = inside & hidden
            left[hit] *= 1 - fault.size * beam.to_numpy()[hit]
    return left


def _reported(
    site: Site,
    rng: np.random.Generator,
    fine: np.ndarray,
    value: np.ndarray,
    faults: list[Planted],
    nature: Nature,
    resolution: float,
) -> np.ndarray:
    """Return what the meter says; units are mistaken after the meter has rounded."""
    step = site.conditions.step
    first = int(site.conditions.start[0])
    share = 0.0 if nature is Nature.STATE else 0.01
    noise = 1 + share * rng.normal(size=len(value))
    value = np.round(value * noise / resolution) * resolution
    for fault in faults:
        part = slice((fault.start - first) // step, (fault.end - first) // step)
        if fault.kind is HintKind.CLOCK:
            moved = round(fault.size / (step / 6e7 / site.per_step))
            late = site.means(np.roll(fine, moved))[part] * noise[part]
            value[part] = np.round(late / resolution) * resolution
        elif fault.kind is HintKind.UNIT and nature is Nature.STATE:
            value[part] = value[part] + 273.15 if fault.size else value[part] * 1.8 + 32
        elif fault.kind is HintKind.UNIT:
            value[part] = value[part] * fault.size
        elif fault.kind is HintKind.STUCK:
            value[part] = value[part.start]
        elif fault.kind is HintKind.GAP:
            value[part] = np.nan
        elif fault.kind is HintKind.OUTAGE and nature is Nature.DEMAND:
            value[part] = 0.0
    value[rng.random(len(value)) < 0.005] = np.nan
    return value


def _visible(faults: list[Planted], track: Track, value: np.ndarray) -> tuple[Planted, ...]:
    """Leave out what changed nothing: an outage by night, a value that stood at nothing."""
    kept = []
    for fault in faults:
        part = slice(
            (fault.start - track.start) // track.step,
            (fault.end - track.start) // track.step,
        )
        if fault.kind is HintKind.OUTAGE and track.nature is Nature.SOLAR:
            lit = track.expected[part] > 0.08 * track.size
            if lit.sum() * track.step < 3 * HOUR:
                continue
        if fault.kind is HintKind.SOILING:
            months = pd.to_datetime([fault.start, fault.end], unit="us").month
            if not ((months >= 3) & (months <= 10)).all():
                continue
        if fault.kind is HintKind.STUCK and track.nature is not Nature.STATE:
            stuck = np.nanmedian(value[part])
            if not abs(stuck) > 0.01 * track.size:
                continue
        kept.append(fault)
    return tuple(kept)


def demand_case(
    site: Site,
    rng: np.random.Generator,
    number: int,
    *,
    heat: bool,
    kinds: Iterable[HintKind],
) -> Case:
    """Draw a meter of heat or electricity with faults."""
    times = site.fine.index.tz_convert(LOCAL)
    hour = (times.hour + times.minute / 60).to_numpy()
    weekend = np.asarray(times.day_of_week >= 5)
    work = rng.random() < 0.4
    humps = rng.uniform(6.5, 9), rng.uniform(17, 20)
    if work:
        shape = 0.35 + 1.3 * _hump(hour, 12.5, 4.0) * np.where(weekend, 0.15, 1.0)
    else:
        late = np.where(weekend, 1.5, 0.0)
        shape = 0.5 + _hump(hour, humps[0] + late, 1.5) + 1.3 * _hump(hour, humps[1], 2.2)
    size = float(np.exp(rng.uniform(np.log(5), np.log(200))))
    noise = np.exp(0.18 * _red(rng, len(times), 0.97) + 0.15 * _red(rng, len(times), 0.3))
    fine = size * shape * noise
    if heat:
        air = site.fine["temp_air"].interpolate().bfill()
        slow = air.ewm(span=6 * 60 / FINE).mean().to_numpy()
        rooms = np.maximum(0.0, rng.uniform(15, 18) - slow) / 10
        night = 1 - 0.25 * _hump(hour, 3.0, 2.5)
        drift = np.exp(0.08 * _red(rng, len(times), 0.999))
        fine = 0.35 * fine + size * 1.2 * rooms * night * drift
    faults = _draw(site, rng, kinds, Nature.DEMAND)
    resolution = 0.1 if size > 20 else 0.01
    value = _reported(site, rng, fine, site.means(fine), faults, Nature.DEMAND, resolution)
    track = Track(
        point=f"m{number}/{'heat' if heat else 'electricity'}/power",
        nature=Nature.DEMAND,
        start=int(site.conditions.start[0]),
        step=site.conditions.step,
        value=value,
        expected=np.full(site.steps, np.nan),
        doubt=np.full(site.steps, np.nan),
        size=size,
    )
    track = with_typical(track, site.conditions.temp_air if heat else None)
    return Case(track, _visible(faults, track, value))


def room_case(
    site: Site, rng: np.random.Generator, number: int, *, kinds: Iterable[HintKind]
) -> Case:
    """Draw a room's temperature with faults."""
    times = site.fine.index.tz_convert(LOCAL)
    hour = (times.hour + times.minute / 60).to_numpy()
    air = site.fine["temp_air"].interpolate().bfill().to_numpy()
    fine = (
        rng.uniform(20, 22.5)
        + 0.5 * np.cos(2 * np.pi * (hour - 16) / 24)
        + 0.25 * np.maximum(0, air - 18)
        + 0.4 * _red(rng, len(times), 0.997)
        + 0.1 * _red(rng, len(times), 0.5)
    )
    faults = _draw(site, rng, kinds, Nature.STATE)
    value = _reported(site, rng, fine, site.means(fine), faults, Nature.STATE, 0.1)
    track = Track(
        point=f"r{number}/indoor/temperature",
        nature=Nature.STATE,
        start=int(site.conditions.start[0]),
        step=site.conditions.step,
        value=value,
        expected=np.full(site.steps, np.nan),
        doubt=np.full(site.steps, np.nan),
        size=25.0,
        unit="degC",
    )
    track = with_typical(track)
    return Case(track, tuple(faults))


def _hump(hour: np.ndarray, middle: np.ndarray | float, wide: float) -> np.ndarray:
    apart = (hour - middle + 12) % 24 - 12
    return np.exp(-0.5 * (apart / wide) ** 2)


SOLAR_KINDS = (
    HintKind.OUTAGE,
    HintKind.PARTIAL,
    HintKind.STUCK,
    HintKind.CLOCK,
    HintKind.UNIT,
    HintKind.GAP,
    HintKind.SOILING,
    HintKind.SHADING,
)
DEMAND_KINDS = (
    HintKind.OUTAGE,
    HintKind.STUCK,
    HintKind.CLOCK,
    HintKind.UNIT,
    HintKind.GAP,
)
ROOM_KINDS = (HintKind.STUCK, HintKind.UNIT, HintKind.GAP)


def draw_district(site: Site, seed: int, *, solar: int = 12, others: int = 6) -> list[Case]:
    """Draw a district of systems."""
    rng = np.random.default_rng(seed)
    cases = [solar_case(site, rng, k, kinds=SOLAR_KINDS) for k in range(solar)]
    for k in range(others):
        cases.append(demand_case(site, rng, k, heat=True, kinds=DEMAND_KINDS))
        cases.append(demand_case(site, rng, k, heat=False, kinds=DEMAND_KINDS))
        cases.append(room_case(site, rng, k, kinds=ROOM_KINDS))
    return cases


def overlaps(hint: Hint, fault: Planted) -> bool:
    """Say whether a hint means a fault: the same kind, half of the shorter in common."""
    common = min(hint.end, fault.end) - max(hint.start, fault.start)
    shorter = min(hint.end - hint.start, fault.end - fault.start)
    return hint.kind is fault.kind and common >= 0.5 * shorter > 0


@dataclass
class Score:
    """Hints that were right and wrong, faults that were found and missed."""

    right: int = 0
    wrong: int = 0
    found: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of hints that were right."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Share of faults that were found."""
        return self.found / max(self.found + self.missed, 1)


def count(cases: Iterable[Case]) -> dict[str, Score]:
    """Count, by kind of fault and kind of point."""
    scores: dict[str, Score] = {}

    def both(case: Case, kind: HintKind) -> list[Score]:
        names = kind.value, f"{case.track.nature.value} {kind.value}"
        return [scores.setdefault(name, Score()) for name in names]

    drawn = list(cases)
    found: dict[str, list[Hint]] = {case.track.point: [] for case in drawn}
    for hint in find_hints([case.track for case in drawn]):
        found[hint.point].append(hint)
    for case in drawn:
        hints = found[case.track.point]
        for hint in hints:
            hit = any(overlaps(hint, fault) for fault in case.faults)
            for score in both(case, hint.kind):
                score.right += hit
                score.wrong += not hit
        for fault in case.faults:
            hit = any(overlaps(hint, fault) for hint in hints)
            for score in both(case, fault.kind):
                score.found += hit
                score.missed += not hit
    return scores


def table(scores: dict[str, Score]) -> str:
    """Write the counts down."""
    lines = [
        f"{'':22}{'right':>7}{'wrong':>7}{'found':>7}{'missed':>7}{'prec':>7}{'rec':>7}"
    ]
    for key in sorted(scores):
        s = scores[key]
        lines.append(
            f"{key:22}{s.right:7}{s.wrong:7}{s.found:7}{s.missed:7}"
            f"{s.precision:7.2f}{s.recall:7.2f}"
        )
    return "\n".join(lines)
