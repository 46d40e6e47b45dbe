"""Read the words in which tables describe roofs."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import as_text, feature_names, find_columns, read_numbers
from gis.faults import count_things, name_some
from gis.heights import STOREY

FORMS = (
    "flat",
    "shed",
    "gabled",
    "hipped",
    "half-hipped",
    "mansard",
    "gambrel",
    "pyramid",
    "dome",
    "round",
)
"""Forms of roofs that can be built; "" is an unknown form."""

WORDS = {
    "flat": "flat|flachdach|platt tak|platt|multiple horizontal|horizontal|1000",
    "shed": "skillion|shed|lean_to|lean-to|monopitch|pultdach|pulpettak|pulpet|1010|2100",
    "gabled": "gabled|gable|pitched|saddle|saddleback|satteldach|sadeltak|1030|3100",
    "hipped": "hipped|hip|walmdach|valmat tak|valmtak|valmat|1040|3200",
    "half-hipped": (
        "half-hipped|half_hipped|jerkinhead|krüppelwalmdach|halvvalmat tak|halvvalmat|"
        "1050|3300"
    ),
    "mansard": "mansard|mansarddach|mansardtak|1060|3400",
    "gambrel": "gambrel|dutch gable",
    "pyramid": (
        "pyramidal|pyramid|tented|pavilion|cone|conical|zeltdach|kegeldach|tälttak|1070|1080|"
        "3500|3600"
    ),
    "dome": "dome|cupola|kuppeldach|kupol|1090|3700",
    "round": "round|barrel|arched|arch|vault|tonnendach|bogendach|tunntak|bågtak|1110|3900",
}
"""Words for each form: values of ``roof:shape`` in OpenStreetMap [1]_, German and Swedish
names, numbers of the code lists of SIG 3D (numbers 1000 to 1110) and of the German survey
AdV (1000 and 2100 to 3900).

