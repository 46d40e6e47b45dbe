"""Describe what the interface sends of points, panels and collectors over time."""

from pydantic import Field

from twin.api.models import Answer


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
    values: list[Value] = Field(description="without a step")
    steps: list[StepMean | StepAmount] = Field(description="with a step")
    gaps: list[HistoryGap]
    gaps_left_out: int = Field(description="gaps beyond the first thousand")
    next: str | None = Field(description="ask again with this start; null when complete")


class ExpectedSystem(Answer):
    """A system beside what it should give; powers of generation are negative."""

    system: str
    building: str
    kind: str = Field(description="pv, or solar-thermal: then its power is heat")
    rated_kw: float | None = Field(
        description="rated power: of panels at standard test conditions, of collectors at "
        "1000 W/m2 with the fluid as warm as the air; null: not known"
    )
    area_m2: float | None = Field(
        description="of the modules, or gross area of the collectors; null: not known"
    )
    expected_kw: list[float | None]
    measured_kw: list[float | None]
    residual_kw: list[float | None] = Field(
        description="measured less expected; positive is missing yield"
    )
    expected_kwh: float = Field(
        description="expected yield in the steps that were measured as well"
    )
    expected_total_kwh: float = Field(
        description="expected yield in all steps, measured or not"
    )
    measured_kwh: float = Field(description="yield in the steps that are compared")
    ratio: float | None = Field(description="measured of expected, in the same steps")


class ExpectedPower(Answer):
    """What panels and collectors should give, and gave."""

    start: str
    end: str
    step_s: float
    weather: str = Field(description="what the expectation rests on")
    notes: list[str]
    label: str
    times: list[str] = Field(description="starts of the steps")
    systems: list[ExpectedSystem]
