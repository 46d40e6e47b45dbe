"""Know the words by which exports say how good a value is."""

from collections.abc import Mapping, Sequence

from twin.store.records import Quality

COLUMNS = (
    "quality",
    "kvalitet",
    "kvalitetskod",
    "mätvärdeskvalitet",
    "mätvärdesstatus",
    "värdestatus",
    "status",
    "statuskod",
)
"""Names of columns that may tell, in small letters, the surest first."""

WORDS: Mapping[Quality, tuple[str, ...]] = {
    Quality(0): (
        "uppmätt",
        "mätt",
        "mätvärde",
        "avläst",
        "fjärravläst",
        "verklig",
        "verkligt",
        "godkänd",
        "godkänt",
        "giltig",
        "giltigt",
        "slutlig",
        "slutligt",
        "normal",
        "measured",
        "actual",
        "read",
        "valid",
        "final",
        "good",
        "ok",
    ),
    Quality.ESTIMATED: (
        "uppskattad",
        "uppskattat",
        "estimerad",
        "estimerat",
        "beräknad",
        "beräknat",
        "interpolerad",
        "interpolerat",
        "schablon",
        "prognos",
        "estimated",
        "estimate",
        "calculated",
        "computed",
        "interpolated",
    ),
    Quality.DOUBTFUL: (
        "preliminär",
        "preliminärt",
        "osäker",
        "osäkert",
        "tveksam",
        "ogiltig",
        "ogiltigt",
        "felaktig",
        "felaktigt",
        "fel",
        "saknas",
        "saknat",
        "preliminary",
        "provisional",
        "uncertain",
        "doubtful",
        "suspect",
        "questionable",
        "invalid",
        "missing",
        "bad",
        "error",
    ),
    Quality.MANUAL: (
        "manuell",
        "manuellt",
        "manuellt avläst",
        "rättad",
        "rättat",
        "korrigerad",
        "korrigerat",
        "justerad",
        "justerat",
        "manual",
        "corrected",
        "adjusted",
        "edited",
    ),
}
"""What words say, in small letters. One that nobody knows is doubtful."""

_FLAGS = {word: flag.value for flag, words in WORDS.items() for word in words}


def flags_of(text: str) -> int | None:
    """Return the flags that a word means, None if nobody knows it.

    Names of our own flags are known, too, and several with blanks between them.

    Examples
    --------
    >>> flags_of("Uppskattad") == Quality.ESTIMATED
    True
    """
    plain = " ".join(text.split()).casefold()
    if not plain:
        return 0
    if plain in _FLAGS:
        return _FLAGS[plain]
    flags = 0
    for part in plain.replace(",", " ").replace("|", " ").split():
        member = Quality.__members__.get(part.upper())
        if member is None:
            return None
        flags |= member.value
    return flags


def are_words(texts: Sequence[str]) -> bool:
    """Return whether the texts of a column tell how good values are, one of them at least.

    Numbers do not: they may be measured ones.
    """
    told = [text for text in texts if text.strip()]
    if any(_is_number(text) for text in told):
        return False
    return any(flags_of(text) is not None for text in told)


def _is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
