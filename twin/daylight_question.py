"""Say what daylight shall be measured."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gis.errors import WeatherError
from meshes.solar.daylight.rules import LOWEST_SUN, WANTED_WINDOW, is_exposure_day
from meshes.solar.daylight.sun_steps import WHOLE_DAY
from meshes.solar.sun_hours import STEP_MINUTES

EQUINOX = date(2026, 3, 20)
EXPOSURE_DAY = date(2026, 3, 21)
"""Day of EN 17037 that is taken by default: the last and sunniest that it allows."""


class Measure(StrEnum):
    """What can be measured."""

    SUN_HOURS = "sun-hours"
    EN17037 = "en17037"
    APSH = "apsh"
    SVF = "svf"
    VSC = "vsc"


class Where(StrEnum):
    """Where it can be measured."""

    FACADES = "facades"
    GROUND = "ground"


@dataclass(frozen=True)
class Question:
    """What shall be measured.

    Attributes
    ----------
    measure, where : Measure, Where
    first, last : date, optional
        Days of sun hours; by default the equinox, or 21 March for EN 17037.
    window : (float, float), optional
        Hours of the clock; by default 9 to 17, or the whole day for EN 17037.
    step_minutes : float
        Time between two suns [min].
    tolerance_minutes : float, optional
        Largest error of a sensor's mean day [min], for which steps are halved.
    lowest_sun : float, optional
        Least height of the sun that counts [degrees]; 0, or `LOWEST_SUN` for EN 17037.
    spacing : float
        Distance of sensors [m].
    height : float
        Height of sensors above the ground [m]; nothing to facades.
    """

    measure: Measure = Measure.SUN_HOURS
    where: Where = Where.FACADES
    first: date | None = None
    last: date | None = None
    window: tuple[float, float] | None = None
    step_minutes: float = STEP_MINUTES
    lowest_sun: float | None = None
    tolerance_minutes: float | None = None
    spacing: float = 1.0
    height: float = 0.0

    def __post_init__(self) -> None:
        """Refuse days that EN 17037 does not know."""
        day = self.first
        if self.measure is Measure.EN17037 and day is not None and not is_exposure_day(day):
            message = (
                f"EN 17037 lets the day be chosen from 1 February to 21 March, got {day}"
            )
            raise WeatherError(message)

    @property
    def is_of_days(self) -> bool:
        """Whether it asks for chosen days."""
        return self.measure in (Measure.SUN_HOURS, Measure.EN17037)

    @property
    def words(self) -> str:
        """When and where."""
        place = "facades"
        if self.where is Where.GROUND:
            place = f"ground, {self.height:g} m above it" if self.height else "ground"
        if not self.is_of_days or self.first is None or self.window is None:
            return place
        days = f"{self.first:%-d %B %Y}"
        if self.last is not None and self.last != self.first:
            days += f" to {self.last:%-d %B %Y}, mean day"
        hours = (
            "all day"
            if self.window == WHOLE_DAY
            else f"{_clock(self.window[0])} to {_clock(self.window[1])}"
        )
        sun = f", sun from {self.lowest_sun:g} degrees up" if self.lowest_sun else ""
        return f"{days}, {hours}{sun}, {place}"


def complete(question: Question) -> Question:
    """Fill in what was left to defaults.

    Parameters
    ----------
    question : Question
        What was asked.
    """
    if not question.is_of_days:
        return question
    is_standard = question.measure is Measure.EN17037
    first = question.first or (EXPOSURE_DAY if is_standard else EQUINOX)
    lowest = LOWEST_SUN if is_standard else 0.0
    return replace(
        question,
        first=first,
        last=question.last or first,
        window=question.window or (WHOLE_DAY if is_standard else WANTED_WINDOW),
        lowest_sun=lowest if question.lowest_sun is None else question.lowest_sun,
    )


def _clock(hour: float) -> str:
    """Return an hour as a clock shows it."""
    minutes = round(hour * 60)
    return f"{minutes // 60}:{minutes % 60:02}"
