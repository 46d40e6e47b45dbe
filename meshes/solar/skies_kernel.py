"""Spread diffuse light over the patches of the sky: the compiled part of `skies`."""

import numba
import numpy as np

STEEPEST = 50.0
"""Limit of the exponent of the gradation, against overflow."""


@numba.njit(nogil=True, cache=True, error_model="numpy")
def spread_light(shape, sun, row, amount, middle, first, rise, into):
    """Add each sample's diffuse light, spread as its shape says, to a row of the dome.

    Sample s adds ``amount[s]`` W/m2 on the horizontal plane to ``into[row[s]]``, patch by
    patch [W/m2/sr]. Its shape (a, b, c, d, e) gives the radiance at a patch's middle
    relative to others: (1 + a exp(b / sin h)) (1 + c exp(d g) + e cos(g)^2), at height h
    and at angle g from the sun; not below 0. ``first`` holds the first patch of each row
    and the end of the last, ``rise`` the patches' solid angle times mean sine of height.
    """
    light = np.empty(len(middle))
    for s in range(len(sun)):
        a, b, c, d, e = shape[s]
        x, y, z = sun[s]
        total = 0.0
        for r in range(len(first) - 1):
            steep = min(b / middle[first[r], 2], STEEPEST)
            grade = max(0.0, 1.0 + a * np.exp(steep))
            for p in range(first[r], first[r + 1]):
                cosine = middle[p, 0] * x + middle[p, 1] * y + middle[p, 2] * z
                cosine = min(max(cosine, -1.0), 1.0)
                glow = 1.0 + c * np.exp(d * np.arccos(cosine)) + e * cosine * cosine
                light[p] = grade * max(0.0, glow)
                total += light[p] * rise[p]
        # A shape that is dark everywhere cannot carry light: spread it evenly.
        if total > 0.0:
            for p in range(len(light)):
                into[row[s], p] += light[p] * (amount[s] / total)
        else:
            for p in range(len(light)):
                into[row[s], p] += amount[s] / np.pi
