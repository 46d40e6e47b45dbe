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
    outside : str
        Ground beyond the district's boundary.
    line : str
        Edges of buildings and contour lines.
    line_strength : float
        How much of the line's colour shows, 0..1.
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
    outside: str
    line: str
    line_strength: float
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
    ground="#f3f0ea",
    outside="#dfdcd5",
    quay="#98958f",
    water="#b3c8d0",
    deep="#8fabb8",
    crown="#a9b79a",
    trunk="#8d8375",
    line="#fff8ec",
    line_strength=0.55,
    sky="#dbe7ee",
    haze="#eef0ef",
    sunlight="#ffffff",
    shade="#e2e7f0",
    ambient=0.6,
    level=0.94,
)
"""Quiet paper tones, so that the irradiation is the only strong colour."""

MODEL = Look(
    roof="#ffffff",
    wall="#ffffff",
    ground="#faf8f5",
    outside="#efedea",
    quay="#e2dcd2",
    water="#aebcc2",
    deep="#92a5ae",
    crown="#dcdccf",
    trunk="#b5ab9c",
    line="#5b5a66",
    line_strength=0.22,
    sky="#efe9df",
    haze="#f5f2ec",
    sunlight="#fffcf6",
    shade="#cdd5e6",
    ambient=0.45,
    level=0.74,
)
"""White card in low warm light, as an architect's model."""
