"""Draw the tree of errors that the twin raises for its user's sake.

Every message says what must hold, what was found and what to do. The command line prints
it as one line and ends with exit code 2; anything that is not a `HeidiError` is a defect.

::

    HeidiError
    +-- SourceError     (OSError)      a file is missing, unreadable or of an unknown format
    +-- OutputError     (OSError)      a result cannot be written where it was asked for
    +-- ComponentError  (OSError)      an optional component is not installed
    +-- CrsError        (ValueError)   coordinates without or in a wrong reference system
    +-- GeometryError   (ValueError)   outlines or meshes that cannot be repaired
    +-- TableError      (ValueError)   missing columns, empty layers, text for numbers
    +-- TerrainError    (ValueError)   an elevation grid that cannot be used
    +-- WeatherError    (ValueError)   a weather table that cannot be used
    +-- UnknownIdError  (LookupError)  an id that the twin does not hold
"""


class HeidiError(Exception):
    """Anything the user can mend; the message tells how."""


class SourceError(HeidiError, OSError):
    """A file is missing, unreadable or of an unknown format."""


class OutputError(HeidiError, OSError):
    """A result cannot be written where it was asked for."""


class ComponentError(HeidiError, OSError):
    """An optional component is not installed."""


class CrsError(HeidiError, ValueError):
    """Coordinates come without a reference system or lie outside its area."""


class GeometryError(HeidiError, ValueError):
    """Outlines or meshes cannot be used or repaired."""


class TableError(HeidiError, ValueError):
    """A table lacks columns or rows, or holds values of the wrong kind."""


class TerrainError(HeidiError, ValueError):
    """An elevation grid cannot be used."""


class WeatherError(HeidiError, ValueError):
    """A weather table cannot be used."""


class UnknownIdError(HeidiError, LookupError):
    """The twin holds nothing under this id."""
