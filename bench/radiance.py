"""Compare the light engine with Radiance, scene by scene.

Run from a checkout: ``.venv/bin/python bench/radiance.py``. It reads the scenes and results
of ``../shared/truth`` (another folder with ``--truth``), prints a table and draws the
pictures of docs/radiance.md. The references are not part of the project.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from gis.sources.weather_files import read_weather
from gis.weather import Weather
from meshes.formats.mesh_file import read_mesh
from meshes.solar.hourly import part_hours
from meshes.solar.irradiance import Irradiation
from meshes.solar.point_light import light_on_points

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[1]
MID_HOUR = 30.0
ROWS_LATE = 1
PARTS = {"direct": "#e69f00", "diffuse": "#0072b2", "reflected": "#009e73"}
TOTALS = {"total, black faces": "#555555", "total, faces of 0.3": "#cc79a7"}
MOST_DOTS = 4000
"""Hours drawn of each picture; the figures are of all."""


@dataclass(frozen=True)
class Pair:
    """Our values beside the reference's.

    Attributes
    ----------
    here, there : (n,) float
        [kWh/m2] of a year, or [W/m2] of hours.
    scale : float
        What errors are told in percent of.
    """

    here: np.ndarray
    there: np.ndarray
    scale: float

    @property
    def bias(self) -> float:
        """Mean error [% of the scale]."""
        return 100 * float((self.here - self.there).mean()) / self.scale

    @property
    def scatter(self) -> float:
        """Root mean square error [% of the scale]."""
        return 100 * float(np.sqrt(((self.here - self.there) ** 2).mean())) / self.scale

    @property
    def worst(self) -> float:
        """Largest error [% of the scale]."""
        return 100 * float(np.abs(self.here - self.there).max()) / self.scale


def compare(folder: Path, scene: str, weather: Weather) -> dict[str, Pair]:
    """Light one scene and put the results beside Radiance's.

    Parameters
    ----------
    folder : Path
        Of the references.
    scene : str
        Its name there.
    weather : Weather
        The year they were made with.

    Returns
    -------
    dict of str to Pair
        Years in percent of the mean total of the same reflectance, hours in percent of
        the mean of their own kind over the hours in which there is light.
    """
    table = pd.read_csv(folder / f"{scene}_radiance.csv")
    dark, light = (
        light_on_points(
            read_mesh(folder / f"{scene}.obj"),
            table[["x", "y", "z"]].to_numpy(),
            table[["nx", "ny", "nz"]].to_numpy(),
            weather,
            latitude=float(weather.latitude or np.nan),
            longitude=float(weather.longitude or np.nan),
            albedo=0.2,
            reflectance=reflectance,
            step_minutes=60.0,
        )[0]
        for reflectance in (0.0, 0.3)
    )
    scale = float(table["total_rho30"].mean())
    parts = light.sensor_parts.astype(float)
    found = {
        "direct": Pair(parts[:, 0], table["sun"].to_numpy(), scale),
        "diffuse": Pair(parts[:, 1], table["sky"].to_numpy(), scale),
        "reflected": Pair(parts[:, 2:].sum(axis=1), table["refl_rho30"].to_numpy(), scale),
        "total, black faces": Pair(
            dark.sensor_annual.astype(float),
            table["total_rho00"].to_numpy(),
            float(table["total_rho00"].mean()),
        ),
        "total, faces of 0.3": Pair(
            light.sensor_annual.astype(float), table["total_rho30"].to_numpy(), scale
        ),
    }
    hourly = pd.read_csv(folder / f"{scene}_radiance_hourly.csv")
    return found | hour_pairs(hourly, table, light)


def hour_pairs(
    hourly: pd.DataFrame, table: pd.DataFrame, light: Irradiation
) -> dict[str, Pair]:
    """Return the hours of the marked sensors, light of the sky and thrown back."""
    number = {name: k for k, name in enumerate(table["sensor"])}
    found = {}
    for name, ending, which in (
        ("hourly sky", "_sky", 1),
        ("hourly reflected", "_refl30", 2),
    ):
        columns = [str(column) for column in hourly if str(column).endswith(ending)]
        chosen = np.array([number[column.removesuffix(ending)] for column in columns])
        hours = part_hours(light, chosen)[which].astype(float)
        # Their first row is the first hour of the file's clock, an hour before UTC's.
        here = np.roll(hours, ROWS_LATE, axis=1).ravel()
        there = hourly[columns].to_numpy().T.ravel()
        lit = (here > 0) | (there > 0)
        # Roofs that nothing shines on from below have no hours to compare.
        mean = float(there[lit].mean()) if lit.any() else float("nan")
        found[name] = Pair(here[lit], there[lit], mean)
    return found


def draw(scene: str, pairs: dict[str, Pair], path: Path) -> None:
    """Draw the scatter plots of a scene."""
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
    scatter(axes[0], pairs, TOTALS, "year, total [kWh/m²]")
    scatter(axes[1], pairs, PARTS, "year, parts [kWh/m²]")
    scatter(axes[2], pairs, {"hourly sky": PARTS["diffuse"]}, "hours, sky [W/m²]")
    scatter(
        axes[3], pairs, {"hourly reflected": PARTS["reflected"]}, "hours, reflected [W/m²]"
    )
    axes[0].set_ylabel("here")
    figure.suptitle(scene, x=0.01, ha="left", fontsize=11)
    figure.savefig(path, dpi=75)
    plt.close(figure)


def scatter(axis: Axes, pairs: dict[str, Pair], kinds: dict[str, str], title: str) -> None:
    """Draw values of some kinds against the reference's, with the line of equality."""
    rng = np.random.default_rng(0)
    top = 1.0
    for kind, colour in kinds.items():
        pair = pairs[kind]
        if not len(pair.here):
            continue
        shown = np.arange(len(pair.here))
        if len(shown) > MOST_DOTS:
            shown = rng.choice(shown, MOST_DOTS, replace=False)
        axis.plot(
            pair.there[shown],
            pair.here[shown],
            ".",
            color=colour,
            markersize=7 if len(shown) < 500 else 2,
            label=f"{kind}: bias {pair.bias:+.1f} %, RMSE {pair.scatter:.1f} %",
        )
        top = max(top, pair.here.max(), pair.there.max())
    axis.plot([0, top], [0, top], color="0.4", linewidth=0.8, zorder=0)
    axis.set(title=title, xlabel="Radiance", aspect="equal")
    axis.title.set_fontsize(9)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=6.5, loc="upper left", frameon=False)


