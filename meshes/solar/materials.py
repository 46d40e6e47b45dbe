"""Tell how much sunlight materials reflect."""

import difflib
import unicodedata
from dataclasses import dataclass

from gis.errors import GeometryError, UnknownIdError

_OKE = "Oke, Boundary Layer Climates, 2nd ed., tables 1.1 and 8.1"
_PVSYST = "PVsyst help, albedo usual coefficients"
_PVLIB = "pvlib.albedo.SURFACE_ALBEDOS"


@dataclass(frozen=True)
class Material:
    """A surface that reflects sunlight.

    Attributes
    ----------
    name, swedish : str
        What it is called.
    reflectance : float
        Share of sunlight (0.3 to 2.5 um) that it reflects, taken as even in all directions.
    lowest, highest : float
        Range that the source gives, or that is thought possible.
    source : str
        Where the number comes from; begins with "assumed" where no source gives it.
    year : int or None
        Of the source; None of pages that change and of what is assumed.
    note : str
        What to know before use.
    """

    name: str
    swedish: str
    reflectance: float
    lowest: float
    highest: float
    source: str
    year: int | None
    note: str = ""

    @property
    def is_assumed(self) -> bool:
        """Whether no source gives just this value."""
        return self.source.startswith("assumed")


MATERIALS = (
    # Ground
    Material("asphalt", "asfalt", 0.12, 0.09, 0.15, _PVSYST, None, "dry and worn"),
    Material("wet asphalt", "våt asfalt", 0.18, 0.15, 0.20, _PVSYST, None),
    Material("concrete", "betong", 0.30, 0.25, 0.35, _PVSYST, None, "falls with age"),
    Material("granite", "granit", 0.28, 0.20, 0.35, f"{_OKE}: stone", 1987, "middle"),
    Material("gravel", "grus", 0.20, 0.10, 0.35, "assumed: asphalt to stone", None),
    Material("soil", "jord", 0.17, 0.05, 0.40, f"{_PVLIB}; range: Oke", None),
    Material("sand", "sand", 0.40, 0.20, 0.45, _PVLIB, None, "dry"),
    Material("grass", "gräs", 0.20, 0.16, 0.26, f"{_PVLIB}; range: Oke", None),
    Material("fresh grass", "friskt gräs", 0.26, 0.20, 0.26, _PVSYST, None),
    Material("trees", "träd", 0.18, 0.15, 0.20, f"{_OKE}: deciduous", 1987, "bare 0.15"),
    Material(
        "water", "vatten", 0.06, 0.03, 0.10, f"{_PVLIB}: sea", None,
        "high sun; see water_albedo for low sun",
    ),
    Material("fresh snow", "nysnö", 0.82, 0.75, 0.95, f"{_PVSYST}; range: Oke", None),
    Material(
        "old snow", "gammal snö", 0.65, 0.40, 0.75, f"{_PVSYST}: wet snow; range: Oke", None
    ),
    # Walls
    Material("red brick", "rött tegel", 0.30, 0.20, 0.40, f"{_OKE}: brick", 1987, "middle"),
    Material(
        "yellow brick", "gult tegel", 0.40, 0.30, 0.50,
        "assumed: the upper end of Oke's range of brick", None,
    ),
    Material(
        "white render", "vit puts", 0.70, 0.50, 0.90, f"{_OKE}: white paint", 1987,
        "middle; falls with dirt",
    ),
    Material(
        "yellow render", "gul puts", 0.50, 0.35, 0.60,
        "assumed: between Oke's coloured and white paints", None,
    ),
    Material(
        "grey render", "grå puts", 0.35, 0.20, 0.45, "assumed: as concrete, lighter",
        None,
    ),
    Material(
        "wood", "trä", 0.40, 0.30, 0.60, "assumed: unpainted and weathered", None,
        "new wood is lighter",
    ),
    Material(
        "red painted wood", "rödfärgat trä", 0.28, 0.20, 0.35, f"{_OKE}: red paint", 1987,
        "middle",
    ),
    Material(
        "glass", "glas", 0.24, 0.08, 0.52,
        "Fresnel's equations for two panes of index 1.52 in even light; range: Oke", 1987,
        "0.15 head on; absorption left out; a mirror in truth",
    ),
    Material(
        "coated glass", "solskyddsglas", 0.35, 0.20, 0.45,
        "assumed: what makers give for sun protection glass", None, "a mirror in truth",
    ),
    # Roofs
    Material("clay tiles", "tegelpannor", 0.33, 0.10, 0.35, f"{_PVSYST}; range: Oke", None),
    Material(
        "concrete tiles", "betongpannor", 0.22, 0.10, 0.35, f"{_OKE}: tile", 1987, "middle"
    ),
    Material("slate", "skiffer", 0.10, 0.10, 0.14, f"{_OKE}: slate", 1987),
    Material(
        "roof felt", "takpapp", 0.10, 0.05, 0.20,
        "assumed: between Oke's black paint and tar with gravel", None, "dark",
    ),
    Material(
        "gravel roof", "singeltak", 0.13, 0.08, 0.18, f"{_OKE}: tar and gravel", 1987,
        "middle",
    ),
    Material("green roof", "sedumtak", 0.20, 0.16, 0.26, f"{_OKE}: grass", 1987),
    # Metal
    Material(
        "metal sheet", "plåt", 0.28, 0.20, 0.35, f"{_OKE}: red, brown, green paint", 1987,
        "painted; black 0.02-0.15",
    ),
    Material(
        "galvanised steel", "galvaniserad plåt", 0.35, 0.08, 0.35, _PVSYST, None, "new"
    ),
    Material(
        "weathered galvanised steel", "smutsig galvaniserad plåt", 0.08, 0.08, 0.16,
        f"{_PVSYST}; range: Oke's corrugated iron", None,
    ),
    Material("aluminium", "aluminium", 0.85, 0.60, 0.85, _PVSYST, None, "bare"),
    Material(
        "copper", "koppar", 0.74, 0.20, 0.74, _PVSYST, None, "new; brown is far darker"
    ),
    # Power
    Material(
        "photovoltaic module", "solcellsmodul", 0.10, 0.07, 0.14,
        "Santbergen and van Zolingen, Sol. Energy Mater. Sol. Cells 92, 432-444", 2008,
        "absorbs 90.5 % head on; a mirror in truth",
    ),
)  # fmt: skip
"""Reflectance of new or ordinary surfaces; single ones differ by as much as the range."""


