"""Prove that no file makes us read another file or ask a server."""

import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.errors import RasterioError

from gis.crs import PLAN
from gis.errors import HeidiError, SourceError
from gis.layers import read_layers
from gis.sources import pointers
from gis.sources.buildings import read_buildings
from gis.sources.declared_heights import read_declared
from gis.sources.geotiff import read_raster
from gis.sources.pointers import refuse_pointer, refuse_raster_pointer
from gis.sources.vector import read_layer
from gis.terrain import Grid, Terrain
from gis.trees import read_trees

ASKED = "only points at other files or services"


@pytest.fixture
def server():
    """Server on this machine that counts who asks it."""
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET  # noqa: N815 - names that http.server looks for

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


def layer(source):
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{source}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )


def band(source):
    return (
        '<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:3008</SRS><GeoTransform>'
        '99500,1,0,6213500,0,-1</GeoTransform><VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource><SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def pipeline(source):
    line = f"gdal vector pipeline ! read {source}"
    return json.dumps({"type": "gdal_streamed_alg", "command_line": line})


VECTORS = {
    "plain.vrt": lambda url: layer(f"/vsicurl/{url}/a.geojson"),
    "renamed.geojson": lambda url: layer(f"/vsicurl/{url}/a.geojson"),
    "indented.kml": lambda url: "\ufeff \n" + layer(f"/vsicurl/{url}/a.geojson"),
    "remarked.gml": lambda url: f"<!--{'x' * 900}-->{layer(f'/vsicurl/{url}/a')}",
    "password.vrt": lambda _: layer("/etc/passwd"),
    "steps.gdalg.json": lambda url: pipeline(f"/vsicurl/{url}/a.geojson"),
    "steps.geojson": lambda url: pipeline(f"/vsicurl/{url}/a.geojson"),
    "service.xml": lambda url: f"<OGRWFSDataSource><URL>{url}/w</URL></OGRWFSDataSource>",
    "answer.xml": lambda url: f'<wfs:WFS_Capabilities xmlns:wfs="{url}"/>',
}

RASTERS = {
    "plain.vrt": lambda url: band(f"/vsicurl/{url}/a.tif"),
    "renamed.tif": lambda url: band(f"/vsicurl/{url}/a.tif"),
    "local.vrt": lambda _: band("/etc/passwd"),
    "wms.xml": lambda url: (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY><LowerRightX>9"
        "</LowerRightX><LowerRightY>0</LowerRightY><TileLevel>1</TileLevel></DataWindow>"
        "<Projection>EPSG:3008</Projection><BandsCount>1</BandsCount></GDAL_WMS>"
    ),
    "wmts.xml": lambda url: (
        f"<GDAL_WMTS><GetCapabilitiesUrl>{url}/t</GetCapabilitiesUrl></GDAL_WMTS>"
    ),
    "wcs.xml": lambda url: (
        f"<WCS_GDAL><ServiceURL>{url}/c?</ServiceURL><CoverageName>a</CoverageName>"
        "<Version>1.0.0</Version></WCS_GDAL>"
    ),
    "tiles.xml": lambda url: (
        f'<?xml version="1.0"?><TileMap version="1.0.0" tilemapservice="{url}/t"><SRS>'
        'EPSG:3008</SRS><BoundingBox minx="0" miny="0" maxx="9" maxy="9"/><Origin x="0" '
        'y="0"/><TileFormat width="256" height="256" extension="png"/><TileSets><TileSet '
        f'href="{url}/t/0" units-per-pixel="1" order="0"/></TileSets></TileMap>'
    ),
    "mosaic.xml": lambda url: (
        f"<GDALTileIndexDataset><IndexDataset>/vsicurl/{url}/i.gpkg</IndexDataset>"
        "</GDALTileIndexDataset>"
    ),
    "catalogue.json": lambda url: json.dumps({"stac_version": "1.0.0", "href": url}),
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("read", [read_layer, read_trees, read_declared, read_layers])
def test_no_layer_leads_elsewhere(tmp_path, server, name, read):
    url, asked = server
    path = tmp_path / name
    path.write_text(VECTORS[name](url), encoding="utf-8")
    with pytest.raises(SourceError, match=ASKED) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert asked == []


@pytest.mark.parametrize("name", VECTORS)
def test_no_buildings_lead_elsewhere(tmp_path, server, name):
    url, asked = server
    path = tmp_path / name
    path.write_text(VECTORS[name](url), encoding="utf-8")
    with pytest.raises(HeidiError) as error:
        read_buildings(path)
    assert "\n" not in str(error.value)
    assert asked == []


@pytest.mark.parametrize("name", RASTERS)
def test_no_raster_leads_elsewhere(tmp_path, server, name):
    url, asked = server
    path = tmp_path / name
    path.write_text(RASTERS[name](url), encoding="utf-8")
    words = "XML or JSON" if name in {"tiles.xml", "catalogue.json"} else ASKED
    with pytest.raises(SourceError, match=words) as error:
        read_raster(path)
    assert "\n" not in str(error.value)
    assert asked == []


@pytest.mark.parametrize("name", ["renamed.geojson", "steps.geojson", "service.xml"])
def test_the_libraries_alone_would_ask(tmp_path, server, name):
    """Else the tests above would prove nothing."""
    url, asked = server
    path = tmp_path / name
    path.write_text(VECTORS[name](url), encoding="utf-8")
    with pytest.raises((DataSourceError, DataLayerError, ValueError)):
        pyogrio.read_dataframe(path)
    assert asked


@pytest.mark.parametrize("name", ["renamed.tif", "wms.xml", "tiles.xml", "mosaic.xml"])
def test_the_raster_library_alone_would_ask(tmp_path, server, name):
    url, asked = server
    path = tmp_path / name
    path.write_text(RASTERS[name](url), encoding="utf-8")
    with pytest.raises(RasterioError), rasterio.open(path) as opened:
        opened.read(1)
    assert asked


def test_a_schema_is_not_fetched(tmp_path, server):
    """GML may name the address of its schema; the features are read without it."""
    url, asked = server
    path = tmp_path / "houses.gml"
    path.write_text(
        '<?xml version="1.0"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs"'
        ' xmlns:gml="http://www.opengis.net/gml" xmlns:xsi="http://www.w3.org/2001/'
        f'XMLSchema-instance" xsi:schemaLocation="http://x {url}/w?SERVICE=WFS&amp;VERSION='
        '1.0.0&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=a"><gml:featureMember><a '
        'xmlns="http://x"><gml:Point><gml:coordinates>1,2</gml:coordinates></gml:Point></a>'
        "</gml:featureMember></wfs:FeatureCollection>",
        encoding="utf-8",
    )
    frame, _ = read_layer(path)
    assert shapely.get_coordinates(frame.geometry).tolist() == [[1.0, 2.0]]
    assert asked == []


@pytest.mark.parametrize("prefix", ["/vsicurl/", "/vsizip//vsicurl/", ""])
@pytest.mark.parametrize("read", [read_layer, read_trees, read_declared, read_raster])
def test_addresses_are_no_paths(tmp_path, server, prefix, read):
    url, asked = server
    path = type(tmp_path)(f"{prefix}{url}/houses.gpkg")
    with pytest.raises(SourceError) as error:
        read(path)
    assert "\n" not in str(error.value)
    with pytest.raises(SourceError, match="download it and give the file"):
        refuse_pointer(path)
    assert asked == []


@pytest.mark.parametrize("read", [read_layer, read_trees])
def test_archives_are_looked_into(tmp_path, server, read):
    url, asked = server
    path = tmp_path / "houses.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/houses.geojson", VECTORS["renamed.geojson"](url))
    with pytest.raises(SourceError, match=r"houses\.geojson in houses\.zip only points"):
        read(path)
    assert asked == []


def test_damaged_and_crowded_archives_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "houses.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", "{}" * 500)
        archive.writestr("b.geojson", "{}")
    refuse_pointer(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + b"\xff" * 4 + whole[44:])
    with pytest.raises(SourceError, match="whole archive"):
        refuse_pointer(path)
    path.write_bytes(whole)
    monkeypatch.setattr(pointers, "MOST_MEMBERS", 1)
    with pytest.raises(SourceError, match=r"at most 1 files, houses\.zip has 2"):
        refuse_pointer(path)


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb", "gml"])
def test_data_passes(tmp_path, suffix):
    """A building may be called like a virtual layer: binary formats hold it as text."""
    names = ["Prisma", "<VRTDataset" if suffix in {"gpkg", "fgb"} else "Tura"]
    frame = gpd.GeoDataFrame(
        {"name": names},
        geometry=[
            shapely.box(99_500, 6_213_500, east, 6_213_530) for east in (99_520, 99_529)
        ],
        crs=PLAN,
    )
    frame.to_file(tmp_path / f"houses.{suffix}")
    read, _ = read_layer(tmp_path / f"houses.{suffix}")
    assert read["name"].tolist() == names


def test_rasters_of_data_pass(tmp_path):
    grid = Grid(99_500.0, 6_213_510.0, 2.0, 5, 4)
    Terrain(grid, np.arange(20.0).reshape(5, 4), "made").save(tmp_path / "ground.tif")
    refuse_raster_pointer(tmp_path / "ground.tif")
    text = (
        "ncols 3\nnrows 2\nxllcorner 99500\nyllcorner 6213500\ncellsize 2\n1 2 3\n4 5 6\n"
    )
    (tmp_path / "ground.asc").write_text(text)
    refuse_raster_pointer(tmp_path / "ground.asc")
    assert read_raster(tmp_path / "ground.tif").values.sum() == 190.0
