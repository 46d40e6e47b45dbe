"""Compute what solar panels and collectors should give in any weather."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
import pvlib

from gis.errors import TableError
from gis.weather import Weather
from meshes.solar.hourly import facet_hours
from meshes.solar.irradiance import Irradiation
from meshes.solar.photovoltaics import (
    INCIDENCE_STEPS,
    cell_output,
    diffuse_transmission,
)
from meshes.solar.thermal import collector_heat
from twin.expectation.conditions import Conditions, FloatArray
from twin.expectation.doubt import Doubt
from twin.expectation.expected_power import Basis, Expected
from twin.expectation.plant import CollectorField, Panels, Place, Plant
from twin.expectation.relight import relight_blocks

FACETS = 256
"""Facets whose steps are held at a time."""


def expect(
    light: Irradiation,
    plants: Sequence[Plant],
    conditions: Conditions,
    place: Place,
    *,
    geometry: str,
    version: str,
    doubt: Doubt | None = None,
) -> Expected:
    """Compute what plants should give.

    Parameters
    ----------
    light : Irradiation
        What the facets of the twin see.
    plants : sequence of Panels and CollectorField
        The s plants.
    conditions : Conditions
        The weather of t steps.
    place : Place
        Where the twin lies.
    geometry, version : str
        Hash of the twin's inputs and version of the software, for the record.
    doubt : Doubt, optional
        What is uncertain.

    Returns
    -------
    Expected

    Raises
    ------
    TableError
        If an id occurs twice or a plant names facets that the light lacks.

    Notes
    -----
    Panels: as `meshes.solar.photovoltaics.pv_potential`, from which the hours of the
    typical year come; the same weather gives the same power (a test). Collectors:
    `meshes.solar.thermal`, steady state.
    """
    _check(light, plants)
    chosen = doubt or Doubt()
    count, steps = len(plants), len(conditions)
    rated = np.array([plant.rated for plant in plants], np.float64)
    dark = np.isfinite(conditions.dni) & np.isfinite(conditions.dhi)
    power, plane, cell = (np.full((count, steps), np.nan) for _ in range(3))
    power[:, dark] = 0.0
    plane[:, dark] = 0.0
    panels = np.flatnonzero([isinstance(plant, Panels) for plant in plants])
    fields = [k for k, plant in enumerate(plants) if isinstance(plant, CollectorField)]
    cell[np.ix_(panels, np.flatnonzero(dark))] = conditions.temp_air[dark]
    for rows, now in relight_blocks(light, conditions, **vars(place)):
        air, wind = conditions.temp_air[rows], conditions.wind_speed[rows]
        if len(panels):
            own = [plant for plant in plants if isinstance(plant, Panels)]
            for into, found in zip(
                (power, plane, cell), _panels(now, own, air, wind), strict=True
            ):
                into[np.ix_(panels, rows)] = found
        for k in fields:
            plant = plants[k]
            assert isinstance(plant, CollectorField)
            power[k, rows], plane[k, rows] = _collectors(now, plant, air)
    every = np.arange(steps)
    basis = Basis(
        model=model_hash(plants, geometry=geometry, version=version),
        geometry=geometry,
        weather=conditions.source,
        version=version,
        notes=conditions.notes,
    )
    return Expected(
        systems=tuple(plant.id for plant in plants),
        rated=rated,
        start=conditions.start,
        step=conditions.step,
        power=power,
        doubt=chosen.of(power, rated, conditions, every),
        light=plane,
        cell=cell,
        basis=basis,
    )


def model_hash(plants: Sequence[Plant], *, geometry: str, version: str) -> str:
    """Return a hash of all that expected values depend on but the weather."""
    digest = hashlib.sha256(f"{geometry} {version}".encode())
    for plant in plants:
        told = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(plant).items()
        }
        digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def _panels(
    now: Irradiation, panels: Sequence[Panels], air: FloatArray, wind: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return power [kW], light [W/m2] and cell temperature [deg C] of panels, (s, t)."""
    facets = np.concatenate([one.facets for one in panels]).astype(np.int64)
    rated = np.concatenate([one.power for one in panels])
    gain = np.concatenate([one.gain for one in panels]).astype(np.float32)
    owner = np.repeat(np.arange(len(panels)), [len(one.facets) for one in panels])
    angle = np.degrees(np.arccos(np.linspace(0.0, 1.0, INCIDENCE_STEPS + 1)))
    glass = np.asarray(pvlib.iam.physical(angle))
    through = diffuse_transmission(now.facets)
    shape = (len(panels), now.hours)
    power, light, cell = (np.zeros(shape) for _ in range(3))
    for first in range(0, len(facets), FACETS):
        part = slice(first, first + FACETS)
        which = facets[part]
        scale = gain[part, None]
        gross = facet_hours(now, which) * scale
        ground, building = (share[which] for share in through)
        effective = scale * facet_hours(
            now, which, transmission=glass, reflected_transmission=(ground, building)
        )
        warm = pvlib.temperature.faiman(gross, air, wind).astype(np.float32)
        weight = np.zeros((len(panels), len(which)), np.float32)
        weight[owner[part], np.arange(len(which))] = rated[part]
        power += weight @ cell_output(effective, warm)
        light += weight @ gross
        cell += weight @ warm
    whole = np.maximum([one.rated for one in panels], 1e-9)[:, None]
    kept = 1.0 - np.array([one.losses for one in panels])[:, None]
    limit = np.array([one.limit for one in panels])[:, None]
    return np.minimum(power * kept, limit), light / whole, cell / whole


def _collectors(
    now: Irradiation, plant: CollectorField, air: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return heat [kW] and light [W/m2] of a field, (t,)."""
    use = plant.use
    fluid = (
        use.export_temperature(air)
        if plant.feeds_network
        else np.full(len(air), use.preheat)
    )
    # Only the air's temperature is read.
    weather = Weather(pd.DataFrame({"temp_air": air}), None, None, "")
    heat = collector_heat(now, plant.facets, weather, fluid, collector=plant.collector)
    area = plant.area
    gross = facet_hours(now, plant.facets).astype(np.float64)
    power = area @ heat.astype(np.float64) * use.system / 1000.0
    return power, area @ gross / max(float(area.sum()), 1e-9)


def _check(light: Irradiation, plants: Sequence[Plant]) -> None:
    """Refuse plants that cannot be."""
    count = len(light.facets)
    faults = []
    seen: set[str] = set()
    for plant in plants:
        if plant.id in seen:
            faults.append(f"{plant.id} occurs twice")
        seen.add(plant.id)
        inside = (plant.facets >= 0) & (plant.facets < count)
        if not len(plant.facets) or not inside.all():
            faults.append(f"{plant.id} must lie on facets 0..{count - 1}")
    if faults:
        message = (
            f"plants must be distinct and lie on facets of the twin: "
            f"{'; '.join(faults[:5])} ({len(faults)} faults); make them with panels_of"
        )
        raise TableError(message)
