"""Judge the readings of a message by themselves, one by one or all at once."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from twin.ingest.checks import (
    EARLY,
    Reason,
    Refusal,
    Way,
    check_known,
    check_range,
    source_of,
)
from twin.ingest.letters import Batch, Letter
from twin.ingest.readings import Reading
from twin.ingest.ways import Ways
from twin.live import SIMULATED
from twin.store.records import Quality

MANY = 64
"""Readings of a message from which on they are judged all at once."""

_CLOCK = Quality.CLOCK.value
_SIMULATED = Quality.SIMULATED.value

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Held = tuple[int, float | None, str, int]
"""Time, value, source and flags of a statement."""


class Scrutiny:
    """What readings are held against, whatever was before.

    Parameters
    ----------
    ways : Ways
    source : str
        Source of values whose message tells none.
    simulated : bool
        Whether everything is made up, whatever it says.
    many : int
        Readings of a message from which on they are judged all at once; it is faster, and
        makes no other difference.
    """

    def __init__(
        self, ways: Ways, *, source: str, simulated: bool, many: int = MANY
    ) -> None:
        self._ways = ways
        self._source = source
        self._simulated = simulated
        self._many = many

    def judge(self, batch: Batch, letter: Letter, moment: int) -> None:
        """Add the readings of a message to a batch.

        Parameters
        ----------
        batch : Batch
        letter : Letter
            The last that was opened in the batch.
        moment : int
            What the clock says [microseconds since 1970, UTC].
        """
        count = len(letter.decoded.readings)
        bare = letter.by_arrival and letter.is_bare
        if count >= self._many and not bare:
            self._judge_all(batch, letter, moment)
        else:
            self._judge_each(batch, letter, range(count), moment, bare=bare)

    def _judge_each(
        self,
        batch: Batch,
        letter: Letter,
        places: Iterable[int],
        moment: int,
        *,
        bare: bool,
    ) -> None:
        """Judge readings one by one."""
        readings, number = letter.decoded.readings, len(batch.opened) - 1
        envelope = letter.by_arrival
        for place in places:
            reading = readings[place]
            when = letter.arrived if reading.time is None else reading.time
            try:
                way = self._ways.of(reading, when, bare=bare)
                one = self._ways.all[way]
                if not one.point:
                    batch.unwanted += 1
                    continue
                held = self._held(one, reading, letter.arrived, moment, envelope=envelope)
            except Refusal as refusal:
                batch.refused.append(letter.put_aside(place, refusal))
                continue
            time, value, source, quality = held
            batch.way.append(way)
            batch.time.append(time)
            batch.value.append(value)
            batch.source.append(source)
            batch.quality.append(quality)
            batch.version.append(reading.version)
            batch.letters.append(number)
            batch.places.append(place)

    def _held(
        self, way: Way, reading: Reading, arrived: int, moment: int, *, envelope: bool
    ) -> Held:
        """Return what a reading says, if it holds."""
        time, value, quality = reading.time, reading.value, reading.quality
        if time is None:
            if not (envelope or way.by_arrival):
                raise _timeless(reading)
            time = arrived
            quality |= _CLOCK
        source = reading.source
        simulated = self._simulated or bool(quality & _SIMULATED) or source == SIMULATED
        source = (
            source_of(source, simulated=simulated) if source or simulated else self._source
        )
        if source == SIMULATED:
            quality |= _SIMULATED
        elif time + way.length > moment + EARLY:
            check_known(way, time, moment)
        if value is not None:
            # Adding zero turns -0 into 0.
            value = value * way.factor + way.offset + 0.0
            if not way.low <= value <= way.high:
                check_range(way, value)
        return time, value, source, quality

    def _judge_all(self, batch: Batch, letter: Letter, moment: int) -> None:
        """Judge readings all at once; those that seem odd are looked at one by one."""
        readings = letter.decoded.readings
        count = len(readings)
        moments = [reading.time for reading in readings]
        timeless = np.zeros(count, dtype=bool)
        if None in moments:
            timeless = np.array([time is None for time in moments])
        told = [letter.arrived if time is None else time for time in moments]
        time = np.array(told, np.int64)
        ways, refusals = self._ways.of_all(readings, time)
        columns = self._ways.columns()
        if not len(self._ways.all):
            self._refuse(batch, letter, refusals)
            return
        wanted = columns.wanted[ways] & (ways >= 0)
        odd = np.zeros(count, dtype=bool)
        if timeless.any() and not letter.by_arrival:
            odd |= timeless & ~columns.by_arrival[ways]
        quality = np.array([reading.quality for reading in readings], np.int64)
        quality[timeless] |= _CLOCK
        sources, made_up, nameless = self._sources(readings, quality)
        quality[made_up] |= _SIMULATED
        odd |= nameless
        length = columns.length[ways]
        latest = moment + EARLY
        odd |= ~made_up & (
            (time > latest)
            | (
                (length > 0)
                & (time + length > latest)
                & (time % np.maximum(length, 1) == 0)
            )
        )
        values = [reading.value for reading in readings]
        gap = np.zeros(count, dtype=bool)
        if None in values:
            gap = np.array([value is None for value in values])
            values = [0.0 if value is None else value for value in values]
        with np.errstate(over="ignore", invalid="ignore"):
            # Adding zero turns -0 into 0.
            value = np.array(values, np.float64) * columns.factor[ways]
            value = value + columns.offset[ways] + 0.0
        inside = (value >= columns.low[ways]) & (value <= columns.high[ways])
        odd |= ~(inside | gap)
        odd &= wanted
        # What is odd here is refused there; should it hold after all, it is kept.
        flagged = quality.tolist()
        converted: list[float | None] = value.tolist()
        for place in np.flatnonzero(gap).tolist():
            converted[place] = None
        for place in np.flatnonzero(odd).tolist():
            try:
                told[place], converted[place], sources[place], flagged[place] = self._held(
                    self._ways.all[ways[place]],
                    readings[place],
                    letter.arrived,
                    moment,
                    envelope=letter.by_arrival,
                )
                odd[place] = False
            except Refusal as refusal:
                refusals[place] = refusal
        self._refuse(batch, letter, refusals)
        batch.unwanted += int((~wanted & (ways >= 0)).sum())
        kept = wanted & ~odd
        version = [reading.version for reading in readings]
        places = None if kept.all() else np.flatnonzero(kept).tolist()
        batch.extend(ways.tolist(), told, converted, sources, flagged, version, places)

    def _sources(
        self, readings: list[Reading], flags: IntArray
    ) -> tuple[list[str], BoolArray, BoolArray]:
        """Return the source of each reading, which are made up, and which have none."""
        told = [reading.source for reading in readings]
        made_up = (flags & _SIMULATED) > 0
        names: dict[str, str] = {}
        bad: set[str] = set()
        for name in dict.fromkeys(told):
            try:
                names[name] = (
                    source_of(name, simulated=self._simulated)
                    if name or self._simulated
                    else self._source
                )
            except Refusal:
                names[name] = name
                bad.add(name)
        sources = (
            [names[told[0]]] * len(told)
            if len(names) == 1
            else [names[name] for name in told]
        )
        if SIMULATED in names.values():
            made_up |= np.array([name == SIMULATED for name in sources])
        if made_up.any():
            sources = [
                SIMULATED if made else name
                for made, name in zip(made_up.tolist(), sources, strict=True)
            ]
        nameless = np.zeros(len(told), dtype=bool)
        if bad:
            nameless = np.array([name in bad for name in told]) & ~made_up
        return sources, made_up, nameless

    def _refuse(self, batch: Batch, letter: Letter, refusals: dict[int, Refusal]) -> None:
        """Put readings aside, in their order."""
        for place in sorted(refusals):
            batch.refused.append(letter.put_aside(place, refusals[place]))


def _timeless(reading: Reading) -> Refusal:
    """Say that a reading has no time."""
    text = (
        f"a value must have a time, {reading.name[:80]!r} of "
        f"{reading.device[:80] or 'no device'!r} has none; if its arrival counts, say so "
        "in the mapping"
    )
    return Refusal(Reason.TIME, text)
