"""Names and tags tell which trees are bare in winter."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.crs import PLAN
from gis.tree_species import DECIDUOUS, EVERGREENS, LeafCycle, leaf_cycle, read_species
from gis.trees import merge_trees, read_trees, trees_from_table

BARE, GREEN, OPEN = LeafCycle.DECIDUOUS, LeafCycle.EVERGREEN, LeafCycle.UNKNOWN


@pytest.mark.parametrize(
    ("name", "cycle"),
    [
        ("Tilia x europaea 'Pallida'", BARE),
        ("Tilia × europaea", BARE),
        ("Acer platanoides", BARE),
        ("LÖNN", BARE),
        ("Hästkastanj", BARE),
        ("Parklind", BARE),
        ("Larix decidua", BARE),
        ("Lärk", BARE),
        ("Metasequoia glyptostroboides", BARE),
        ("Taxodium distichum", BARE),
        ("Pinus sylvestris", GREEN),
        ("Svarttall", GREEN),
        ("Taxus baccata", GREEN),
        ("Järnek", GREEN),
        ("Quercus robur", BARE),
        ("Quercus ilex", GREEN),
        ("Prunus avium", BARE),
        ("Prunus laurocerasus 'Otto Luyken'", GREEN),
        ("en lind", BARE),
        ("träd", OPEN),
        ("", OPEN),
    ],
)
def test_names_in_latin_and_swedish(name, cycle):
    assert leaf_cycle(name) is cycle


def test_no_name_is_both():
    assert not DECIDUOUS & EVERGREENS


def test_what_is_stated_counts_more_than_the_name_and_that_more_than_needles():
    table = pd.DataFrame(
        {
            "species": ["Tilia cordata", None, None, "Larix decidua", "Okänd"],
            "leaf_cycle": ["evergreen", "deciduous", "", None, "semi_evergreen"],
            "leaf_type": [None, None, "needleleaved", "needleleaved", "broadleaved"],
        }
    )
    species, cycle = read_species(table)
    assert species.tolist() == ["Tilia cordata", "", "", "Larix decidua", "Okänd"]
    assert cycle.tolist() == [GREEN, BARE, GREEN, BARE, OPEN]


def test_the_first_column_that_tells_a_name_counts():
    table = pd.DataFrame({"Art": ["lind", "ek"], "genus": ["", "Pinus"], "x": ["a", "b"]})
    assert read_species(table)[0].tolist() == ["lind", "Pinus"]


def test_trees_carry_their_species_through_reading_and_joining(tmp_path):
    text = (
        "x;y;höjd;trädslag\n99600;6213500;9;Skogslind\n99620;6213500;9;Tall\n"
        "99640;6213500;9;\n"
    )
    path = tmp_path / "trees.csv"
    path.write_text(text, encoding="utf-8")
    trees, notes = read_trees(path, system="EPSG:3008")
    trees = trees.sort_index()
    assert trees["species"].tolist() == ["Skogslind", "Tall", ""]
    assert trees["leaf_cycle"].tolist() == ["deciduous", "evergreen", ""]
    assert "1 tree without a known species" in notes
    seen = gpd.GeoDataFrame(
        {"height": [7.0, 8.0], "crown_radius": [2.0, 3.0], "source": "cloud"},
        index=pd.Index(["a", "b"], name="tree"),
        geometry=[shapely.Point(99600.5, 6213500), shapely.Point(99700, 6213500)],
        crs=PLAN,
    )
    joined, _ = merge_trees(trees, seen)
    assert joined.sort_index()["species"].tolist() == ["Skogslind", "Tall", "", ""]
    other, _ = merge_trees(seen, seen)
    assert "species" not in other.columns


def test_openstreetmap_tags_tell_the_species(tmp_path):
    node = (
        '<node id="1" lat="56.043" lon="12.69" version="1"><tag k="natural" v="tree"/>'
        '<tag k="genus" v="Pinus"/><tag k="leaf_type" v="needleleaved"/></node>'
    )
    path = tmp_path / "trees.osm"
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{node}</osm>')
    trees, _ = read_trees(path)
    assert trees["species"].tolist() == ["Pinus"]
    assert trees["leaf_cycle"].tolist() == ["evergreen"]


def test_tables_without_names_know_nothing_and_say_nothing():
    frame = gpd.GeoDataFrame(
        {"height": [9.0]}, geometry=[shapely.Point(99_600, 6_213_500)], crs=PLAN
    )
    trees, notes = trees_from_table(frame, source="t")
    assert trees["species"].tolist() == trees["leaf_cycle"].tolist() == [""]
    assert not [note for note in notes if "species" in note]
