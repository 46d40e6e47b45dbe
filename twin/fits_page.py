"""Write a page of all roofs beside the survey, the worst first."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from gis.files import atomic_path
from meshes.roofs.residuals import WITHIN

PAGE = "fits.html"

COLUMNS = {
    "building": "Building",
    "roof_form": "Form",
    "lod": "LoD",
    "eaves_m": "Eaves [m]",
    "ridge_m": "Ridge [m]",
    "samples": "Samples",
    "rmse_m": "RMSE [m]",
    "within": f"Within {WITHIN:g} m",
    "bias_m": "Survey higher by [m]",
    "seen": "Seen",
    "fit": "Fit to the survey",
}
SHARES = ("within", "seen")


def write_fits_page(
    folder: Path,
    table: pd.DataFrame,
    *,
    drawn: Mapping[str, str],
    title: str,
    notes: Sequence[str],
    credits: Sequence[str],
    tag: str = "",
) -> Path:
    """Write the page.

    Parameters
    ----------
    folder : Path
        Where the pictures lie.
    table : DataFrame
        As in `twin.fits.Fits`, in the order of the page.
    drawn : mapping of str to str
        File of the sheet on which each drawn part stands.
    title : str
        Of the page.
    notes, credits : sequence of str
        What is seen, on whose data.
    tag : str
        A warning, such as "SIMULATED", "" for none.

    Returns
    -------
    Path
        ``fits.html``; the pictures stay files beside it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    web = resources.files("twin.web")
    sheets = dict.fromkeys(drawn.values())
    text = Template((web / "fits.html").read_text("utf-8")).substitute(
        css=(web / "fits.css").read_text("utf-8"),
        title=escape(title),
        tag=f'<p class="tag">{escape(tag)}</p>' if tag else "",
        notes="".join(f"<p>{escape(note)}</p>" for note in notes),
        head="".join(f'<th scope="col">{escape(name)}</th>' for name in COLUMNS.values()),
        rows="".join(
            _row(str(part), row, drawn.get(str(part), "")) for part, row in table.iterrows()
        ),
        sheets="".join(
            f'<a href="{escape(name)}" id="{escape(name)}"><img src="{escape(name)}" '
            f'loading="lazy" alt="Sheet {number}: roofs with their samples from aslant, '
            f'from above and cut through; the figures are in the table"></a>'
            for number, name in enumerate(sheets, start=1)
        ),
        credits=escape("; ".join(credits)),
    )
    with atomic_path(folder / PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return folder / PAGE


def _row(part: str, row: "pd.Series[Any]", sheet: str) -> str:
    """Return one building as a row."""
    name = str(row["name"]) or str(row["building"])
    label = escape(name if name == part else f"{name} ({part})")
    cells = [f'<a href="#{escape(sheet)}">{label}</a>' if sheet else label]
    cells += [_cell(column, row[column]) for column in list(COLUMNS)[1:]]
    first, *others = cells
    told = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr><th scope="row">{first}</th>{told}</tr>'


def _cell(column: str, value: object) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, str):
        return escape(value)
    number = float(value)  # type: ignore[arg-type]
    if number != number:
        return "–"
    if column == "samples":
        return f"{number:,.0f}"
    return f"{number:.0%}" if column in SHARES else f"{number:.2f}"
