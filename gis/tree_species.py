"""Tell evergreen from deciduous trees by their names."""

import re
import unicodedata
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import as_text, find_columns

SPECIES_COLUMNS = (
    "species",
    "taxon",
    "vetenskapligt_namn",
    "latinskt_namn",
    "latin",
    "species:sv",
    "genus",
    "genus:sv",
    "tradslag",
    "trädslag",
    "tradart",
    "trädart",
    "art",
    "artnamn",
)
"""Columns that may name the species, in order of trust; lower case or not."""

CYCLE_COLUMNS = ("leaf_cycle",)
TYPE_COLUMNS = ("leaf_type",)
"""Columns of OpenStreetMap that tell what leaves do and look like."""


class LeafCycle(StrEnum):
    """What a tree's leaves do in winter."""

    DECIDUOUS = "deciduous"
    EVERGREEN = "evergreen"
    UNKNOWN = ""


EVERGREENS = frozenset(
    [
        *("abies", "silvergran", "adelgran"),
        *("buxus", "buxbom"),
        *("cedrus", "ceder"),
        *("chamaecyparis", "cupressus", "cypress", "adelcypress", "adelcypresser"),
        *("ilex", "jarnek"),
        *("juniperus",),  # "en", its Swedish name, is also the article
        *("picea", "gran", "rodgran", "serbgran", "blagran"),
        *("pinus", "tall", "svarttall", "bergtall", "contortatall", "fura"),
        *("pseudotsuga", "douglasgran"),
        *("sequoiadendron", "mammuttrad", "sequoia"),
        *("taxus", "idegran"),
        *("thuja", "tuja", "thujopsis"),
        *("tsuga", "hemlock", "hemlocksgran"),
    ]
)
"""Genera that keep their leaves, Latin and Swedish, without accents."""

DECIDUOUS = frozenset(
    [
        *("acer", "lonn", "skogslonn", "tysklonn", "naverlonn"),
        *("aesculus", "hastkastanj", "kastanj"),
        *("ailanthus", "gudatrad"),
        *("alnus", "al", "klibbal", "graal"),
        *("amelanchier", "haggmispel"),
        *("betula", "bjork", "vartbjork", "glasbjork", "masurbjork", "ornasbjork"),
        *("carpinus", "avenbok"),
        *("castanea", "corylus", "hassel", "turkhassel"),
        *("cercidiphyllum", "katsura"),
        *("crataegus", "hagtorn", "rundhagtorn", "trubbhagtorn"),
        *("fagus", "bok", "blodbok"),
        *("fraxinus", "ask", "mannaask"),
        *("ginkgo", "gleditsia", "korstorn"),
        *("juglans", "valnot", "valnotstrad"),
        *("larix", "lark"),
        *("liquidambar", "ambratrad", "liriodendron", "tulpantrad"),
        *("magnolia", "malus", "apel", "appletrad", "prydnadsapel"),
        *("metasequoia", "kinesisk sekvoja", "taxodium", "sumpcypress"),
        *("morus", "mullbar", "mullbarstrad"),
        *("platanus", "platan"),
        *("populus", "poppel", "asp", "balsampoppel", "svartpoppel"),
        *("prunus", "korsbar", "sotkorsbar", "fagelbar", "hagg", "plommon", "korsbarstrad"),
        *("pterocarya", "vingnot"),
        *("pyrus", "paron", "parontrad"),
        *("quercus", "ek", "skogsek", "bergek", "rodek"),
        *("robinia", "styphnolobium", "sophora"),
        *("salix", "pil", "salg", "vitpil", "tarpil", "knackepil"),
        *("sambucus", "flader"),
        *("sorbus", "ronn", "oxel", "vitoxel"),
        *("syringa", "syren"),
        *("tilia", "lind", "skogslind", "parklind", "bohuslind", "silverlind"),
        *("ulmus", "alm", "skogsalm", "vresalm"),
        *("zelkova",),
    ]
)
"""Genera that lose their leaves, Latin and Swedish, without accents. Larch, dawn redwood
and bald cypress are conifers among them."""

HOLM_OAKS = re.compile(r"\bquercus\s+(ilex|suber)\b|\bstenek\b|\bkorkek\b")
LAUREL = re.compile(r"\bprunus\s+(laurocerasus|lusitanica)\b|\blagerhagg\b")
"""Evergreen species of deciduous genera."""

Texts = npt.NDArray[np.object_]


def read_species(frame: pd.DataFrame) -> tuple[Texts, Texts]:
    """Take species and leaf cycle from a table of trees.

    Parameters
    ----------
    frame : DataFrame
        Any columns; `SPECIES_COLUMNS`, `CYCLE_COLUMNS` and `TYPE_COLUMNS` are looked for.

    Returns
    -------
    species, cycle : (n,) object
        Text as it is told by the first column that tells one, and a `LeafCycle`; ""
        unknown. What the table says of the leaves counts more than the name.
    """
    species = _first_text(frame, SPECIES_COLUMNS)
    stated = _first_text(frame, CYCLE_COLUMNS)
    needles = _first_text(frame, TYPE_COLUMNS)
    found = [
        _cycle(str(name), str(said), str(kind))
        for name, said, kind in zip(species, stated, needles, strict=True)
    ]
    return species, np.array(found, dtype=object)


def leaf_cycle(species: str) -> LeafCycle:
    """Tell what a tree's leaves do in winter.

    Parameters
    ----------
    species : str
        Latin or Swedish name of species or genus, in any case; cultivars may follow.

    Returns
    -------
    LeafCycle
        `LeafCycle.UNKNOWN` for names that the table does not hold.

    Examples
    --------
    >>> leaf_cycle("Tilia x europaea 'Pallida'"), leaf_cycle("Svarttall")
    (<LeafCycle.DECIDUOUS: 'deciduous'>, <LeafCycle.EVERGREEN: 'evergreen'>)
    """
    name = _plain(species)
    if HOLM_OAKS.search(name) or LAUREL.search(name):
        return LeafCycle.EVERGREEN
    words = re.findall(r"[a-z]+", name)
    for k, word in enumerate(words):
        pair = " ".join(words[k : k + 2])
        if word in DECIDUOUS or pair in DECIDUOUS:
            return LeafCycle.DECIDUOUS
        if word in EVERGREENS or pair in EVERGREENS:
            return LeafCycle.EVERGREEN
    return LeafCycle.UNKNOWN


def _cycle(species: str, stated: str, kind: str) -> LeafCycle:
    """Decide by what is stated, then by the name, then by needles."""
    said = stated.strip().lower()
    if said in set(LeafCycle):
        told = LeafCycle(said)
        if told:
            return told
    by_name = leaf_cycle(species)
    if by_name:
        return by_name
    # Larch is the only common conifer that is bare, and is mostly named.
    is_needled = kind.strip().lower() == "needleleaved"
    return LeafCycle.EVERGREEN if is_needled else LeafCycle.UNKNOWN


def _first_text(frame: pd.DataFrame, names: tuple[str, ...]) -> Texts:
    """Return the first text that any of the columns tells, row by row."""
    found = pd.Series("", index=frame.index, dtype=object)
    for column in find_columns(frame, names):
        told = as_text(frame[column]).str.strip()
        found = found.where(found != "", told)
    texts: Texts = found.to_numpy(dtype=object)
    return texts


def _plain(text: str) -> str:
    """Return text in lower case without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))