.. [1] OpenStreetMap wiki, "Simple 3D Buildings" and "Key:roof:shape".
"""

NEAREST = {
    "onion": "dome",
    "side_hipped": "hipped",
    "side_half-hipped": "half-hipped",
    "saltbox": "gabled",
    "double_saltbox": "gambrel",
    "quadruple_saltbox": "mansard",
    "crosspitched": "gabled",
    "cross_gabled": "gabled",
    "gullwing": "gabled",
    "hipped-and-gabled": "half-hipped",
    "gabled_height_moved": "gabled",
}
"""Forms of OpenStreetMap that cannot be built, and the nearest that can."""

SHAPE_COLUMNS = (
    "roof:shape",
    "roof_shape",
    "building:roof:shape",
    "roof:type",
    "rooftype",
    "roof_type",
    "b3_dak_type",
    "dak_type",
    "takform",
    "taktyp",
)
HEIGHT_COLUMNS = ("roof:height", "roof_height", "roofheight", "takhöjd", "takhojd")
LEVEL_COLUMNS = ("roof:levels", "roof_levels")
DIRECTION_COLUMNS = ("roof:direction", "roof_direction", "roof:slope:direction")
ORIENTATION_COLUMNS = (
    "roof:orientation",
    "roof_orientation",
    "building:roof:orientation",
)
ANGLE_COLUMNS = ("roof:angle", "roof_angle", "roofangle", "takvinkel", "taklutning")
"""Columns that are understood, in order of trust; lower case or not."""

STEEPEST = 80.0
"""Largest plausible pitch [degrees]; the lower part of a mansard has about 70."""

POINTS = (
    *("n", "nne", "ne", "ene", "e", "ese", "se", "sse"),
    *("s", "ssw", "sw", "wsw", "w", "wnw", "nw", "nnw"),
)
"""Points of the compass, 22.5 degrees apart from north by east."""

_FULL = {
    "north": "n",
    "east": "e",
    "south": "s",
    "west": "w",
    "norr": "n",
    "nord": "n",
    "öster": "e",
    "öst": "e",
    "ost": "e",
    "söder": "s",
    "syd": "s",
    "väster": "w",
    "väst": "w",
}
_SPELLED = re.compile("|".join(sorted(_FULL, key=len, reverse=True)))
_DEGREES = re.compile(r"^([+-]?\d+(?:[.,]\d+)?)\s*(?:°|deg|degrees|grader)?$")
_FORM_OF = {
    word.strip(): form for form, words in WORDS.items() for word in words.split("|")
}
_SILENT = {"", "nan", "none", "null", "no", "unknown", "okänd", "-", "<na>"}

FloatArray = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


def roof_words(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read what a table tells of roofs: tags of OpenStreetMap, attributes of city models.

    Parameters
    ----------
    frame : DataFrame
        Any table; the columns named in this module are understood, none is needed.

    Returns
    -------
    table : DataFrame
        Same index. ``roof_shape`` (one of `FORMS`, "" unknown), ``roof_height`` [m] from
        eaves to ridge, ``roof_height_source`` (column it was read from, ""),
        ``roof_direction`` [degrees clockwise from north] that the roof faces (a shed
        slopes down towards it), ``roof_orientation`` ("along" or "across" the longer
        side, ""), ``roof_angle`` (pitch) [degrees]. Unknown numbers are NaN.
    notes : tuple of str
        What was not understood or taken as something near, in sentences with counts.

    Notes
    -----
    ``roof:levels`` counts storeys under the roof; where no height is stated, each stands
    for `gis.heights.STOREY`. Meanings after "Simple 3D Buildings" of the OpenStreetMap
    wiki.

    Examples
    --------
    >>> table, notes = roof_words(pd.DataFrame({"roof:shape": ["skillion"],
    ...                                         "roof:direction": ["SSW"]}))
    >>> table["roof_shape"][0], float(table["roof_direction"][0])
    ('shed', 202.5)
    """
    notes: list[str] = []
    names = feature_names(frame)
    height, height_source = _heights(frame, names, notes)
    angle, _ = read_numbers(frame, ANGLE_COLUMNS, names, notes)
    angle = _within(angle, 0.0, STEEPEST, "roof angle", "degrees", names, notes)
    table = pd.DataFrame(
        {
            "roof_shape": _shapes(frame, names, notes),
            "roof_height": height,
            "roof_height_source": height_source,
            "roof_direction": _directions(frame, names, notes),
            "roof_orientation": _orientations(frame, names, notes),
            "roof_angle": angle,
        },
        index=frame.index,
    )
    return table, tuple(notes)


def read_direction(text: str) -> float:
    """Read a direction as people write it.

    Parameters
    ----------
    text : str
        Degrees from north, or points of the compass in English or Swedish.

    Returns
    -------
    float
        [degrees], 0 to below 360; NaN if it cannot be read.

    Examples
    --------
    >>> read_direction("south-west"), read_direction("-90°"), read_direction("up")
    (225.0, 270.0, nan)
    """
    told = text.strip().lower()
    number = _DEGREES.match(told)
    if number:
        return float(number.group(1).replace(",", ".")) % 360.0
    letters = _SPELLED.sub(lambda word: _FULL[word.group()], told)
    point = re.sub(r"[\s_\-]", "", letters)
    return POINTS.index(point) * 22.5 if point in POINTS else float("nan")


def _first_texts(frame: pd.DataFrame, columns: tuple[str, ...]) -> Texts:
    """First text a row of several columns that says something, in lower case."""
    found = np.full(len(frame), "", dtype=object)
    for column in find_columns(frame, columns):
        told = as_text(frame[column]).str.lower().to_numpy(dtype=object)
        silent = np.array([text in _SILENT for text in told], np.bool_)
        found = np.where((found == "") & ~silent, told, found)
    return found


