"""The command line lights sensors around any mesh, and refuses in one line."""

import json

import numpy as np
import pandas as pd
import pytest
import trimesh

import twin.cli
from gis.typical_year import typical_year

SENSORS = """name,x,y,z,nx,ny,nz
roof,0.5,0.2,9.001,0,0,1
south,0,-3.501,4,0,-1,0
east,6.001,1,2,2,0,0
below,9,9,5,0,0,-1
"""
SIZE = (12.0, 7.0, 9.0)
Y_UP = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]


@pytest.fixture
def heidi(monkeypatch, capsys):
    """Run the command as the terminal does."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["heidi", *map(str, words)])
        try:
            twin.cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Return a folder with a box in several formats, sensors and a year of weather."""
    folder = tmp_path_factory.mktemp("solar")
    (folder / "points.csv").write_text(SENSORS)
    year = typical_year().table[["ghi", "dni", "dhi", "temp_air", "wind_speed"]]
    year.rename_axis("time").to_csv(folder / "year.csv", date_format="%Y-%m-%dT%H:%M:%SZ")
    box = trimesh.creation.box(SIZE)
    box.apply_translation((0, 0, SIZE[2] / 2))
    for ending in ("obj", "ply", "stl"):
        (folder / f"box.{ending}").write_bytes(_bytes(box.export(file_type=ending)))
    turned = box.copy()
    turned.vertices = np.asarray(box.vertices) @ np.array(Y_UP)
    (folder / "box.glb").write_bytes(turned.export(file_type="glb"))
    (folder / "box.city.json").write_text(json.dumps(city(box)))
    return folder


def _bytes(data):
    return data.encode() if isinstance(data, str) else data


def city(box) -> dict:
    """Return the box as CityJSON."""
    faces = [[[int(k) for k in face]] for face in box.faces]
    solid = {"type": "Solid", "lod": "1.2", "boundaries": [faces]}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [0.0] * 3},
        "CityObjects": {"box": {"type": "Building", "geometry": [solid]}},
        "vertices": np.round(np.asarray(box.vertices) * 1000).astype(int).tolist(),
    }


