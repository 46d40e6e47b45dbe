"""Describe what the interface sends and takes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

POWER = "kW, mean of the hour; consumption positive, generation negative"


class Answer(BaseModel):
    """A value that is sent; it holds what it says and no more."""

    model_config = ConfigDict(extra="forbid")


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


class BuildingItem(Answer):
    """A building and its points."""

    id: str
    name: str
    use: str
    year: float | None
    floor_area_m2: float | None
    points: list[str]


class Buildings(Answer):
    """All buildings."""

    buildings: list[BuildingItem]


class Value(Answer):
    """What is now known of one hour."""

    time: str = Field(description="start of the hour, UTC")
    value: float | None = Field(description="null is a known gap")
    source: str
    known: str = Field(description="when the log learned it")
    revision: int = Field(description="how often it was corrected")
    sequence: int


class Values(Answer):
    """Values of a point."""

    point: str
    quantity: str
    unit: str
    start: str
    end: str
    values: list[Value]
    next: str | None = Field(description="ask again with this start; null when complete")


class RefusedRow(Answer):
    """A row that was put into quarantine."""

    row: int = Field(description="place in the request, from 0")
    reason: str
    message: str


class Receipt(Answer):
    """What became of the rows; they are on the disk."""

    new: int
    repeated: int
    revised: int
    refused: list[RefusedRow]
    sequence: int


class Observations(BaseModel):
    """Rows to be kept; each is checked by itself."""

    model_config = ConfigDict(extra="forbid")

    observations: list[Any] = Field(
        description="objects with point, time (start of the hour with time zone), value "
        "(null: a known gap), unit, source"
    )


class Problem(Answer):
    """What was wrong with a request."""

    detail: str
