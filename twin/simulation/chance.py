"""Draw numbers that hang on a name alone."""

import hashlib


def chances_of(name: str) -> int:
    """Return a seed that follows from a name.

    Examples
    --------
    >>> chances_of("a") == chances_of("a"), chances_of("a") == chances_of("b")
    (True, False)
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def chance_of(name: str) -> float:
    """Return a number in 0..1 that follows from a name."""
    return chances_of(name) / 2**64
