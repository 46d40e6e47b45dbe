"""List the materials and lights of the pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Materials and light of a picture; colours are ``#rrggbb``.

    Attributes
    ----------
    roof, wall, ground, quay, water, crown, trunk : str
        What surfaces look like in light that falls on them straight. Roofs and walls
        show irradiation instead where the picture has a scale.
    deep : str
        Water far from the shore.
    sky, haze : str
        What water mirrors, and what the distance fades to.
    sunlight, shade : str
        Tint of lit and of shaded surfaces.
    ambient : float
        Light in full shade under an open sky, as a share of the brightest.
    level : float
        Sunlight on level ground, as a share of that on a face that looks into the sun;
        the sun's height then changes the shadows and not the exposure.
    """

    roof: str
    wall: str
    ground: str
    quay: str
    water: str
    deep: str
    crown: str
    trunk: str
    sky: str
    haze: str
    sunlight: str
    shade: str
    ambient: float
    level: float


DATA = Look(
    roof="#d9d6cf",
    wall="#cfccc5",
    ground="#e6e3dc",
    quay="#a7a49d",
    water="#a9c0c9",
    deep="#86a3b1",
    crown="#a9b79a",
    trunk="#8d8375",
    sky="#dfe9ee",
    haze="#eef0ee",
    sunlight="#ffffff",
    shade="#e4e8f0",
    ambient=0.58,
    level=0.94,
)
"""Quiet paper tones, so that the irradiation is the only strong colour."""

MODEL = Look(
    roof="#fbf8f3",
    wall="#fbf8f3",
    ground="#ece7df",
    quay="#d8d2c8",
    water="#9fb0b6",
    deep="#879ba4",
    crown="#d5d6c6",
    trunk="#b5ab9c",
    sky="#f0e6da",
    haze="#efe9e1",
    sunlight="#fff0d8",
    shade="#c3cde0",
    ambient=0.34,
    level=0.7,
)
"""White card in low warm light, as an architect's model."""
