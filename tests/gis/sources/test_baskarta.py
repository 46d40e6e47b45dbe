"""Prove that Helsingborg's base map reads out of its zip, in its own system."""

import json
import zipfile

import pytest

from gis.errors import CrsError, SourceError, TableError
from gis.sources.baskarta import read_baskarta

EAST, NORTH = 99_600.0, 6_213_500.0
RD = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3008"}}


def feature(west, *, crs_east=EAST, north=NORTH, closed=True, **properties):
    x, y = crs_east + west, north
    ring = [[x, y], [x + 10, y], [x + 10, y + 8], [x, y + 8], [x, y]]
    shape = {"type": "Polygon", "coordinates": [ring if closed else ring[:-1]]}
    own = {"geodb_subtype_name": "Bostad", "PURPOSE": 10,
           "PURPOSE_resolved": "Småhus - friliggande", **properties}  # fmt: skip
    return {"type": "Feature", "properties": own, "geometry": shape}


def document(*features, crs=RD):
    whole = {"type": "FeatureCollection", "name": "MAPBUILDING", "features": list(features)}
    return json.dumps(whole | ({"crs": crs} if crs else {}), ensure_ascii=False)


def pack(folder, **tables):
    path = folder / "baskarta.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tables.items():
            archive.writestr(f"{name.replace('__', '.')}.geojson", content)
    return path


def test_the_table_of_buildings_is_found_and_decoded(tmp_path):
    buildings = document(
        feature(0, UUID="0d2f-1"),
        feature(
            20, UUID="0d2f-2", geodb_subtype_name="Komplementbyggnad", PURPOSE_resolved=None
        ),
        feature(
            40, UUID="0d2f-3", geodb_subtype_name="Övrig byggnad", PURPOSE_resolved=None
        ),
        feature(60, UUID="0d2f-4", PURPOSE_resolved="Samhällsfunktion - Skola"),
        feature(60, UUID="0d2f-4", PURPOSE_resolved="Samhällsfunktion - Skola"),
        feature(
            80, UUID="0d2f-4", PURPOSE_resolved="Samhällsfunktion - Skola", closed=False
        ),
    )
    path = pack(
        tmp_path, Bebyggelse__MAPBUILDING=buildings, Trafik__ROAD=document(feature(0)),
        Bebyggelse__MAPBUILDINGLINE="not even JSON",
    )  # fmt: skip
    table = read_baskarta(path)
    assert table.frame["part"].tolist() == [
        "0d2f-1",
        "0d2f-2",
        "0d2f-3",
        "0d2f-4-1",
        "0d2f-4-2",
    ]
    assert table.frame["building"].tolist()[3:] == ["0d2f-4", "0d2f-4"]
    assert table.frame["use"].tolist() == [
        "residential",
        "ancillary",
        "",
        "education",
        "education",
    ]
    assert table.frame.crs.to_epsg() == 3008
    assert table.frame.area.to_numpy() == pytest.approx(80.0)
    assert table.notes == (
        "1 ring not closed, closed by the first vertex (feature 6)",
        "1 repeated outline counted once",
    )
    assert table.origin.provider == "City of Helsingborg"


@pytest.mark.parametrize(
    ("epsg", "east", "north"), [(3008, EAST, NORTH), (3006, 356_000.0, 6_213_000.0)]
)
def test_a_system_that_is_not_stated_is_seen_from_the_place(tmp_path, epsg, east, north):
    path = pack(
        tmp_path,
        Bebyggelse__MAPBUILDING=document(feature(0, crs_east=east, north=north), crs=None),
    )
    table = read_baskarta(path)
    assert table.frame.crs.to_epsg() == epsg
    assert f"reference system not stated, EPSG:{epsg} by the coordinates" in table.notes


def test_features_without_identity_have_none(tmp_path):
    path = tmp_path / "Bebyggelse.MAPBUILDING.geojson"
    path.write_text(document(feature(0), feature(20)), encoding="utf-8")
    table = read_baskarta(path)
    assert table.frame["part"].tolist() == ["", ""]
    assert "2 buildings without identity in the map" in table.notes


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (document(feature(0, crs_east=5e6), crs=None), CrsError, "tell none of Helsing"),
        (document(feature(0), crs={"type": "link"}), CrsError, "given by name"),
        (document(feature(0), crs={"type": "name", "properties": {"name": "EPSG:99"}}),
         CrsError, "must be known, got 'EPSG:99'"),
        (document(), TableError, "is empty"),
        (document(feature(0))[:-20], SourceError, "must be whole JSON"),
        (document(feature(0, crs_east=float("nan"))), TableError, "must hold polygons"),
    ],
)  # fmt: skip
def test_faults_of_the_table_are_refused(tmp_path, content, error, told):
    with pytest.raises(error, match=told):
        read_baskarta(pack(tmp_path, Bebyggelse__MAPBUILDING=content))


def test_an_archive_without_buildings_is_refused(tmp_path):
    with pytest.raises(TableError, match="must hold one table of buildings"):
        read_baskarta(pack(tmp_path, Trafik__ROAD=document(feature(0))))
