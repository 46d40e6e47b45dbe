"""Describe what the interface sends of hints of faults."""

from pydantic import Field

from twin.api.models import Answer


class HintItem(Answer):
    """A suspicion, with what speaks for it."""

    kind: str = Field(
        description="gap, stuck, unit, outage, partial, clock, soiling or shading"
    )
    meaning: str = Field(description="what the kind means, in words")
    point: str
    building: str = Field(description="id; blank: the district's own")
    name: str = Field(description="of the building, may be blank")
    system: str
    quantity: str
    start: str
    end: str = Field(description="first moment after it")
    confidence: float = Field(
        description="how clear it is, 0 to 1: a score by size and length, not a probability"
    )
    evidence: str = Field(description="one sentence with numbers")
    figures: dict[str, float] = Field(description="the numbers, units in their names")


class HintPage(Answer):
    """What may be wrong with points in a time, the clearest first."""

    start: str
    end: str
    known_at: str | None = Field(description="as known when; null: now")
    label: str = Field(description="SIMULATED or PARTLY SIMULATED: show it with them")
    sequence: int = Field(description="last number of the log that was looked at")
    compared_with: str = Field(description="what panels were compared with")
    points: int = Field(description="points that were looked at")
    left_out: dict[str, int] = Field(description="points that were not, by reason")
    total: int = Field(description="how many hints there are that fit the question")
    hints: list[HintItem]
