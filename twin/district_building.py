"""Show one building of a twin: its numbers, its light, its days."""

from dataclasses import dataclass, field, fields
from datetime import date as Date  # noqa: N812 - a parameter is called date
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from twin.building_day import Meters, day_table, read_day
from twin.cards import card
from twin.columns import MEANINGS
from twin.printed import printable
from twin.twin_tables import TwinTables
from twin.web.figures import energy, whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twin.district_solar import Solar


@dataclass(frozen=True)
class DistrictBuilding:
    """A building, as `Twin.building` gives it.

    Attributes
    ----------
    id, name, use : str
        Name and use are "" where they are unknown.
    year : float
        Of construction, NaN unknown.
    height : float
        Of the highest part above ground [m], with ``height_source``.
    inside : bool
        Whether it stands inside the boundary.
    roof_area, facade_area : float
        Without what neighbours cover [m2].
    roof_kwh_m2, facade_kwh_m2 : float
        Light of a year, mean of the area [kWh/m2].
    roof_kwh, facade_kwh : float
        Light of a year [kWh].
    pv_m2, pv_kwp : float
        Solar modules that it could carry [m2] and their rated power [kW].
    pv_kwh, pv_roof_kwh, pv_facade_kwh : float
        What they would yield in a year [kWh].
    geometry : Polygon or MultiPolygon
        Outline, EPSG:3008.
    """

    id: str
    name: str
    use: str
    year: float
    height: float
    height_source: str
    inside: bool
    roof_area: float
    facade_area: float
    roof_kwh_m2: float
    facade_kwh_m2: float
    roof_kwh: float
    facade_kwh: float
    pv_m2: float
    pv_kwp: float
    pv_kwh: float
    pv_roof_kwh: float
    pv_facade_kwh: float
    geometry: shapely.Polygon | shapely.MultiPolygon
    _tables: TwinTables = field(repr=False, compare=False)
    _solar: "Solar" = field(repr=False, compare=False)
    _credits: str = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """Name, or the id where there is none."""
        return self.name or self.id

    @property
    def facts(self) -> pd.DataFrame:
        """All numbers with unit and meaning, index ``column``."""
        names = [one.name for one in fields(self) if one.name in MEANINGS]
        table = pd.DataFrame(
            {
                "value": pd.Series([getattr(self, name) for name in names], dtype=object),
                "unit": [MEANINGS[name].unit for name in names],
                "meaning": [MEANINGS[name].meaning for name in names],
            }
        )
        return printable(table.set_index(pd.Index(names, name="column")))

    @property
    def facets(self) -> pd.DataFrame:
        """Its roofs and walls: rows of `Solar.facets`."""
        facets = self._solar.facets
        return facets[facets["building"] == self.id]

    @property
    def hours(self) -> pd.DataFrame:
        """Every hour of its year, UTC: `Solar.hours`."""
        return self._solar.hours(self.id)

    @property
    def monthly(self) -> pd.DataFrame:
        """Its light and possible solar power by month: `Solar.monthly`."""
        return self._solar.monthly(self.id)

    def day(self, date: str | Date | None = None) -> pd.DataFrame:
        """Return a day on the clock of Helsingborg: what is expected and what was metered.

        Parameters
        ----------
        date : str or date, optional
            "2018-06-21", or "06-21" for that day of the year that has meter values.
            Default: the last day with meter values.

        Returns
        -------
        DataFrame
            Index ``time``: starts of the hours, local time (Europe/Stockholm). Expected
            for that day of a typical year, means of the hour: ``roof_kw``, ``facade_kw``
            (light on all roofs and facades [kW]), ``pv_kw_expected`` [kW]. Metered, with
            the source at the end of the name, such as ``simulated``: ``pv_kw_...``,
            ``heat_kw_...``, ``electricity_kw_...``, ``indoor_degc_...``; NaN where nothing
            came in. Solar power counts positive here, unlike in the tables of meters.

        Raises
        ------
        TableError
            If the date cannot be read.
        """
        return day_table(self.hours, self._meters(date))

    def plot_day(self, date: str | Date | None = None) -> "Figure":
        """Draw a day: light and solar power, heat and electricity; see `day`."""
        from twin.charts import draw_day

        meters = self._meters(date)
        return draw_day(
            day_table(self.hours, meters), title=self.title, label=self._credits
        )

    def _meters(self, date: str | Date | None) -> Meters:
        """Read what was metered on a day."""
        return read_day(self._tables, self.id, date)

    def _facts(self) -> list[tuple[str, str]]:
        """Return what stands on the card."""
        known = [
            ("use", self.use or "unknown"),
            ("built", whole(self.year).replace(",", "")),
            ("height", f"{self.height:.1f} m"),
            ("light on roofs", f"{whole(self.roof_kwh_m2)} kWh/m² per year"),
            ("light on facades", f"{whole(self.facade_kwh_m2)} kWh/m² per year"),
        ]
        could = f"{energy(self.pv_kwh)} per year from {self.pv_kwp:,.0f} kWp"
        return [*known, ("possible solar power", could)]

    def __repr__(self) -> str:
        """Tell the main numbers in one line."""
        told = "; ".join(f"{name}: {value}" for name, value in self._facts())
        return f"Building {self.id} {self.name!r}({told})"

    def _repr_html_(self) -> str:
        """Show a card in a notebook."""
        foot = f"{self.id}; height: {self.height_source}. {self._credits}"
        return card(self.title, "", self._facts(), escape(foot))
