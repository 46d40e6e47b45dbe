"""Find the solar plants of a twin among its things."""

import numpy as np

from gis.errors import TableError
from meshes.solar.irradiance import Irradiation
from meshes.solar.photovoltaics import PvAssumptions
from meshes.solids import Kind
from twin.build import Built
from twin.expectation.conditions import FloatArray
from twin.expectation.plant import Panels, Place
from twin.model import Model, SystemKind


def place_of(built: Built) -> Place:
    """Return where a twin lies."""
    district = built.district
    return Place(
        district.latitude, district.longitude, district.grid_convergence, built.horizon
    )


def panels_of(built: Built, model: Model) -> tuple[Panels, ...]:
    """Return the panels of a twin's systems, as large as the quick potential has them.

    Parameters
    ----------
    built : Built
        The lit twin.
    model : Model
        Its things: systems of solar panels name their facets.

    Raises
    ------
    TableError
        If a system names facets that the twin lacks.
    """
    place = {name: k for k, name in enumerate(built.facets.ids)}
    chosen = built.pv.assumptions
    gain = lit_gain(built.light, chosen)
    found = []
    for system in model.systems:
        if system.kind is not SystemKind.PV or not system.facets:
            continue
        unknown = [facet for facet in system.facets if facet not in place]
        if unknown:
            message = (
                f"panels of {system.id} must lie on facets of the twin, got {unknown[0]} "
                f"({len(unknown)} unknown); build the twin again"
            )
            raise TableError(message)
        facets = np.array([place[facet] for facet in system.facets], np.int64)
        found.append(
            Panels(
                id=system.id,
                facets=facets,
                power=built.pv.power[facets],
                gain=gain[facets],
                losses=chosen.losses,
            )
        )
    return tuple(found)


def lit_gain(light: Irradiation, chosen: PvAssumptions) -> FloatArray:
    """Return how much better the fitted spots of each facet are lit than its mean, (f,).

    Parameters
    ----------
    light : Irradiation
        The year's light.
    chosen : PvAssumptions
        Least light of a fitted spot.
    """
    facets = light.facets
    owner = facets.sensor_facet
    annual = light.sensor_annual.astype(np.float64)
    least = np.where(
        facets.kind == Kind.ROOF, chosen.roof_threshold, chosen.facade_threshold
    )
    good = annual >= least[owner]
    number = np.bincount(owner, good, minlength=len(facets))
    total = np.bincount(owner, annual * good, minlength=len(facets))
    mean = np.maximum(light.facet_annual, 1e-9)
    gain: FloatArray = np.where(number > 0, total / np.maximum(number, 1) / mean, 0.0)
    return gain
