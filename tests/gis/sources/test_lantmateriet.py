"""Prove that the building register keeps every piece of every building."""

import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import SourceError, TableError
from gis.sources.lantmateriet import read_lantmateriet

EAST, NORTH = 356_000.0, 6_213_000.0


def box(west, south, width, height):
    """Draw a block near Helsingborg's station, EPSG:3006."""
    x, y = EAST + west, NORTH + south
    return shapely.MultiPolygon([shapely.box(x, y, x + width, y + height)])


def register(**changed):
    """Form a layer as Lantmäteriet delivers it, of invented buildings."""
    ids = [
        "15fc7757-0001",
        "68307637-0002",
        "68307637-0002",
        "8527579f-0003",
        "1b95930c-0004",
    ]
    columns = {
        "objektidentitet": ids,
        "versiongiltigfran": ["2017-10-18T15:46:07+00:00", "2019-03-30T14:08:07+00:00"] * 2
        + ["2023-05-03T09:42:44+00:00"],
        "lagesosakerhetplan": [0.15, 0.08, 0.08, 10.0, 0.03],
        "lagesosakerhethojd": [10.0, 0.25, 0.25, None, 0.03],
        "ursprunglig_organisation": ["Helsingborg", "Lantmäteriet"] * 2 + ["Lantmäteriet"],
        "objektversion": [4, 1, 1, 5, 2],
        "objekttypnr": [2061, 2063, 2063, 2066, 2064],
        "objekttyp": ["Bostad", "Samhällsfunktion", "Samhällsfunktion", "Komplementbyggnad",
                      "Verksamhet"],
        "insamlingslage": ["Fasad", "Takkant", "Takkant", "Ospecificerad", "Fasad"],
        "byggnadsnamn1": [None, "Rönnowska skolan", "Rönnowska skolan", None, "Magasinet"],
        "byggnadsnamn2": [None, None, None, None, "Filbornakyrkan"],
        "byggnadsnamn3": [None] * 5,
        "husnummer": [3, 342, 342, 175, 1],
        "huvudbyggnad": ["Nej", "Ja", "Ja", "Nej", "Nej"],
        "andamal1": ["Bostad;Småhus radhus", "Samhällsfunktion;Skola",
                     "Samhällsfunktion;Skola", "Komplementbyggnad;", "Verksamhet;"],
        "andamal2": [None, "Samhällsfunktion;Sporthall", "Samhällsfunktion;Sporthall", None,
                     "Bostad;Flerfamiljshus"],
        "andamal3": [None] * 5, "andamal4": [None] * 5, "andamal5": [None] * 5,
    }  # fmt: skip
    shapes = [box(0, 0, 10, 8), box(20, 0, 6, 6), box(26, 0, 30, 20), box(70, 0, 3, 3),
              box(80, 0, 15, 12)]  # fmt: skip
    return gpd.GeoDataFrame({**columns, **changed}, geometry=shapes, crs=3006)


def save(folder, frame, name="byggnad_kn1283.gpkg"):
    frame.to_file(folder / name, layer="byggnad")
    return folder / name


def pack(path, *files):
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return packed


def test_pieces_of_a_building_stay_together_and_none_is_lost(tmp_path):
    given = register()
    table = read_lantmateriet(save(tmp_path, given))
    frame = table.frame.set_index("part")
    assert frame.index.tolist() == ["15fc7757-0001", "68307637-0002-2", "68307637-0002-1",
                                    "8527579f-0003", "1b95930c-0004"]  # fmt: skip
    assert frame["building"].tolist() == given["objektidentitet"].tolist()
    assert frame.area.sum() == pytest.approx(given.area.sum())
    assert frame.crs.to_epsg() == 3006
    assert (
        "1 building in 2 pieces by the same objektidentitet, kept together as parts"
        in table.notes
    )


def test_the_order_of_rows_does_not_change_identities(tmp_path):
    one = read_lantmateriet(save(tmp_path, register())).frame
    other = read_lantmateriet(save(tmp_path, register()[::-1], "turned.gpkg")).frame
    shapes = [dict(zip(f["part"], f.geometry.to_wkt(), strict=True)) for f in (one, other)]
    assert shapes[0] == shapes[1]