def _shapes(frame: pd.DataFrame, names: Texts, notes: list[str]) -> Texts:
    """Form of each roof; words without a form are named."""
    told = _first_texts(frame, SHAPE_COLUMNS)
    near = np.array([word in NEAREST and word not in _FORM_OF for word in told], np.bool_)
    shapes = np.array([_FORM_OF.get(word, NEAREST.get(word, "")) for word in told], object)
    if near.any():
        pairs = sorted({f"{word} as {NEAREST[word]}" for word in told[near]})
        notes.append(
            f"{count_things(int(near.sum()), 'roof')} of a form that cannot be built taken "
            f"as the nearest ({name_some(pairs)})"
        )
    unread = (told != "") & (shapes == "")
    if unread.any():
        notes.append(
            f"{count_things(int(unread.sum()), 'roof')} of an unknown form taken as flat "
            f"({_some(names, told, unread)})"
        )
        shapes[unread] = "flat"
    return shapes


def _heights(
    frame: pd.DataFrame, names: Texts, notes: list[str]
) -> tuple[FloatArray, npt.NDArray[np.object_]]:
    """Height of each roof [m], stated or by its storeys, and the column it came from."""
    height, source = read_numbers(frame, HEIGHT_COLUMNS, names, notes)
    height = _within(height, 0.0, 200.0, "roof height", "m", names, notes)
    levels, level_column = read_numbers(frame, LEVEL_COLUMNS, names, notes)
    levels = _within(levels, 0.0, 20.0, "storeys under a roof", "", names, notes)
    by_level = np.isnan(height) & (levels > 0.0)
    if by_level.any():
        notes.append(
            f"{count_things(int(by_level.sum()), 'roof height')} from storeys under the "
            f"roof, {STOREY:g} m each"
        )
    height = np.where(by_level, levels * STOREY, height)
    origin = np.where(by_level, level_column, source).astype(object)
    return height, np.where(np.isnan(height), "", origin)


def _directions(frame: pd.DataFrame, names: Texts, notes: list[str]) -> FloatArray:
    """Direction that each roof faces [degrees from north]."""
    told = _first_texts(frame, DIRECTION_COLUMNS)
    known = {word: read_direction(word) for word in set(told.tolist())}
    value = np.array([known[word] for word in told], np.float64)
    unread = (told != "") & np.isnan(value)
    if unread.any():
        notes.append(
            f"{count_things(int(unread.sum()), 'roof direction')} not understood, taken as "
            f"missing ({_some(names, told, unread)})"
        )
    return value


def _orientations(frame: pd.DataFrame, names: Texts, notes: list[str]) -> Texts:
    """Whether the ridge runs along or across the longer side."""
    told = _first_texts(frame, ORIENTATION_COLUMNS)
    known = np.array([word in {"along", "across"} for word in told], np.bool_)
    unread = (told != "") & ~known
    if unread.any():
        notes.append(
            f"{count_things(int(unread.sum()), 'roof orientation')} neither along nor "
            f"across, taken as missing ({_some(names, told, unread)})"
        )
    return np.where(known, told, "")


def _within(
    values: FloatArray,
    low: float,
    high: float,
    what: str,
    unit: str,
    names: Texts,
    notes: list[str],
) -> FloatArray:
    """Take values outside of a plausible range as missing."""
    with np.errstate(invalid="ignore"):
        outside = (values < low) | (values > high)
    if outside.any():
        shown = values.round(3).astype(object)
        notes.append(
            f"{count_things(int(outside.sum()), 'value')} of {what} outside {low:g} to "
            f"{high:g} {unit}".rstrip()
            + f", taken as missing ({_some(names, shown, outside)})"
        )
    return np.where(outside, np.nan, values)


def _some(names: Texts, told: Texts, chosen: npt.NDArray[np.bool_]) -> str:
    """Name the first chosen rows with what they say."""
    pairs = zip(names[chosen], told[chosen], strict=True)
    return name_some([f"{name}: {str(text)[:20]!r}" for name, text in pairs])
