"""Tell how much light crowns let through in each month."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import TableError

FloatArray = NDArray[np.float64]

MONTHS = 12
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class TreeKind(IntEnum):
    """What the leaves of a tree do in winter."""

    UNKNOWN = 0
    DECIDUOUS = 1
    EVERGREEN = 2


@dataclass(frozen=True)
class Measured:
    """A measurement of the light behind crowns.

    Attributes
    ----------
    what : str
        Trees, place and kind of light.
    leaf_on, leaf_off : (float, float)
        Least and largest share of the light that came through; NaN where not measured.
    source : str
        Publication.
    """

    what: str
    leaf_on: tuple[float, float]
    leaf_off: tuple[float, float]
    source: str


MEASURED = (
    Measured(
        "sugar maple and London plane, whole light on a south wall, clear sky",
        (0.20, 0.20),
        (0.60, 0.60),
        "Heisler 1986, Urban Ecology 9:337-359",
    ),
    Measured(
        "Norway maple, sugar maple, London plane, whole light on a south wall",
        (0.25, 0.35),
        (0.66, 0.70),
        "Heisler 1985, doi 10.1007/978-94-009-5305-5_20",
    ),
    Measured(
        "five ornamental trees, whole light at the drip line",
        (0.25, 0.44),
        (0.57, 0.85),
        "Gardner & Sydnor 1984, J. Amer. Soc. Hort. Sci. 109(4)",
    ),
    Measured(
        "street and park trees in Gothenburg, the sun's beam alone",
        (0.01, 0.05),
        (0.40, 0.52),
        "Konarska et al. 2014, doi 10.1007/s00704-013-1000-3",
    ),
    Measured(
        "small-leaved lime and pagoda tree in Szeged, whole light",
        (0.08, 0.15),
        (np.nan, np.nan),
        "Takacs et al. 2016, Hungarian Geographical Bulletin 65(2):155-167",
    ),
)
"""What was measured. The beam alone gives the lowest values, places at the rim of the
shadow the highest."""

LEAF_ON, LEAF_OFF = 0.15, 0.55
"""Share of the light that a deciduous crown lets through: between the beam alone and the
whole light of `MEASURED`, as both count on a wall."""

EVERGREEN = 0.10
"""The same of evergreens in all months: pines in Gothenburg let 0.05 of the beam through
(Konarska et al. 2014); whole light is more, by an assumption."""

BUD_BURST, FULL_LEAF = 123, 144
"""Days of the year: 3 and 24 May. In Oskarshamn (57.3 N) buds of elm, beech, oak, lime,
maple and birch burst on 8 May, the median of 2015 to 2024 (Biologiska museet i Oskarshamn,
bimon.se); Helsingborg lies 1.2 degrees further south, which is 5 days by the 4 days a
degree of Hopkins 1918 (Monthly Weather Review, Supplement 9). Three weeks until leaves
are full: an assumption."""

FIRST_FALL, BARE = 299, 320
"""Days of the year: 26 October and 16 November. Leaves of these trees turn there on
11 October and fall from ten days later on; 5 days later in Helsingborg. Three weeks until
trees are bare: an assumption."""


def leaf_share(
    day: ArrayLike,
    *,
    bud_burst: float = BUD_BURST,
    full_leaf: float = FULL_LEAF,
    first_fall: float = FIRST_FALL,
    bare: float = BARE,
) -> FloatArray:
    """Tell how many of its leaves a deciduous tree has.

    Parameters
    ----------
    day : (...) float
        Days of the year, 1 is 1 January.
    bud_burst, full_leaf, first_fall, bare : float
        Days when leaves come, are full, begin to fall, are gone.

    Returns
    -------
    (...) float
        0..1, rising and falling without a kink.

    Raises
    ------
    TableError
        If the days are not in this order.
    """
    if not 0 < bud_burst < full_leaf <= first_fall < bare <= 366:
        message = (
            "leaves must come, be full, fall and be gone in this order within a year, got "
            f"the days {bud_burst:g}, {full_leaf:g}, {first_fall:g}, {bare:g}"
        )
        raise TableError(message)
    when = np.asarray(day, np.float64)
    share: FloatArray = _step((when - bud_burst) / (full_leaf - bud_burst)) - _step(
        (when - first_fall) / (bare - first_fall)
    )
    return share


def deciduous_transmittance(
    *,
    leaf_on: float = LEAF_ON,
    leaf_off: float = LEAF_OFF,
    bud_burst: float = BUD_BURST,
    full_leaf: float = FULL_LEAF,
    first_fall: float = FIRST_FALL,
    bare: float = BARE,
) -> FloatArray:
    """Return the share of light that a deciduous crown lets through, by month.

    Parameters
    ----------
    leaf_on, leaf_off : float
        With all leaves and without, 0..1 and above 0.
    bud_burst, full_leaf, first_fall, bare : float
        See `leaf_share`.

    Returns
    -------
    (12,) float
        Means over the days of each month. In between, every new leaf takes the same share
        of the light that is left, so that the logarithm is linear in the leaves.

    Raises
    ------
    TableError
        If days or shares cannot be.
    """
    if not 0.0 < leaf_on <= leaf_off <= 1.0:
        message = (
            "a crown must let through more light bare than in leaf, above 0 and up to 1, "
            f"got {leaf_on} in leaf and {leaf_off} bare"
        )
        raise TableError(message)
    day = np.arange(DAYS.sum()) + 1.0
    share = leaf_share(
        day, bud_burst=bud_burst, full_leaf=full_leaf, first_fall=first_fall, bare=bare
    )
    through = leaf_off * (leaf_on / leaf_off) ** share
    month = np.repeat(np.arange(MONTHS), DAYS)
    means: FloatArray = np.bincount(month, through) / DAYS
    return means


def transmittance_of(
    kind: ArrayLike, *, table: Mapping[TreeKind, ArrayLike] | None = None
) -> FloatArray:
    """Look up what crowns let through.

    Parameters
    ----------
    kind : (n,) int
        `TreeKind` of each tree.
    table : mapping, optional
        Twelve shares for some kinds, which replace the usual ones: `EVERGREEN` in all
        months, and `deciduous_transmittance` for the others, unknown ones included.

    Returns
    -------
    (n, 12) float
        Shares of light, 0..1.

    Raises
    ------
    TableError
        If a kind is none, or a row is not of twelve shares.
    """
    deciduous = deciduous_transmittance()
    usual: dict[TreeKind, FloatArray] = {
        TreeKind.UNKNOWN: deciduous,
        TreeKind.DECIDUOUS: deciduous,
        TreeKind.EVERGREEN: np.full(MONTHS, EVERGREEN),
    }
    for name, row in (table or {}).items():
        usual[TreeKind(name)] = np.asarray(row, np.float64)
    rows = [usual[each] for each in TreeKind]
    for each, row in zip(TreeKind, rows, strict=True):
        if row.shape != (MONTHS,) or not ((row >= 0.0) & (row <= 1.0)).all():
            message = (
                f"{each.name.lower()} trees must let through twelve shares of light within "
                f"0..1, got {row.tolist()}"
            )
            raise TableError(message)
    number = np.asarray(kind, np.int64)
    odd = ~np.isin(number, [int(each) for each in TreeKind])
    if odd.any():
        message = f"a kind of tree must be one of {list(TreeKind)}, got {number[odd][0]}"
        raise TableError(message)
    return np.stack(rows)[number]


def _step(x: FloatArray) -> FloatArray:
    """Rise from 0 to 1 between 0 and 1, level at both ends."""
    inside = np.clip(x, 0.0, 1.0)
    step: FloatArray = inside * inside * (3.0 - 2.0 * inside)
    return step