def options(folder, out, **changes):
    """Return the options of a quick run."""
    told = {
        "sensors": folder / "points.csv",
        "weather": folder / "year.csv",
        "lat": 56.041,
        "lon": 12.696,
        "patches": 577,
        "sun-offset": 30,
        "out": out,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return [
        word for name, value in told.items() if value is not None
        for word in (f"--{name}", value)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def by_format(given):
    return {}


@pytest.mark.parametrize("ending", ["obj", "ply", "stl", "glb", "city.json"])
def test_every_format_gives_the_same_light(heidi, given, tmp_path, by_format, ending):
    out = tmp_path / "result.csv"
    code, _, told = heidi("solar", given / f"box.{ending}", *options(given, out))
    assert code == 0, told
    table = pd.read_csv(out)
    assert ",".join(table) == "name,x,y,z,nx,ny,nz,direct,diffuse,reflected,total"
    assert table["name"].tolist() == ["roof", "south", "east", "below"]
    by_format[ending] = table[["direct", "diffuse", "reflected"]].to_numpy()
    first = next(iter(by_format.values()))
    # Triangles come in another order, and rays with them.
    assert by_format[ending][:, :2] == pytest.approx(first[:, :2], abs=0.01)
    assert by_format[ending][:, 2] == pytest.approx(first[:, 2], rel=0.02, abs=0.5)
    assert first[0, 0] > first[1, 0] > first[2, 0] > first[3, 0] == 0
    assert first[3, 2] > 50


def test_hours_lie_beside_the_year_and_add_up_to_it(heidi, given, tmp_path):
    out = tmp_path / "result.csv"
    code, said, told = heidi(
        "solar", given / "box.obj", *options(given, out), "--hourly", "--json"
    )
    assert code == 0, told
    record = json.loads(said)
    assert record["files"] == [str(out), str(tmp_path / "result.parquet")]
    assert record["sun_offset_minutes"] == 30
    hours = pd.read_parquet(tmp_path / "result.parquet")
    assert len(hours) == 4 * 8760
    sums = hours.groupby("sensor")[["direct", "diffuse", "reflected", "total"]].sum() / 1000
    year = pd.read_csv(out)[list(sums)]
    assert sums.to_numpy() == pytest.approx(year.to_numpy(), rel=1e-3, abs=0.01)
    assert (hours[["direct", "diffuse", "reflected"]] > -1e-3).all(axis=None)
    mean = record["mean_kwh_m2"]["total"]
    assert mean == pytest.approx(year["total"].mean(), abs=0.01)


@pytest.fixture(scope="module")
def ten_days(given):
    """Ten days of May in steps of ten minutes, each six times that of its hour."""
    year = typical_year().table.loc["2018-05-01":"2018-05-10"]
    fine = year.loc[year.index.repeat(6)].drop(columns="filled")
    index = pd.date_range("2018-05-01", periods=len(fine), freq="10min", tz="UTC")
    path = given / "ten_days.csv"
    fine.set_axis(index.rename("time"), axis=0).to_csv(
        path, date_format="%Y-%m-%dT%H:%M:%SZ"
    )
    return path


def test_finer_weather_gives_finer_light_of_the_time_it_covers(
    heidi, given, ten_days, tmp_path
):
    totals = {}
    for step, rows in ((None, 1440), (60, 240)):
        out = tmp_path / f"result_{step}.csv"
        words = options(
            given, out, weather=ten_days, sun_offset="auto", step=step, snow="skane"
        )
        code, said, told = heidi("solar", given / "box.obj", *words, "--hourly", "--json")
        assert code == 0, told
        record = json.loads(said)
        assert record["hours"] == 240
        assert record["step_minutes"] == (step or 10)
        assert not record["whole_year"]
        assert any("is no year" in note for note in record["notes"])
        light = pd.read_parquet(out.with_suffix(".parquet"))
        assert len(light) == 4 * rows
        assert light["time"].diff().iloc[1] == pd.Timedelta(minutes=step or 10)
        sums = light.groupby("sensor")[["direct", "total"]].sum() * (240 / rows) / 1000
        totals[step] = pd.read_csv(out)
        assert sums.to_numpy() == pytest.approx(
            totals[step][["direct", "total"]].to_numpy(), rel=1e-3, abs=0.01
        )
    fine, whole = (totals[step]["total"].to_numpy() for step in (None, 60))
    assert fine == pytest.approx(whole, rel=0.01)


def test_without_reflectance_nothing_is_thrown_back(heidi, given, tmp_path):
    out = tmp_path / "result.csv"
    dark = options(given, out, albedo=0, reflectance=0)
    assert heidi("solar", given / "box.obj", *dark)[0] == 0
    assert (pd.read_csv(out)["reflected"] == 0).all()


def test_the_sun_is_looked_for_at_the_place_that_is_given(heidi, given, tmp_path):
    """Fifteen degrees further east the same radiation belongs to an hour later."""
    out = tmp_path / "result.csv"
    found = []
    for lon in (12.696, 12.696 - 15):
        words = options(given, out, albedo=0, reflectance=0, lon=lon, sun_offset=None)
        _, said, _ = heidi("solar", given / "box.obj", *words, "--json")
        found.append(json.loads(said)["sun_offset_minutes"])
    assert found == pytest.approx([30, 90], abs=5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sensors": None}, "needs --sensors"),
        ({"weather": None}, "needs --weather"),
        ({"out": None}, "needs --out"),
        ({"sensors": "none.csv"}, "no such file"),
        ({"weather": "none.epw"}, "none.epw"),
        ({"out": "result.txt"}, "must end in .csv"),
        ({"out": "nowhere/result.csv"}, "existing folder"),
        ({"albedo": 20}, "not percent"),
        ({"albedo": "0.2,0.3"}, "twelve numbers"),
        ({"albedo": "asfallt"}, "did you mean 'asphalt'"),
        ({"snow": "lappland"}, "or the name skane"),
        ({"reflectance": "cheese"}, "material must be known"),
        ({"step": 7}, "must be one of 1, 2, 3"),
        ({"step": 10}, "no finer than the file's"),
        ({"reflectance": -0.1}, "--reflectance must be"),
        ({"reflectance": "nan"}, "--reflectance must be"),
        ({"patches": 145}, "577 or 2305"),
        ({"sun_offset": "noon"}, "must be 'auto' or minutes"),
        ({"sun_offset": "nan"}, "must be 'auto' or minutes"),
        ({"lat": 91}, "-90..90"),
        ({"lat": None, "lon": None}, "names no place"),
        ({"building": "b1"}, "--building can be asked of a twin folder only"),
    ],
)
def test_what_cannot_be_done_is_one_line(heidi, given, tmp_path, changes, said):
    words = options(given, **({"out": tmp_path / "result.csv"} | changes))
    code, _, told = heidi("solar", given / "box.obj", *words)
    assert code == 2
    last = [line for line in told.splitlines() if line.startswith("heidi: ")]
    assert len(last) == 1
    assert said in last[0]
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_inputs_are_not_written_over(heidi, given, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(SENSORS)
    words = options(given, own, sensors=own)
    assert heidi("solar", given / "box.obj", *words)[0] == 2
    assert own.read_text() == SENSORS
    held = own.rename(tmp_path / "held.parquet")
    words = options(given, tmp_path / "held.csv", sensors=held)
    code, _, told = heidi("solar", given / "box.obj", *words, "--hourly")
    assert code == 2
    assert "held.parquet is the file of --sensors" in told
    assert held.read_text() == SENSORS


def test_a_mesh_without_faces_is_refused(heidi, given, tmp_path):
    mesh = tmp_path / "points.obj"
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    code, _, told = heidi("solar", mesh, *options(given, tmp_path / "result.csv"))
    assert code == 2
    assert "must have faces" in told


def test_a_folder_has_no_sensors(heidi, given):
    code, _, told = heidi("solar", given, "--sun-offset", 30, "--hourly")
    assert code == 2
    assert "--sun-offset, --hourly can be asked of a mesh only" in told
