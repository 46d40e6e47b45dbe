"""Read the tables of a twin folder, each only when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from gis.crs import PLAN
from gis.errors import SourceError
from gis.layers import read_layers
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options

if TYPE_CHECKING:
    from gis.layers import Layers

RESULTS = (
    "roof_area",
    "roof_kwh_m2",
    "roof_kwh",
    "facade_area",
    "facade_kwh_m2",
    "facade_kwh",
    "pv_m2",
    "pv_kwp",
    "pv_kwh",
    "pv_roof_kwh",
    "pv_facade_kwh",
)
"""Results in the layer of buildings; all but the means can be added up."""


@dataclass(frozen=True)
class TwinTables:
    """The files of one twin.

    Attributes
    ----------
    folder : Path
        Where they lie.
    inputs : str
        Hash of what the twin was built from, by which its tables belong together.
    """

    folder: Path
    inputs: str

    def rows(
        self, name: str, columns: Sequence[str], *, building: str | None = None
    ) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        name : str
            File, such as ``hourly.parquet``.
        columns : sequence of str
            What is read of it.
        building : str, optional
            Only this building's rows.

        Returns
        -------
        DataFrame
            Texts as text, times in UTC.

        Raises
        ------
        SourceError
            If the file is missing, damaged or belongs to another build of the twin.
        """
        path = self.folder / name
        chosen = None if building is None else [("building", "==", building)]
        try:
            table = pq.read_table(path, columns=list(columns), filters=chosen)
        except FileNotFoundError as error:
            message = f"the twin must hold {name}, but {path} is missing; build it again"
            raise SourceError(message) from error
        except (OSError, pa.ArrowException) as error:
            message = (
                f"{path} must be a whole table of a twin, but: {error}; build it again"
            )
            raise SourceError(message) from error
        told = (table.schema.metadata or {}).get(b"heidi_input_hash", b"").decode()
        if told != self.inputs:
            message = (
                f"{path} must belong to the twin that was opened, but comes from another "
                "build; open the twin again"
            )
            raise SourceError(message)
        frame: pd.DataFrame = table.to_pandas()
        texts = frame.select_dtypes("category").columns
        return frame.assign(**{text: frame[text].astype(str) for text in texts})

    def layers(self) -> "Layers":
        """Read the layers of the district; raises SourceError if that fails."""
        return read_layers(self.folder / "buildings.gpkg")

    def parts(self, layers: "Layers") -> gpd.GeoDataFrame:
        """Return the building parts with their results and whether they stand inside.

        Raises
        ------
        SourceError
            If the results are missing.
        """
        path = self.folder / "buildings.gpkg"
        try:
            with gdal_options(NO_SIDE_FILES):
                found = pyogrio.read_dataframe(
                    path, layer="buildings", columns=["part", *RESULTS], read_geometry=False
                )
            results = found.set_index("part")[list(RESULTS)]
        except (
            KeyError,
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
        ) as error:
            message = f"{path} must hold the results of a twin: {error}; build it again"
            raise SourceError(message) from error
        return layers.buildings.join(results.astype(float)).assign(
            inside=stand_inside(layers.buildings, layers.boundary)
        )


def stand_inside(parts: gpd.GeoDataFrame, boundary: shapely.Geometry) -> "pd.Series[bool]":
    """Tell which parts stand inside a boundary; all if none does, as in `Built.inside`."""
    within: pd.Series[bool] = parts.geometry.representative_point().within(boundary)
    return within if within.any() else ~within


def sum_parts(parts: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sum up the parts of each building.

    Parameters
    ----------
    parts : GeoDataFrame
        As `TwinTables.parts` makes them.

    Returns
    -------
    GeoDataFrame
        Index ``building``, sorted; name, use, height and its source of the highest part
        (name, use and year of another part where that has none), whether any part stands
        inside, sums of areas and energies, means of the light weighted by area, and the
        outline of all parts.
    """
    highest = parts.sort_values("height", ascending=False, kind="stable")
    known = highest.assign(
        **{text: highest[text].where(highest[text] != "") for text in ("name", "use")}
    )
    grouped = known.groupby("building", sort=True)
    table: dict[str, Any] = {
        name: grouped[name].first() for name in ("name", "use", "year", "height")
    }
    table["height_source"] = highest.groupby("building")["height_source"].first()
    table["inside"] = grouped["inside"].any()
    sums = {name: grouped[name].sum() for name in RESULTS if not name.endswith("_kwh_m2")}
    for name in RESULTS:
        if name in sums:
            table[name] = sums[name]
        else:
            kind = name.removesuffix("_kwh_m2")
            area = sums[f"{kind}_area"]
            table[name] = sums[f"{kind}_kwh"] / area.where(area > 0)
    outlines = parts.groupby("building", sort=True)["geometry"].agg(
        lambda shapes: shapely.union_all(shapes.to_numpy())
    )
    frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(outlines, crs=PLAN))
    return frame.assign(
        **{text: frame[text].fillna("").astype(str) for text in ("name", "use")}
    )
