"""Give tests of the live state a small twin folder with known sun."""

import shutil
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.live import LiveTwin, open_live
from twin.model import Model, district_model
from twin.tables import Provenance, write_hourly
from twin.things import write_model

from ..serving import Heidi, heidi, served  # noqa: F401, TID252 - the tests are no package

HOURS = pd.date_range("2018-01-01", periods=8760, freq="h", tz="UTC")
"""The weather year; 2018 has no 29 February, and no other year has its weekdays."""

PEAKS = {"way/7": 400.0, "b2": 120.0, "b3": 35.0, "b4": 9.0, "b5": 250.0}
"""Panels: largest power of each building [kW]; ``b6`` and ``b7`` carry none."""


def shape() -> np.ndarray:
    """Return the year's sun, (8760,) of 0..1, highest at noon of midsummer."""
    day = HOURS.day_of_year.to_numpy()
    season = 0.55 - 0.45 * np.cos(2 * np.pi * (day - 10) / 365)
    noon = np.cos(2 * np.pi * (HOURS.hour.to_numpy() + 0.5 - 12) / 24)
    return season * np.maximum(0.0, noon)


def small_model() -> Model:
    """Return seven buildings, five of them with panels."""
    names = [*PEAKS, "b6", "b7"]
    table = pd.DataFrame(
        {
            "name": ["Tågaborg & <Söder>", "", "", "", "Knutpunkten", "", ""],
            "use": ["office", "", "education", "residential", "", "", ""],
            "year": [1931.0, np.nan, np.nan, 2020.0, np.nan, np.nan, np.nan],
            "floor_area": [9000.0, 1000.5, 700.25, 300.125, 5000.0, 42.0, 77.0],
        },
        index=pd.Index(names, name="building"),
    )
    return district_model(table, pv_facets={name: [f"{name}-roof"] for name in PEAKS})


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the folder once."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "heidi.toml").write_text(
        '[twin]\nname = "Lilla Helsingborg"\nschematic = true\n', encoding="utf-8"
    )
    write_model(folder / "model.json", small_model())
    names = [*PEAKS, "b6", "b7"]
    pv = np.array([PEAKS.get(name, 0.0) for name in names])[:, None] * shape()
    write_hourly(
        folder / "hourly.parquet",
        names,
        HOURS,
        roof_kw=2 * pv,
        facade_kw=pv,
        pv_kw=pv,
        provenance=Provenance("0", "0", schematic=True),
    )
    air = 9.0 - 9.0 * np.cos(2 * np.pi * (HOURS.day_of_year.to_numpy() - 20) / 365)
    pd.DataFrame({"time": HOURS, "temp_air": air}).to_parquet(folder / "weather.parquet")
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Return a fresh copy of the small twin folder."""
    return Path(shutil.copytree(template, tmp_path / "twin"))


@pytest.fixture
def twin(folder: Path) -> LiveTwin:
    return open_live(folder)


@pytest.fixture
def unused_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(scope="session")
def fed_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feed the default day once."""
    folder = tmp_path_factory.mktemp("fed") / "twin"
    shutil.copytree(template, folder)
    Heidi()("simulate", folder)
    return folder


@pytest.fixture
def fed(fed_template: Path, tmp_path: Path) -> Path:
    """Return a fresh copy of the folder with a simulated day."""
    return Path(shutil.copytree(fed_template, tmp_path / "fed"))
