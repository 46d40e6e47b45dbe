"""The public face is what the documents promise."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("gis.heidi", ["heidi_district"]),
        ("gis.assemble", ["read_district"]),
        ("gis.typical_year", ["typical_year"]),
        ("gis.sources.weather_files", ["read_weather"]),
        ("meshes.solids", ["lod1_solids", "Kind"]),
        ("meshes.facets", ["make_facets"]),
        (
            "meshes.solar.occluders",
            ["solid_occluders", "terrain_occluders", "open_occluders"],
        ),
        ("meshes.solar.shadow", ["make_caster"]),
        ("meshes.solar.irradiance", ["irradiate"]),
        ("meshes.solar.photovoltaics", ["pv_potential", "yield_table", "PvAssumptions"]),
        ("twin.build", ["build"]),
        ("twin.folder", ["write_twin"]),
        ("twin.cli", ["main"]),
    ],
)
def test_names_that_documents_use_exist(module, names):
    found = importlib.import_module(module)
    assert [name for name in names if not hasattr(found, name)] == []
