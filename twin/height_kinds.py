"""Tell in a word how a height is known."""

ASSUMED = "assumed"

_BEGINNINGS = {
    ASSUMED: (ASSUMED, "unknown", "none", "nan"),
    "published": ("published", "declared"),
    "storeys": ("storeys",),
    "measured": ("measured", "points", "surface", "fitted", "roof minus ground"),
}


def kind_of(source: str) -> str:
    """Tell how a height is known from what its source says.

    Parameters
    ----------
    source : str
        A value of ``height_source``.

    Returns
    -------
    str
        "measured", "published", "storeys", "given" or "assumed".

    Examples
    --------
    >>> [kind_of(s) for s in ("points: a.laz", "attribute height_m", "assumed: median")]
    ['measured', 'given', 'assumed']
    >>> kind_of("storeys x 3 m: building:levels"), kind_of("declared: building permit")
    ('storeys', 'published')
    """
    text = str(source).lower()
    if not text:
        return ASSUMED
    found = (kind for kind, words in _BEGINNINGS.items() if text.startswith(words))
    return next(found, "given")
