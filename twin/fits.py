"""Compare the roofs of a twin with a survey, building by building."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.district import District
from gis.errors import TableError, UnknownIdError
from gis.faults import count_things, name_some
from gis.files import atomic_path
from meshes.render.fits import PER_SHEET, FitCard, write_fit_sheets
from meshes.render.fits_views import body_of
from meshes.roofs.fit import FITTED, fit_roofs, roof_samples
from meshes.roofs.lod2 import RoofReport
from meshes.roofs.residuals import WITHIN, Residuals, measure_residuals
from meshes.roofs.soundings import Soundings
from meshes.solids import Kind, Solids
from twin.fits_page import write_fits_page

BUILDINGS, PLANES = "fits_buildings.csv", "fits_planes.csv"

MOST = 60
"""Buildings that are drawn unless more are wanted: ten sheets, the worst."""


@dataclass(frozen=True)
class Fits:
    """Roofs of bodies beside the samples of a survey.

    Attributes
    ----------
    solids : Solids
        Bodies as they stand in the twin.
    residuals : Residuals
        Distances of the samples from their roofs: those that a fit rests on, no others.
    table : DataFrame
        A row for each part, index ``part``, the worst first and those that nobody saw
        last: ``building``, ``name``, ``lod``, ``roof_form``, ``fallback`` (why it is
        simpler than told), ``roof_source``, ``height_source``, ``base_m``, ``eaves_m`` and
        ``ridge_m`` (lowest and highest corner of the roof [m, RH2000]), the columns of
        `Residuals.parts`, then what fitting to this survey says: ``fit`` ("fitted", or why
        not), ``fit_form`` and ``fit_error_m``.
    survey : str
        Name of the survey.
    """

    solids: Solids
    residuals: Residuals
    table: pd.DataFrame
    survey: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What was seen, and what should make one wonder, in sentences with counts."""
        seen = int((self.table["samples"] > 0).sum())
        notes = [
            f"{count_things(len(self.residuals.samples), 'sample')} of {self.survey} on "
            f"{seen:,} of {count_things(len(self.table), 'building part')}"
        ]
        fitted = self.table["roof_source"].str.startswith("fitted to ")
        here = self.table["roof_source"].str.contains(self.survey, regex=False)
        other = int((fitted & ~here).sum())
        if other:
            notes.append(
                f"{count_things(other, 'roof')} fitted to another survey than "
                f"{self.survey}: these samples are not those of the fit"
            )
        return tuple(notes)

    @property
    def planes(self) -> pd.DataFrame:
        """A row for each roof face: ``building`` and the columns of `Residuals.planes`."""
        building = self.table["building"]
        planes = self.residuals.planes
        planes = planes.assign(building=planes["part"].map(building))
        names = planes.groupby("part").cumcount() + 1
        planes = planes.assign(plane=names)
        first = ["building", "part", "plane"]
        rank = pd.Series(np.arange(len(self.table)), index=self.table.index)
        order = np.argsort(planes["part"].map(rank).to_numpy(), kind="stable")
        return planes[[*first, *planes.columns.difference(first, sort=False)]].iloc[order]


