"""Understand what Swedish plans say in columns and sentences."""

import re
from dataclasses import dataclass

from gis.attributes import parse_number

LIMITS: dict[str, tuple[str, ...]] = {
    "building_height": ("byggnadshojd", "hogsta_byggnadshojd", "building_height"),
    "ridge_height": ("nockhojd", "hogsta_nockhojd", "max_nockhojd", "ridge_height"),
    "total_height": (
        "totalhojd",
        "hogsta_totalhojd",
        "max_totalhojd",
        "total_height",
        "max_height",
        "maxhojd",
        "maximum_height",
        "hogsta_hojd",
    ),
    "building_level": ("byggnadshojd_plus", "byggnadshojd_rh2000", "building_level"),
    "ridge_level": ("nockhojd_plus", "nockhojd_rh2000", "plushojd_nock", "ridge_level"),
    "total_level": (
        "totalhojd_plus",
        "totalhojd_rh2000",
        "plushojd",
        "total_level",
        "max_level",
        "hogsta_plushojd",
    ),
    "storeys": ("vaningar", "antal_vaningar", "vaningsantal", "storeys", "max_storeys"),
    "gross_area": ("bta", "bruttoarea", "storsta_bruttoarea", "byggratt_bta", "gross_area"),
    "floor_ratio": ("e_tal", "etal", "exploateringstal", "floor_area_ratio", "floor_ratio"),
    "building_area": ("bya", "byggnadsarea", "storsta_byggnadsarea", "building_area"),
    "building_share": (
        "exploateringsgrad",
        "bya_andel",
        "byggnadsarea_andel",
        "building_area_share",
        "building_share",
        "andel_byggnadsarea",
    ),
    "setback": ("avstand", "avstand_grans", "minsta_avstand", "forgardsmark", "setback"),
    "flood_level": (
        "lagsta_golv",
        "fardigt_golv",
        "golvniva",
        "lagsta_golvniva",
        "flood_level",
        "min_floor_level",
        "oversvamningsniva",
    ),
}
"""Limits and the columns they are read from, without Swedish accents, in order of trust."""

MARKS = {
    "no_building": ("prickmark", "prickad", "no_building", "ej_byggnad"),
    "sheds_only": ("korsmark", "korsprickmark", "kryssmark", "sheds_only"),
}
"""Marks on the ground and the columns of yes and no that tell them."""

RANGES: dict[str, tuple[float, float, str]] = {
    "building_height": (1.0, 400.0, "m"),
    "ridge_height": (1.0, 400.0, "m"),
    "total_height": (1.0, 400.0, "m"),
    "building_level": (-10.0, 1000.0, "m RH2000"),
    "ridge_level": (-10.0, 1000.0, "m RH2000"),
    "total_level": (-10.0, 1000.0, "m RH2000"),
    "storeys": (0.5, 120.0, ""),
    "gross_area": (1.0, 1e6, "m2"),
    "floor_ratio": (0.01, 30.0, ""),
    "building_area": (1.0, 1e6, "m2"),
    "building_share": (0.0, 1.0, ""),
    "setback": (0.0, 100.0, "m"),
    "flood_level": (-5.0, 1000.0, "m RH2000"),
}
"""Values that a plan can mean; others are taken as missing and told."""

USES = {
    "B": "residential",
    "C": "centre",
    "D": "health care",
    "E": "utility",
    "G": "vehicle service",
    "H": "retail",
    "J": "industry",
    "K": "office",
    "L": "farming",
    "N": "recreation",
    "O": "hotel",
    "P": "parking",
    "R": "visitor attraction",
    "S": "school",
    "T": "transport",
    "V": "harbour",
    "W": "open water",
    "Z": "business",
}
"""Letters of use on Swedish plans: BFS 2020:5 (Boverket), and older ones."""

PUBLIC = re.compile(
    r"(\w*gata|(\w|-)*väg|torg|\w*park|natur\w*|gång\w*|cykel\w*|skydd)\d*\b", re.IGNORECASE
)
"""Uses of public ground (allmän plats), where no building stands; "Parkering" is none."""

