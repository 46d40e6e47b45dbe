"""Describe what the interface takes, and what it sends of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from twin.api.models import Answer


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