def measure_fits(
    buildings: gpd.GeoDataFrame,
    solids: Solids,
    roofs: RoofReport,
    soundings: Soundings,
    *,
    survey: str,
) -> Fits:
    """Compare bodies with a survey.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `gis.district.District.buildings`; its rows are the parts of the bodies.
    solids, roofs : Solids, RoofReport
        As `meshes.roofs.raising.raise_buildings` makes them of the buildings.
    soundings : Soundings
        As `twin.survey_roofs.survey_soundings` collects them.
    survey : str
        Its name.

    Returns
    -------
    Fits

    Raises
    ------
    TableError
        If no sample lies on any roof.
    """
    samples = roof_samples(buildings, soundings)
    if not len(samples):
        west, south, east, north = buildings.total_bounds
        message = (
            f"a survey must have measured roofs of the twin, {survey} has no sample on any "
            f"of {count_things(len(buildings), 'building part')} between easting "
            f"{west:.0f} and {east:.0f}, northing {south:.0f} and {north:.0f}; give the "
            "survey that covers them"
        )
        raise TableError(message)
    fitted, _ = fit_roofs(buildings, soundings)
    residuals = measure_residuals(solids, samples, band=fitted["band"].to_numpy())
    parts = residuals.parts
    heights = _roof_levels(solids)
    table = pd.DataFrame(
        {
            "building": buildings["building"],
            "name": buildings["name"],
            "lod": roofs.table["lod"].to_numpy(),
            "roof_form": roofs.table["roof_shape"].to_numpy(),
            "fallback": roofs.table["fallback"].to_numpy(),
            "roof_source": buildings["roof_source"],
            "height_source": buildings["height_source"],
            "base_m": buildings["base"],
            "eaves_m": heights[0],
            "ridge_m": heights[1],
            **{name: parts[name].to_numpy() for name in parts},
            "fit": fitted["roof_fit"],
            "fit_form": fitted["roof_shape"],
            "fit_error_m": fitted["residual"],
        },
        index=pd.Index(solids.parts, name="part"),
    )
    table = table.sort_values("rmse_m", ascending=False, kind="stable", na_position="last")
    return Fits(solids, residuals, table, survey)


