"""Refuse times, qualities and versions that no store keeps."""

from collections.abc import Sequence

from gis.errors import TableError

RANGES = {
    "time": (1 - 2**62, 2**62 - 1),
    "quality": (-(2**31), 2**31 - 1),
    "version": (-(2**63), 2**63 - 1),
}
"""First and last that are kept. Times beyond are left for bounds of questions that mean
ever; qualities are as wide as their column in a segment."""


def check_range(name: str, low: int, high: int) -> None:
    """Refuse a column whose least or largest number is out of range.

    Raises
    ------
    TableError
        If it is.
    """
    first, last = RANGES[name]
    for found in (low, high):
        if not first <= found <= last:
            message = (
                f"{name} must be from {first} to {last}, got {found}; mend or leave out "
                "such rows"
            )
            raise TableError(message)


def check_numbers(name: str, numbers: Sequence[int]) -> None:
    """Refuse numbers of rows one of which is out of range."""
    if numbers:
        check_range(name, min(numbers), max(numbers))
