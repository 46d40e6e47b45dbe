"""Ask a twin folder what may be wrong with its points."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from twin.build import Built
from twin.description import input_hash
from twin.expectation.conditions import Conditions, IntArray
from twin.expectation.expected_power import Expected
from twin.expectation.hint import Hint
from twin.expectation.hints import find_hints
from twin.expectation.plant import Place
from twin.expectation.plants import place_of, plants_of
from twin.expectation.points import (
    Tracks,
    Values,
    expected_of_year,
    logged_weather,
    make_tracks,
    measures_light,
)
from twin.expectation.power import expect
from twin.expectation.tracks import Track
from twin.expectation.trust import Sifted, sift, with_flags
from twin.expectation.typical import with_typical
from twin.expectation.weather_files import read_conditions
from twin.live import SIMULATED, LiveTwin
from twin.model import Model
from twin.quantities import Quantity
from twin.reopen import open_twin

TYPICAL = "the typical year of the twin"

BY_WEATHER = (Quantity.HEAT_PUMP_ELECTRIC_POWER, Quantity.COOLING_POWER)
"""Quantities that follow the outdoor temperature, besides heat."""


@dataclass(frozen=True)
class Answer:
    """Hints for a twin.

    Attributes
    ----------
    hints : tuple of Hint
        All of them, by point and time.
    compared : str
        What panels were compared with.
    points : int
        Points that were looked at.
    left_out : mapping of str to int
        Points that were not, by reason.
    label : str
        What every view must say of the values: nothing only where none is made up.
    expected : Expected or None
        What panels should have given.
    """

    hints: tuple[Hint, ...]
    compared: str
    points: int
    left_out: Mapping[str, int]
    label: str
    expected: Expected | None


def ask(
    twin: LiveTwin,
    values: Mapping[str, Values],
    *,
    sources: Collection[str],
    weather: Path | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    quality: Mapping[str, IntArray] | None = None,
    built: Callable[[], Built] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Answer:
    """Look for faults in the values of a twin.

    Parameters
    ----------
    twin : LiveTwin
        The folder.
    values : mapping of str to (times, values)
        Of every point, as `twin.expectation.points.make_tracks` takes them.
    sources : collection of str
        Where the values come from.
    weather : Path, optional
        Measured weather of that time; default: that of the twin's own weather station,
        and without one the typical year.
    start, end : Timestamp, optional
        First moment, and first that is too late, of the weather.
    quality : mapping of str to (n,) int, optional
        Flags of the values (`twin.store.records.Quality`). What is flagged as bad is not
        taken as measured, and hints name the flags of their time.
    built : callable, optional
        Returns the lit twin of the folder, called where it is needed; default: it is
        opened anew.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Answer
    """
    told = progress or (lambda _text, _share: None)
    sifted = sift(values, quality)
    values = sifted.measured
    simulated = set(sources) == {SIMULATED}
    label = "SIMULATED" if simulated else "PARTLY SIMULATED" if SIMULATED in sources else ""
    known = [times for times, _ in values.values() if len(times)]
    if not known:
        return Answer((), "nothing: there are no values", 0, {}, label, None)
    expected: Expected | None
    conditions: Conditions | None = None
    place = Place(0.0, 0.0)
    if weather is not None or measures_light(values, twin.model):
        lit = open_twin(twin.folder, progress=progress) if built is None else built()
        place = place_of(lit)
        if weather is not None:
            conditions = read_conditions(
                weather,
                latitude=place.latitude,
                longitude=place.longitude,
                start=start,
                end=end,
            )
        else:
            conditions = logged_weather(values, twin.model, place)
        told("expecting", 0.0)
        plants = plants_of(lit, twin.model)
        expected = expect(
            lit.light,
            plants,
            conditions,
            place,
            geometry=input_hash(lit),
            version=version("heidi-twin"),
        )
    else:
        expected = expected_of_year(
            twin.expected,
            twin.model,
            start=min(int(times.min()) for times in known),
            end=max(int(times.max()) for times in known) + 1,
            certain=simulated,
        )
    told("comparing", 0.5)
    made = judged_tracks(sifted, twin.model, expected, place=place, conditions=conditions)
    return Answer(
        hints=find_hints(made.tracks),
        compared=TYPICAL if conditions is None else conditions.source,
        points=len(made.tracks),
        left_out=made.left_out,
        label=label,
        expected=expected,
    )


def judged_tracks(
    sifted: Sifted,
    model: Model,
    expected: Expected | None,
    *,
    place: Place,
    conditions: Conditions | None = None,
) -> Tracks:
    """Return the tracks of points with all that hints look at.

    Parameters
    ----------
    sifted : Sifted
        Values without what is flagged as bad.
    model, expected, place, conditions
        As of `twin.expectation.points.make_tracks`.
    """
    made = make_tracks(sifted.measured, model, expected, place=place, conditions=conditions)
    quantity = {point.id: point.quantity for point in model.points}

    def finished(track: Track) -> Track:
        if conditions is not None and quantity[track.point] in BY_WEATHER:
            track = _by_weather(track, conditions)
        times, _ = sifted.measured[track.point]
        return with_flags(track, times, sifted.flags[track.point])

    return replace(made, tracks=tuple(finished(track) for track in made.tracks))


def _by_weather(track: Track, conditions: Conditions) -> Track:
    """Return a meter beside what is usual in the weather, where that can be told."""
    if not track.both.any():
        return track
    start = track.start + np.arange(len(track)) * track.step
    outdoor = np.interp(
        start, conditions.start, conditions.temp_air, left=np.nan, right=np.nan
    )
    return with_typical(track, outdoor)
