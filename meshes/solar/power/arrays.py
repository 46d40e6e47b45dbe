"""Run solar modules through a year of hours, string by string."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pvlib
from numpy.typing import NDArray

from gis.errors import GeometryError
from gis.weather import Weather
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.facing import facing_weights
from meshes.solar.gather import Progress
from meshes.solar.irradiance import Irradiation
from meshes.solar.photovoltaics import INCIDENCE_STEPS, cell_output, diffuse_transmission
from meshes.solar.power.layout import Layout
from meshes.solar.power.row_shade import shaded_length
from meshes.solar.power.strings_kernel import mix_strings
from meshes.solar.visibility import Bits, unpack_bits

Cells = NDArray[np.uint8]

SUBSTRINGS = 3
"""Groups of cells with a bypass diode each in a module."""

BLOCK = 48
"""Facets whose skies are unrolled at once: the year's sky is read once for all of them."""


@dataclass(frozen=True)
class PvPlant:
    """Electric figures of a plant. Those without a source are assumptions.

    Attributes
    ----------
    losses : float
        Share lost to dirt (2 %), cables (2 %), contacts (0.5 %), first light (1.5 %),
        rating (1 %) and outage (3 %): the defaults of NREL's PVWatts version 5 (Dobos,
        2014, NREL/TP-6A20-62641) without shading and mismatch, which are computed here.
    inverter : float
        Nominal efficiency of inverters [-], as in PVWatts.
    oversize : float
        Rated power of modules by that of inverters [-], PVWatts' default of 2014.
    diode : float
        Voltage of a bypass diode by that of the substring it bridges [-]: about 0.5 V of
        11 V.
    per_module : bool
        Whether each module, and each third of it, works on its own: an upper bound for
        power optimisers.
    """

    losses: float = 1 - 0.98 * 0.98 * 0.995 * 0.985 * 0.99 * 0.97
    inverter: float = 0.96
    oversize: float = 1.1
    diode: float = 0.05
    per_module: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        sound = 0 <= self.losses < 1 and 0 < self.inverter <= 1 and self.diode >= 0
        if not (sound and self.oversize > 0):
            message = f"losses and efficiencies must be shares from 0 to 1, got {self}"
            raise GeometryError(message)


@dataclass(frozen=True)
class ArrayYield:
    """A year of all strings, alternating current.

    Attributes
    ----------
    facet : (s,) int
        Facet of each string.
    power : (s,) float
        Rated power of each string [kWp].
    free, shaded, energy : (s,) float
        Energy of the year [kWh]: of the same modules without anything that shades them;
        with shade but no loss by modules in series; and as it is.
    fitted : (k,) int
        Facets with modules.
    hours : (k, h) float32
        Mean power of each of them in each hour [kW].
    layout : Layout
        The modules.
    plant : PvPlant
        Electric figures.
    """

    facet: IntArray
    power: FloatArray
    free: FloatArray
    shaded: FloatArray
    energy: FloatArray
    fitted: IntArray
    hours: Float32Array
    layout: Layout
    plant: PvPlant

    @property
    def specific(self) -> float:
        """Specific yield of all modules [kWh/kWp]; NaN without modules."""
        total = self.power.sum()
        return float(self.energy.sum() / total) if total > 0 else float("nan")

    @property
    def shading_loss(self) -> float:
        """Share of the free yield that shade takes; NaN without modules."""
        return _lost(self.shaded, self.free)

    @property
    def mismatch_loss(self) -> float:
        """Share of the shaded yield that modules in series take; NaN without modules."""
        return _lost(self.energy, self.shaded)


