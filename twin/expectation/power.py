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
    STC,
    cell_output,
    diffuse_transmission,
)
from meshes.solar.thermal import collector_heat
from twin.expectation.conditions import BoolArray, Conditions, FloatArray
from twin.expectation.doubt import Doubt
from twin.expectation.expected_power import Basis, Expected
from twin.expectation.plant import CollectorField, Panels, Place, Plant, size_notes
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
    cell[np.ix_(panels, np.flatnonzero(dark))] = conditions.temp_air[dark]
    for rows, now in relight_blocks(light, conditions, **vars(place)):
        air, wind = conditions.temp_air[rows], conditions.wind_speed[rows]
        if len(panels):
            own = [plant for plant in plants if isinstance(plant, Panels)]
            for into, found in zip(
                (power, plane, cell), _panels(now, own, air, wind), strict=True
            ):
                into[np.ix_(panels, rows)] = found
        for places, fields in _alike(plants):
            heat = _collectors(now, fields, air)
            for into, found in zip((power, plane), heat, strict=True):
                into[np.ix_(np.array(places), rows)] = found
    for k, plant in enumerate(plants):
        gone = ~_there(plant, conditions)
        power[k, gone] = plane[k, gone] = cell[k, gone] = np.nan
    every = np.arange(steps)
    basis = Basis(
        model=model_hash(plants, geometry=geometry, version=version),
        geometry=geometry,
        weather=conditions.source,
        version=version,
        notes=(*conditions.notes, *size_notes(plants)),
    )
    return Expected(
        systems=tuple(plant.id for plant in plants),
        rated=rated,
        start=conditions.start,
        step=conditions.step,
        power=power,
        doubt=chosen.of(_uncertain(plants, power, plane), rated, conditions, every),
        light=plane,
        cell=cell,
        basis=basis,
        heat=np.array([isinstance(plant, CollectorField) for plant in plants], bool),
        area=_areas(plants),
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


def _alike(plants: Sequence[Plant]) -> list[tuple[list[int], list[CollectorField]]]:
    """Return the collectors of each make and use, with their places."""
    groups: dict[tuple[object, ...], tuple[list[int], list[CollectorField]]] = {}
    for k, plant in enumerate(plants):
        if isinstance(plant, CollectorField):
            key = plant.collector, plant.use, plant.feeds_network
            places, fields = groups.setdefault(key, ([], []))
            places.append(k)
            fields.append(plant)
    return list(groups.values())


def _collectors(
    now: Irradiation, fields: Sequence[CollectorField], air: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return heat [kW] and light [W/m2] of fields of one make and use, (s, t)."""
    one = fields[0]
    fluid = (
        one.use.export_temperature(air)
        if one.feeds_network
        else np.full(len(air), one.use.preheat)
    )
    # Only the air's temperature is read.
    weather = Weather(pd.DataFrame({"temp_air": air}), None, None, "")
    facets = np.concatenate([field.facets for field in fields]).astype(np.int64)
    area = np.concatenate([field.area for field in fields]).astype(np.float64)
    owner = np.repeat(np.arange(len(fields)), [len(field.facets) for field in fields])
    power, light = (np.zeros((len(fields), now.hours)) for _ in range(2))
    for first in range(0, len(facets), FACETS):
        part = slice(first, first + FACETS)
        which = facets[part]
        weight = np.zeros((len(fields), len(which)))
        weight[owner[part], np.arange(len(which))] = area[part]
        heat = collector_heat(now, which, weather, fluid, collector=one.collector)
        power += weight @ heat
        light += weight @ facet_hours(now, which)
    whole = np.maximum([field.area.sum() for field in fields], 1e-9)[:, None]
    limit = np.array([field.limit for field in fields])[:, None]
    # What the pump does not carry stays in the field, which gets hotter and loses it.
    return np.minimum(power * one.use.system / 1000.0, limit), light / whole


def _areas(plants: Sequence[Plant]) -> FloatArray:
    """Return the gross area of collectors, (s,) [m2], NaN for panels."""
    areas = (
        float(plant.area.sum()) if isinstance(plant, CollectorField) else np.nan
        for plant in plants
    )
    return np.array(list(areas), np.float64)


def _uncertain(plants: Sequence[Plant], power: FloatArray, light: FloatArray) -> FloatArray:
    """Return the power that is as uncertain as the light, (s, t) [kW].

    Of panels what they give. Of collectors what they gain before they lose heat: what
    they lose is known better, and what is left moves by more than the light does.
    """
    uncertain = power.copy()
    for k, plant in enumerate(plants):
        if isinstance(plant, CollectorField):
            gained = plant.rated * plant.use.system * light[k] / STC
            uncertain[k] = np.maximum(gained, power[k])
    return uncertain


def _there(plant: Plant, conditions: Conditions) -> BoolArray:
    """Return in which steps a plant is there, (t,): whole ones."""
    there = np.ones(len(conditions), bool)
    if plant.since is not None:
        there &= conditions.start >= plant.since
    if plant.until is not None:
        there &= conditions.start + conditions.step <= plant.until
    return there


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
            f"{'; '.join(faults[:5])} ({len(faults)} faults); make them with plants_of"
        )
        raise TableError(message)
