"""Translate what maps say of the ground into classes."""

import re
from collections.abc import Mapping

import pandas as pd

from gis.attributes import parse_number

WORDS = {
    "building": "building byggnad byggnader roof tak house hus",
    "water": "water vatten sea hav lake sjö sjo river å harbour basin bassäng vattenyta",
    "rail": "rail railway järnväg jarnvag spår spar track tram",
    "paved": (
        "paved asphalt asfalt concrete betong road väg vag street gata parking parkering "
        "square torg pavement hårdgjord hardgjord sealed impervious plaza"
    ),
    "trees": "trees tree forest wood woodland skog träd trad lövskog barrskog scrub buskar",
    "grass": "grass gräs gras lawn gräsmatta park meadow äng ang vegetation green grönyta",
    "crops": "crops cropland farmland åker aker odling åkermark arable",
    "sand": "sand beach strand",
    "soil": "soil jord bare barren ground gravel grus dirt",
    "wetland": "wetland sankmark våtmark vatmark marsh bog",
    "open": "open öppen oppen öppen_mark open_land",
    "built": "built built-up urban bebyggelse settlement residential industrial tätort",
    "unknown": "unknown okänd okand other övrigt ovrigt",
}
"""Plain words, English and Swedish, for each class."""

LANTMATERIET = {
    "water": r"vatten|sjö|hav|anlagt vatten|vattendragsyta|damm",
    "trees": r"skog|barr|löv|björkskog",
    "crops": r"åker|fruktodling|odlåker|odlfrukt",
    "wetland": r"sank|våt|myr",
    "paved": r"torg|öptorg|paved|väg|trafikyta",
    "built": r"beb|(låg|hög|sluten) bebyggelse|industri|begr",
    "soil": r"grus|täkt|berg i dagen|kalfjäll|öpkfjäll",
    "rail": r"järnväg|spår",
    "open": r"öp|öppen",
}
"""Beginnings of Lantmäteriet's kinds of land cover, first match wins: names of Topografi 10
("Lövskog", "Öppen mark") and codes of the older Fastighetskarta ("SKOGLÖV", "ÖPMARK")."""

_LANTMATERIET = {
    name: re.compile(rf"({rule})", re.I) for name, rule in LANTMATERIET.items()
}
_WORDS = {word: name for name, words in WORDS.items() for word in words.split()}

OSM_RULES: tuple[tuple[str, str, str], ...] = (
    ("building", "", "building"),
    ("natural", "water bay strait", "water"),
    ("water", "", "water"),
    ("waterway", "riverbank dock basin canal river", "water"),
    ("landuse", "basin reservoir", "water"),
    ("place", "sea ocean", "water"),
    ("landuse", "railway", "rail"),
    ("railway", "rail light_rail tram subway narrow_gauge siding yard", "rail"),
    ("surface", "asphalt concrete paved paving_stones sett cobblestone", "paved"),
    ("surface", "grass grass_paver artificial_turf", "grass"),
    ("surface", "sand", "sand"),
    ("surface", "gravel fine_gravel dirt ground earth unpaved compacted", "soil"),
    ("natural", "wood scrub tree_group shrubbery heath", "trees"),
    ("landuse", "forest orchard", "trees"),
    ("natural", "grassland fell", "grass"),
    ("natural", "beach sand dune shoal", "sand"),
    ("natural", "bare_rock scree shingle rock mud", "soil"),
    ("natural", "wetland", "wetland"),
    ("leisure", "park garden pitch playground golf_course dog_park", "grass"),
    ("landuse", "grass meadow village_green recreation_ground cemetery flowerbed", "grass"),
    ("landuse", "greenfield allotments plant_nursery", "grass"),
    ("landuse", "farmland vineyard", "crops"),
    ("landuse", "brownfield construction quarry landfill", "soil"),
    ("amenity", "parking bicycle_parking fuel bus_station marketplace", "paved"),
    ("aeroway", "runway taxiway apron helipad", "paved"),
    ("man_made", "pier quay breakwater", "paved"),
    ("place", "square", "paved"),
    ("highway", "", "paved"),
    ("landuse", "residential industrial commercial retail port garages", "built"),
    ("landuse", "institutional education religious military farmyard depot", "built"),
    ("amenity", "school university college hospital kindergarten", "built"),
)
"""Key, values ("" any) and class; the first match wins: what lies on top comes first."""

