"""Describe what the interface sends of features."""

from typing import Any

from pydantic import BaseModel, Field


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
    crs: list[str] = Field(description="Reference systems; the first is the usual one")
    storageCrs: str = Field(  # noqa: N815 - a name of the standard
        description="that coordinates are kept in"
    )


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
