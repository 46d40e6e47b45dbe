"""Tell a write-ahead log that was damaged from one that a crash tore.

After a crash SQLite reads its write-ahead log up to the first frame whose checksum does
not fit, and forgets the rest without a word. Where a crash tore the last batch that is
right. Where a byte within has changed, acknowledged batches would be gone: each was on the
disk before the next one began, so two ends of batches behind the last good frame cannot be
the work of one crash.

Nothing but that one file is opened here: SQLite would remove it when it is closed, and a
process that closes the other files lets go of the locks that SQLite holds on them.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError

HEADER, FRAME = 32, 24
"""Length of the head of the file, and of that before each page [bytes]."""

MAGIC = 0x377F0682
"""Begins the file; its last bit tells the order of bytes in what is summed up."""

PAGE = 4096
"""Size of pages where the head of the file cannot tell it: SQLite's own [bytes]."""

WHOLE = 1 << 32
"""Checksums are taken modulo this."""

AT_ONCE = 4096
"""Frames that are looked through at a time."""

Sums = tuple[int, int]


def check_tail(path: Path) -> None:
    """Refuse a log with batches that SQLite would pass over, before it is opened.

    Parameters
    ----------
    path : Path
        The log.

    Raises
    ------
    SourceError
        If there are any.
    """
    wal = path.with_name(f"{path.name}-wal")
    try:
        lost, place = passed_over(wal)
        if lost < 2 or passed_over(wal) != (lost, place):
            # A writer that is at work may have been seen half way.
            return
    except FileNotFoundError:
        # Whoever had it open last has let go of it: all of it is in the log.
        return
    message = (
        f"{wal} must be as it was written, but is damaged, and {lost} batches after that "
        "cannot be read; put the folder back from a copy, or shorten the file to "
        f"{place} bytes to go on without them, then feed them again"
    )
    raise SourceError(message)


def passed_over(wal: Path) -> tuple[int, int]:
    """Return how many ends of batches lie behind the good frames, and where those end.

    Parameters
    ----------
    wal : Path
        Write-ahead log in SQLite's format.

    Returns
    -------
    ends, place : int
        Place in bytes.
    """
    with wal.open("rb") as file:
        head = file.read(HEADER)
        if len(head) < HEADER:
            return 0, HEADER
        magic, page = (int.from_bytes(head[k : k + 4], "big") for k in (0, 8))
        order = ">u4" if magic & 1 else "<u4"
        sums: Sums = _numbers(head[24:])
        good = magic & ~1 == MAGIC and _summed(head[:24], order, (0, 0)) == sums
        if not good and page != PAGE:
            page = PAGE
        salt = np.frombuffer(head[16:24], ">u4") if good else None
        length, place, ends = FRAME + page, HEADER, 0
        while content := file.read(length * AT_ONCE):
            frames = np.frombuffer(content[: len(content) // length * length], ">u4")
            frames = frames.reshape(-1, length // 4)
            if not len(frames):
                break
            if salt is None:
                # The head's own words cannot be relied on: the first frame's are as good.
                salt = frames[0, 2:4]
            same = (frames[:, 2:4] == salt).all(axis=1)
            begin = 0
            if good:
                begin, sums = _good(frames, same, order, sums)
                good = begin == len(frames)
                place += begin * length
            # The second number is the size of the whole at the end of a batch, else 0.
            ends += int((same[begin:] & (frames[begin:, 1] != 0)).sum())
    return ends, place


def _good(
    frames: NDArray[np.uint32], same: NDArray[np.bool_], order: str, sums: Sums
) -> tuple[int, Sums]:
    """Return how many frames are as they were written, and the checksum of the last."""
    words = np.concatenate([frames[:, :2], frames[:, 6:]], axis=1)
    words = words.astype(np.uint32)
    if order == "<u4":
        # What is summed up are the bytes, as numbers in the order that the head names.
        words = words.byteswap()
    (one, two, three), first, second = _weights(words.shape[1] // 2)
    added = np.stack([words @ first, words @ second], axis=1).tolist()
    stored = frames[:, 4:6].tolist()
    for place, (more, due) in enumerate(zip(added, stored, strict=True)):
        made = (
            (one * sums[0] + two * sums[1] + more[0]) % WHOLE,
            (two * sums[0] + three * sums[1] + more[1]) % WHOLE,
        )
        if not same[place] or made != tuple(due):
            return place, sums
        sums = made
    return len(frames), sums


@lru_cache
def _weights(
    pairs: int,
) -> tuple[tuple[int, int, int], NDArray[np.uint32], NDArray[np.uint32]]:
    """Return how the checksum after some pairs of numbers follows from before and them.

    Each pair (x, y) turns the checksum (s, t) into (s + t + x, s + 2t + x + y). That is
    linear: all pairs of all frames are summed up at once.
    """
    one, two, three = 1, 0, 1
    first, second = [], []
    for _ in range(pairs):
        first += [two, (one + two) % WHOLE]
        second += [three, (two + three) % WHOLE]
        one, two, three = (one + two) % WHOLE, (two + three) % WHOLE, two + 2 * three
        two, three = two % WHOLE, three % WHOLE
    return (
        (one, two, three),
        np.array(first[::-1], np.uint32),
        np.array(second[::-1], np.uint32),
    )


def _summed(content: bytes, order: str, sums: Sums) -> Sums:
    """Return the checksum of a few bytes, pair by pair."""
    numbers = np.frombuffer(content, order).tolist()
    first, second = sums
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) % WHOLE
        second = (second + odd + first) % WHOLE
    return first, second


def _numbers(content: bytes) -> Sums:
    """Return two numbers of 32 bits."""
    return int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big")
