"""Sensors are read as they are meant, or refused in one line."""

import numpy as np
import pytest

from gis.errors import SourceError
from twin.sensor_points import read_sensor_points

HEAD = "x,y,z,nx,ny,nz\n"
ONE = HEAD + "1,2,3,0,-3,4\n"


def saved(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ONE, id="plain"),
        pytest.param("\ufeff" + ONE, id="byte order mark"),
        pytest.param(ONE.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param("x, y, z, nx, ny, nz\n 1, 2, 3, 0, -3, 4 \n", id="blanks"),
        pytest.param(ONE + "\n\n", id="blank lines at the end"),
        pytest.param("nz,ny,nx,z,y,x\n4,-3,0,3,2,1\n", id="another order"),
    ],
)
def test_the_same_sensor_is_read_however_it_is_written(tmp_path, text):
    read = read_sensor_points(saved(tmp_path, text))
    assert read.points.tolist() == [[1, 2, 3]]
    assert read.normals == pytest.approx(np.array([[0, -0.6, 0.8]]))


def test_other_columns_are_kept_as_text_and_an_earlier_result_is_not(tmp_path):
    text = 'name,x,y,z,nx,ny,nz,total,code\n"A, b",0,0,1,0,0,1,9,007\nNA,1,1,1,0,0,2,9,\n'
    table = read_sensor_points(saved(tmp_path, text)).table
    assert list(table) == ["name", "x", "y", "z", "nx", "ny", "nz", "code"]
    assert table["code"].tolist() == ["007", ""]
    assert table["name"].tolist() == ["A, b", "NA"]
    assert table.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "No columns", id="empty"),
        pytest.param(HEAD, "1 to 100,000 sensors, got 0", id="head only"),
        pytest.param("x,y,z,nx,ny\n0,0,1,0,0\n", "nz missing", id="column missing"),
        pytest.param(ONE.replace(",", ";"), "separate by commas", id="semicolons"),
        pytest.param(HEAD[:-1] + ",x\n0,0,1,0,0,1,5\n", "'x' twice", id="column twice"),
        pytest.param(ONE + "nan,0,1,0,0,1\n", "line 3 of", id="nan"),
        pytest.param(ONE + "\n0,0,inf,0,0,1\n", "line 4 of", id="infinite"),
        pytest.param(ONE + "0,0,1,0,0,0\n", "a normal that is not 0", id="no normal"),
        pytest.param(ONE + "0,0,1m,0,0,1\n", "'0,0,1m,0,0,1'", id="text after a number"),
        pytest.param(ONE + "0,0,1\n", "'0,0,1,,,'", id="short line"),
        pytest.param(ONE + "0,0,1,0,0,1,7\n", "Expected 6 fields", id="long line"),
        pytest.param(HEAD + "0,0,1,0,0,1,7\n", "Expected 6 fields", id="all lines long"),
        pytest.param(ONE + "0,0,1e9,0,0,1\n", "up to 100,000,000 m", id="absurd place"),
        pytest.param(ONE + '"0,0,1,0,0,1\n', "inside string", id="open quote"),
    ],
)
def test_what_is_no_sensor_is_refused(tmp_path, text, said):
    with pytest.raises(SourceError) as refused:
        read_sensor_points(saved(tmp_path, text))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused(tmp_path, encoding):
    with pytest.raises(SourceError, match="UTF-8"):
        read_sensor_points(saved(tmp_path, ONE + "å,0,1,0,0,1\n", encoding))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read_sensor_points(tmp_path / "none.csv")