def _roof_levels(solids: Solids) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Lowest and highest corner of the roofs of each part [m, RH2000]."""
    faces = solids.faces
    face = np.repeat(np.arange(len(faces)), np.diff(faces.vertex_start))
    roof = solids.kind[face] == Kind.ROOF
    part = solids.part[face][roof]
    z = faces.vertices[roof, 2] + solids.origin[2]
    levels = np.array([[np.inf], [-np.inf]]).repeat(len(solids.parts), axis=1)
    np.minimum.at(levels[0], part, z)
    np.maximum.at(levels[1], part, z)
    return np.where(np.isfinite(levels), levels, np.nan)


def choose_parts(fits: Fits, wanted: Sequence[str], *, most: int = MOST) -> list[str]:
    """Return the parts to draw, the worst first.

    Parameters
    ----------
    fits : Fits
        What was measured.
    wanted : sequence of str
        Ids of buildings or parts; empty for the ``most`` worst that were seen.

    Raises
    ------
    UnknownIdError
        If the twin has no such building, or the survey no sample on it.
    """
    table = fits.table
    seen = table["samples"] > 0
    if not wanted:
        return table.index[seen][:most].tolist()
    known = set(table.index) | set(table["building"])
    lost = [name for name in wanted if name not in known]
    if lost:
        message = (
            f"buildings must be those of the twin, got {name_some(lost)}; their ids are in "
            f"the column building of {BUILDINGS} and in the report"
        )
        raise UnknownIdError(message)
    chosen = table.index.isin(wanted) | table["building"].isin(wanted).to_numpy()
    bare = [
        name
        for name in wanted
        if not ((table["building"] == name).to_numpy() | (table.index == name))[seen].any()
    ]
    if bare:
        message = (
            f"buildings must have been seen by the survey, {fits.survey} has no sample on "
            f"{name_some(bare)}; choose others or give another survey"
        )
        raise UnknownIdError(message)
    return table.index[chosen & seen].tolist()


def fit_card(fits: Fits, part: str) -> FitCard:
    """Say in a few lines how well the roof of a part fits.

    Parameters
    ----------
    fits : Fits
        What was measured.
    part : str
        One of its parts, with samples.
    """
    number = fits.solids.parts.index(part)
    rank = fits.table.index.tolist().index(part)
    row = fits.table.iloc[rank]
    samples = fits.residuals.samples
    own = slice(*np.searchsorted(samples.owner, [number, number + 1]))
    seen = int((fits.table["samples"] > 0).sum())
    title = str(row["name"] or row["building"])
    place = f"{rank + 1} of {seen}, worst first"
    levels = f"eaves {row['eaves_m']:.2f}, ridge {row['ridge_m']:.2f}"
    heights = f"roof at {row['ridge_m']:.2f}" if row["roof_form"] == "flat" else levels
    planes = fits.residuals.planes.query("part == @part")
    worst = f"; worst of {len(planes)} planes {planes['rmse_m'].max():.2f} m"
    return FitCard(
        title=title,
        aside=place if title == part else f"{part}   {place}",
        caption=(
            f"{row['roof_form']} (LoD{row['lod']}), {heights} m RH2000. "
            + _source_words(row),
            f"RMSE {row['rmse_m']:.2f} m of all {row['samples']:,.0f} samples"
            f"{worst if len(planes) > 1 else ''}; {row['within']:.0%} within {WITHIN:g} m; "
            f"{row['seen']:.0%} of the roof seen; the survey lies "
            f"{_shift_words(float(row['bias_m']))} (median).",
            _fit_words(row, fits.survey),
        ),
        body=body_of(
            fits.solids,
            number,
            samples.xyz[own],
            fits.residuals.face[own],
            fits.residuals.off[own],
        ),
    )


def _source_words(row: "pd.Series[Any]") -> str:
    """Say whence the form is."""
    source = str(row["roof_source"])
    told = (
        f"Form: {source}." if source else f"No form known; height: {row['height_source']}."
    )
    return f"{told} Simpler than told: {row['fallback']}." if row["fallback"] else told


def _shift_words(bias: float) -> str:
    """Say on which side the survey lies."""
    if abs(bias) < 0.005:
        return "on it"
    return f"{abs(bias):.2f} m {'above' if bias > 0 else 'below'}"


def _fit_words(row: "pd.Series[Any]", survey: str) -> str:
    """Say what a fit to this survey tells."""
    if row["fit"] == FITTED:
        return f"Fit to {survey}: {row['fit_form']}, error {row['fit_error_m']:.2f} m."
    return f"Fit to {survey}: none, {row['fit']}; a block is built unless a form is told."


def write_fits(
    fits: Fits,
    folder: Path,
    *,
    district: District,
    wanted: Sequence[str] = (),
    most: int = MOST,
    tag: str = "",
) -> list[Path]:
    """Write sheets of pictures, a page and the residuals.

    Parameters
    ----------
    fits : Fits
        What was measured.
    folder : Path
        Existing folder; files of the same names are replaced.
    district : District
        Its name and credits.
    wanted, most
        See `choose_parts`.
    tag : str
        A warning on every sheet, such as "SIMULATED".

    Returns
    -------
    list of Path
        ``fits.html``, ``fits_1.png`` and so on, `BUILDINGS` and `PLANES`: page and tables
        tell of all parts and roof planes, not only of those drawn.

    Raises
    ------
    UnknownIdError
        If a wanted building is not there.
    OutputError
        If a file cannot be written.
    """
    parts = choose_parts(fits, wanted, most=most)
    tables = []
    for name, table in (
        (BUILDINGS, fits.table.reset_index()),
        (PLANES, fits.planes.reset_index(drop=True)),
    ):
        with atomic_path(folder / name) as temporary:
            table.round(4).to_csv(temporary, index=False, lineterminator="\n")
        tables.append(folder / name)
    for old in folder.glob("fits_[0-9]*.png"):
        old.unlink()
    seen = fits.table[fits.table["samples"] > 0]
    notes = (
        f"{count_things(len(parts), 'building part')} of {len(seen):,} seen by "
        f"{fits.survey}, the largest RMSE first; strays such as chimneys count. On the "
        f"median part {seen['within'].median():.0%} of them lie within {WITHIN:g} m. "
        "Left: from aslant; middle: from above; right: cut from A to B."
    )
    sheets = write_fit_sheets(
        folder,
        [fit_card(fits, part) for part in parts],
        title=f"Roofs and survey: {district.name}",
        notes=notes,
        credit="; ".join(district.credits),
        tag=tag,
    )
    page = write_fits_page(
        folder,
        fits.table,
        drawn={part: sheets[k // PER_SHEET].name for k, part in enumerate(parts)},
        title=f"Roofs and survey: {district.name}",
        notes=(notes, *fits.notes),
        credits=district.credits,
        tag=tag,
    )
    return [page, *sheets, *tables]
