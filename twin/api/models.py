"""Describe what the interface sends of things, and what all answers share."""

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """A value that is sent; it holds what it says and no more."""

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """What was wrong with a request."""

    detail: str


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
    rated_kw: float | None = Field(
        description="rated power of panels or collectors, as told; null: not told"
    )
    area_m2: float | None = Field(
        description="area of modules, gross area of collectors, as told"
    )
    limit_kw: float | None = Field(description="most that inverter or pump let through")
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
