"""Read many times at once."""

from collections.abc import Sequence

import numpy as np

from twin.ingest.payloads.fields import EARLIEST, LATEST, SECOND, FieldError, instant

FEW = 64
"""Different times below which each is read by itself."""

PATTERN = b"0000-00-00T00:00:00"
"""How plain times begin; 0 stands for a digit. A fraction and Z may follow."""

LENGTHS = (20, 22, 23, 24, 25, 26, 27)
"""Characters of plain times: without a fraction, and with one of 1 to 6 digits."""

WEIGHTS = np.zeros((14, 6), np.float64)
"""Of each digit in months since 1970, day, hour, minute, second and microsecond."""
WEIGHTS[:6, 0] = 12_000, 1_200, 120, 12, 10, 1
for _part in range(1, 5):
    WEIGHTS[4 + 2 * _part : 6 + 2 * _part, _part] = 10, 1
FRACTIONS = np.zeros((6, 6))
FRACTIONS[:, 5] = 10.0 ** np.arange(5, -1, -1)

MONTHS = 1970 * 12 + 1
"""Months of January 1970 counted so."""


def instants(texts: Sequence[object]) -> list[int] | None:
    """Return times given as texts, as `twin.ingest.payloads.fields.instant` does each.

    Returns
    -------
    list of int or None
        [microseconds since 1970, UTC]; None if any of them does not hold.

    Examples
    --------
    >>> instants(["1970-01-01T00:00:01Z", "2026-06-21T12:00Z"]) is None
    True
    >>> instants(["2026-06-21T12:00:00Z"] * 2) == [1782043200000000] * 2
    True
    """
    if set(map(type, texts)) != {str}:
        return None
    distinct: list[str] = list(dict.fromkeys(texts))  # type: ignore[arg-type]
    try:
        read = _read_plain(distinct) if len(distinct) >= FEW else None
        if read is None:
            read = [instant(text) for text in distinct]
    except FieldError:
        return None
    if len(distinct) == 1:
        return read * len(texts)
    if len(distinct) == len(texts):
        return read
    known = dict(zip(distinct, read, strict=True))
    return [known[text] for text in texts]  # type: ignore[index]


def _read_plain(texts: Sequence[str]) -> list[int] | None:
    """Return times of one plain shape; None if they have another, or do not hold."""
    joined = "".join(texts)
    length = len(texts[0])
    if length not in LENGTHS or not joined.isascii():
        return None
    if len(joined) != length * len(texts) or len(set(map(len, texts))) != 1:
        return None
    letters = np.frombuffer(joined.encode("ascii"), np.uint8).reshape(-1, length)
    fraction = length - len(PATTERN) - 2
    pattern = PATTERN + (b"." + b"0" * fraction if fraction > 0 else b"") + b"Z"
    places = np.frombuffer(pattern, np.uint8)
    is_digit = places == ord("0")
    digits = letters[:, is_digit] - ord("0")
    # Below 0 they wrap around to above 9.
    if (digits > 9).any() or (letters[:, ~is_digit] != places[~is_digit]).any():
        return None
    weights = np.concatenate([WEIGHTS, FRACTIONS[: max(fraction, 0)]])
    month, day, hour, minute, second, micros = (
        digits.astype(np.float64) @ weights
    ).T.astype(np.int64)
    first = (month - MONTHS).astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64)
    next_days = (first + 1).astype("datetime64[D]").astype(np.int64)
    holds = (hour <= 23) & (minute <= 59) & (second <= 59)
    holds &= (day >= 1) & (day <= next_days - days)
    # Of month 13 the year may be known, and the month is none.
    number = digits[:, 4] * 10 + digits[:, 5]
    holds &= (number >= 1) & (number <= 12)
    seconds = (days + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    time = seconds * SECOND + micros
    holds &= (time >= EARLIEST) & (time < LATEST)
    if not holds.all():
        return None
    read: list[int] = time.tolist()
    return read
