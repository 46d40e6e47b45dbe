"""What does not stand on the ground begins where its source says, or on the ground."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import TableError
from gis.parapets import PARAPET_WIDTH, read_parapets
from gis.undersides import bottom_levels, is_raised, read_undersides

nan = float("nan")


def table(**columns: object) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    boxes = [shapely.box(20 * k, 0, 20 * k + 10, 10) for k in range(count)]
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=3008)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"min_height": ["4", "4,5 m", ""]}, [4, 4.5, 0], id="as people write"),
        pytest.param({"building:min_level": [2, nan, 0]}, [6, 0, 0], id="3 m a storey"),
        pytest.param({"min_floor": [1, 2, nan]}, [3, 6, 0], id="Overture"),
        pytest.param(
            {"min_height": [5, nan], "min_level": [3, 3]}, [5, 9], id="metres first"
        ),
        pytest.param({"min_height": [-3, 4]}, [0, 4], id="a cellar is on the ground"),
        pytest.param({"underside": [0.0, 4.0]}, [0, 4], id="of a twin"),
        pytest.param({"min_height": [19.5, 12]}, [0, 12], id="nothing above it"),
        pytest.param({"name": ["a", "b"]}, [0, 0], id="nobody tells"),
    ],
)
def test_undersides_are_read(columns, expected):
    frame = table(**columns)
    told, _ = read_undersides(frame, np.full(len(frame), 20.0))
    assert told.tolist() == expected


def test_what_is_assumed_and_disbelieved_is_counted():
    frame = table(id=["a", "b", "c"], min_height=[9.5, nan, 3], min_level=[nan, 1, nan])
    _, notes = read_undersides(frame, np.array([10.0, 10.0, 10.0]))
    text = "; ".join(notes)
    assert "1 underside not 1 m below the top" in text
    assert "a: 9.5 m" in text
    assert "1 underside assumed as 3 m a storey below" in text
    assert "2 footprints beginning above the ground" in text


def test_a_raised_part_is_as_thick_as_its_height_less_its_underside():
    frame = pd.DataFrame(
        {
            "base": [1.0, 1.0],
            "top": [13.5, 13.5],
            "height": [12.0, 12.0],
            "underside": [0.0, 4.0],
        }
    )
    assert bottom_levels(frame).tolist() == [1.0, 5.5]
    assert is_raised(frame).tolist() == [False, True]
    assert not is_raised(frame.drop(columns="underside")).any()


def test_parapets_are_read_and_assumed_with_counts():
    frame = table(
        parapet_height=["0,8 m", "", "30", "0"], parapet_width=["0.4", "", "", ""]
    )
    told, notes = read_parapets(frame)
    assert told["parapet_height"].to_numpy() == pytest.approx(
        [0.8, nan, nan, nan], nan_ok=True
    )
    assert told["parapet_width"].to_numpy() == pytest.approx(
        [0.4, nan, nan, nan], nan_ok=True
    )
    assert "1 height of parapets outside" in "; ".join(notes)
    told, notes = read_parapets(frame, assumed=0.5)
    assert told["parapet_height"].to_numpy() == pytest.approx(
        [0.8, 0.5, nan, nan], nan_ok=True
    )
    assert told["parapet_width"].iloc[1] == PARAPET_WIDTH
    assert "1 parapet assumed 0.5 m high" in "; ".join(notes)
    with pytest.raises(TableError, match=r"must be 0\.05\.\.3 m high"):
        read_parapets(frame, assumed=8.0)
