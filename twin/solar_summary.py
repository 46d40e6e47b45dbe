"""Sum up the light of a twin: by part, by month, on roofs and facades."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gis.errors import UnknownIdError
from gis.faults import name_some
from gis.files import atomic_path
from twin.description import read_description
from twin.tables import FACET_COLUMNS, LIGHT_PARTS
from twin.twin_tables import TwinTables

KINDS = {"roof": "Roofs", "wall": "Facades"}
MONTHS = tuple(f"kwh_m2_{m:02d}" for m in range(1, 13))


@dataclass(frozen=True)
class TwinLight:
    """The light on roofs and walls of a twin or of one building.

    Attributes
    ----------
    name : str
        Twin, or building.
    facets : DataFrame
        Rows of ``facets.parquet``.
    """

    name: str
    facets: pd.DataFrame

    def means(self) -> pd.DataFrame:
        """Return means by area [kWh/m2 a year], index ``roof`` and ``wall``.

        Columns ``area_m2``, ``total``, `LIGHT_PARTS`, and ``01`` to ``12`` by month.
        """
        rows = {}
        for kind, table in self.facets.groupby("kind"):
            area = table["area_m2"].to_numpy()
            columns = {"total": "kwh_m2"}
            columns |= {part: f"{part}_kwh_m2" for part in LIGHT_PARTS}
            columns |= {month[-2:]: month for month in MONTHS}
            means = {
                name: float(area @ table[column]) / float(area.sum())
                for name, column in columns.items()
            }
            rows[kind] = {"area_m2": float(area.sum()), **means}
        return pd.DataFrame.from_dict(rows, orient="index").reindex(
            [kind for kind in KINDS if kind in rows]
        )


def twin_light(folder: Path, *, building: str | None = None) -> TwinLight:
    """Read the light of a twin.

    Parameters
    ----------
    folder : Path
        The twin.
    building : str, optional
        Only the roofs and walls of this building, by its id.

    Raises
    ------
    SourceError
        If the folder is no twin.
    UnknownIdError
        If the twin has no such building.
    """
    description = read_description(folder)
    tables = TwinTables(folder, description["twin"]["inputs"])
    columns = [column.name for column in FACET_COLUMNS]
    facets = tables.rows("facets.parquet", columns)
    name = str(description["twin"]["name"])
    if building is not None:
        known = facets["building"].unique()
        facets = facets[facets["building"] == building]
        if facets.empty:
            message = (
                f"the twin has no building {building}; it has {len(known):,}: "
                f"{name_some(sorted(known))}"
            )
            raise UnknownIdError(message)
        name = building
    return TwinLight(name, facets)


def light_record(light: TwinLight) -> dict[str, object]:
    """Return the sums for programs, as JSON holds them."""
    means = light.means().round(3)
    return {
        "name": light.name,
        "unit": "kWh/m2 a year, means by area",
        **{str(kind): row.to_dict() for kind, row in means.iterrows()},
    }


def light_lines(light: TwinLight) -> list[str]:
    """Return the sums for people."""
    means = light.means()
    lines = [f"{light.name}: light of a year [kWh/m2], means by area"]
    heads = ("area m2", "total", *LIGHT_PARTS)
    lines.append(f"{'':<9}" + "".join(f"{head:>11}" for head in heads))
    for kind, row in means.iterrows():
        values = [row["area_m2"], row["total"], *(row[part] for part in LIGHT_PARTS)]
        told = "".join(f"{value:>11,.0f}" for value in values)
        lines.append(f"{KINDS[str(kind)]:<9}{told}")
    lines.append(f"{'by month':<9}" + "".join(f"{m:>6}" for m in range(1, 13)))
    for kind, row in means.iterrows():
        told = "".join(f"{row[month[-2:]]:>6,.0f}" for month in MONTHS)
        lines.append(f"{KINDS[str(kind)]:<9}{told}")
    return lines


def write_facet_csv(path: Path, light: TwinLight) -> None:
    """Write a row a roof and wall; raises OutputError if that fails."""
    numbers = light.facets.select_dtypes(np.number).columns
    table = light.facets.assign(**{name: light.facets[name].round(3) for name in numbers})
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
