"""Write tables with geometry for maps, whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from gis.files import atomic_path, check_ending

ENDINGS = (".geojson", ".gpkg")


def write_map(
    path: Path, frame: gpd.GeoDataFrame, *, layer: str, about: Mapping[str, str]
) -> None:
    """Write a table: GeoPackage in EPSG:3008, GeoJSON in longitude and latitude.

    Parameters
    ----------
    path : Path
        Ends as one of `ENDINGS`.
    frame : GeoDataFrame
        In EPSG:3008.
    layer : str
        What to call it.
    about : mapping of str to str
        Title, source and credits; columns of their own in GeoJSON, which knows no other
        place for them, metadata in GeoPackage.

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    check_ending(path, ENDINGS)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".gpkg":
            temporary.unlink(missing_ok=True)
            frame.to_file(
                temporary, layer=layer, driver="GPKG", dataset_metadata=dict(about)
            )
        else:
            told = frame.to_crs("OGC:CRS84").assign(**about)
            told.to_file(temporary, driver="GeoJSON", RFC7946="YES")
