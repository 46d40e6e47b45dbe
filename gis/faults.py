"""Name the first of many faults in one sentence."""

from collections.abc import Iterable

MOST_NAMED = 5


def name_some(items: Iterable[object]) -> str:
    """List at most five items and say how many follow.

    Parameters
    ----------
    items : iterable
        Anything that can be shown as text.

    Returns
    -------
    str
        Comma-separated.

    Examples
    --------
    >>> name_some(["a", "b"])
    'a, b'
    >>> name_some(range(8))
    '0, 1, 2, 3, 4 and 3 more'
    """
    texts = [str(item) for item in items]
    shown = ", ".join(texts[:MOST_NAMED])
    more = len(texts) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def count_things(count: int, one: str, many: str | None = None) -> str:
    """Put a number before a noun.

    Parameters
    ----------
    count : int
        How many.
    one, many : str
        The noun for one, and for more (``one`` plus an s if not given).

    Returns
    -------
    str
        Such as ``1 footprint`` or ``1,283 footprints``.

    Examples
    --------
    >>> count_things(1, "footprint"), count_things(1283, "footprint")
    ('1 footprint', '1,283 footprints')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
