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
    """What is now known of one time."""

    time: str = Field(description="start of the interval, or the instant; UTC")
    value: float | None = Field(description="null is a known gap")
    source: str
    quality: list[str] = Field(description="what is to be said of it; none: good")
    version: int = Field(description="rank among what the source said of this time")
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


class Thing(Answer):
    """The district, a building, a system or a point."""

    type: str = Field(description="district, building, system or point")
    id: str
    name: str
    building: str = Field(description="id of its building; blank: the district's own")
    system: str = Field(description="id of a point's system, else blank")
    kind: str = Field(description="kind of a system, such as pv; else blank")
    quantity: str = Field(description="what a point measures, else blank")
    unit: str = Field(description="of a point, else blank")
    interval_s: int | None = Field(description="from one value of a point to the next")
    brick: str = Field(description="class in Brick or RealEstateCore")
    facets: list[str] = Field(description="roofs and walls that carry a system")
    valid_from: str | None = Field(description="first day; null: always")
    valid_to: str | None = Field(description="first day without it; null: none")


class Things(Answer):
    """A page of things, in the model's order."""

    things: list[Thing]
    total: int = Field(description="how many there are that fit the question")
    next: int | None = Field(description="ask again with this offset; null: complete")


class PointItem(Answer):
    """A point and what it measures."""

    id: str
    name: str
    building: str
    system: str
    quantity: str
    meaning: str
    unit: str
    kind: str = Field(description="state, flow or register")
    interval_s: int
    low: float = Field(description="least value that is believed")
    high: float = Field(description="largest value that is believed")
    brick: str
    valid_from: str | None
    valid_to: str | None


class PointPage(Answer):
    """A page of points."""

    points: list[PointItem]
    total: int
    next: int | None


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
    expected: dict[str, float] = Field(description="of each building, kW")
    missing: list[PointGap]
    values: list[PointNow]


class RawValue(Answer):
    """What is known of one time."""

    time: str
    value: float | None = Field(description="null is a known gap")
    source: str
    quality: list[str]
    version: int
    known: str
    revision: int
    sequence: int


class StepMean(Answer):
    """A step of a state or flow."""

    start: str
    mean: float | None
    low: float | None
    high: float | None
    coverage_percent: float = Field(description="share of its intervals with a value")


class StepAmount(Answer):
    """A step of a register."""

    start: str
    amount: float | None = Field(description="counted in the step; null: nobody knows")
    quality: list[str] = Field(description="estimated: shared out between two readings")
    coverage_percent: float = Field(description="100 where readings reach, else 0")


class HistoryGap(Answer):
    """Intervals in a row without a value."""

    start: str
    end: str
    reported: bool = Field(description="told as missing; false: nothing came")


class History(Answer):
    """The course of a point."""

    point: str
    quantity: str
    unit: str
    kind: str
    start: str
    end: str
    known_at: str | None
    label: str
    step_s: float | None
    values: list[RawValue] = Field(description="without a step")
    steps: list[StepMean | StepAmount] = Field(description="with a step")
    gaps: list[HistoryGap]
    gaps_left_out: int = Field(description="gaps beyond the first thousand")
    next: str | None = Field(description="ask again with this start; null when complete")


class ExpectedSystem(Answer):
    """A system beside what it should give; powers of generation are negative."""

    system: str
    building: str
    rated_kw: float
    expected_kw: list[float | None]
    measured_kw: list[float | None]
    residual_kw: list[float | None] = Field(
        description="measured less expected; positive is missing yield"
    )
    expected_kwh: float = Field(description="yield, where both are known")
    measured_kwh: float
    ratio: float | None = Field(description="measured of expected yield")


class ExpectedPower(Answer):
    """What panels should give, and gave."""

    start: str
    end: str
    step_s: float
    weather: str = Field(description="what the expectation rests on")
    notes: list[str]
    label: str
    times: list[str] = Field(description="starts of the steps")
    systems: list[ExpectedSystem]


class QuarantineRow(Answer):
    """A row that was not taken."""

    number: int
    reason: str
    message: str
    row: str
    origin: str
    form: str
    payload: str = Field(description="as it came, base64; to be fed again")
    first_known: str
    last_known: str
    times: int
    released: str | None = Field(description="when it was fed again with success")


class QuarantinePage(Answer):
    """Rows that were not taken, the newest first."""

    rows: list[QuarantineRow]
    reasons: dict[str, int] = Field(description="how many of each, repeats included")


class Link(BaseModel):
    """Where something else is."""

    href: str
    rel: str
    type: str
    title: str = ""


class Landing(BaseModel):
    """Where everything is."""

    title: str
    description: str
    links: list[Link]


class Conformance(BaseModel):
    """Which rules hold."""

    conformsTo: list[str]  # noqa: N815 - a name of the standard


class SpatialExtent(BaseModel):
    """Where features lie."""

    bbox: list[list[float]]
    crs: str


class Extent(BaseModel):
    """Where features lie."""

    spatial: SpatialExtent


class CollectionHead(BaseModel):
    """What a collection holds."""

    id: str
    title: str
    description: str
    links: list[Link]
    extent: Extent
    itemType: str  # noqa: N815 - a name of the standard
    crs: list[str]


class CollectionList(BaseModel):
    """All collections."""

    links: list[Link]
    collections: list[CollectionHead]


class FeatureItem(BaseModel):
    """A feature of GeoJSON."""

    type: str
    id: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]
    links: list[Link] = Field(default_factory=list)


class FeaturePage(BaseModel):
    """Features of GeoJSON."""

    type: str
    features: list[FeatureItem]
    links: list[Link]
    timeStamp: str  # noqa: N815 - a name of the standard
    numberMatched: int  # noqa: N815 - a name of the standard
    numberReturned: int  # noqa: N815 - a name of the standard
