"""Sum up a district in a few numbers."""

import geopandas as gpd
import numpy as np
import pandas as pd

from twin.columns import LIGHT
from twin.printed import printable
from twin.web.figures import energy, whole


def district_totals(parts: gpd.GeoDataFrame, *, area: float) -> pd.DataFrame:
    """Sum up what stands inside the boundary.

    Parameters
    ----------
    parts : GeoDataFrame
        Building parts with results and ``inside``.
    area : float
        Of the boundary [m2].

    Returns
    -------
    DataFrame
        Index ``total``, columns ``value``, ``unit`` and ``meaning``.
    """
    inside = parts[parts["inside"]]

    def mean(kind: str) -> float:
        """Return the light per area, NaN without area."""
        whole_area = float(inside[f"{kind}_area"].sum())
        return float(inside[f"{kind}_kwh"].sum()) / whole_area if whole_area else np.nan

    rows: dict[str, tuple[float, str, str]] = {
        "area": (area / 1e4, "ha", "land inside the boundary"),
        "buildings": (inside["building"].nunique(), "", "buildings inside the boundary"),
        "parts_modelled": (len(parts), "", "building parts, surroundings included"),
        "roof_area": (inside["roof_area"].sum(), "m²", "roofs"),
        "facade_area": (inside["facade_area"].sum(), "m²", "facades"),
        "roof_kwh_m2": (mean("roof"), LIGHT, "light on roofs, mean of their area"),
        "facade_kwh_m2": (mean("facade"), LIGHT, "light on facades, mean of their area"),
        "pv_kwp": (inside["pv_kwp"].sum(), "kWp", "modules on all suitable surfaces"),
        "pv_kwh": (inside["pv_kwh"].sum(), "kWh per year", "what they would yield"),
        "pv_roof_kwh": (inside["pv_roof_kwh"].sum(), "kWh per year", "of it from roofs"),
        "pv_facade_kwh": (
            inside["pv_facade_kwh"].sum(),
            "kWh per year",
            "of it from facades",
        ),
    }
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["value", "unit", "meaning"]
    )
    return printable(table.rename_axis("total"))


def card_facts(totals: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the totals that stand on a twin's card, as names and values with units."""
    value = totals["value"]
    return [
        ("land", f"{whole(value['area'])} ha"),
        ("buildings", whole(value["buildings"])),
        ("light on roofs", f"{whole(value['roof_kwh_m2'])} {LIGHT}"),
        ("light on facades", f"{whole(value['facade_kwh_m2'])} {LIGHT}"),
        (
            "possible solar power",
            f"{energy(value['pv_kwh'])} per year from {value['pv_kwp'] / 1000:,.1f} MWp",
        ),
    ]
