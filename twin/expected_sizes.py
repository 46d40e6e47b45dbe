"""Tell how large the systems on roofs and walls are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshes.solar.photovoltaics import STC
from meshes.solar.thermal import FLAT_PLATE
from twin.model import Model, System, SystemKind
from twin.thing import ON_SURFACES

FACETS = "facets.parquet"

OPTICAL = FLAT_PLATE.optical * STC / 1000.0
"""Rated power of collectors that tell none [kW/m2], as `twin.expectation.plants` has it."""


@dataclass(frozen=True)
class Size:
    """How large a system is.

    Attributes
    ----------
    rated : float or None
        Rated power [kW]; None where nobody knows.
    area : float or None
        Area of the modules, or gross area of the collectors [m2].
    """

    rated: float | None
    area: float | None


def sizes_on(folder: Path, model: Model) -> Mapping[str, Size]:
    """Return the size of each system on surfaces: as told, else as the build has it.

    Parameters
    ----------
    folder : Path
        Twin folder; of one without facets only what systems tell is known.
    model : Model
        Which systems.

    Returns
    -------
    mapping of str to Size

    Raises
    ------
    SourceError
        If the facets cannot be read.

    Notes
    -----
    The same as `twin.expectation.plants.plants_of` without opening the lit twin; that they
    agree is tested in tests/twin/api/test_expected.py.
    """
    systems = [system for system in model.systems if system.kind in ON_SURFACES]
    lacking = any(s.rated_kw is None or s.area_m2 is None for s in systems)
    site = _read(folder / FACETS) if lacking else _Site({}, {})
    return {system.id: _size(system, site) for system in systems}


@dataclass(frozen=True)
class _Site:
    """Modules that fit on each facet: their area [m2] and rated power [kW]."""

    area: Mapping[str, float]
    power: Mapping[str, float]

    def on(self, facets: Sequence[str], values: Mapping[str, float]) -> float | None:
        """Sum up what is on facets; None where nobody knows."""
        known = [values[facet] for facet in facets if facet in values]
        return sum(known) if known and len(known) == len(facets) else None


def _size(system: System, site: _Site) -> Size:
    """Return the size of a system."""
    rated, area = system.rated_kw, system.area_m2
    if system.kind is SystemKind.PV:
        if rated is None and area is not None:
            whole = sum(site.area.values())
            rated = area * sum(site.power.values()) / whole if whole > 0 else None
        elif rated is None:
            rated = site.on(system.facets, site.power)
            area = site.on(system.facets, site.area)
        return Size(rated, area)
    if area is None:
        area = site.on(system.facets, site.area) if rated is None else rated / OPTICAL
    if rated is None and area is not None:
        rated = area * OPTICAL
    return Size(rated, area)


def _read(path: Path) -> _Site:
    """Read what fits on the facets of a twin."""
    if not path.is_file():
        return _Site({}, {})
    # Imported here: only who asks for sizes waits for it.
    from twin.light_files import read_columns

    table = read_columns(path, ["facet", "pv_area_m2", "pv_kwp"])
    names = [str(name) for name in table["facet"].to_pylist()]
    area, power = (table[column].to_pylist() for column in ("pv_area_m2", "pv_kwp"))
    return _Site(
        dict(zip(names, (float(v or 0.0) for v in area), strict=True)),
        dict(zip(names, (float(v or 0.0) for v in power), strict=True)),
    )
