"""Find the solar plants of a twin among its things."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from gis.errors import TableError
from meshes.solar.photovoltaics import STC, suitable_area
from meshes.solar.thermal import FLAT_PLATE
from twin.build import Built
from twin.expectation.conditions import FloatArray, IntArray
from twin.expectation.plant import CollectorField, Panels, Place, Plant
from twin.model import Model, System, SystemKind
from twin.thing import ON_SURFACES

AS_POTENTIAL = (
    "panels are as large as the quick potential has them, for neither their rated power "
    "nor their area is told"
)
ALL_USABLE = (
    "collectors cover all of their facets that modules could, for neither their area nor "
    "their rated power is told"
)


def place_of(built: Built) -> Place:
    """Return where a twin lies."""
    district = built.district
    return Place(
        district.latitude, district.longitude, district.grid_convergence, built.horizon
    )


def plants_of(built: Built, model: Model) -> tuple[Plant, ...]:
    """Return panels and collectors of a twin's systems, as they are built.

    Parameters
    ----------
    built : Built
        The lit twin.
    model : Model
        Its things: systems on surfaces name their facets and tell how large they are.

    Returns
    -------
    tuple of Panels and CollectorField
        In the model's order, without systems that name no facets.

    Raises
    ------
    TableError
        If a system names facets that the twin lacks.

    Notes
    -----
    Sizes are shared over the facets by their usable area: what modules can cover of them
    in the quick potential (`PvPotential.module_area`); where none of them has any, by
    their area. What is not told is assumed, and `Plant.assumed` says so: panels by
    the power per area of `PvAssumptions`, or as large as the quick potential; collectors
    are flat plates, by their rated power or as large as the usable area.
    """
    site = _Site(built, {name: k for k, name in enumerate(built.facets.ids)}, _gain(built))
    return tuple(
        site.panels(system) if system.kind is SystemKind.PV else site.collectors(system)
        for system in model.systems
        if system.kind in ON_SURFACES and system.facets
    )


@dataclass(frozen=True)
class _Site:
    """The surfaces that plants lie on."""

    built: Built
    place: Mapping[str, int]
    gain: FloatArray

    def panels(self, system: System) -> Panels:
        """Return the panels of a system."""
        facets, share = self._shared(system)
        chosen = self.built.pv.assumptions
        assumed = ""
        if system.rated_kw is not None:
            power = system.rated_kw * share
        elif system.area_m2 is not None:
            power = chosen.power_density * system.area_m2 * share
            assumed = (
                f"panels have {chosen.power_density:g} kWp/m2, for only their area is told"
            )
        else:
            power = self.built.pv.power[facets]
            assumed = AS_POTENTIAL
        return Panels(
            id=system.id,
            facets=facets,
            power=power,
            gain=self.gain[facets],
            losses=chosen.losses,
            limit=_limit(system),
            since=_moment(system.valid_from),
            until=_moment(system.valid_to),
            assumed=assumed,
        )

    def collectors(self, system: System) -> CollectorField:
        """Return the collectors of a system."""
        facets, share = self._shared(system)
        collector, assumed = FLAT_PLATE, ""
        rated, whole = system.rated_kw, system.area_m2
        if whole is not None:
            area = whole * share
            if rated is not None:
                # Rated with the fluid as warm as the air: nothing is lost then.
                collector = replace(collector, optical=rated / whole * 1000.0 / STC)
        elif rated is not None:
            area = rated / (collector.optical * STC / 1000.0) * share
            assumed = (
                f"collectors give {collector.optical * STC / 1000.0:g} kW/m2 as rated, for "
                "their area is not told"
            )
        else:
            area = self.built.pv.module_area[facets]
            assumed = ALL_USABLE
        return CollectorField(
            id=system.id,
            facets=facets,
            area=area,
            collector=collector,
            limit=_limit(system),
            since=_moment(system.valid_from),
            until=_moment(system.valid_to),
            assumed=assumed,
        )

    def _shared(self, system: System) -> tuple[IntArray, FloatArray]:
        """Return the facets of a system, and what share of it lies on each, (k,)."""
        unknown = [facet for facet in system.facets if facet not in self.place]
        if unknown:
            what = "panels" if system.kind is SystemKind.PV else "collectors"
            message = (
                f"{what} of {system.id} must lie on facets of the twin, got {unknown[0]} "
                f"({len(unknown)} unknown); build the twin again"
            )
            raise TableError(message)
        facets = np.array([self.place[facet] for facet in system.facets], np.int64)
        usable = self.built.pv.module_area[facets]
        if not usable.any():
            usable = self.built.facets.area[facets]
        share: FloatArray = usable / usable.sum()
        return facets, share


def _limit(system: System) -> float:
    """Return what a system gives at most [kW]."""
    return float("inf") if system.limit_kw is None else system.limit_kw


def _moment(day: date | None) -> int | None:
    """Return the begin of a day [microseconds since 1970, UTC]."""
    if day is None:
        return None
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000


def _gain(built: Built) -> FloatArray:
    """Return how much better modules are lit than their facet, 1 where none fit, (f,)."""
    _, gain = suitable_area(built.light, built.pv.assumptions)
    return np.where(gain > 0, gain, 1.0)
