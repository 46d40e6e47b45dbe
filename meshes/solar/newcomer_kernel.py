"""Find what a newcomer blocks and nothing blocked before: compiled part of `newcomer`."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def new_words(shadow, blocked, mask, word, bits):
    """Write the words with newly blocked sensors and their bits; return how many."""
    count = 0
    for w in range(len(shadow)):
        new = shadow[w] & mask[w] & ~blocked[w]
        if new != np.uint64(0):
            word[count] = w
            bits[count] = new
            count += 1
    return count
