"""Open a twin folder for a planner: tables, maps, buildings, siting questions."""

from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis.errors import SourceError, TableError, UnknownIdError
from twin.columns import MEANINGS
from twin.lookup import find_building, unknown
from twin.printed import printable

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

    from gis.layers import Layers
    from twin.as_of import AsOf
    from twin.build import Built
    from twin.district_building import DistrictBuilding
    from twin.district_log import Measured
    from twin.district_solar import Solar
    from twin.siting import Evaluation, Site
    from twin.twin_tables import TwinTables

WEATHER = ("time", "ghi", "dni", "dhi", "temp_air", "wind_speed")


class Twin:
    """A district with the light on it, as it lies in a twin folder.

    Open one with `Twin.open` or `Twin.demo`. Every table is read when it is first asked
    for and then kept: columns that you add to `buildings` stay and can be drawn with
    `plot`. Positions are EPSG:3008 (SWEREF 99 13 30), heights RH2000, times UTC.

    Attributes
    ----------
    folder : Path
        Where it lies.

    Examples
    --------
    ::

        twin = Twin.open("heidi-demo")
        twin.buildings.sort_values("pv_kwh", ascending=False).head()
        twin.plot(color="roof_kwh_m2")
        twin.building("Prisma").plot_day()
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder = folder
        self._description = description

    @classmethod
    def open(cls, folder: str | Path) -> "Twin":
        """Open a twin folder; only its description is read at once.

        Parameters
        ----------
        folder : str or Path
            Made by ``heidi demo``, ``heidi build`` or `Twin.demo`.

        Raises
        ------
        SourceError
            If the folder is no twin.
        """
        # Imported here, as everything in this module is: asking for the twin is quick.
        from twin.description import read_description

        place = _path(folder, "a twin folder")
        return cls(place, read_description(place))

    @classmethod
    def demo(cls, folder: str | Path = "heidi-demo", *, spacing: float = 1.0) -> "Twin":
        """Open the embedded district of HEIDI, and build it first if it is not there.

        Parameters
        ----------
        folder : str or Path
            Where it lies or shall lie; building takes about half a minute.
        spacing : float
            Largest distance between sensors, if it is built [m].

        Raises
        ------
        SourceError
            If the folder holds a twin of another district.
        OutputError
            If it cannot be written.
        """
        from gis.heidi import heidi_district

        place, district = _path(folder, "a twin folder"), heidi_district()
        if not (place / "heidi.toml").exists():
            from gis.typical_year import typical_year
            from twin.build import build
            from twin.folder import check_folder, write_twin

            check_folder(place)
            _say(f"Building the embedded district in {place}, about half a minute ...")
            built = build(district, typical_year(), spacing=spacing)
            write_twin(built, place, stills=False)
        twin = cls.open(place)
        if twin.name != district.name:
            message = (
                f"{place} must hold the embedded district or nothing, got {twin.name!r}; "
                "use Twin.open for it, or take another folder"
            )
            raise SourceError(message)
        return twin

    @property
    def name(self) -> str:
        """What the district is called."""
        return str(self._description["twin"]["name"])

    @property
    def schematic(self) -> bool:
        """Whether shapes and levels are generalised and not survey data."""
        return bool(self._description["twin"]["schematic"])

    @property
    def credits(self) -> tuple[str, ...]:
        """Whom to name beside everything made of it."""
        return tuple(self._description["twin"]["credits"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or repaired, in sentences."""
        return tuple(self._description["twin"]["notes"])

    @cached_property
    def buildings(self) -> "gpd.GeoDataFrame":
        """One row per building, index ``building``: attributes, results, outline.

        `units` tells what the columns mean.
        """
        return self._clean_buildings.copy()

    @cached_property
    def parts(self) -> "gpd.GeoDataFrame":
        """One row per building part, index ``part``: a tower and its podium are two."""
        return self._clean_parts.copy()

    @property
    def hubs(self) -> "gpd.GeoDataFrame":
        """Hubs of the district: name, accuracy of the position [m] and its basis."""
        return self._places("hub")

    @property
    def landmarks(self) -> "gpd.GeoDataFrame":
        """Other named places; columns as in `hubs`."""
        return self._places("landmark")

    @property
    def boundary(self) -> "gpd.GeoDataFrame":
        """Edge of the district: one row with ``name`` and ``area_m2``."""
        import geopandas as gpd

        from gis.crs import PLAN

        edge = self._layers.boundary
        table = {"name": [self.name], "area_m2": [edge.area]}
        return gpd.GeoDataFrame(table, geometry=[edge], crs=PLAN)

    @cached_property
    def weather(self) -> pd.DataFrame:
        """The year that lit the district, index ``time``: start of the hour, UTC.

        Columns ``ghi``, ``dni``, ``dhi`` [W/m2], ``temp_air`` [degC], ``wind_speed`` [m/s].
        """
        return self._tables.rows("weather.parquet", WEATHER).set_index("time")

    @property
    def units(self) -> pd.DataFrame:
        """Unit and meaning of every column, index ``column``."""
        rows = {name: (told.unit, told.meaning) for name, told in MEANINGS.items()}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["unit", "meaning"])
        return printable(table.rename_axis("column"))

    @cached_property
    def provenance(self) -> pd.DataFrame:
        """Where everything comes from: thing, source, how known, count, what is counted."""
        from twin.provenance import provenance_table

        return provenance_table(
            self._description, self._clean_parts, self._layers.landmarks, self._tables
        )

    @property
    def totals(self) -> pd.DataFrame:
        """Numbers of the district, inside the boundary: value, unit, index ``total``."""
        from twin.totals import district_totals

        return district_totals(self._clean_parts, area=float(self._layers.boundary.area))

    @cached_property
    def solar(self) -> "Solar":
        """The light: roofs, facades, rankings, months and hours."""
        from twin.district_solar import Solar

        return Solar(self._tables, self._clean_buildings, label=self._label)

    @cached_property
    def measured(self) -> "Measured":
        """What meters and sensors said: courses, gaps, statements, hints of faults."""
        from twin.district_log import Measured

        return Measured(self.folder, credit=self._label)

    def building(self, id_or_name: str) -> "DistrictBuilding":
        """Return one building.

        Parameters
        ----------
        id_or_name : str
            An id such as "heidi-104", a name, or a piece of a name that only one building
            has: "Prisma".

        Raises
        ------
        UnknownIdError
            If there is none; it tells which were probably meant.
        """
        from twin.district_building import DistrictBuilding

        clean = self._clean_buildings
        found = find_building(clean["name"], id_or_name)
        return DistrictBuilding(
            id=found,
            **clean.loc[found].to_dict(),
            _tables=self._tables,
            _solar=self.solar,
            _credits=self._label,
        )

    def plot(
        self,
        color: "str | pd.Series[Any]" = "roof_kwh_m2",
        *,
        title: str = "",
        unit: str = "",
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw a map of the district.

        Parameters
        ----------
        color : str or Series
            A column of `buildings`, or values of your own by building id. Light is drawn
            with the same colours as in the report and the stills.
        title, unit : str
            What it shows and in which unit, where the column does not tell.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes
            Of matplotlib, in metres of EPSG:3008.

        Raises
        ------
        UnknownIdError
            If there is no such column; it names the nearest.
        TableError
            If the values are not one for each building id.
        """
        from twin.maps import Ground, draw_map

        if isinstance(color, str):
            if color not in self.buildings.columns or color == "geometry":
                columns = [str(c) for c in self.buildings.columns if c != "geometry"]
                message = unknown("column", color, columns)
                raise UnknownIdError(message)
            values = self.buildings[color]
        else:
            values = color
            _check_values(values)
            if not len(values.index.intersection(self.buildings.index)):
                message = (
                    "values must be given by building id, such as "
                    f"{self.buildings.index[0]!r}, got {list(values.index[:3])}; "
                    "use set_index('building')"
                )
                raise TableError(message)
        ground = Ground(
            boundary=self._layers.boundary,
            water=self._layers.water,
            hubs=self.hubs,
            schematic=self.schematic,
        )
        return draw_map(
            self.buildings, values, ground, title=title, unit=unit, label=self._label, ax=ax
        )

    def site(
        self, candidate: str | Path, *, plan: str | Path | None = None
    ) -> "Evaluation":
        """Tell what a new building would take from its neighbours and get itself.

        Parameters
        ----------
        candidate : str or Path
            GeoJSON: outlines with ``height_m`` [m]; see docs/examples/candidate.geojson.
        plan : str or Path, optional
            Plan rules, any vector file; by default those that the twin was built with.

        Returns
        -------
        Evaluation
            ``findings`` (rules), ``open_rules`` (for a person to check), ``neighbours``
            (a table), ``own`` (what it gets). The first question takes some seconds, the
            next ones less than one.

        Raises
        ------
        HeidiError
            If the candidate cannot be used; the message says why.
        """
        from gis.candidate import read_candidate
        from gis.plan_rules import read_plan_rules
        from twin.siting import evaluate

        path = _path(candidate, "a candidate, a GeoJSON file,")
        read = read_candidate(path, self.built.district)
        rules = None
        if plan is not None:
            rules = read_plan_rules(_path(plan, "a plan, a vector file,"))
        return evaluate(self._site, read, plan=rules)

    def state(self, at: str | None = None, known_at: str | None = None) -> "AsOf":
        """Tell what was measured everywhere, as it was at a time, as it was known then.

        Parameters
        ----------
        at : str, optional
            Moment with time zone, "2026-06-21T12:00Z"; default: the present, or the end of
            a simulated day.
        known_at : str, optional
            What came later, or corrected it, is left out; default: as is known now.

        Returns
        -------
        AsOf
            ``table`` has a row for each point: newest value, age, freshness, quality;
            ``expected``, ``gaps`` and ``model`` belong to the same moment.

        Raises
        ------
        HeidiError
            If a moment is none, or the log cannot be read; the message says why.
        """
        from twin.as_of import look_back
        from twin.ingest.gate import read_time
        from twin.live import open_live
        from twin.store.embedded import now
        from twin.store.opening import open_store

        moment = None if at is None else read_time(at)
        known = None if known_at is None else read_time(known_at)
        with open_store(self.folder, read_only=True) as store:
            return look_back(
                open_live(self.folder), store, now=now(), at=moment, known_at=known
            )

    @cached_property
    def built(self) -> "Built":
        """Everything that was computed, down to the sensors; reads the whole folder."""
        from twin.reopen import open_twin

        return open_twin(self.folder)

    @cached_property
    def _site(self) -> "Site":
        """The twin, ready for questions about new buildings."""
        from twin.siting import prepare_site
        from twin.unpacked_bits import kept_bits

        return prepare_site(self.built, bits=kept_bits(self.built, self.folder))

    @cached_property
    def _tables(self) -> "TwinTables":
        """The files."""
        from twin.twin_tables import TwinTables

        return TwinTables(self.folder, str(self._description["twin"]["inputs"]))

    @cached_property
    def _layers(self) -> "Layers":
        """Boundary, water, places; the buildings without results."""
        return self._tables.layers()

    @cached_property
    def _clean_parts(self) -> "gpd.GeoDataFrame":
        """Parts with results, handed to nobody."""
        return self._tables.parts(self._layers)

    @cached_property
    def _clean_buildings(self) -> "gpd.GeoDataFrame":
        """Buildings with results, handed to nobody."""
        from twin.twin_tables import sum_parts

        return sum_parts(self._clean_parts)

    def _places(self, kind: str) -> "gpd.GeoDataFrame":
        """Return the named places of a kind."""
        places = self._layers.landmarks
        return places[places["kind"] == kind].drop(columns="kind")

    @property
    def _label(self) -> str:
        """Return the line that stands under everything drawn."""
        label = f"{self.name}"
        label += ", schematic, not survey data. " if self.schematic else ". "
        told = [c for c in self.credits if not c.lower().startswith("schematic")]
        return f"{label}Data: {', '.join(told)}."

    def _facts(self) -> list[tuple[str, str]]:
        """Return what stands on the card."""
        from twin.totals import card_facts

        return card_facts(self.totals)

    def __repr__(self) -> str:
        """Tell the main numbers in a few lines."""
        label = " - schematic, not survey data" if self.schematic else ""
        lines = [f"{name}: {value}" for name, value in self._facts()]
        return "\n  ".join([f"{self.name}{label}", *lines, f"folder: {self.folder}"])

    def _repr_html_(self) -> str:
        """Show a card in a notebook."""
        from twin.cards import card

        label = "schematic, not survey data" if self.schematic else ""
        foot = f"Inside the boundary. {self._description['weather']['source']}. "
        return card(self.name, label, self._facts(), escape(f"{foot}{self._label}"))


def _path(given: object, what: str) -> Path:
    """Return a path; raises SourceError if it is none."""
    if not isinstance(given, str | PathLike):
        message = (
            f"{what} must be given by its path, got {given!r:.60} "
            f"({type(given).__name__}); write the path as a text"
        )
        raise SourceError(message)
    return Path(given)


def _check_values(values: object) -> None:
    """Raise TableError if these are no values for a map."""
    if not isinstance(values, pd.Series):
        message = (
            "color must be a column of buildings or a Series by building id, got "
            f"{type(values).__name__}; write color='pv_kwh', or make a "
            "pd.Series(values, index=twin.buildings.index)"
        )
        raise TableError(message)
    twice = values.index[values.index.duplicated()]
    if len(twice):
        message = (
            f"values must be one for each building, got several for {twice[0]!r}; add them "
            "up with groupby(level=0).sum()"
        )
        raise TableError(message)


def _say(text: str) -> None:
    """Tell the reader of a notebook what takes so long."""
    print(text, flush=True)  # noqa: T201 - there is no other screen in a notebook
