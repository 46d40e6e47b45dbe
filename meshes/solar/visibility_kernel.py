"""Lay bits out facet by facet: compiled part of `visibility`."""

import numba


@numba.njit(nogil=True, cache=True)
def by_facet(rows, first, word_start, words, start, into):
    """Write bits of some directions, (k, words), to the facets' places; `FacetBits`."""
    for f in range(word_start.shape[0]):
        for k in range(rows.shape[0]):
            at = start[f] + (first + k) * words[f]
            for w in range(words[f]):
                into[at + w] = rows[k, word_start[f] + w]
