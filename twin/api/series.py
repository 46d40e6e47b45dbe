"""Answer how points went over time."""

from typing import Annotated, Any

from fastapi import FastAPI, Query

from gis.errors import TableError, UnknownIdError
from twin.api import history_models
from twin.api.answers import LOOKING
from twin.api.desk import Desk
from twin.api.questions import End, KnownAt, Span, Start, Step, moment, span, step_length
from twin.api.things import check_building, find_point
from twin.as_of import SECOND, label_of, moment_of, text
from twin.course import MOST_GAPS, bucket_record, holes, steps, value_record
from twin.quantities import Kind
from twin.store.embedded import now
from twin.store.protocol import Store

MOST_VALUES = 10_000
"""Values that one answer holds."""

LONGEST = 366 * 86_400 * SECOND
"""Longest time of which an expectation is told [microseconds]."""


def add_series(app: FastAPI, desk: Desk) -> None:
    """Answer for one point over time, and for panels beside the sun."""

    @app.get("/api/points/{point:path}/values", responses=LOOKING, tags=["history"])
    def values(
        point: str, start: Start = None, end: End = None, known_at: KnownAt = None
    ) -> history_models.Values:
        """Return what is known of a point over a time, known gaps included."""
        found = find_point(desk, point)
        known = moment(known_at)

        def asked(store: Store) -> tuple[Span, list[Any]]:
            over = span(start, end, last=_last(store, found.interval))
            return over, store.between(
                over.start,
                over.end,
                points=[found.id],
                count=MOST_VALUES + 1,
                known_at=known,
            )

        over, rows = desk.ask(asked)
        shown, more = rows[:MOST_VALUES], rows[MOST_VALUES:]
        return history_models.Values(
            point=found.id,
            quantity=found.quantity.value,
            unit=found.quantity.unit,
            start=text(over.start),
            end=text(over.end),
            values=[
                history_models.Value.model_validate(value_record(row)) for row in shown
            ],
            next=text(more[0].time) if more else None,
        )

    @app.get("/api/points/{point:path}/history", responses=LOOKING, tags=["history"])
    def history(
        point: str,
        start: Start = None,
        end: End = None,
        step: Step = None,
        known_at: KnownAt = None,
    ) -> history_models.History:
        """Return the course of a point: values or steps, and its gaps beside them.

        Steps lie on whole multiples of their length since 1970, UTC. Of a register they
        tell what it counted, whatever happened to the meter between.
        """
        found = find_point(desk, point)
        known = moment(known_at)
        length = None if step is None else step_length(step)

        def asked(store: Store) -> dict[str, Any]:
            with store.snapshot():
                over = span(start, end, last=_last(store, found.interval))
                told: dict[str, Any] = {"values": [], "steps": [], "next": None}
                if length is None:
                    rows = store.between(
                        over.start,
                        over.end,
                        points=[found.id],
                        count=MOST_VALUES + 1,
                        known_at=known,
                    )
                    told["values"] = [value_record(row) for row in rows[:MOST_VALUES]]
                    if len(rows) > MOST_VALUES:
                        over = Span(over.start, rows[MOST_VALUES].time)
                        told["next"] = text(over.end)
                else:
                    register = found.quantity.kind is Kind.REGISTER
                    buckets = steps(
                        store, found, over.start, over.end, length, known_at=known
                    )
                    told["steps"] = [bucket_record(b, register=register) for b in buckets]
                # What is yet to come is no gap.
                until = min(over.end, known or moment_of(store, now()))
                gaps = holes(store, found, over.start, until, known_at=known)
                label = label_of(store.sources())
            shown = [
                {"start": text(gap.start), "end": text(gap.end), "reported": gap.reported}
                for gap in gaps[:MOST_GAPS]
            ]
            return told | {
                "start": text(over.start),
                "end": text(over.end),
                "label": label,
                "gaps": shown,
                "gaps_left_out": max(0, len(gaps) - MOST_GAPS),
            }

        return history_models.History.model_validate(
            {
                "point": found.id,
                "quantity": found.quantity.value,
                "unit": found.quantity.unit,
                "kind": found.quantity.kind.value,
                "known_at": None if known is None else text(known),
                "step_s": None if length is None else length / SECOND,
                **desk.ask(asked),
            }
        )

    @app.get("/api/expected", responses=LOOKING, tags=["history"])
    def expected(
        building: Annotated[
            str | None, Query(max_length=200, description="Only systems of this building.")
        ] = None,
        system: Annotated[
            str | None, Query(max_length=200, description="Only this system.")
        ] = None,
        start: Start = None,
        end: End = None,
        known_at: KnownAt = None,
        weather: Annotated[
            str,
            Query(
                pattern="^(typical|measured)$",
                description="The weather year the twin was built with, or what its own "
                "weather station measured; the first answer by the latter takes seconds.",
            ),
        ] = "typical",
    ) -> history_models.ExpectedPower:
        """Tell what panels and collectors should give, what they gave, and the difference.

        ``expected_kwh`` and ``ratio`` compare the steps that were measured as well;
        ``expected_total_kwh`` is of all steps.
        """
        # Imported here: these need tables, and not every server is asked for them.
        from twin.api.expectation import expected_record

        model = desk.twin.model
        check_building(desk, building)
        if system is not None and system not in model.owner:
            message = f"system {system[:80]!r} must be one of {len(model.owner)}"
            raise UnknownIdError(message)
        over = desk.ask(lambda store: span(start, end, last=_last(store, 3600)))
        if over.end - over.start > LONGEST:
            message = "an expectation is told of a year at most; ask for a shorter time"
            raise TableError(message)
        record = expected_record(
            desk,
            over,
            building=building,
            system=system,
            known_at=moment(known_at),
            measured=weather == "measured",
        )
        return history_models.ExpectedPower.model_validate(record)


def _last(store: Store, interval: int) -> int:
    """Return the end of the log, or now while it is empty."""
    found = store.span()
    return now() if found is None else found[1] + interval * SECOND