def array_yield(
    layout: Layout,
    light: Irradiation,
    weather: Weather,
    *,
    plant: PvPlant | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ArrayYield:
    """Compute every hour of every string.

    Parameters
    ----------
    layout : Layout
        Modules on the facets of ``light``.
    light : Irradiation
        The year's light with its visibility.
    weather : Weather
        Air temperature and wind of the same hours.
    plant : PvPlant, optional
        Electric figures.
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    ArrayYield

    Raises
    ------
    GeometryError
        If the light did not keep its visibility, or belongs to other facets.

    Notes
    -----
    Sun: each third of a module between bypass diodes sees it where the sensors at both of
    its halves do (half each, as the halves of half-cell modules are parallel). Sky and
    reflected light: those of the facet, by the sensor's annual share. Tilted rows have
    their own angle; a row in front hides patches of the sky and the sun from the lowest
    row of cells of a third as `meshes.solar.power.row_shade` says. Light that the roof
    itself throws on tilted rows is left out: below 0.5 %.

    In series: at the operating current ``G_k`` the ``k`` best substrings deliver and the
    others are bridged, so the string gives ``max_k G_k (k - (n - k) d) / n`` for a diode's
    share d of the voltage. This is the power of Bishop's circuit [1]_ with rectangular
    current-voltage curves and zero current in bridged substrings. Glass, cells and
    inverter: `meshes.solar.photovoltaics.pv_potential`, ``pvlib.inverter.pvwatts``.

    .. [1] Bishop, J. W. (1988). Computer simulation of the effects of electrical
       mismatches in photovoltaic cell interconnection circuits. Solar Cells 25, 73-89.
    """
    if light.visibility is None or layout.facets is not light.facets:
        message = (
            "modules must stand on the facets of the light, which must keep its visibility;"
            " lay them on light.facets as irradiate returns it"
        )
        raise GeometryError(message)
    chosen = plant or PvPlant()
    fitted = np.unique(layout.facet)
    strings = int(layout.string.max(initial=-1)) + 1
    first = np.full(strings, -1, np.int64)
    first[layout.string[::-1]] = layout.facet[::-1]
    rated = np.bincount(layout.string, minlength=strings) * layout.module.power
    found = ArrayYield(
        facet=first,
        power=rated.astype(np.float64),
        free=np.zeros(strings),
        shaded=np.zeros(strings),
        energy=np.zeros(strings),
        fitted=fitted,
        hours=np.zeros((len(fitted), light.hours), np.float32),
        layout=layout,
        plant=chosen,
    )
    sun = np.stack(
        [unpack_bits(text, light.visibility.words) for text in light.visibility.sun]
    )
    year = _Year(found, light, weather, sun)
    blocks = range(0, len(fitted), BLOCK)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for begin, _ in zip(blocks, pool.map(year.run, blocks), strict=True):
            if progress is not None:
                progress("solar modules", min(begin + BLOCK, len(fitted)) / len(fitted))
    return found


@dataclass(frozen=True)
class _Array:
    """Modules of one plane on a facet, before their year is unrolled.

    ``views`` (4, p) is what a free plane in their place gets of each patch of the sky, the
    same behind glass, what the facet leaves of it, and what a row in front leaves of that;
    ``strength`` (n,) is the beam of each position of the sun and ``cosine`` that of its
    angle of incidence; ``lit`` (n, 3) is what a row in front leaves of it to each third.
    """

    row: int
    facet: int
    modules: IntArray
    views: Float32Array
    strength: FloatArray
    cosine: FloatArray
    lit: FloatArray


@dataclass(frozen=True)
class _Plane:
    """Light on a free plane over the year, and on one in its place.

    ``hours`` (h,) are those with light. ``free`` (h,) [W/m2] of sun and sky passes the
    glass of modules that nothing shades; ``gross`` is light before the glass by that behind
    it; ``soft`` (4, h) is what `mix_strings` wants; ``beam`` (n,) is the free beam of each
    sun position.
    """

    hours: IntArray
    free: FloatArray
    gross: FloatArray
    soft: FloatArray
    beam: FloatArray


class _Year:
    """What all facets share while they are run."""

    def __init__(
        self, found: ArrayYield, light: Irradiation, weather: Weather, sun: Bits
    ) -> None:
        self._found, self._light, self._sun = found, light, sun
        self._order = np.argsort(light.path.hour, kind="stable")
        self._hour = light.path.hour[self._order]
        self._strength = (light.light.beam[light.path.hour] * light.path.share)[self._order]
        self._cuts = np.searchsorted(self._hour, np.arange(light.hours + 1))
        self._bins = light.path.bin[self._order]
        angle = np.degrees(np.arccos(np.linspace(0.0, 1.0, INCIDENCE_STEPS + 1)))
        self._glass = np.asarray(pvlib.iam.physical(angle))
        self._reflected = diffuse_transmission(light.facets)
        self._air = weather.table["temp_air"].to_numpy(np.float32)
        self._wind = weather.table["wind_speed"].to_numpy(np.float32)
        self._known: dict[bytes, FloatArray] = {}
        self._ratio = _sensor_ratios(light)
        order = np.argsort(found.layout.facet, kind="stable")
        cuts = np.searchsorted(found.layout.facet[order], found.fitted[1:])
        self._modules = np.split(order, cuts)

    def run(self, first: int) -> None:
        """Run the modules of a block of facets."""
        found, layout, light = self._found, self._found.layout, self._light
        arrays = []
        for k in range(first, min(first + BLOCK, len(found.fitted))):
            for side in (0, 1):
                modules = self._modules[k][layout.side[self._modules[k]] == side]
                if len(modules):
                    modules = modules[np.argsort(layout.string[modules], kind="stable")]
                    arrays.append(self._array(k, modules))
        skies = np.concatenate([one.views for one in arrays]) @ light.light.dome.radiance
        bounced = self._bounced(np.array([one.facet for one in arrays]))
        blocked, held = np.empty((0, 0), np.uint8), -1
        for k, one in enumerate(arrays):
            if one.facet != held:
                blocked, held = self._blocked(one.facet), one.facet
            plane = self._plane(one, skies[4 * k : 4 * k + 4], bounced[k])
            found.hours[one.row] += self._run_plane(one, plane, blocked)

    def _run_plane(self, array: _Array, plane: _Plane, blocked: Cells) -> Float32Array:
        """Run the modules of one plane on a facet; return their power (h,) [kW]."""
        found, layout, light = self._found, self._found.layout, self._light
        facet, modules = array.facet, array.modules
        points, level = _places(layout, modules)
        sensor = light.facets.nearest_sensor(
            points.reshape(-1, 3), np.full(points.size // 3, facet)
        ).reshape(-1, 2)
        cells = light.facets.sensor_bit[sensor] - light.facets.bit_start[facet]
        ratio = self._ratio[sensor].mean(axis=1)
        string = layout.string[modules]
        names, begin = np.unique(string, return_index=True)
        start = np.r_[begin, len(modules)].astype(np.int64) * SUBSTRINGS
        front = np.repeat(np.isfinite(layout.ahead[modules]), SUBSTRINGS).astype(np.int64)
        mean, mixed = (
            np.zeros((len(names), len(plane.hours)), np.float32) for _ in range(2)
        )
        mix_strings(
            start,
            cells,
            front,
            level,
            ratio,
            blocked,
            plane.soft,
            np.r_[self._cuts[plane.hours], self._cuts[-1]],
            self._bins,
            plane.beam,
            array.lit,
            found.plant.diode,
            mean,
            mixed,
        )
        if found.plant.per_module:
            mixed = mean
        rated = found.power[names]
        share = np.add.reduceat(ratio[:, 1], start[:-1]) / np.diff(start)
        free = (plane.free + share[:, None] * plane.soft[2]).astype(np.float32)
        found.free[names] = self._current(free, plane).sum(axis=1, dtype=float) * rated
        shaded = self._current(mean, plane)
        found.shaded[names] = shaded.sum(axis=1, dtype=float) * rated
        current = shaded if mixed is mean else self._current(mixed, plane, warmed_by=mean)
        found.energy[names] = current.sum(axis=1, dtype=float) * rated
        power = np.zeros(light.hours, np.float32)
        power[plane.hours] = rated @ current
        return power

    def _array(self, row: int, modules: IntArray) -> _Array:
        """Return what modules of one plane on a facet see of sun and sky."""
        layout, light, path = self._found.layout, self._light, self._light.path
        facet, module = int(self._found.fitted[row]), int(modules[0])
        own = light.facets.normal[facet]
        corner = layout.corners[module]
        up = corner[3] - corner[0]
        normal = np.cross(corner[1] - corner[0], up) if layout.tilted[module] else own
        normal = normal / np.linalg.norm(normal)
        towards = path.direction[self._order]
        weight = self._weights(normal)
        through = weight * self._passed(light.sky.direction @ normal)
        lit = np.ones((len(towards), SUBSTRINGS))
        if layout.tilted[module]:
            base = self._weights(own)
            seen = np.divide(
                light.patch_view[facet], base, out=np.zeros(len(base)), where=base > 0
            )
            kept = through * np.minimum(seen, 1.0)
        else:
            # The facet's own view, which is that of its plane.
            kept = light.patch_view[facet] * self._passed(light.sky.direction @ normal)
        hidden = kept
        ahead = layout.ahead[modules]
        if np.isfinite(ahead).any():
            depth = float(np.linalg.norm(up))
            form = {
                "normal": own,
                "up": up / depth,
                "ahead": float(ahead[np.isfinite(ahead)][0]),
                "depth": depth,
            }
            hidden = kept * (1.0 - shaded_length(light.sky.direction, **form))
            lit = _lit_thirds(shaded_length(towards, **form), layout.module.cell_rows)
        return _Array(
            row,
            facet,
            modules,
            np.stack([weight, through, kept, hidden]).astype(np.float32),
            self._strength,
            np.maximum(towards @ normal, 0.0),
            lit,
        )

    def _plane(self, array: _Array, skies: Float32Array, bounced: Float32Array) -> _Plane:
        """Unroll the light on a plane: ``skies`` (4, h) and ``bounced`` (2, h)."""
        hours = self._light.hours
        beam = array.strength * array.cosine * self._passed(array.cosine)
        whole, free, soft, shady = skies.astype(np.float64)
        sky = free.copy()
        shares = np.array([share[array.facet] for share in self._reflected])
        thrown, passed = bounced.sum(axis=0, dtype=np.float64), shares @ bounced
        hour = self._hour
        free += np.bincount(hour, beam, minlength=hours)
        whole += np.bincount(hour, array.strength * array.cosine, minlength=hours) + thrown
        # Every hour with a sun is among them, so that positions stay in a row.
        bright = np.flatnonzero((whole > 0) | (np.diff(self._cuts) > 0))
        behind = free + passed
        gross = np.divide(whole, behind, out=np.ones_like(free), where=behind > 0)
        return _Plane(
            bright,
            free[bright],
            gross[bright].astype(np.float32),
            np.stack([soft, shady, passed, sky])[:, bright],
            beam,
        )

    def _bounced(self, facets: IntArray) -> Float32Array:
        """Return the light that ground and buildings throw on facets, (k, 2, h)."""
        light = self._light
        if light.courses is None or not light.bounced.shape[2]:
            return np.zeros((len(facets), 2, light.hours), np.float32)
        some = light.bounced[facets]
        flat = some.reshape(-1, some.shape[2]) @ light.courses.strength
        both: Float32Array = flat.reshape(len(facets), 2, light.hours)
        return both

    def _weights(self, normal: FloatArray) -> FloatArray:
        """Return what a free plane receives of each patch; many roofs look alike."""
        name = normal.round(9).tobytes()
        if name not in self._known:
            self._known[name] = facing_weights(normal[None], self._light.sky)[0]
        return self._known[name]

    def _passed(self, cosine: FloatArray) -> FloatArray:
        """Return the share of light that passes the glass at a cosine of incidence."""
        grid = np.linspace(0.0, 1.0, len(self._glass))
        passed: FloatArray = np.interp(cosine, grid, self._glass)
        return passed

    def _blocked(self, facet: int) -> Cells:
        """Return which cells of a facet the sun bins do not reach, (b, cells) uint8."""
        facets = self._light.facets
        first = int(facets.bit_start[facet]) // 64
        words = self._sun[:, first : first + int(facets.words_per_facet[facet])]
        bits: Cells = np.unpackbits(
            np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little"
        )
        return bits

    def _current(
        self, light: Float32Array, plane: _Plane, *, warmed_by: Float32Array | None = None
    ) -> Float32Array:
        """Return the alternating current per rated power [kW/kWp]."""
        plant = self._found.plant
        warming = (light if warmed_by is None else warmed_by) * plane.gross
        hours = plane.hours
        cell = pvlib.temperature.faiman(warming, self._air[hours], self._wind[hours])
        direct = cell_output(light, cell) * (1.0 - plant.losses)
        limit = 1.0 / (plant.oversize * plant.inverter)
        output = pvlib.inverter.pvwatts(direct, limit, eta_inv_nom=plant.inverter)
        lasting: Float32Array = np.maximum(output, 0.0) * self._light.light.step
        return lasting


def _sensor_ratios(light: Irradiation) -> FloatArray:
    """Return each sensor's light of the sky and that thrown back by its facet's, (n, 2)."""
    facets, parts = light.facets, light.sensor_parts.astype(np.float64)
    soft = np.stack([parts[:, 1], parts[:, 2] + parts[:, 3]], axis=1)
    mean = (
        np.stack(
            [
                np.bincount(facets.sensor_facet, one, minlength=len(facets))
                for one in soft.T
            ],
            axis=1,
        )
        / np.maximum(facets.sensors_per_facet, 1)[:, None]
    )
    ratios: FloatArray = soft / np.maximum(mean, 1e-9)[facets.sensor_facet]
    return ratios


def _places(layout: Layout, modules: IntArray) -> tuple[FloatArray, IntArray]:
    """Return two places on each substring, (3 m, 2, 3), and its third from below."""
    corners = layout.corners[modules]
    along, up = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    third, half = (np.arange(3) + 0.5) / 3, np.array([0.25, 0.75])
    standing = layout.portrait[modules][:, None, None]
    # Substrings run along the long side.
    a = np.where(standing, third[:, None], half[None, :])
    b = np.where(standing, half[None, :], third[:, None])
    points = (
        corners[:, 0][:, None, None]
        + a[..., None] * along[:, None, None]
        + b[..., None] * up[:, None, None]
    )
    level = np.tile(np.arange(SUBSTRINGS), len(modules))
    return points.reshape(-1, 2, 3), level


def _lit_thirds(shaded: FloatArray, cell_rows: int) -> FloatArray:
    """Return what shade from below leaves of the beam to each third, (n, 3).

    The lowest row of cells of a third holds back all others in series with it.
    """
    lowest = np.arange(SUBSTRINGS) / SUBSTRINGS
    lit: FloatArray = 1.0 - np.clip((shaded[:, None] - lowest) * cell_rows, 0.0, 1.0)
    return lit


def _lost(less: FloatArray, more: FloatArray) -> float:
    """Return the share that is lost of a sum."""
    total = more.sum()
    return float(1.0 - less.sum() / total) if total > 0 else float("nan")
