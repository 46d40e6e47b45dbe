"""Share work among the cores of the processor."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import shapely

MOST = 8
"""Threads at most: each holds a window of a raster or a batch of outlines in memory."""

CHUNK = 8_192
"""Elements that a thread works on at once: enough for the start of a task not to count."""

Positions = npt.NDArray[np.intp]
T = TypeVar("T")
R = TypeVar("R")


def spread(
    work: Callable[[T], R], items: Iterable[T], *, cores: int | None = None
) -> Iterator[R]:
    """Work on items in several threads.

    Parameters
    ----------
    work : callable
        What to do with an item. It must not change what others read; numpy, shapely and
        rasterio let other threads work while they do.
    items : iterable
        Taken as they are needed.
    cores : int, optional
        Threads; those of the machine that this process may use, at most `MOST`.

    Yields
    ------
    object
        What ``work`` returned, in the order of the items whatever the number of threads.
        The first error of an item is raised in its turn, and no further work begun.

    Examples
    --------
    >>> list(spread(len, ["oak", "spruce"], cores=2))
    [3, 6]
    """
    threads = usable_cores() if cores is None else cores
    if threads <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        begun: deque[Future[R]] = deque()
        for item in items:
            begun.append(pool.submit(work, item))
            # Results that nobody has asked for yet must not pile up.
            if len(begun) > threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def in_chunks(
    work: Callable[..., npt.NDArray[Any]],
    *arrays: npt.NDArray[Any],
    cores: int | None = None,
) -> npt.NDArray[Any]:
    """Apply an elementwise function in several threads.

    Parameters
    ----------
    work : callable
        Takes equal spans of all arrays and returns an array of that length, in which an
        element follows from the elements of its own place alone.
    *arrays : (n, ...) array
        What it is applied to.
    cores : int, optional
        See `spread`.

    Returns
    -------
    (n, ...) array
        To the bit what ``work(*arrays)`` returns.
    """
    count = len(arrays[0])
    if count <= CHUNK:
        return work(*arrays)
    spans = (slice(at, at + CHUNK) for at in range(0, count, CHUNK))
    parts = spread(lambda span: work(*(a[span] for a in arrays)), spans, cores=cores)
    return np.concatenate(list(parts))


def query_tree(
    tree: shapely.STRtree,
    shapes: npt.NDArray[np.object_],
    *,
    cores: int | None = None,
    **options: Any,  # noqa: ANN401 - handed on to shapely
) -> tuple[Positions, Positions]:
    """Ask a tree in several threads.

    Parameters
    ----------
    tree : STRtree
        What is looked through.
    shapes : (n,) object
        Geometries that ask.
    cores : int, optional
        See `spread`.
    **options
        As of `shapely.STRtree.query`.

    Returns
    -------
    asking, found : (k,) int
        To the bit what ``tree.query(shapes, **options)`` returns.
    """
    starts = range(0, max(len(shapes), 1), CHUNK)

    def ask(at: int) -> Positions:
        hits: Positions = tree.query(shapes[at : at + CHUNK], **options)
        hits[0] += at
        return hits

    asking, found = np.concatenate(list(spread(ask, starts, cores=cores)), axis=1)
    return asking, found


def usable_cores() -> int:
    """Count the cores that this process may use, at most `MOST`.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(min(len(os.sched_getaffinity(0)), MOST), 1)
    return min(os.cpu_count() or 1, MOST)
