"""Cut the footer of a Parquet file so that it tells of some row groups only.

A footer tells of every column of every row group: to read one of two hundred, nine tenths
of the time went into taking the footer apart. Its form is Thrift's compact protocol; where
each row group's part lies is found once, when the file is written.
"""

MAGIC = b"PAR1"

ROW_GROUPS = 4
"""Field of the footer with the list of row groups, in the format's own words."""

TRUE, FALSE, BYTE, SHORT, INT, LONG, DOUBLE, BINARY, LIST, SET, _, STRUCT = range(1, 13)
"""Kinds of values of Thrift's compact protocol."""

LONG_LIST = 15
"""Stands in the place of a list's length where that follows."""

Span = tuple[int, int]
"""Start and length [bytes]."""


def row_group_spans(footer: bytes) -> list[Span]:
    """Return where the parts of a footer that tell of each row group lie.

    Parameters
    ----------
    footer : bytes
        As it lies in the file, without its length and the last four bytes.

    Returns
    -------
    list of (int, int)

    Raises
    ------
    ValueError
        If it is no footer.
    """
    place = number = 0
    try:
        while footer[place]:
            head = footer[place]
            place += 1
            if head >> 4:
                number += head >> 4
            else:
                number, place = _whole(footer, place)
                number = (number >> 1) ^ -(number & 1)
            if number == ROW_GROUPS:
                return _list_spans(footer, place)
            place = _past(footer, place, head & 15)
    except IndexError as error:
        message = "a footer must be whole, but ends within a value"
        raise ValueError(message) from error
    message = "a footer must have row groups, but has none"
    raise ValueError(message)


def cut_footer(footer: bytes, first: int, end: int, count: int, group: Span) -> bytes:
    """Return a Parquet file without data that tells of one row group of another.

    Parameters
    ----------
    footer : bytes
        That of the other file.
    first, end : int
        Where its row groups begin and end in it.
    count : int
        How many they are.
    group : (int, int)
        Where the one lies.

    Returns
    -------
    bytes
        Places of data are those in the other file; so is the count of rows.
    """
    head = first - 1 - (len(_written(count)) if count >= LONG_LIST else 0)
    start, length = group
    one = bytes([(1 << 4) | STRUCT]) + footer[start : start + length]
    made = footer[:head] + one + footer[end:]
    return b"".join([MAGIC, made, len(made).to_bytes(4, "little"), MAGIC])


def _list_spans(footer: bytes, place: int) -> list[Span]:
    """Return where the values of a list lie."""
    kind, count, place = _list_head(footer, place)
    spans = []
    for _ in range(count):
        after = _past(footer, place, kind)
        spans.append((place, after - place))
        place = after
    return spans


def _past(footer: bytes, place: int, kind: int) -> int:
    """Return where a value ends."""
    if kind in (TRUE, FALSE):
        # As a field they are all in their head.
        return place
    if kind in (SHORT, INT, LONG):
        return _whole(footer, place)[1]
    if kind == BINARY:
        length, place = _whole(footer, place)
        return place + length
    if kind == STRUCT:
        while footer[place]:
            head = footer[place]
            place += 1
            if not head >> 4:
                _, place = _whole(footer, place)
            place = _past(footer, place, head & 15)
        return place + 1
    if kind in (LIST, SET):
        inner, count, place = _list_head(footer, place)
        if inner in (TRUE, FALSE, BYTE):
            return place + count
        for _ in range(count):
            place = _past(footer, place, inner)
        return place
    if kind in (BYTE, DOUBLE):
        return place + (1 if kind == BYTE else 8)
    message = f"a footer must hold Thrift's kinds 1 to 10 and 12, got {kind}"
    raise ValueError(message)


def _list_head(footer: bytes, place: int) -> tuple[int, int, int]:
    """Return the kind of a list's values, how many, and where they begin."""
    head = footer[place]
    count, place = head >> 4, place + 1
    if count == LONG_LIST:
        count, place = _whole(footer, place)
    return head & 15, count, place


def _whole(footer: bytes, place: int) -> tuple[int, int]:
    """Return a whole number, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = footer[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def _written(value: int) -> bytes:
    """Return a whole number as seven bits a byte."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])
