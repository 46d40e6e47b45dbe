"""Describe what the interface sends of the state of the district."""

from pydantic import Field

from twin.api.models import Answer

POWER = "kW, mean of the hour; consumption positive, generation negative"


class DistrictNow(Answer):
    """Sums over the buildings with a fresh value."""

    pv_power: float | None = Field(description=POWER)
    pv_power_expected: float | None = Field(description="of the panels that are fresh, kW")
    pv_power_residual: float | None = Field(description="positive is missing yield, kW")
    heat_power: float | None = Field(description=POWER)
    electricity_power: float | None = Field(description=POWER)
    net_electricity: float | None = Field(description="use and generation together, kW")


class CurveHour(Answer):
    """The panels of the district in one hour; yields, 0 or positive."""

    time: str = Field(description="start of the hour, UTC")
    expected_kw: float | None = Field(
        description="of the buildings measured in that hour; of all in hours to come"
    )
    measured_kw: float | None
    buildings: int = Field(description="how many are compared")


class DistrictDay(Answer):
    """Yields of the day so far, in the hours and buildings that have both values."""

    hours: int
    measured_kwh: float | None
    expected_kwh: float | None
    share: float | None = Field(description="measured of expected, 0..1")
    missing_kwh: float | None = Field(
        description="expected less measured in the hours below tolerance alone"
    )
    hours_compared: int
    hours_due: int
    curve: list[CurveHour]


class Points(Answer):
    """How many points there are, and how many of them have a fresh value."""

    all: int
    fresh: int
    silent: int


class GapCounts(Answer):
    """Hourly values of the day so far that are missing."""

    known: int = Field(description="reported as missing")
    unheard: int = Field(description="never came")
    due: int = Field(description="values of all points in the hours that are over")


class Quarantine(Answer):
    """Rows that were refused, over all time."""

    rows: int
    reasons: dict[str, int]


class Finding(Answer):
    """Something to be said about a building."""

    kind: str = Field(description="off, short, deviates, stale or silent")
    text: str
    kwh: float | None = Field(
        description="expected less measured in the hours that the text names"
    )


class BuildingDay(Answer):
    """A building's panels over the day so far."""

    measured_kwh: float | None
    expected_kwh: float | None
    share: float | None
    missing_kwh: float | None = Field(
        description="expected less measured in the hours below tolerance alone"
    )
    hours_off: int = Field(description="next to no yield while the sun shines")
    hours_short: int = Field(description="below tolerance, those that are off included")


class Part(Answer):
    """One of several points of a quantity, with the mean of its own newest hour."""

    point: str
    quantity: str
    value: float | None
    time: str | None = Field(description="start of that hour, UTC")
    fresh: bool


class BuildingState(Answer):
    """Latest values of a building and what is to be said about it."""

    id: str
    name: str
    use: str
    status: str = Field(
        description="off, short, deviates, stale, silent or ok: the first that holds"
    )
    attention: bool
    findings: list[Finding]
    pv_power: float | None = Field(description=POWER)
    heat_power: float | None = Field(description=POWER)
    electricity_power: float | None = Field(description=POWER)
    indoor_temperature: float | None = Field(description="degC")
    pv_power_expected: float | None = Field(description=POWER)
    pv_power_residual: float | None = Field(description="positive is missing yield, kW")
    time: str | None = Field(description="start of the newest hour, UTC")
    age_hours: float | None = Field(description="of the oldest of its points")
    source: str
    points: int
    points_fresh: int
    silent: list[str] = Field(description="quantities without a fresh value")
    parts: list[Part] = Field(
        description="points of quantities that have several: powers are added up, in the "
        "newest hour in which all are known; of temperatures it is the mean"
    )
    pv_day: BuildingDay | None


class BuildingDetails(BuildingState):
    """A building with its day, hour by hour."""

    as_of: str
    label: str
    day: list[str] = Field(description="starts of the 24 hours, UTC")
    curves: dict[str, list[float | None]] = Field(
        description="24 values of each quantity; powers with generation negative"
    )


class DistrictState(Answer):
    """The district and all buildings, those that need attention first."""

    district: str
    schematic: bool
    label: str = Field(
        description="SIMULATED where all values are made up, PARTLY SIMULATED where some "
        "are; to be shown with them"
    )
    as_of: str
    known_at: str | None = Field(description="as known when; null: now")
    as_of_words: str
    day: str
    sequence: int = Field(description="last number of the log that was looked at")
    empty: bool
    expected_basis: str
    now: DistrictNow
    pv_day: DistrictDay
    points: Points
    gaps: GapCounts
    quarantine: Quarantine
    revisions: int
    unknown_points: int
    status: dict[str, int] = Field(description="how many buildings have each status")
    buildings: list[BuildingState]


class PointNow(Answer):
    """A point with its newest value."""

    point: str
    building: str
    system: str
    quantity: str
    unit: str
    time: str | None = Field(description="start of its interval, or its instant; UTC")
    value: float | None
    source: str
    quality: list[str] = Field(description="what is to be said of it; none: good")
    version: int
    known: str | None = Field(description="when it was learned")
    age_s: float | None = Field(description="since the end of its interval")
    fresh: bool = Field(description="not older than three intervals, or 15 minutes")


class LatestValues(Answer):
    """Newest values of points."""

    at: str = Field(description="moment that ages are of")
    label: str
    sequence: int
    points: list[PointNow]


class EditionHead(Answer):
    """Which edition of the things was valid."""

    number: int
    valid_from: str
    known: str


class PointCounts(Answer):
    """How many points there are, were ever heard, and are fresh."""

    all: int
    heard: int
    fresh: int


class GapSums(Answer):
    """Points without a value in their last interval."""

    reported: int
    unheard: int


class PointGap(Answer):
    """A point without a value in its last interval."""

    point: str
    start: str
    reported: bool


class StateAsOf(Answer):
    """The whole district as it was, as it was known."""

    at: str
    known_at: str | None
    label: str
    edition: EditionHead | None = Field(
        description="of the things; null: none was kept, they are those of the folder"
    )
    geometry: str = Field(description="hash of what the geometry was built from")
    buildings: int
    systems: int
    points: PointCounts
    gaps: GapSums
    expected_hour: str
    expected_basis: str
    pv_power_expected: float | None = Field(
        description="of all panels, generation negative, kW; null where the folder's light "
        "is of another geometry"
    )
    solar_heat_power_expected: float | None = Field(
        description="heat of all collectors, generation negative, kW; null where of none "
        "it is known"
    )
    expected: dict[str, float] = Field(
        description="power of the panels of each building, kW"
    )
    missing: list[PointGap]
    values: list[PointNow]
