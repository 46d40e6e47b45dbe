"""Say in the words of this twin what providers say of the use of a building."""

from collections.abc import Mapping

WORDS = (
    "residential",
    "office",
    "commercial",
    "hotel",
    "education",
    "health",
    "culture",
    "public",
    "transport",
    "utility",
    "agriculture",
    "garage",
    "ancillary",
)
"""The words; "" where nothing is known."""

_OSM = {
    "residential": "apartments house residential detached semidetached_house terrace "
    "dormitory bungalow cabin houseboat static_caravan allotment_house",
    "office": "office",
    "commercial": "commercial retail supermarket kiosk shop",
    "hotel": "hotel",
    "education": "school university college kindergarten",
    "health": "hospital clinic",
    "culture": "church chapel cathedral mosque synagogue temple religious museum theatre "
    "library stadium sports_hall sports_centre pavilion",
    "public": "public civic government townhall fire_station police",
    "transport": "train_station transportation parking hangar",
    "utility": "service transformer_tower industrial warehouse manufacture storage_tank "
    "digester water_tower factory",
    "agriculture": "farm_auxiliary barn stable cowshed sty greenhouse silo farm",
    "garage": "garage garages carport",
    "ancillary": "shed hut outbuilding roof",
}
OSM: Mapping[str, str] = {v: word for word, values in _OSM.items() for v in values.split()}
"""Word for a value of the OpenStreetMap key ``building``."""

LANTMATERIET: Mapping[str, str] = {
    "bostad": "residential",
    "industri": "utility",
    "samhällsfunktion": "public",
    "verksamhet": "commercial",
    "ekonomibyggnad": "agriculture",
    "komplementbyggnad": "ancillary",
    "övrig byggnad": "",
}
"""Word for an object type of Lantmäteriet (``objekttyp``, 2061..2067), in lower case."""

LANTMATERIET_PURPOSES: Mapping[str, str] = {
    "badhus": "culture",
    "brandstation": "public",
    "busstation": "transport",
    "djursjukhus": "health",
    "garage": "garage",
    "handel": "commercial",
    "hotell": "hotel",
    "hälsocentral": "health",
    "högskola": "education",
    "ishall": "culture",
    "järnvägsstation": "transport",
    "kontor": "office",
    "kulturbyggnad": "culture",
    "multiarena": "culture",
    "parkeringshus": "transport",
    "ridhus": "culture",
    "samfund": "culture",
    "sjukhus": "health",
    "skola": "education",
    "sporthall": "culture",
    "universitet": "education",
    "vårdcentral": "health",
}
"""Word for a purpose within an object type, in lower case.

The values are those of Lantmäteriet's product Byggnad Nedladdning, vektor; a purpose that
is not named here takes the word of its object type.
"""

OVERTURE: Mapping[str, str] = {
    "residential": "residential",
    "commercial": "commercial",
    "education": "education",
    "medical": "health",
    "entertainment": "culture",
    "religious": "culture",
    "civic": "public",
    "service": "utility",
    "transportation": "transport",
    "industrial": "utility",
    "agricultural": "agriculture",
    "outbuilding": "ancillary",
    "military": "public",
}
"""Word for a ``subtype`` of Overture; its ``class`` has the values of OpenStreetMap."""


def osm_use(value: str) -> str:
    """Word for a value of the OpenStreetMap key ``building``.

    Parameters
    ----------
    value : str
        As mapped.

    Returns
    -------
    str
        A word of `WORDS`; a value that is not known comes back as it is, "" for yes.

    Examples
    --------
    >>> osm_use("apartments"), osm_use("yes"), osm_use("bunker")
    ('residential', '', 'bunker')
    """
    plain = value.strip().lower()
    return "" if plain in {"", "yes", "true", "1"} else OSM.get(plain, plain)


def swedish_use(object_type: str, purpose: str = "") -> str:
    """Word for an object type and purpose of the Swedish register.

    Parameters
    ----------
    object_type, purpose : str
        Such as "Samhällsfunktion" and "Skola"; in any case of letters.

    Returns
    -------
    str
        A word of `WORDS`, "" where none is known.

    Examples
    --------
    >>> swedish_use("Samhällsfunktion", "Skola"), swedish_use("Verksamhet")
    ('education', 'commercial')
    """
    told = LANTMATERIET_PURPOSES.get(purpose.strip().lower())
    return told or LANTMATERIET.get(object_type.strip().lower(), "")
