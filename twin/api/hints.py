"""Answer what may be wrong with points, and what speaks for it."""

import math
from functools import cache
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from gis.errors import UnknownIdError
from twin.api import hint_models
from twin.api.answers import LOOKING
from twin.api.desk import Desk
from twin.api.questions import End, KnownAt, Start, moment
from twin.api.things import Building, check_building, find_point
from twin.as_of import text

if TYPE_CHECKING:
    from twin.api.hint_desk import Found, HintDesk
    from twin.expectation.hint import Hint

KINDS = "^(gap|stuck|unit|outage|partial|clock|soiling|shading)$"


def add_hints(app: FastAPI, desk: Desk) -> None:
    """Answer for hints of faults."""
    twin = desk.twin

    @cache
    def hint_desk() -> "HintDesk":
        # Imported here: it needs tables, and not every server is asked for hints.
        from twin.api.hint_desk import HintDesk

        return HintDesk(desk)

    @app.get(
        "/api/hints",
        response_model=hint_models.HintPage,
        responses=LOOKING,
        tags=["history"],
    )
    def hints(
        building: Building = None,
        point: Annotated[
            str | None, Query(max_length=200, description="Only this point.")
        ] = None,
        kind: Annotated[
            str | None, Query(pattern=KINDS, description="Only hints of this kind.")
        ] = None,
        start: Start = None,
        end: End = None,
        known_at: KnownAt = None,
        least: Annotated[
            float, Query(ge=0.0, le=1.0, description="Least confidence.")
        ] = 0.5,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
    ) -> hint_models.HintPage | JSONResponse:
        """Tell what may be wrong with meters, sensors and panels, the clearest first.

        A question looks at 600,000 values at most; without a start at the four weeks
        before the end, of many points at less. Of the present an answer serves a minute.
        """
        from twin.api.hint_desk import AGAIN, Busy, Question

        check_building(desk, building)
        owner = None
        if point is not None:
            owner = twin.model.owner[find_point(desk, point).system]
            if building not in (None, owner):
                message = f"point {point[:80]!r} must belong to {building}, not to {owner}"
                raise UnknownIdError(message)
        known = moment(known_at)
        question = Question(building or owner, point, moment(start), moment(end), known)
        try:
            found = hint_desk().ask(question)
        except Busy:
            told = {"detail": f"others wait for hints already; come again in {AGAIN} s"}
            return JSONResponse(told, 429, headers={"retry-after": str(AGAIN)})
        chosen = [
            hint
            for hint in found.answer.hints
            if hint.confidence >= least
            and (kind is None or hint.kind.value == kind)
            and (point is None or hint.point == point)
            and building in (None, twin.model.owner[desk.by_id[hint.point].system])
        ]
        chosen.sort(key=lambda hint: (-hint.confidence, hint.start, hint.point))
        return _page(desk, found, chosen, limit, known)


def _page(
    desk: Desk, found: "Found", chosen: "list[Hint]", limit: int, known: int | None
) -> hint_models.HintPage:
    """Describe what was found."""
    return hint_models.HintPage(
        start=text(found.over.start),
        end=text(found.over.end),
        known_at=None if known is None else text(known),
        label=found.answer.label,
        sequence=found.sequence,
        compared_with=found.answer.compared,
        points=found.answer.points,
        left_out=dict(found.answer.left_out),
        total=len(chosen),
        hints=[_item(desk, hint) for hint in chosen[:limit]],
    )


def _item(desk: Desk, hint: "Hint") -> hint_models.HintItem:
    """Describe a hint."""
    twin = desk.twin
    point = desk.by_id[hint.point]
    building = twin.model.owner[point.system]
    name = twin.model.buildings[twin.places[building]].name if building else ""
    return hint_models.HintItem(
        kind=hint.kind.value,
        meaning=hint.kind.meaning,
        point=hint.point,
        building=building,
        name=name,
        system=point.system,
        quantity=point.quantity.value,
        start=text(hint.start),
        end=text(hint.end),
        confidence=round(hint.confidence, 2),
        evidence=hint.evidence,
        figures={
            name: round(value, 4)
            for name, value in hint.figures.items()
            if math.isfinite(value)
        },
    )
