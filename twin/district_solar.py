"""Show the light of a twin by roof, facade, month and hour."""

import math
from functools import cached_property
from html import escape
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gis.errors import TableError, UnknownIdError
from twin.cards import card
from twin.lookup import find_building, unknown
from twin.printed import printable
from twin.twin_tables import TwinTables
from twin.web.figures import energy, whole

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

MONTHS = tuple(f"kwh_m2_{month:02d}" for month in range(1, 13))

FACET_COLUMNS = (
    "facet",
    "building",
    "part",
    "kind",
    "azimuth",
    "tilt",
    "area_m2",
    "sensors",
    "x",
    "y",
    "z",
    "sky_view",
    "kwh_m2",
    *MONTHS,
    "pv_area_m2",
    "pv_kwp",
    "pv_kwh",
)
RANKED = (
    "name",
    "kwh_m2",
    "open_m2",
    "pv_kwh",
    "pv_kwp",
    "facing",
    "building",
    "inside",
    "kwh",
)
"""Columns of a ranking: what it is and what counts first."""

FACINGS = (
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "north-west",
    "flat",
)

LEAST_AREA = 100.0
"""Area from which on a roof or facade is ranked [m2]: smaller ones win by chance."""

CHARTS = ("month", "facing")


class Solar:
    """The light on the roofs and facades of a twin, as `Twin.solar` gives it.

    Parameters
    ----------
    tables : TwinTables
        The twin's files.
    buildings : GeoDataFrame
        The twin's buildings: index ``building``, ``name``, ``inside``.
    label : str
        What to write under charts: name, label and credits.
    """

    def __init__(
        self, tables: TwinTables, buildings: "gpd.GeoDataFrame", *, label: str
    ) -> None:
        self._tables = tables
        self._named = pd.DataFrame(buildings[["name", "inside"]])
        self._label = label

    @cached_property
    def facets(self) -> pd.DataFrame:
        """Every roof and wall, index ``facet``.

        Columns of ``facets.parquet`` (docs/twin_folder.md) and: ``name`` and ``inside`` of
        the building, ``facing`` (compass direction in eight parts, or flat), ``open_m2``
        [m2], the area that no neighbour covers, ``kwh`` [kWh], the light of the year on
        all of it.
        """
        table = self._tables.rows("facets.parquet", FACET_COLUMNS).set_index("facet")
        azimuth = table["azimuth"].to_numpy(np.float64)
        eighth = np.where(np.isnan(azimuth), 8, np.round(azimuth / 45.0) % 8)
        return table.join(self._named, on="building").assign(
            facing=pd.Categorical(
                np.array(FACINGS)[eighth.astype(np.int64)], categories=FACINGS, ordered=True
            ),
            open_m2=table["area_m2"] * self._open_shares().reindex(table.index),
            kwh=table["area_m2"] * table["kwh_m2"],
        )

    def _open_shares(self) -> "pd.Series[float]":
        """Return the share of each facet that no neighbour covers."""
        # Imported here: it compiles, and who asks for an hour does not need it.
        from meshes.solar.photovoltaics import SHARED_VIEW

        sensors = self._tables.rows("sensors.parquet", ["facet", "sky_view"])
        seen = (sensors["sky_view"] > SHARED_VIEW).astype(np.float64)
        return seen.groupby(sensors["facet"]).mean()

    @property
    def roofs(self) -> pd.DataFrame:
        """The roofs among the facets."""
        facets = self.facets
        return facets[(facets["kind"] == "roof") & (facets["open_m2"] > 0)]

    @property
    def facades(self) -> pd.DataFrame:
        """The walls among the facets, without those that neighbours cover."""
        facets = self.facets
        return facets[(facets["kind"] == "wall") & (facets["open_m2"] > 0)]

    def best_roofs(
        self, n: int = 10, *, least_m2: float = LEAST_AREA, surroundings: bool = False
    ) -> pd.DataFrame:
        """Rank roofs by their light per square metre.

        Parameters
        ----------
        n : int
            How many.
        least_m2 : float
            Smaller ones are left out [m2].
        surroundings : bool
            Whether roofs outside the boundary count as well.

        Raises
        ------
        TableError
            If ``n`` or ``least_m2`` is no such number.
        """
        return _best(self.roofs, n, least_m2=least_m2, surroundings=surroundings)

    def best_facades(
        self, n: int = 10, *, least_m2: float = LEAST_AREA, surroundings: bool = False
    ) -> pd.DataFrame:
        """Rank walls by their light per square metre; options as in `best_roofs`."""
        return _best(self.facades, n, least_m2=least_m2, surroundings=surroundings)

    def monthly(self, building: str | None = None) -> pd.DataFrame:
        """Sum the light and the possible solar power by month.

        Parameters
        ----------
        building : str, optional
            Id or name of a building; default: all that stand inside the boundary.

        Returns
        -------
        DataFrame
            Index ``month``, 1 to 12 (UTC); ``roof_kwh``, ``facade_kwh`` (light on all roofs
            and facades [kWh]), ``roof_kwh_m2``, ``facade_kwh_m2`` (mean over their area),
            ``pv_kwh`` (what solar cells would yield [kWh]).

        Raises
        ------
        UnknownIdError
            If there is no such building.
        """
        one = None if building is None else self._known(building)
        chosen = self._inside if one is None else [one]
        table = pd.DataFrame(index=pd.RangeIndex(1, 13, name="month"))
        facets = self.facets[self.facets["building"].isin(chosen)]
        for kind, name in (("roof", "roof"), ("wall", "facade")):
            own = facets[facets["kind"] == kind]
            light = own["area_m2"].to_numpy() @ own[list(MONTHS)].to_numpy()
            area = float(own["open_m2"].sum())
            table[f"{name}_kwh"] = light
            table[f"{name}_kwh_m2"] = light / area if area > 0 else np.nan
        table["pv_kwh"] = self._monthly_pv(one)
        per_month = {
            name: "kWh/m²" if name.endswith("m2") else "kWh" for name in map(str, table)
        }
        return printable(table, per_month)

    def _monthly_pv(self, building: str | None) -> "pd.Series[float]":
        """Sum the expected yield by UTC month [kWh]."""
        hours = self._tables.rows(
            "hourly.parquet", ["building", "time", "pv_kw"], building=building
        )
        if building is None:
            hours = hours[hours["building"].isin(self._inside)]
        power: pd.Series[float] = hours["pv_kw"].astype(np.float64)
        return power.groupby(hours["time"].dt.month).sum()

    def hours(self, building: str) -> pd.DataFrame:
        """Return every hour of a building's year.

        Parameters
        ----------
        building : str
            Id or name.

        Returns
        -------
        DataFrame
            Index ``time``, start of the hour, UTC; ``roof_kw``, ``facade_kw`` (light on
            all roofs and facades), ``pv_kw`` (expected yield, 0 or positive), all means of
            the hour [kW].

        Raises
        ------
        UnknownIdError
            If there is no such building.
        """
        columns = ["time", "roof_kw", "facade_kw", "pv_kw"]
        known = self._known(building)
        hours = self._tables.rows("hourly.parquet", columns, building=known)
        return hours.set_index("time").astype(np.float64)

    def plot(
        self, by: str = "month", *, building: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Draw the light as bars.

        Parameters
        ----------
        by : str
            "month": roofs and facades month by month. "facing": facades by the direction
            they face.
        building : str, optional
            Id or name of a building; default: all that stand inside the boundary.
        ax : Axes, optional
            Where to draw.

        Raises
        ------
        UnknownIdError
            If there is no such chart or building.
        """
        from twin.charts import draw_facings, draw_months

        if by not in CHARTS:
            message = unknown("chart", by, CHARTS)
            raise UnknownIdError(message)
        if by == "month":
            return draw_months(self.monthly(building), label=self._label, ax=ax)
        chosen = self._inside if building is None else [self._known(building)]
        walls = self.facades[self.facades["building"].isin(chosen)]
        return draw_facings(walls, label=self._label, ax=ax)

    @property
    def _inside(self) -> list[str]:
        """Buildings inside the boundary."""
        return [str(name) for name in self._named.index[self._named["inside"]]]

    def _known(self, building: str) -> str:
        """Return the id of a building by id or name."""
        return find_building(self._named["name"], building)

    def _facts(self) -> list[tuple[str, str]]:
        """Return what stands on the card."""
        facts = []
        for kind, table in (("roofs", self.roofs), ("facades", self.facades)):
            own = table[table["inside"]]
            mean = own["kwh"].sum() / max(float(own["open_m2"].sum()), 1e-9)
            facts.append((f"{len(own):,} {kind}", f"{whole(mean)} kWh/m² per year"))
        total = self.facets.loc[self.facets["inside"], "pv_kwh"].sum()
        return [*facts, ("possible solar power", f"{energy(total)} per year")]

    def __repr__(self) -> str:
        """Tell the means in one line."""
        told = "; ".join(f"{name}: {value}" for name, value in self._facts())
        return f"Solar({told}, inside the boundary)"

    def _repr_html_(self) -> str:
        """Show a card in a notebook."""
        return card("Light inside the boundary", "", self._facts(), escape(self._label))


def _best(
    facets: pd.DataFrame, n: int, *, least_m2: float, surroundings: bool
) -> pd.DataFrame:
    """Return the first rows of a ranking."""
    # A whole float is a count as well: 1e3, or what a division gave.
    if not _is_number(n) or n < 1 or n != int(n):
        message = f"n must be a whole number from 1 on, got {n!r}; write n=5, say"
        raise TableError(message)
    if not _is_number(least_m2) or least_m2 < 0:
        message = (
            f"least_m2 must be an area from 0 m² on, got {least_m2!r}; write least_m2=100, "
            "say"
        )
        raise TableError(message)
    large = facets[facets["open_m2"] >= least_m2]
    shown = large if surroundings else large[large["inside"]]
    ranked = shown.sort_values("kwh_m2", ascending=False, kind="stable")
    return printable(ranked[list(RANKED)].head(int(n)))


def _is_number(value: object) -> bool:
    """Tell whether something is a finite number and no truth value."""
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