ALLOWED = {
    "residential": "B",
    "apartments": "B",
    "office": "CK",
    "commercial": "CHKZ",
    "retail": "CH",
    "hotel": "CO",
    "education": "CS",
    "school": "S",
    "university": "CS",
    "culture": "CR",
    "sport": "R",
    "hospital": "D",
    "health": "CD",
    "industrial": "JZ",
    "utility": "EJ",
    "transport": "T",
    "parking": "P",
    "garage": "BP",
    "harbour": "V",
}
"""Letters under which a use of this twin's words is allowed. ``C`` (centrum) holds shops,
offices, services, assembly and education of adults, but no homes; assumed."""

SHEDS = ("garage", "shed", "komplementbyggnad", "carport", "outbuilding")
"""Uses that ground for outbuildings only (korsmark) allows."""

ROMAN = {
    numeral: float(number)
    for number, numeral in enumerate(
        ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"), 1
    )
}
"""Storeys as plans number them; taller buildings are given in figures."""

_NUMBER = r"([+-]?\s?\d+(?:[ \u00a0]\d{3})*(?:[.,]\d+)?)"
_ABOVE_ZERO = re.compile(r"nollplan|rh ?2000|m[öo]h|över havet|over havet", re.I)
_OTHER_DATUM = re.compile(
    r"rh ?(?:70|00)\b|rh ?1900|lokal\w* (?:höjd|noll|referens|system)", re.I
)
_BETWEEN_RULES = re.compile(r"(?<=[.;!])\s+(?=[A-ZÅÄÖ])|\s*[\r\n]+\s*")
_SENTENCES = (
    ("building_height", re.compile(rf"byggnadshöjd\D*?{_NUMBER}", re.I)),
    ("ridge_height", re.compile(rf"nockhöjd\D*?{_NUMBER}", re.I)),
    ("total_height", re.compile(rf"totalhöjd\D*?{_NUMBER}", re.I)),
    ("storeys", re.compile(rf"(?:antal(?:et)? våningar|våningsantal)\D*?{_NUMBER}", re.I)),
    ("gross_area", re.compile(rf"bruttoarea\D*?{_NUMBER}\s*(?:m2|m²|kvm|kvadrat)", re.I)),
    ("building_share", re.compile(rf"byggnadsarea\D*?{_NUMBER}\s*(?:%|procent)", re.I)),
    (
        "building_area",
        re.compile(rf"byggnadsarea\D*?{_NUMBER}\s*(?:m2|m²|kvm|kvadrat)", re.I),
    ),
    ("floor_ratio", re.compile(rf"(?:e-tal|exploateringstal)\D*?{_NUMBER}", re.I)),
    ("setback", re.compile(rf"minst\s*{_NUMBER}\s*m\w*\s*från\s*\w*gräns", re.I)),
    ("flood_level", re.compile(rf"(?:golv\w*|golvnivå)\D*?{_NUMBER}", re.I)),
)
_NO_BUILDING = re.compile(r"får inte (?:förses med|bebyggas)|prickmark", re.I)
_SHEDS_ONLY = re.compile(r"endast (?:förses|bebyggas) med komplement|korsmark", re.I)
_YES = {"1", "1.0", "true", "t", "yes", "y", "ja", "j", "x", "sant"}


@dataclass(frozen=True)
class Told:
    """What a sentence of a plan rules.

    Attributes
    ----------
    limits : dict of str to float
        Names of `LIMITS` and their values.
    no_building, sheds_only : bool
        Whether it forbids buildings, or all but outbuildings.
    other_datum : bool
        Whether a level is above another zero than that of RH2000 and left out.
    """

    limits: dict[str, float]
    no_building: bool
    sheds_only: bool
    other_datum: bool


