"""Tell how far a row of modules shades the next."""

import numpy as np

from meshes.polygons import FloatArray


def shaded_length(
    direction: FloatArray,
    *,
    normal: FloatArray,
    up: FloatArray,
    ahead: float,
    depth: float,
) -> FloatArray:
    """Return which share of a tilted row lies in the shade of an equal row in front.

    Parameters
    ----------
    direction : (n, 3) float
        Unit vectors towards the light.
    normal : (3,) float
        Unit normal of the roof both stand on.
    up : (3,) float
        Unit vector up the modules.
    ahead : float
        Distance along the roof from the lower edge to the upper edge in front [m].
    depth : float
        Length of the modules upwards [m].

    Returns
    -------
    (n,) float
        0 to 1, counted from the lower edge; rows are endless.

    Notes
    -----
    In the plane across the rows, a point ``s`` up the module sees direction (x, z) just
    over the edge in front, of height h, where ``s = (h x - ahead z) / (x sin b + z cos b)``
    for the tilt b. Rows of one plane do not shade each other from behind. Checked against
    ``pvlib.shading.shaded_fraction1d`` and against the shadow kernel in
    tests/meshes/solar/power/test_row_shade.py.
    """
    rise = float(up @ normal)
    back = up - rise * normal
    run = float(np.linalg.norm(back))
    x = direction @ (-back / run)
    z = direction @ normal
    faced = x * rise + z * run
    length = depth * rise * x - ahead * z
    share = np.divide(
        length, faced * depth, out=np.zeros(len(direction)), where=faced > 1e-9
    )
    clipped: FloatArray = np.clip(share, 0.0, 1.0)
    return clipped