def test_purposes_names_and_accuracy_are_decoded(tmp_path):
    table = read_lantmateriet(save(tmp_path, register()))
    frame = table.frame
    assert frame["use"].tolist() == [
        "residential", "education", "education", "ancillary", "commercial"
    ]  # fmt: skip
    assert frame["uses"].tolist()[1] == "education; culture"
    assert frame["uses"].tolist()[4] == "commercial; residential"
    assert frame["name"].tolist()[1:] == [
        "Rönnowska skolan",
        "Rönnowska skolan",
        "",
        "Magasinet",
    ]
    assert frame["outline"].tolist() == ["facade", "roof edge", "roof edge", "", "facade"]
    assert frame["uncertainty_plan"].tolist() == [0.15, 0.08, 0.08, 10.0, 0.03]
    assert np.isnan(frame["uncertainty_height"].iloc[3])
    assert (
        "1 building of several names, the first taken (Magasinet: Filbornakyrkan)"
        in table.notes
    )
    assert any(
        "good to 0.08 m in half of the cases, 10 m at worst; 1 worse" in n
        for n in table.notes
    )
    assert table.origin.licence == "CC BY 4.0"
    assert table.origin.credit == "© Lantmäteriet"
    assert table.origin.year == 2023


@pytest.mark.parametrize(
    ("purpose", "use"),
    [
        ("Samhällsfunktion;Järnvägsstation", "transport"), ("Samhällsfunktion;", "public"),
        ("Industri;Textilindustri", "utility"), ("Övrig byggnad;", ""),
        ("SAMHÄLLSFUNKTION; Sjukhus ", "health"), ("Bostad", "residential"),
    ],
)  # fmt: skip
def test_each_purpose_has_a_word(tmp_path, purpose, use):
    none = [None] * 5
    given = register(andamal1=[purpose] * 5, andamal2=none, objekttyp=none)
    assert set(read_lantmateriet(save(tmp_path, given)).frame["use"]) == {use}


def test_an_unknown_purpose_is_told(tmp_path):
    given = register(andamal1=["Rymdfart;Hangar"] * 5, andamal2=[None] * 5)
    table = read_lantmateriet(save(tmp_path, given))
    assert "1 purpose not known, taken as no use (Rymdfart;Hangar)" in table.notes
    assert table.frame["use"].tolist()[0] == "residential"  # by objekttyp


def test_the_zip_reads_as_the_file_in_it(tmp_path):
    path = save(tmp_path, register())
    extra = tmp_path / "LICENS.txt"
    extra.write_text("CC BY 4.0")
    packed = pack(path, path, extra)
    one, other = read_lantmateriet(path), read_lantmateriet(packed)
    assert one.frame.equals(other.frame)
    assert one.notes == other.notes


def test_a_repeated_row_counts_once(tmp_path):
    given = register()
    doubled = given.iloc[[0, 1, 2, 2, 3, 4]]
    table = read_lantmateriet(save(tmp_path, doubled))
    assert len(table.frame) == 5
    assert "1 repeated outline counted once" in table.notes


def test_rows_without_identity_are_kept_apart(tmp_path):
    given = register(objektidentitet=["a", None, None, "b", "c"])
    frame = read_lantmateriet(save(tmp_path, given)).frame
    assert frame["part"].tolist() == ["a", "", "", "b", "c"]


def test_other_packages_are_refused(tmp_path):
    path = tmp_path / "other.gpkg"
    register()[["husnummer", "geometry"]].to_file(path, layer="byggnad")
    with pytest.raises(TableError, match="lacks andamal1, objektidentitet, objekttyp"):
        read_lantmateriet(path)
    with pytest.raises(TableError, match="must hold one GeoPackage"):
        read_lantmateriet(pack(tmp_path / "empty"))
    with pytest.raises(SourceError, match="check the path"):
        read_lantmateriet(tmp_path / "none.gpkg")


def test_a_hostile_zip_is_refused(tmp_path):
    path = save(tmp_path, register())
    packed = tmp_path / "bad.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "../../byggnad.gpkg")
    with pytest.raises(SourceError, match="leads out of the folder"):
        read_lantmateriet(packed)