_OSM = tuple((key, frozenset(values.split()), name) for key, values, name in OSM_RULES)
_NO = {"", "no", "nan", "none", "false", "0", "proposed", "demolished"}
_NO_ROAD = {
    "proposed",
    "construction",
    "platform",
    "corridor",
    "elevator",
    "steps_proposed",
}

ROAD_WIDTHS = {
    "motorway": 12.0,
    "trunk": 10.0,
    "primary": 9.0,
    "secondary": 8.0,
    "tertiary": 7.0,
    "residential": 6.0,
    "unclassified": 6.0,
    "living_street": 5.0,
    "service": 4.0,
    "pedestrian": 5.0,
    "cycleway": 3.0,
    "footway": 2.0,
    "path": 1.5,
    "steps": 2.0,
    "track": 3.0,
}
"""Width of a road that tells none, by its kind [m]; assumed."""

RAIL_WIDTH = 4.0
"""Ballast of a single track [m]; assumed."""

OTHER_WIDTH = 4.0
"""Width of other roads [m]; assumed."""


def class_of_word(text: str) -> str:
    """Class of a plain word, "" if it is none.

    Examples
    --------
    >>> class_of_word("Grass"), class_of_word("hårdgjord yta"), class_of_word("blue")
    ('grass', 'paved', '')
    """
    words = re.split(r"[\s,/]+", text.strip().lower())
    return next((_WORDS[word] for word in words if word in _WORDS), "")


def class_of_lantmateriet(text: str) -> str:
    """Class of a kind of Lantmäteriet's land cover, "" if it is none.

    Examples
    --------
    >>> class_of_lantmateriet("SKOGLÖV"), class_of_lantmateriet("Barr- och blandskog")
    ('trees', 'trees')
    >>> class_of_lantmateriet("ÖPTORG"), class_of_lantmateriet("Öppen mark")
    ('paved', 'open')
    """
    text = text.strip()
    if text[:3].upper() == "ODL":
        return "crops"
    return next((name for name, rule in _LANTMATERIET.items() if rule.match(text)), "")


def class_of_osm(tags: Mapping[str, str], *, is_area: bool) -> str:
    """Class of an element of OpenStreetMap by its tags.

    Parameters
    ----------
    tags : mapping
        Keys and values in lower case.
    is_area : bool
        Whether it is an area; a line is ground only as a road or a track.

    Returns
    -------
    str
        "" for what is no ground: tunnels, bridges (see `gis.decks`), administrative areas.

    Examples
    --------
    >>> class_of_osm({"leisure": "park", "natural": "water"}, is_area=True)
    'water'
    """
    if tags.get("tunnel", "") not in _NO or tags.get("location") == "underground":
        return ""
    if tags.get("bridge", "") not in _NO or tags.get("man_made") == "bridge":
        return ""
    if not is_area:
        if tags.get("highway", "") not in _NO | _NO_ROAD:
            return "paved"
        rules = next(values for key, values, name in _OSM if key == "railway")
        return "rail" if tags.get("railway", "") in rules - {"subway"} else ""
    for key, values, name in _OSM:
        value = tags.get(key, "")
        if value not in _NO and (not values or value in values):
            return name
    return ""


def width_of_osm(row: pd.Series) -> float:
    """Width of a road or track [m]: as told if plausible, else assumed by its kind."""
    tags = {str(key).lower(): str(value).lower() for key, value in row.items()}
    told = parse_number(tags.get("width", ""))
    if 0.5 <= told <= 60.0:
        return told
    if tags.get("railway", "") not in _NO:
        return RAIL_WIDTH
    return ROAD_WIDTHS.get(tags.get("highway", ""), OTHER_WIDTH)
