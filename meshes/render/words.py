"""Word the captions of the pictures in Swedish and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshes.render.catalogue import Language, Style, View
from meshes.render.colours import UNIT

if TYPE_CHECKING:
    import pandas as pd

    from meshes.render.sunlight import Sun

NARROW_SPACE = "\u202f"
"""Separates thousands in Swedish, never breaks."""

MINUS = "\u2212"

AS_GIVEN = ", as given by the user"
"""What `gis.assemble.read_district` writes behind the names of files."""


@dataclass(frozen=True)
class Words:
    """Everything that captions say in one language.

    Attributes
    ----------
    months, compass : tuple of str
        Twelve months from January; sixteen sides from north, clockwise.
    compass_letters : (str, str, str, str)
        North, east, south, west.
    turning_points : tuple of str
        March equinox, June solstice, September equinox, December solstice.
    moment : str
        Date, clock, name of the clock and offset, see `moment_words`.
    clocks : mapping
        Name of the clock by its abbreviation.
    clock_mark : str
        Between hours and minutes.
    thousands : str
        Between thousands.
    sun_up, sun_down : str
        Where the sun stands; below the horizon.
    sun_height, sun_depth : str
        Its height above or below the horizon in the captions of films.
    rise, sets, never_rises, never_sets : str
        When the sun comes and goes.
    schematic : str
        Marks a district that is not surveyed.
    legend, unit : str
        Title and unit of the irradiation's colours.
    scale_note : str
        Where the scale of a perspective picture holds.
    path : tuple of str
        Explains the map of the sun's path.
    credit : str
        Comes before the credits.
    as_given : str
        Ends the credit of a file that nothing else is known of.
    boundary : str
        Explains the dashed line of the map.
    model, sun, data, data_film, trees_bare, trees_shade, system : str
        Sentences on what is shown and how far it can be trusted.
    film : (str, str)
        Sentence on how films were made, for one minute and for several.
    topics : mapping
        What a look shows.
    film_topics : mapping
        The same over a day.
    plan_topic : str
        What the map shows.
    views : mapping
        Names of the views.
    water_view : str
        Name of the first view where the water is not the Sound.
    names : mapping
        Proper names and credits that are called otherwise than in the tables.
    """

    months: tuple[str, ...]
    compass: tuple[str, ...]
    compass_letters: tuple[str, str, str, str]
    turning_points: tuple[str, str, str, str]
    moment: str
    clocks: Mapping[str, str]
    clock_mark: str
    thousands: str
    sun_up: str
    sun_down: str
    sun_height: str
    sun_depth: str
    rise: str
    sets: str
    never_rises: str
    never_sets: str
    schematic: str
    legend: str
    unit: str
    scale_note: str
    path: tuple[str, ...]
    credit: str
    as_given: str
    boundary: str
    model: str
    model_roofs: str
    sun: str
    data: str
    data_film: str
    trees_bare: str
    trees_shade: str
    system: str
    film: tuple[str, str]
    topics: Mapping[Style, str]
    film_topics: Mapping[Style, str]
    plan_topic: str
    views: Mapping[View, str]
    water_view: str
    names: Mapping[str, str]


ENGLISH = Words(
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    compass=(
        "north", "north-north-east", "north-east", "east-north-east",
        "east", "east-south-east", "south-east", "south-south-east",
        "south", "south-south-west", "south-west", "west-south-west",
        "west", "west-north-west", "north-west", "north-north-west",
    ),
    compass_letters=("N", "E", "S", "W"),
    turning_points=(
        "spring equinox", "summer solstice", "autumn equinox", "winter solstice",
    ),
    moment="{day} {month} {year}, {clock} {zone} ({offset})",
    clocks={},
    clock_mark=":",
    thousands=",",
    sun_up="sun {height}° high in the {side}",
    sun_down="sun below the horizon",
    sun_height="Sun {height}° high",
    sun_depth="Sun {height}° below the horizon",
    rise="sunrise {clock}",
    sets="sunset {clock}",
    never_rises="the sun does not rise",
    never_sets="the sun does not set",
    schematic="schematic, not survey data",
    legend="Solar irradiation",
    unit=UNIT,
    scale_note="in the middle of the picture",
    path=("Path of the sun", "on this day;", "rings at 30° and 60°"),
    credit="Data: ",
    as_given=AS_GIVEN,
    boundary="District boundary",
    model="Block model (LoD1): flat roofs, upright walls.",
    model_roofs="Buildings with their roofs where known (LoD2), else as blocks.",
    sun="The shadows are computed for the sun at the stated moment.",
    data="Irradiation is simulated over a year; the shadows show one moment of it.",
    data_film="Irradiation is simulated over a year; only the shadows follow the day.",
    trees_bare="Trees cast shadows in the picture, not in the irradiation.",
    trees_shade="Trees shade the irradiation too.",
    system="SWEREF 99 13 30 (EPSG:3008), heights in RH 2000.",
    film=(
        "The shadows are computed anew every minute.",
        "The shadows are computed anew every {minutes} minutes.",
    ),
    topics={
        Style.MODEL: "Sun and shadow",
        Style.DATA: "Sunlight on roofs and facades in a year",
    },
    film_topics={
        Style.MODEL: "Sun and shadow through a day",
        Style.DATA: "Sunlight on roofs and facades in a year",
    },
    plan_topic="Sunlight on roofs in a year",
    views={
        View.SOUND: "Seen from the Sound",
        View.OCEANPIREN: "Oceanpiren",
        View.CAMPUS: "Campus Helsingborg",
    },
    water_view="Seen from the water",
    names={},
)  # fmt: skip

SWEDISH = Words(
    months=(
        "januari", "februari", "mars", "april", "maj", "juni",
        "juli", "augusti", "september", "oktober", "november", "december",
    ),
    compass=(
        "norr", "nordnordost", "nordost", "ostnordost",
        "öster", "ostsydost", "sydost", "sydsydost",
        "söder", "sydsydväst", "sydväst", "västsydväst",
        "väster", "västnordväst", "nordväst", "nordnordväst",
    ),
    compass_letters=("N", "Ö", "S", "V"),
    turning_points=(
        "vårdagjämning", "sommarsolstånd", "höstdagjämning", "vintersolstånd",
    ),
    moment="{day} {month} {year} kl. {clock} {zone} ({offset})",
    clocks={"CET": "normaltid", "CEST": "sommartid"},
    clock_mark=".",
    thousands=NARROW_SPACE,
    sun_up="solen står {height}° över horisonten i {side}",
    sun_down="solen står under horisonten",
    sun_height="Solhöjd {height}°",
    sun_depth="Solen {height}° under horisonten",
    rise="solen upp {clock}",
    sets="ned {clock}",
    never_rises="solen går inte upp",
    never_sets="solen går inte ned",
    schematic="schematisk modell, inte mätdata",
    legend="Solinstrålning",
    unit="kWh/m² och år",
    scale_note="i bildens mitt",
    path=("Solens bana", "denna dag; ringar", "vid 30° och 60°"),
    credit="Data: ",
    as_given=", från användaren",
    boundary="Distriktets gräns",
    model="Blockmodell (LoD1): platta tak, lodräta väggar.",
    model_roofs="Byggnader med sina tak där de är kända (LoD2), annars som block.",
    sun="Skuggorna är beräknade för den angivna tidpunkten.",
    data="Solinstrålningen är simulerad för ett helt år; skuggorna visar ett ögonblick.",
    data_film="Solinstrålningen är simulerad för ett helt år; bara skuggorna följer dagen.",
    trees_bare="Träden kastar skugga i bilden men är inte medräknade i solinstrålningen.",
    trees_shade="Träden skuggar även i solinstrålningen.",
    system="SWEREF 99 13 30 (EPSG:3008), höjder i RH 2000.",
    film=(
        "Skuggorna är beräknade med en minuts mellanrum.",
        "Skuggorna är beräknade med {minutes} minuters mellanrum.",
    ),
    topics={
        Style.MODEL: "Sol och skugga",
        Style.DATA: "Ett års solinstrålning på tak och fasader",
    },
    film_topics={
        Style.MODEL: "Sol och skugga under en dag",
        Style.DATA: "Ett års solinstrålning på tak och fasader",
    },
    plan_topic="Ett års solinstrålning på tak",
    views={
        View.SOUND: "Sett från Öresund",
        View.OCEANPIREN: "Oceanpiren",
        View.CAMPUS: "Campus Helsingborg",
    },
    water_view="Sett från vattnet",
    names={
        "City of Helsingborg": "Helsingborgs stad",
        "OpenStreetMap contributors": "OpenStreetMaps bidragsgivare",
        "© OpenStreetMap contributors": "© OpenStreetMaps bidragsgivare",
        "Typical year made from monthly means: radiation measured at Lyngby 2015-2025 "
        "(DTU Construct), temperature with SMHI's mean of Helsingborg 1991-2020": (
            "Typår ur månadsmedelvärden: strålning mätt i Lyngby 2015–2025 (DTU "
            "Construct), temperatur efter SMHI:s medelvärde för Helsingborg 1991–2020"
        ),
        "Ferry terminal": "Färjeterminalen",
        "Ferry berths": "Färjelägen",
        "Hamnhuset and parking deck": "Hamnhuset och parkeringsdäcket",
    },
)  # fmt: skip

WORDS: Mapping[Language, Words] = {Language.SV: SWEDISH, Language.EN: ENGLISH}


def clock_words(when: "pd.Timestamp", words: Words) -> str:
    """Return hours and minutes, as ``16.15`` or ``16:15``."""
    return f"{when:%H}{words.clock_mark}{when:%M}"


def day_words(when: "pd.Timestamp", words: Words) -> str:
    """Return the date, as ``20 mars 2026``."""
    # strftime's month names follow the machine's language; pictures must not.
    return f"{when.day} {words.months[when.month - 1]} {when.year}"


def moment_words(when: "pd.Timestamp", words: Words) -> str:
    """Return date, time, zone and offset, as ``20 March 2026, 16:00 CET (UTC+1)``.

    Parameters
    ----------
    when : Timestamp
        Aware of its zone.
    words : Words
        The language.
    """
    name = when.tzname() or ""
    return words.moment.format(
        day=when.day,
        month=words.months[when.month - 1],
        year=when.year,
        clock=clock_words(when, words),
        zone=words.clocks.get(name, name),
        offset=offset_words(when),
    )


def offset_words(when: "pd.Timestamp") -> str:
    """Return the offset of a local time, as ``UTC+1``."""
    offset = when.strftime("%z")
    hours, minutes = int(offset[:3]), offset[3:5]
    return f"UTC{hours:+d}" + (f":{minutes}" if minutes != "00" else "")


def sun_words(sun: "Sun", words: Words) -> str:
    """Return height and side, as ``sun 19° high in the west-south-west``."""
    if not sun.is_up:
        return words.sun_down
    side = words.compass[round(sun.azimuth / 22.5) % 16]
    return words.sun_up.format(height=f"{sun.elevation:.0f}", side=side)


def number_words(value: float, words: Words) -> str:
    """Return a whole number with its thousands apart."""
    text = f"{value:,.0f}".replace(",", words.thousands)
    return text.replace("-", MINUS)


def name_words(names: Sequence[str], words: Words) -> list[str]:
    """Return proper names as the language has them."""
    return [words.names.get(name, name).replace(AS_GIVEN, words.as_given) for name in names]


def capital(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]
