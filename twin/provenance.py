"""Tell where everything in a twin comes from."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis.layers import SCHEMATIC
from twin.height_kinds import kind_of
from twin.printed import printable
from twin.twin_tables import TwinTables

if TYPE_CHECKING:
    import geopandas as gpd

Row = tuple[str, str, str, float, str]


def provenance_table(
    description: Mapping[str, Any],
    parts: "gpd.GeoDataFrame",
    landmarks: "gpd.GeoDataFrame",
    tables: TwinTables,
) -> pd.DataFrame:
    """Return what is known and how.

    Parameters
    ----------
    description : mapping
        What ``heidi.toml`` says.
    parts, landmarks : GeoDataFrame
        The twin's.
    tables : TwinTables
        The twin's files.

    Returns
    -------
    DataFrame
        Columns ``thing``, ``source``, ``how_known``, ``count`` (missing where it makes no
        sense) and ``counted``, what is counted.
    """
    twin, frame = description["twin"], description["frame"]
    weather, light = description["weather"], description["light"]
    credits_ = "; ".join(twin["credits"])
    shape = SCHEMATIC if twin["schematic"] else "as the source has it"
    rows: list[Row] = [
        ("Buildings", credits_, shape, len(parts), "building parts"),
        *_counts("Heights", parts["height_source"], "building parts"),
        *_counts("Ground under buildings", parts["base_source"], "building parts"),
        _known("Use", parts["use"] != ""),
        _known("Year of construction", parts["year"].notna()),
        ("Terrain", frame["terrain_source"], f"heights in {frame['heights']}", _NONE, ""),
        *_landmarks(landmarks),
        ("Weather", weather["source"], " ".join(weather["notes"]), 8760, "hours"),
        *_method(light, description["photovoltaics"]),
        *_meters(tables),
        *(("Note", "building the twin", note, _NONE, "") for note in twin["notes"]),
    ]
    table = pd.DataFrame(rows, columns=["thing", "source", "how_known", "count", "counted"])
    return printable(table.astype({"count": "Int64"}))


_NONE = float("nan")


def _counts(thing: str, sources: "pd.Series[str]", counted: str) -> Iterable[Row]:
    """Return a row for each source of a value."""
    for source, count in sources.value_counts().items():
        yield thing, str(source), kind_of(str(source)), int(count), counted


def _known(thing: str, known: "pd.Series[bool]") -> Row:
    """Tell of how many parts a text is known."""
    how = f"unknown for {int((~known).sum()):,} others"
    return thing, "attributes of the buildings", how, int(known.sum()), "building parts"


def _landmarks(landmarks: "gpd.GeoDataFrame") -> Iterable[Row]:
    """Tell how well the hubs and landmarks are placed."""
    for kind, group in landmarks.groupby("kind"):
        low, high = group["accuracy"].min(), group["accuracy"].max()
        how = f"position good to {low:g} to {high:g} m; column basis tells each"
        thing = "Hubs" if kind == "hub" else "Landmarks"
        yield thing, "addresses, descriptions, shapes", how, len(group), "places"


def _reflecting(light: Mapping[str, Any]) -> str:
    """Tell what ground and buildings reflect."""
    if "albedo" not in light:
        return "ground and facades reflect 20 % (assumed)"
    low, high = min(light["albedo"]), max(light["albedo"])
    ground = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%} by month"
    told = (
        f"the ground reflects {ground} ({light['albedo_source']}), walls "
        f"{light['wall_reflectance']:.0%} ({light['wall_reflectance_source']}), roofs "
        f"{light['roof_reflectance']:.0%} ({light['roof_reflectance_source']})"
    )
    return (
        " ".join((f"{told};", *light["reflectance_notes"]))
        if light["parts_reflect"]
        else told
    )


def _trees(light: Mapping[str, Any]) -> str:
    """Tell whether trees shade."""
    if light.get("trees_shade"):
        return "trees as crowns that let some light through by month"
    return "none of trees"


def _method(light: Mapping[str, Any], solar: Mapping[str, Any]) -> Iterable[Row]:
    """Tell how light and solar power were computed."""
    yield (
        "Light",
        "computed by this program",
        f"sensors {light['sensor_spacing_m']:g} m apart or closer on blocks with flat "
        f"roofs; exact shade of buildings and terrain, {_trees(light)}; "
        f"{_reflecting(light)}; docs/solar.md",
        int(light["sensors"]),
        "sensors",
    )
    yield (
        "Possible solar power",
        "computed by this program",
        f"a potential, not a plan; assumed: {solar['power_density']:g} kW per m² of module "
        f"on {solar['roof_cover']:.0%} of roofs with {solar['roof_threshold']:g} kWh/m² "
        f"per year or more and {solar['facade_cover']:.0%} of facades with "
        f"{solar['facade_threshold']:g} or more, {solar['losses']:.0%} losses",
        _NONE,
        "",
    )


def _meters(tables: TwinTables) -> Iterable[Row]:
    """Tell what the values of meters are."""
    values = tables.rows("meters_simulated.parquet", ["time", "source"])
    if values.empty:
        return
    day = f"{values['time'].iloc[0]:%d %B %Y}".lstrip("0")
    for source, count in values["source"].value_counts().items():
        how = f"values of {day} made up by this program, not measured"
        yield "Meters", str(source), how, int(count), "hourly values"
