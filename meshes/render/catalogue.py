"""List what an exhibition can consist of: views, looks, sizes, languages."""

from enum import StrEnum


class View(StrEnum):
    """From where the district is seen."""

    SOUND = "sound"
    OCEANPIREN = "oceanpiren"
    CAMPUS = "campus"


class Style(StrEnum):
    """What surfaces look like."""

    MODEL = "model"
    DATA = "data"


class Size(StrEnum):
    """How large pictures are."""

    SMALL = "720p"
    FULL = "1080p"
    LARGE = "4k"

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height [pixels]."""
        height = {Size.SMALL: 720, Size.FULL: 1080, Size.LARGE: 2160}[self]
        return height * 16 // 9, height


class Language(StrEnum):
    """In what language captions are."""

    SV = "sv"
    EN = "en"
