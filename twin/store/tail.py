"""Tell a write-ahead log that was damaged from one that a crash tore.

After a crash SQLite reads its write-ahead log up to the first frame whose checksum does
not fit, and forgets the rest without a word. Where a crash tore the last batch that is
right. Where a byte within has changed, acknowledged batches would be gone: each was on the
disk before the next one began, so two ends of batches in one chain of checksums behind the
last good frame cannot be the work of one crash.

Nothing but that one file is opened here: SQLite would remove it when it is closed, and a
process that closes the other files lets go of the locks that SQLite holds on them.
"""

from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

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
Words = NDArray[np.uint32]


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
    except OSError:
        # Whoever had it open last has let go of it: all of it is in the log. Or it may
        # not be read, of which SQLite tells.
        return
    message = (
        f"{wal} must be as it was written, but is damaged, and {lost} batches or more "
        "after that cannot be read; stop whatever uses the folder and copy all of it "
        "away, then put it back from an older copy, or shorten the file to "
        f"{place} bytes to go on with what came before, and feed the rest again"
    )
    raise SourceError(message)


def passed_over(wal: Path) -> tuple[int, int]:
    """Return how many batches in a row lie behind the good frames, and where those end.

    Parameters
    ----------
    wal : Path
        Write-ahead log in SQLite's format.

    Returns
    -------
    ends, place : int
        Most ends of batches in one unbroken chain of frames; place in bytes.

    Notes
    -----
    Each frame's checksum goes on from that of the frame before. What a crash tore or a
    disk refused is written over from where it began, and where the new ends an older
    batch may stick out behind it, and behind that a still older one. There the chain is
    broken: only ends within one chain tell of batches that were written one after another.
    """
    with wal.open("rb") as file:
        head = file.read(HEADER)
        if len(head) < HEADER:
            return 0, HEADER
        magic = int.from_bytes(head[:4], "big")
        orders = ["<u4", ">u4"]
        sums = _numbers(head[24:])
        order = orders[magic & 1]
        if magic & ~1 == MAGIC and _summed(head[:24], order, (0, 0)) == sums:
            page, salt = _numbers(head[8:16])[0], np.frombuffer(head[16:24], ">u4")
            return _behind(file, FRAME + page, order, sums, salt)
        # Nothing that the head says can be relied on.
        ends = 0
        for order in orders:
            file.seek(HEADER)
            ends = max(ends, _behind(file, FRAME + PAGE, order, sums, None)[0])
        return ends, HEADER


def _behind(
    file: BinaryIO, length: int, order: str, sums: Sums, salt: Words | None
) -> tuple[int, int]:
    """Return the most ends in one chain behind the good frames, and where those end.

    Without salt, that of the first frame is taken, and no frame is good.
    """
    good, place = salt is not None, HEADER
    # The checksums of the frame before: as it has it, and as it should be.
    before = due = np.array([sums], np.uint32)
    most = chain = 0
    while content := file.read(length * AT_ONCE):
        frames = np.frombuffer(content[: len(content) // length * length], ">u4")
        frames = frames.reshape(-1, length // 4)
        if not len(frames):
            break
        if salt is None:
            salt = frames[0, 2:4]
        same = (frames[:, 2:4] == salt).all(axis=1)
        added, stored = _added(frames, order), frames[:, 4:6].astype(np.uint32)
        earlier = np.concatenate([before, stored])
        made = _onward(earlier[:-1], added, length)
        linked = same & (made == stored).all(axis=1)
        begin = 0
        if good:
            begin = len(linked) if linked.all() else int(np.argmin(linked))
            good = begin == len(linked)
            place += begin * length
        # A frame whose own checksum was damaged is known by the next one.
        mended = _onward(np.concatenate([due, made])[:-1], added, length)
        linked |= same & (mended == stored).all(axis=1)
        before, due = stored[-1:], made[-1:]
        # The second number is the size of the whole at the end of a batch, else 0.
        ends = (same & (frames[:, 1] != 0))[begin:]
        if len(ends):
            number = np.cumsum(~linked[begin:])
            counts = np.bincount(number, ends)
            counts[0] += chain
            chain, most = int(counts[-1]), max(most, int(counts.max()))
    return most, place


def _added(frames: Words, order: str) -> Words:
    """Return what each frame adds to the checksum."""
    words = np.concatenate([frames[:, :2], frames[:, 6:]], axis=1)
    words = words.astype(np.uint32)
    if order == "<u4":
        # What is summed up are the bytes, as numbers in the order that the head names.
        words = words.byteswap()
    _, first, second = _weights(words.shape[1] // 2)
    return np.stack([words @ first, words @ second], axis=1)


def _onward(before: Words, added: Words, length: int) -> Words:
    """Return the checksums of frames that follow from those before them."""
    one, two, three = map(np.uint32, _weights((length - FRAME) // 8 + 1)[0])
    # Numbers of 32 bits leave away what is above them, as the checksum does.
    first = one * before[:, 0] + two * before[:, 1]
    second = two * before[:, 0] + three * before[:, 1]
    return np.stack([first, second], axis=1) + added


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