def table_lines(results: dict[str, dict[str, Pair]]) -> list[str]:
    """Return bias and scatter of all scenes as a table for the page."""
    kinds = list(next(iter(results.values())))
    lines = [
        "| scene | sensors | " + " | ".join(kinds) + " |",
        "|---" * (len(kinds) + 2) + "|",
    ]
    for scene, pairs in results.items():
        count = len(pairs["direct"].here)
        cells = [
            "-" if np.isnan(pair.scale) else f"{pair.bias:+.2f} / {pair.scatter:.2f}"
            for pair in pairs.values()
        ]
        lines.append(f"| {scene} | {count} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Compare every scene of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", type=Path, default=ROOT.parent / "shared" / "truth")
    parser.add_argument("--weather", type=Path, help="the EPW they were made with")
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--only-table", action="store_true")
    given = parser.parse_args()
    folder = ROOT.parent / "shared" / "data" / "weather"
    epw = given.weather or next(iter(folder.glob("SWE_VG_Gothenburg*.epw")), None)
    scenes = sorted(
        p.name[: -len("_radiance.csv")] for p in given.truth.glob("*_radiance.csv")
    )
    if not scenes or epw is None:
        parser.error(
            f"no references in {given.truth}, or no weather; name --truth, --weather"
        )
    weather = replace(read_weather(epw), sun_offset_minutes=MID_HOUR)
    results = {}
    for scene in scenes:
        results[scene] = compare(given.truth, scene, weather)
        if not given.only_table:
            draw(scene, results[scene], given.pictures / f"radiance_{scene.lower()}.png")
    for line in table_lines(results):
        print(line)


if __name__ == "__main__":
    main()
