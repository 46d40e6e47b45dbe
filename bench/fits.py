"""Time the comparison of roofs with a survey, and draw invented houses beside theirs.

Run from a checkout: ``.venv/bin/python bench/fits.py``; with a folder as argument it writes
the sheet of simulated houses there (``docs/pictures/fits.jpg`` is made of it).
"""

import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gis.crs import PLAN
from meshes.render.fits import FitCard, draw_fit_sheet
from meshes.render.fits_views import body_of
from meshes.roofs.fit import FITTED, fit_roofs, roof_samples
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.residuals import WITHIN, measure_residuals
from meshes.roofs.soundings import Soundings, sort_soundings
from meshes.solids import Kind, Solids

SEED = 11
NOISE = 0.06
"""Standard deviation of simulated heights [m]."""

EACH = 7.0
"""Simulated samples a square metre of roof."""

WEST, SOUTH = 99_700.0, 6_213_700.0
BASE, TOP, RISE = 3.0, 13.0, 3.4
ELL = shapely.Polygon([(0, 0), (22, 0), (22, 9), (9, 9), (9, 19), (0, 19)])
HOUSES = (
    ("A gable with a dormer", "gabled", shapely.box(0, 0, 17, 10)),
    ("A hipped house with a wing", "hipped", ELL),
    ("A mansard roof", "mansard", shapely.box(0, 0, 16, 11)),
    ("A block with a lower part: refused", "flat", shapely.box(0, 0, 20, 12)),
    ("A shed roof", "shed", shapely.box(0, 0, 13, 8)),
    ("A flat roof with machines", "flat", shapely.box(0, 0, 24, 14)),
)
COUNT = 400


def houses(count: int) -> gpd.GeoDataFrame:
    """Return invented houses, one form after the other."""
    kinds = [HOUSES[k % len(HOUSES)] for k in range(count)]
    shapes = [
        shapely.affinity.translate(
            shapely.affinity.rotate(shape, 17.0 * k, (0, 0)),
            WEST + 60 * (k % 40),
            SOUTH + 60 * (k // 40),
        )
        for k, (_, _, shape) in enumerate(kinds)
    ]
    return gpd.GeoDataFrame(
        {
            "base": BASE,
            "top": TOP,
            "roof_shape": [form for _, form, _ in kinds],
            "roof_height": [0.0 if form == "flat" else RISE for _, form, _ in kinds],
        },
        geometry=shapes,
        index=[f"h{k}" for k in range(count)],
        crs=PLAN,
    )


def simulated(solids: Solids, rng: np.random.Generator) -> Soundings:
    """Draw samples evenly over the roofs, with noise, dormers, machines and steps."""
    corners, face = solids.faces.triangles()
    keep = solids.kind[face] == Kind.ROOF
    a, b, c = np.moveaxis(solids.faces.vertices[corners[keep]], 1, 0)
    area = np.abs(
        (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    ) / 2  # fmt: skip
    chosen = np.repeat(np.arange(len(a)), rng.poisson(EACH * area))
    u, v = np.sort(rng.random((2, len(chosen))), axis=0)
    spots = a[chosen] * u[:, None] + b[chosen] * (v - u)[:, None]
    spots += c[chosen] * (1 - v)[:, None] + solids.origin
    owner = solids.part[face[keep][chosen]].astype(np.int64)
    spots[:, 2] += rng.normal(0.0, NOISE, len(spots))
    _spoil(owner, spots, rng)
    return sort_soundings(owner, spots)


def _spoil(owner: np.ndarray, spots: np.ndarray, rng: np.random.Generator) -> None:
    """Add what stands on real roofs, in the frame of each unturned house."""
    turn = np.radians(17.0 * owner)
    x = spots[:, 0] - WEST - 60 * (owner % 40)
    y = spots[:, 1] - SOUTH - 60 * (owner // 40)
    along, across = (
        x * np.cos(turn) + y * np.sin(turn),
        y * np.cos(turn) - x * np.sin(turn),
    )
    kind = owner % len(HOUSES)
    dormer = (kind == 0) & (np.abs(along - 8) < 1.5) & (across > 1) & (across < 3.4)
    spots[dormer, 2] = TOP - 0.9 + rng.normal(0, NOISE, int(dormer.sum()))
    spots[(kind == 3) & (along > 12), 2] -= 4.0
    machine = (kind == 5) & (np.abs(along - 6) < 2) & (np.abs(across - 7) < 1.5)
    spots[machine, 2] += 1.6
    chimney = (kind < 3) & (np.abs(along - 13) < 0.5) & (np.abs(across - 6) < 0.5)
    spots[chimney, 2] += 1.4


def main() -> None:
    """Time, then draw if a folder is given."""
    rng = np.random.default_rng(SEED)
    told = houses(COUNT)
    soundings = simulated(lod2_solids(told)[0], rng)
    columns = ["roof_shape", "roof_height", "roof_direction", "roof_orientation", "top"]
    start = time.process_time()
    fitted, _ = fit_roofs(told, soundings)
    between = time.process_time()
    known = fitted[columns].assign(top=fitted["top"].fillna(TOP))
    solids, _ = lod2_solids(told[["base", "geometry"]].join(known))
    samples = roof_samples(told, soundings)
    middle = time.process_time()
    found = measure_residuals(solids, samples, band=fitted["band"].to_numpy())
    end = time.process_time()
    print(f"{COUNT:,} houses, {len(samples):,} samples, one core")
    print(f"fitting    {between - start:6.2f} s")
    print(f"residuals  {end - middle:6.2f} s, of {len(found.planes):,} roof planes")
    if len(sys.argv) < 2:
        return
    cards = []
    for k in np.argsort(-found.parts["rmse_m"].to_numpy()[: len(HOUSES)]).tolist():
        row, fit, own = found.parts.iloc[k], fitted.iloc[k], samples.owner == k
        planes = found.planes[found.planes["part"] == f"h{k}"]["rmse_m"]
        told_form = (
            f"Fitted: {fit['roof_shape']}, error {fit['residual']:.2f} m."
            if fit["roof_fit"] == FITTED
            else f"Not fitted: {fit['roof_fit']}; a block."
        )
        caption = (
            f"{told_form} RMSE {row['rmse_m']:.2f} m of all {row['samples']:,.0f} samples; "
            + (f"worst of {len(planes)} planes {planes.max():.2f} m; " * (len(planes) > 1))
            + f"{row['within']:.0%} within {WITHIN:g} m."
        )
        body = body_of(solids, k, samples.xyz[own], found.face[own], found.off[own])
        cards.append(FitCard(HOUSES[k][0], "", (caption,), body))
    sheet = draw_fit_sheet(
        cards,
        title="Roofs and survey",
        notes="Invented houses; samples drawn on known roofs with noise of "
        f"{NOISE:g} m, dormers, chimneys and machines. Left: from aslant; middle: from "
        "above; right: cut from A to B.",
        credit="bench/fits.py",
        tag="SIMULATED",
    )
    print(sheet.save(Path(sys.argv[1]) / "fits.png"))


if __name__ == "__main__":
    main()
