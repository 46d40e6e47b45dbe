"""Put roofs and facades in the order of what their power costs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import TableError
from meshes.polygons import FloatArray
from meshes.solar.power.arrays import ArrayYield
from meshes.solids import Kind

ROOF_PRICES = ((7.5, 14_700.0), (55.0, 12_100.0), (175.0, 9_400.0))
"""Rated power [kWp] and turnkey price [SEK/kWp, without VAT].

Means of Swedish systems of 5-10, 10-100 and 100-250 kW in 2024: National Survey Report
of PV Power Applications in Sweden 2024, IEA PVPS Task 1 (October 2025), placed at the
middle of each class. That they are without VAT is assumed."""


@dataclass(frozen=True)
class PvCosts:
    """What solar power costs. What has no source is an assumption, to be edited.

    Attributes
    ----------
    prices : ((kWp, SEK/kWp), ...)
        Turnkey price of roofs by size: `ROOF_PRICES`. Between sizes it runs straight on
        logarithmic axes; beyond the first and last it stays.
    facade : float
        Price of a facade by that of a roof of its size [-]. Assumption.
    upkeep : float
        Yearly cost by the price [-]. Assumption.
    interest : float
        Real rate of interest [-]. Assumption.
    lifetime : int
        [years]. Assumption; makers warrant 25 to 30.
    ageing : float
        Share of the yield lost each year [-]. Assumption; warranties allow 0.4 to 0.55 %.
    """

    prices: tuple[tuple[float, float], ...] = ROOF_PRICES
    facade: float = 1.5
    upkeep: float = 0.01
    interest: float = 0.03
    lifetime: int = 30
    ageing: float = 0.005

    def __post_init__(self) -> None:
        """Refuse prices out of order and lifetimes below a year."""
        size = [kwp for kwp, _ in self.prices]
        sound = len(size) > 0 and min(min(pair) for pair in self.prices) > 0
        if not sound or sorted(set(size)) != size or self.lifetime < 1:
            message = (
                "prices must be above 0 at rising sizes and the lifetime at least a year, "
                f"got {self.prices} and {self.lifetime} years"
            )
            raise TableError(message)

    def price(self, kwp: FloatArray) -> FloatArray:
        """Return the turnkey price of roofs by size [SEK/kWp]."""
        size, price = np.log(np.array(self.prices)).T
        found: FloatArray = np.exp(np.interp(np.log(np.maximum(kwp, 1e-9)), size, price))
        return found

    @property
    def cost_factor(self) -> float:
        """Cost of each kWh per price [SEK] and first year's yield [kWh]."""
        years = np.arange(1, self.lifetime + 1)
        worth = (1 + self.interest) ** -years.astype(np.float64)
        energy = worth @ (1 - self.ageing) ** (years - 1.0)
        return float((1 + self.upkeep * worth.sum()) / energy)


def cost_curve(
    arrays: ArrayYield, *, costs: PvCosts | None = None, origin: FloatArray | None = None
) -> pd.DataFrame:
    """Rank roofs and facades by the cost of their power, best first.

    Parameters
    ----------
    arrays : ArrayYield
        A year of all strings.
    costs : PvCosts, optional
        What they cost.
    origin : (3,) float, optional
        Local origin of ``x`` and ``y`` [m]; that of the facets' solids by default.

    Returns
    -------
    DataFrame
        Index ``facet``; ``part``, ``kind`` (roof or facade), ``x_m``, ``y_m`` (EPSG:3008,
        middle of the modules), ``modules``, ``kwp``, ``kwh`` [kWh/year, first year],
        ``kwh_per_kwp``, ``shading_loss``, ``mismatch_loss`` [-], ``price_sek``,
        ``sek_per_kwh`` (levelised cost), and summed up from the best on
        ``cumulative_kwp``, ``cumulative_kwh``, ``cumulative_sek``.

    Notes
    -----
    All roofs of a part are one purchase and take the price of their size together; its
    facades likewise. Levelised cost is the worth of all payments by that of all energy.
    """
    chosen = costs or PvCosts()
    layout = arrays.layout
    facets = layout.facets
    start = facets.solids.origin if origin is None else origin
    count = len(facets)

    def summed(values: FloatArray) -> FloatArray:
        sums = np.bincount(arrays.facet, values, minlength=count)
        return sums[arrays.fitted].astype(np.float64)

    kwp, kwh = summed(arrays.power), summed(arrays.energy)
    free, shaded = summed(arrays.free), summed(arrays.shaded)
    facade = facets.kind[arrays.fitted] != Kind.ROOF
    purchase = facets.part[arrays.fitted] * 2 + facade
    size = np.bincount(purchase, kwp)[purchase] if len(kwp) else kwp
    price = kwp * chosen.price(size) * np.where(facade, chosen.facade, 1.0)
    modules = np.bincount(layout.facet, minlength=count)[arrays.fitted]
    middle = layout.corners.mean(axis=1)[:, :2]
    x, y = (
        np.bincount(layout.facet, middle[:, k], minlength=count)[arrays.fitted]
        / np.maximum(modules, 1)
        + start[k]
        for k in range(2)
    )
    positive = np.maximum(kwh, 1e-9)
    table = pd.DataFrame(
        {
            "part": [facets.solids.parts[k] for k in facets.part[arrays.fitted]],
            "kind": np.where(facade, "facade", "roof"),
            "x_m": x,
            "y_m": y,
            "modules": modules,
            "kwp": kwp,
            "kwh": kwh,
            "kwh_per_kwp": kwh / kwp,
            "shading_loss": 1 - shaded / np.maximum(free, 1e-9),
            "mismatch_loss": 1 - kwh / np.maximum(shaded, 1e-9),
            "price_sek": price,
            "sek_per_kwh": price / positive * chosen.cost_factor,
        },
        index=pd.Index([facets.ids[k] for k in arrays.fitted], name="facet"),
    )
    ranked = table.sort_values("sek_per_kwh", kind="stable")
    for name, column in (("kwp", "kwp"), ("kwh", "kwh"), ("sek", "price_sek")):
        ranked[f"cumulative_{name}"] = ranked[column].cumsum()
    return ranked