def read_sentence(text: str) -> Told:
    """Read the rule in a sentence such as Boverket's catalogue words it.

    Examples
    --------
    >>> read_sentence("Högsta nockhöjd är 12,5 meter").limits
    {'ridge_height': 12.5}
    >>> read_sentence("Högsta totalhöjd är +45,0 meter över angivet nollplan").limits
    {'total_level': 45.0}
    >>> read_sentence("Marken får inte förses med byggnad").no_building
    True
    """
    text = " ".join(text[:2000].split())
    limits: dict[str, float] = {}
    has_other = bool(_OTHER_DATUM.search(text))
    left_out = False
    above_zero = bool(_ABOVE_ZERO.search(text))
    for name, rule in _SENTENCES:
        found = rule.search(text)
        if found is None:
            continue
        number = found.group(1)
        value = parse_number(re.sub(r"[ \u00a0]", "", number))
        is_level = above_zero or number.startswith("+")
        is_high = name.endswith("_height") and is_level
        limit = name.replace("_height", "_level") if is_high else name
        if limit.endswith("_level") and has_other:
            left_out = True
            continue
        limits[limit] = value / 100.0 if limit == "building_share" else value
    return Told(
        limits, bool(_NO_BUILDING.search(text)), bool(_SHEDS_ONLY.search(text)), left_out
    )


def unread_sentences(text: str) -> tuple[str, ...]:
    """Sentences of a text that hold a rule for people only.

    Examples
    --------
    >>> unread_sentences("Högsta nockhöjd är 12 meter. Fasad ska vara av tegel.")
    ('Fasad ska vara av tegel.',)
    >>> unread_sentences("Högsta totalhöjd är +40 meter över nollplanet RH70")
    ('Högsta totalhöjd är +40 meter över nollplanet RH70',)
    """
    pieces = [piece for piece in _BETWEEN_RULES.split(text) if piece.strip()]
    return tuple(piece for piece in pieces if not _is_read(piece))


def _is_read(sentence: str) -> bool:
    """Whether all that a sentence rules is understood, as far as a machine can tell."""
    told = read_sentence(sentence)
    if told.other_datum:
        return False
    # Above which zero a height is measured is no rule of its own.
    is_remark = len(sentence) < 60 and _ABOVE_ZERO.search(sentence) is not None
    return bool(told.limits or told.no_building or told.sheds_only or is_remark)


def read_storeys(text: str) -> float:
    """Read the number of storeys as plans write it, NaN if it cannot be read.

    Examples
    --------
    >>> read_storeys("IV"), read_storeys("3"), read_storeys("II½"), read_storeys("hög")
    (4.0, 3.0, 2.5, nan)
    """
    half = 0.5 if text.endswith(("½", "1/2")) else 0.0
    core = text.removesuffix("½").removesuffix("1/2").strip().upper()
    return ROMAN.get(core, parse_number(core)) + half if core else float("nan")


def read_yes(text: str) -> bool:
    """Whether a text says yes."""
    return text.strip().lower() in _YES


def letters_of(text: str) -> tuple[str, ...]:
    """Letters of use in a designation.

    Examples
    --------
    >>> letters_of("BCK1"), letters_of("Bostäder, kontor"), letters_of("PARK")
    (('B', 'C', 'K'), ('B', 'K'), ())
    """
    text = text.strip()
    if is_public(text):
        return ()
    found: list[str] = []
    for word in re.split(r"[\s,;/+&]+|\boch\b", text):
        core = re.sub(r"[\d()₀-₉]+", "", word)
        if core and core.isupper() and all(letter in USES for letter in core):
            found += list(core)
        else:
            found += [
                letter for start, letter in _USE_WORDS if core.lower().startswith(start)
            ]
    return tuple(dict.fromkeys(found))


def is_public(text: str) -> bool:
    """Whether a use is one of public ground, where no building stands."""
    return PUBLIC.match(text.strip()) is not None


_USE_WORDS = (
    ("bostad", "B"),
    ("bostäd", "B"),
    ("residential", "B"),
    ("centrum", "C"),
    ("centre", "C"),
    ("vård", "D"),
    ("teknisk", "E"),
    ("utility", "E"),
    ("detaljhandel", "H"),
    ("handel", "H"),
    ("retail", "H"),
    ("commercial", "H"),
    ("industri", "J"),
    ("kontor", "K"),
    ("office", "K"),
    ("odling", "L"),
    ("friluft", "N"),
    ("tillfällig", "O"),
    ("hotell", "O"),
    ("hotel", "O"),
    ("parkering", "P"),
    ("parking", "P"),
    ("besök", "R"),
    ("kultur", "R"),
    ("skola", "S"),
    ("förskola", "S"),
    ("education", "S"),
    ("trafik", "T"),
    ("hamn", "V"),
    ("verksamhet", "Z"),
)
