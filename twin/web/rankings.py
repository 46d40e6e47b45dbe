"""Rank roofs and facades in tables that can be sorted."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from meshes.facets import Facets
from meshes.polygons import FloatArray
from meshes.solids import Kind
from twin.web.figures import whole, wind

SHOWN = 12
"""Rows that are seen before the reader asks for more."""

MOST_ROOFS = 2000
MOST_FACADES = 200
"""Rows that a page holds."""

SMALLEST_ROOF = 50.0
SMALLEST_FACADE = 25.0
"""Smaller surfaces are not ranked [m2]: a panel row would not pay for its scaffold."""


@dataclass(frozen=True)
class Column:
    """A column of a ranking.

    Attributes
    ----------
    head, unit : str
        What it is and in which unit.
    cells : sequence of float or str
        One a row.
    ranks : bool
        True for the column that the rows are sorted by at first.
    """

    head: str
    unit: str
    cells: Sequence[float] | Sequence[str]
    ranks: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the cells are words."""
        return bool(self.cells) and isinstance(self.cells[0], str)


def roof_ranking(parts: pd.DataFrame) -> str:
    """Return the table of roofs, most light per square metre first.

    Parameters
    ----------
    parts : DataFrame
        Results by part: ``name``, ``roof_area`` [m2], ``roof_kwh_m2`` [kWh/m2 a year],
        ``pv_roof_kwh`` [kWh a year].
    """
    large = parts[parts["roof_area"] >= SMALLEST_ROOF].assign(
        roof_kwh=lambda table: table["roof_kwh_m2"] * table["roof_area"]
    )
    best = large.sort_values(["roof_kwh_m2", "roof_area"], ascending=False, kind="stable")
    best = best.head(MOST_ROOFS)
    columns = [
        Column("Light", "kWh/m² per year", best["roof_kwh_m2"].tolist(), ranks=True),
        Column("Roof area", "m²", best["roof_area"].tolist()),
        Column("Light in all", "kWh/year", best["roof_kwh"].tolist()),
        Column("Solar power", "kWh/year", best["pv_roof_kwh"].tolist()),
    ]
    return _table("Roofs", [str(part) for part in best.index], _labels(best), columns)


def facade_ranking(parts: pd.DataFrame, facets: Facets, facet_kwh_m2: FloatArray) -> str:
    """Return the table of facades, most light per square metre first.

    Parameters
    ----------
    parts : DataFrame
        Results by part; facades of other parts are left out.
    facets : Facets
        Roofs and walls.
    facet_kwh_m2 : (f,) float
        Irradiation of each facet [kWh/m2 a year].
    """
    part_ids = np.array(facets.solids.parts, dtype=object)[facets.part]
    ranked = (
        (facets.kind == Kind.WALL)
        & (facets.area >= SMALLEST_FACADE)
        & np.isin(part_ids, parts.index.to_numpy(dtype=object))
    )
    walls = np.flatnonzero(ranked)
    order = np.lexsort((walls, -facets.area[walls], -facet_kwh_m2[walls]))
    best = walls[order][:MOST_FACADES]
    azimuth = np.degrees(np.arctan2(facets.normal[best, 0], facets.normal[best, 1])) % 360.0
    columns = [
        Column("Faces", "", [wind(float(a)) for a in azimuth]),
        Column("Light", "kWh/m² per year", facet_kwh_m2[best].tolist(), ranks=True),
        Column("Wall area", "m²", facets.area[best].tolist()),
        Column("Light in all", "kWh/year", (facet_kwh_m2 * facets.area)[best].tolist()),
    ]
    names = parts.loc[part_ids[best]]
    return _table(
        "Facades", [str(part) for part in part_ids[best]], _labels(names), columns
    )


def _labels(table: pd.DataFrame) -> list[str]:
    """Return the name of each row's building, its part id where it has none."""
    return [str(name) or str(part) for part, name in table["name"].fillna("").items()]


def _table(
    caption: str, parts: Sequence[str], labels: Sequence[str], columns: Sequence[Column]
) -> str:
    """Return a ranking; rows after the first `SHOWN` wait for a button."""
    heads = "".join(_head(column) for column in columns)
    rows = []
    for k, (part, label) in enumerate(zip(parts, labels, strict=True)):
        name = f'<button type="button" class="link" data-part="{escape(part)}">'
        name += f"{escape(label)}</button>"
        if label != part:
            name += f" <small>{escape(part)}</small>"
        cells = "".join(_cell(column.cells[k]) for column in columns)
        hidden = "" if k < SHOWN else " hidden"
        rows.append(
            f'<tr{hidden}><td class="n">{k + 1}</td><th scope="row">{name}</th>{cells}</tr>'
        )
    more = (
        f'<button type="button" class="more">Show all {len(parts)}</button>'
        if len(parts) > SHOWN
        else ""
    )
    return (
        f'<div class="ranking"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{caption}"><table><caption>{caption}</caption><thead><tr>'
        '<th scope="col" class="n">#</th>'
        '<th scope="col"><button type="button"><b>Building</b></button></th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{more}</div>"
    )


def _head(column: Column) -> str:
    """Return a heading that sorts by its column."""
    unit = f" <small>{escape(column.unit)}</small>" if column.unit else ""
    kind = "" if column.is_text else ' class="n"'
    order = ' aria-sort="descending"' if column.ranks else ""
    return (
        f'<th scope="col"{kind}{order}><button type="button">'
        f"<b>{escape(column.head)}</b>{unit}</button></th>"
    )


def _cell(value: float | str) -> str:
    """Return a cell; numbers carry themselves for sorting."""
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    known = np.isfinite(value)
    return f'<td class="n" data-v="{value if known else -1:.6g}">{whole(value)}</td>'
