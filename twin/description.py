"""Describe a twin in TOML, which people and programs can read."""

import hashlib
import json
import shlex
import tomllib
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.errors import SourceError
from gis.files import atomic_path

if TYPE_CHECKING:  # opening a twin must not wait for what builds one
    from twin.build import Built
    from twin.tables import Provenance

FILE = "heidi.toml"

FORMAT = 5
"""Version of the folder's layout: 2 holds what a twin needs to be opened again, 4 also the
records of repairs and choices, and the forms of roofs, 5 what stands above the ground."""


def _quote(text: str) -> str:
    """Write a text in TOML."""
    return json.dumps(text, ensure_ascii=False)


def _quotes(texts: tuple[str, ...]) -> str:
    """Write a list of texts in TOML."""
    return f"[{', '.join(_quote(text) for text in texts)}]"


def write_description(path: Path, built: "Built", provenance: "Provenance") -> None:
    """Write what was built, from what and how.

    Parameters
    ----------
    path : Path
        ``heidi.toml``.
    built : Built
        The lit district.
    provenance : Provenance
        Version and hash of the inputs.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from meshes.solids import Kind
    from twin.reflectances import describe

    district, weather = built.district, built.weather
    place = {"latitude": weather.latitude, "longitude": weather.longitude}
    lines = [
        "[twin]",
        f"name = {_quote(district.name)}",
        f"format = {FORMAT}",
        f"schematic = {str(district.schematic).lower()}",
        f"version = {_quote(provenance.version)}",
        f"inputs = {_quote(provenance.input_hash)}",
        f"credits = {_quotes(district.credits)}",
        f"notes = {_quotes(district.notes)}",
        "",
        "[frame]",
        'plan = "EPSG:3008"',
        'heights = "RH2000"',
        f"latitude = {district.latitude:.5f}",
        f"longitude = {district.longitude:.5f}",
        f"water_level_m = {district.water_level!r}",
        f"terrain_source = {_quote(district.terrain.source)}",
        "",
        "[model]",
        f"notes = {_quotes(built.roofs.notes)}",
        "",
        "[weather]",
        f"source = {_quote(weather.source)}",
        f"notes = {_quotes(weather.notes)}",
        *(f"{name} = {value!r}" for name, value in place.items() if value is not None),
        f"sun_offset_minutes = {float(weather.sun_offset_minutes)!r}",
        f"ghi_kwh_m2 = {weather.annual('ghi'):.1f}",
        f"dni_kwh_m2 = {weather.annual('dni'):.1f}",
        f"dhi_kwh_m2 = {weather.annual('dhi'):.1f}",
        "",
        "[light]",
        f"sensor_spacing_m = {built.spacing!r}",
        f"sensors = {built.facets.sensor_count}",
        f"facets = {len(built.facets)}",
        f"roofs = {int((built.facets.kind == Kind.ROOF).sum())}",
        f"trees_shade = {str(built.light.crowns is not None).lower()}",
        *([] if built.horizon is None else [f"horizon = {_quote(built.horizon.source)}"]),
        # JSON of texts, numbers and lists of them is TOML.
        *(
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in describe(built.reflectances).items()
        ),
        "",
        "[photovoltaics]",
        *(f"{name} = {value!r}" for name, value in asdict(built.pv.assumptions).items()),
        "",
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8", newline="\n")


def read_description(folder: Path) -> dict[str, Any]:
    """Read what a twin folder says of itself.

    Parameters
    ----------
    folder : Path
        The twin.

    Returns
    -------
    dict
        Tables ``twin``, ``frame``, ``weather``, ``light`` and ``photovoltaics``.

    Raises
    ------
    SourceError
        If the folder is no twin, or one of an older layout.
    """
    path = folder / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        files = [place for place in (folder, *folder.parents) if place.is_file()]
        fault = f"{files[0]} is a file" if files else f"{FILE} is not there"
        # Advise nothing that would write between somebody's own files.
        taken = files or (folder.is_dir() and any(folder.iterdir()))
        free = "heidi-demo" if folder.name != "heidi-demo" else "heidi-demo-new"
        out = free if taken else shlex.quote(str(folder))
        message = (
            f"{folder} must be a twin folder, but {fault}; name a twin, or make one with: "
            f"heidi demo --out {out}"
        )
        raise SourceError(message) from error
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no TOML, no path
        message = f"{path} must be a readable TOML file, but: {error}; build the twin again"
        raise SourceError(message) from error
    found = told.get("twin", {}).get("format", 1)
    if found != FORMAT:
        message = (
            f"{folder} must have the layout {FORMAT} of a twin, got {found}; build it again"
        )
        raise SourceError(message)
    return told


def input_hash(built: "Built") -> str:
    """Return a hash of everything that the written files depend on."""
    from twin.reflectances import describe

    district, weather = built.district, built.weather
    digest = hashlib.sha256()
    layers = [district.buildings, district.landmarks, district.trees, district.decks]
    if district.plan is not None:
        layers.append(district.plan.zones)
    for layer in layers:
        digest.update(layer.drop(columns="geometry").to_csv().encode())
        digest.update(b"".join(shapely.to_wkb(layer.geometry.to_numpy())))
    digest.update(shapely.to_wkb(district.boundary) + shapely.to_wkb(district.water))
    digest.update(np.ascontiguousarray(district.terrain.z).tobytes())
    digest.update(weather.table.to_csv().encode())
    told = {
        "version": version("heidi-twin"),
        "names": [district.name, district.credits, district.notes, district.schematic],
        "terrain": [asdict(district.terrain.grid), district.water_level],
        "weather": [weather.source, weather.notes, weather.sun_offset_minutes],
        "spacing": built.spacing,
        "photovoltaics": asdict(built.pv.assumptions),
    }
    if built.light.crowns is not None:
        told["trees"] = built.light.crowns.transmittance.tolist()
    if built.horizon is not None:
        line = built.horizon
        told["horizon"] = [line.azimuths.tolist(), line.elevations.tolist(), line.source]
    if not built.reflectances.is_default:
        told["reflectances"] = describe(built.reflectances)
        if built.reflectances.parts is not None:
            digest.update(built.reflectances.parts.to_csv().encode())
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()[:16]