def find_material(name: str) -> Material:
    """Look a material up by its English or Swedish name.

    Parameters
    ----------
    name : str
        Capitals, accents, hyphens and spaces around it do not count.

    Returns
    -------
    Material

    Raises
    ------
    UnknownIdError
        If there is none of this name; the message names the nearest and lists all.

    Examples
    --------
    >>> find_material("Rött tegel").name
    'red brick'
    >>> find_material("asphalt").reflectance
    0.12
    """
    names = {_plain(word): one for one in MATERIALS for word in (one.name, one.swedish)}
    found = names.get(_plain(name))
    if found is None:
        near = difflib.get_close_matches(_plain(name), names, n=1)
        guess = f"did you mean {names[near[0]].name!r}? " if near else ""
        listed = ", ".join(f"{one.name} ({one.swedish})" for one in MATERIALS)
        message = f"material must be known, got {name!r}; {guess}known are {listed}"
        raise UnknownIdError(message)
    return found


@dataclass(frozen=True)
class Reflectance:
    """Share of light that a surface reflects, with where the number comes from.

    Attributes
    ----------
    value : float
        At least 0 and below 1 [-].
    source : str
        In a few words.
    """

    value: float
    source: str


def read_reflectance(text: str, *, name: str = "reflectance") -> Reflectance:
    """Read a reflectance as people write it: a number, or the name of a material.

    Parameters
    ----------
    text : str
        A share from 0 to below 1, or a name of `MATERIALS`.
    name : str
        What to call it in messages.

    Returns
    -------
    Reflectance

    Raises
    ------
    GeometryError
        If the number is no such share.
    UnknownIdError
        If it is neither a number nor a known material.

    Examples
    --------
    >>> read_reflectance("0.35")
    Reflectance(value=0.35, source='given')
    >>> read_reflectance("rött tegel").source
    'red brick (Oke, Boundary Layer Climates, 2nd ed., tables 1.1 and 8.1: brick)'
    """
    try:
        value = float(text)
    except ValueError:
        found = find_material(text)
        return Reflectance(found.reflectance, f"{found.name} ({found.source})")
    if not 0.0 <= value < 1.0:
        message = (
            f"{name} must be at least 0 and below 1, got {value:g}; give a share of "
            "light, not percent, or a material"
        )
        raise GeometryError(message)
    return Reflectance(value, "given")


def _plain(name: str) -> str:
    """Bring a name to small letters without accents."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(kept.replace("-", " ").replace("_", " ").split())
