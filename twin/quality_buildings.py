"""Judge heights, footprints and attributes."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.district import LARGEST_OVERLAP
from gis.errors import GeometryError
from gis.faults import count_things
from gis.heights import HIGHEST, LEAST_RISE, LOWEST
from gis.overlaps import find_overlaps
from gis.slivers import SMALLEST_AREA, THINNEST, are_slivers
from gis.undersides import share_heights
from meshes.predicates import examine
from meshes.roofs.raising import raise_buildings
from twin.height_kinds import ASSUMED, kind_of
from twin.quality import Check, Topic, amount, judged
from twin.quality_files import Files

LARGE = 200.0
"""Footprints from which on a building shades others well beyond its plot [m2]; the limit
between houses and blocks in `gis.heights`."""

READ_KEPT = re.compile(r"^([\d,]+) footprints? read, ([\d,]+) parts? kept")

BoolArray = npt.NDArray[np.bool_]


def height_topic(files: Files) -> Topic:
    """Judge how heights are known, how certain they are and whether they agree."""
    buildings = files.buildings
    area = shapely.area(files.shapes)
    kinds = buildings["height_source"].map(kind_of).to_numpy(dtype=object)
    known = kinds != ASSUMED
    share = _share(area, known)
    found = (
        f"{int(known.sum()):,} of {count_things(len(buildings), 'part')}, "
        f"{amount(share, 'share')} of the footprint area"
    )
    sources = buildings["height_source"].replace("", "unknown").value_counts()
    checks = [
        judged(
            "Heights known",
            found,
            share,
            unit="share",
            good=0.9,
            bad=0.5,
            reason="an assumed height moves the shade on all neighbours; judged by "
            "footprint area, because sheds are many and shade little",
            parts=buildings.index[~known],
            rows=[(str(s), count_things(int(n), "part")) for s, n in sources.items()],
        )
    ]
    large = area >= LARGE
    if large.any():
        share = float(known[large].mean())
        checks.append(
            judged(
                "Heights of large buildings",
                f"{int((known & large).sum()):,} of "
                f"{count_things(int(large.sum()), 'part')} from {LARGE:g} m² are known",
                share,
                unit="share",
                good=0.95,
                bad=0.7,
                reason="one large building of the wrong height spoils a whole block",
                parts=buildings.index[large & ~known],
            )
        )
    height = buildings["height"].to_numpy(dtype=np.float64)
    odd = ~((height >= LOWEST) & (height <= HIGHEST))
    checks.append(
        judged(
            "Heights out of range",
            f"{count_things(int(odd.sum()), 'part')} outside {LOWEST:g} to {HIGHEST:g} m"
            f"{_range(height)}",
            float(odd.mean()),
            unit="share",
            good=0.0,
            bad=0.01,
            reason="a shed is higher and no building of Sweden (190 m) is",
            parts=buildings.index[odd],
        )
    )
    return Topic("Heights", (*checks, *_certainty(files), _conflicts(files)))


def _share(area: npt.NDArray[np.float64], chosen: BoolArray) -> float:
    """Share of the area that is chosen."""
    total = float(area.sum())
    return float(area[chosen].sum()) / total if total > 0.0 else float("nan")


def _range(height: npt.NDArray[np.float64]) -> str:
    """Tell the lowest and the highest, if any is known."""
    known = height[np.isfinite(height)]
    if not len(known):
        return ""
    return f"; lowest {known.min():.1f} m, highest {known.max():.1f} m"


def _certainty(files: Files) -> list[Check]:
    """Tell uncertainty and year of heights, where the twin knows them."""
    checks = []
    if "height_uncertainty" in files.extra:
        told = files.extra["height_uncertainty"].dropna()
        if len(told):
            checks.append(
                judged(
                    "Uncertainty of heights",
                    f"median {told.median():.2f} m, nine of ten below "
                    f"{told.quantile(0.9):.1f} m; told for "
                    f"{count_things(len(told), 'part')}",
                    float(told.median()),
                    unit="m",
                    good=1.0,
                    bad=3.0,
                    reason="a storey is 3 m; a metre of height moves the shade at noon of "
                    "the equinox by 1.5 m",
                )
            )
    if "height_year" in files.extra:
        told = files.extra["height_year"].dropna()
        if len(told):
            found = f"{told.min():.0f} to {told.max():.0f}, median {told.median():.0f}"
            checks.append(Check("Year of heights", found, float(told.median()), "year"))
    return checks


def _conflicts(files: Files) -> Check:
    """Judge how often sources of heights disagree."""
    if files.conflicts is None:
        return Check("Conflicts of heights", "the twin holds no log of them")
    buildings = files.buildings
    named = files.conflicts.index.astype(str)
    hit = (buildings["building"].isin(named) | buildings.index.isin(named)).to_numpy()
    share = float(hit.mean())
    return judged(
        "Conflicts of heights",
        f"{count_things(len(files.conflicts), 'value')} disagree, on "
        f"{count_things(int(hit.sum()), 'part')}",
        share,
        unit="share",
        good=0.05,
        bad=0.3,
        reason="sources of different years disagree where the city was rebuilt; if they "
        "do in one building of three, a source is shifted or of another datum",
        parts=buildings.index[hit],
        rows=_counts(files.conflicts, "why", "value"),
    )


def _counts(table: pd.DataFrame, column: str, noun: str) -> list[tuple[str, str]]:
    """Count the rows of a log by one of its columns."""
    if column not in table.columns:
        return []
    counts = table[column].astype(str).value_counts().head(12)
    return [(str(word), count_things(int(n), noun)) for word, n in counts.items()]


def footprint_topic(files: Files) -> Topic:
    """Judge the shapes: valid, apart, closed when raised, and what was repaired."""
    buildings = files.buildings
    shapes = buildings.geometry.to_numpy()
    polygon = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    valid = polygon & shapely.is_valid(shapes) & (shapely.area(shapes) > 0.0)
    repeated = buildings.index.duplicated()
    checks = [
        judged(
            "Valid outlines",
            f"{count_things(int((~valid).sum()), 'part')} without a valid polygon, "
            f"{count_things(int(repeated.sum()), 'part')} with the id of another",
            float((~valid | repeated).sum()),
            unit="parts",
            good=0,
            bad=0,
            reason="no roof and no wall can be made of it",
            parts=buildings.index[~valid | repeated],
        ),
        _closed(files, valid),
        _overlaps(files, valid),
    ]
    slim = np.zeros(len(shapes), dtype=np.bool_)
    slim[valid] = are_slivers(shapes[valid], smallest=SMALLEST_AREA)
    checks.append(
        judged(
            "Slivers",
            f"{count_things(int(slim.sum()), 'part')} below {SMALLEST_AREA:g} m² or "
            f"thinner than {THINNEST:g} m on average",
            float(slim.mean()),
            unit="share",
            good=0.0,
            bad=0.02,
            reason="remains of drawing; they cost sensors and mean nothing",
            parts=buildings.index[slim],
        )
    )
    return Topic("Footprints", (*checks, *_repairs(files)))


def _closed(files: Files, valid: BoolArray) -> Check:
    """Raise the parts and count the bodies with faults, by the codes of val3dity."""
    buildings = files.buildings[valid]
    flat = ~(buildings["top"] - buildings["base"] >= LEAST_RISE).to_numpy()
    raised = buildings[~flat]
    rows = [("lower than they must be", count_things(int(flat.sum()), "part"))]
    try:
        found = examine(raise_buildings(raised)[0])
        broken = raised.index[~found.valid]
        rows += [
            (f"{code.value} {code.name}", count_things(number, "part"))
            for code, number in found.counts().items()
        ]
    except GeometryError as error:
        broken = raised.index
        rows.append((str(error), count_things(len(raised), "part")))
    bad = [*buildings.index[flat], *broken]
    return judged(
        "Closed bodies",
        f"{len(buildings) - len(bad):,} of {count_things(len(files.buildings), 'part')} "
        "raise to a closed body",
        float(len(bad)),
        unit="parts",
        good=0,
        bad=0,
        reason="each must be closed, turned outwards and free of cuts through itself, or "
        f"light leaks in; the top must lie {LEAST_RISE:g} m above the base or more",
        parts=bad,
        rows=rows if flat.any() else rows[1:],
    )


def _overlaps(files: Files, valid: BoolArray) -> Check:
    """Count pairs of parts on common ground that do not stand over each other."""
    buildings = files.buildings[valid]
    one, other, common = find_overlaps(buildings.geometry.to_numpy())
    shared = shapely.area(common)
    much = (shared > LARGEST_OVERLAP) & share_heights(buildings, one, other)
    hit = np.unique(np.concatenate([one[much], other[much]]))
    return judged(
        "Overlaps",
        f"{count_things(int(much.sum()), 'pair')} share {shared[much].sum():,.1f} m²",
        float(much.sum()),
        unit="pairs",
        good=0,
        bad=0,
        reason=f"common ground above {LARGEST_OVERLAP:g} m² would be lit twice",
        parts=buildings.index[hit],
    )


def _repairs(files: Files) -> list[Check]:
    """Tell what was repaired, and judge how much of the layer was kept."""
    checks = []
    for note in files.description["twin"]["notes"]:
        told = READ_KEPT.match(str(note))
        if told is not None:
            read, kept = (int(number.replace(",", "")) for number in told.groups())
            checks.append(
                judged(
                    "Footprints kept",
                    f"{kept:,} parts of {read:,} footprints read",
                    kept / read if read else float("nan"),
                    unit="share",
                    good=0.95,
                    bad=0.7,
                    reason="duplicates and slivers are a few per cent; more is a layer of "
                    "something else",
                )
            )
    if files.repairs is None:
        found = "the twin holds no log of them; its notes tell the sums"
        return [*checks, Check("Repairs", found)]
    table = files.repairs
    parts = table["part"].astype(str) if "part" in table else pd.Series(dtype=str)
    hit = files.buildings.index[files.buildings.index.isin(parts)]
    column = "fault" if "fault" in table.columns else "kind"
    found = (
        f"{count_things(len(table), 'repair')}, on {count_things(len(hit), 'part')} of "
        f"{len(files.buildings):,}"
    )
    rows = _counts(table, column, "repair")
    return [*checks, Check("Repairs", found, parts=tuple(hit), rows=tuple(rows))]


def attribute_topic(files: Files) -> Topic:
    """Judge how often use, year and name are known."""
    buildings = files.buildings
    area = shapely.area(files.shapes)
    checks = []
    for name, known, good, reason in (
        (
            "Use known",
            buildings["use"] != "",
            0.8,
            "expected heat and electricity follow from the use; light does not",
        ),
        (
            "Year of construction known",
            buildings["year"].notna(),
            0.5,
            "it tells old surveys from new houses, and the heat demand; light does not "
            "follow from it",
        ),
    ):
        share = _share(area, known.to_numpy())
        checks.append(
            judged(
                name,
                f"{int(known.sum()):,} of {count_things(len(buildings), 'part')}, "
                f"{amount(share, 'share')} of the footprint area",
                share,
                unit="share",
                good=good,
                bad=None,
                reason=reason,
            )
        )
    named = buildings["name"] != ""
    found = f"{int(named.sum()):,} of {count_things(len(buildings), 'part')}"
    checks.append(Check("Names known", found, float(named.mean()), "share"))
    return Topic("Attributes", tuple(checks))
