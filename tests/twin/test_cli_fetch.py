"""Fetching on the command line, from a server on this machine."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer

import twin.cli
from gis.sources.catalogue import SOURCES
from gis.sources.sidecar import credits_of, read_record
from twin.cli import main
from twin.cli.fetch import fetch_app

AROUND = ("--around", "56.043,12.695")
OSM = json.dumps(
    {
        "elements": [
            {"type": "node", "id": n, "lat": 56.04 + y, "lon": 12.69 + x}
            for n, (x, y) in enumerate(
                [(0, 0), (1e-4, 0), (1e-4, 1e-4), (0, 1e-4)], start=1
            )
        ]
        + [
            {
                "type": "way",
                "id": 9,
                "nodes": [1, 2, 3, 4, 1],
                "tags": {"building": "yes", "height": "12"},
            }
        ]
    }
).encode()


@pytest.fixture
def server(monkeypatch) -> Iterator[tuple[str, dict, list]]:
    """Start a server; return its address, its replies by path, and what was asked."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    replies: dict[str, tuple[int, str, bytes]] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            none = (404, "text/html", b"")
            code, kind, body = replies.get(self.path.split("?")[0], none)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}", replies, asked
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def heidi(monkeypatch, capsys, tmp_path) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; return exit code, output and messages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("USER", "PASSWORD"):
        monkeypatch.delenv(f"HEIDI_LANTMATERIET_{name}", raising=False)
    monkeypatch.delenv("HEIDI_BOVERKET_KEY", raising=False)
    if "fetch" not in [group.name for group in twin.cli.app.registered_groups]:
        app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        app.add_typer(fetch_app, name="fetch")
        app.callback()(lambda: None)
        monkeypatch.setattr(twin.cli, "app", app)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heidi", "fetch", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


def refusal(result: tuple[int, str, str]) -> str:
    """Return the one line of a refusal."""
    code, out, err = result
    assert code == 2, err
    assert not out
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("heidi:")]
    return line


def test_all_sources_are_listed_with_licence_and_account(heidi):
    code, out, _ = heidi()
    assert code == 0
    for source in SOURCES:
        assert f"\n{source.key} " in f"\n{out}"
    words = " ".join(out.split())
    assert "licence ODbL 1.0; credit: © OpenStreetMap contributors" in words
    assert "HEIDI_LANTMATERIET_USER and HEIDI_LANTMATERIET_PASSWORD, not set" in words
    assert "nothing fetched" in words
    assert max(map(len, out.splitlines())) <= 100


def test_a_fetched_file_lies_in_the_folder_with_its_record(heidi, server, tmp_path):
    url, replies, asked = server
    replies["/api"] = (200, "application/json", OSM)
    words = ("osm", *AROUND, "--radius", 800, "--server", f"{url}/api")
    code, out, err = heidi(*words, "--out", tmp_path / "data")
    assert code == 0, err
    path = tmp_path / "data" / "osm_buildings_56.0430_12.6950_r800.json"
    assert path.read_bytes() == OSM
    assert str(path) in out
    assert "fetched" in out
    assert "credit: © OpenStreetMap contributors, ODbL 1.0" in out
    record = read_record(path)
    assert record is not None
    assert record.licence == "ODbL 1.0"
    assert credits_of([path]) == ("© OpenStreetMap contributors, ODbL 1.0",)
    code, out, _ = heidi(*words, "--out", tmp_path / "more", "--offline")
    assert code == 0
    assert "from the cache" in out
    assert len(asked) == 1
    _, out, _ = heidi()
    assert "1 file fetched, newest checked less than a minute ago" in " ".join(out.split())
    _, out, _ = heidi("--json")
    told = {row["source"]: row for row in json.loads(out)["sources"]}
    assert told["osm"]["files"][0]["name"] == path.name
    assert told["pvgis"]["files"] == []


def test_what_was_fetched_can_be_read(heidi, server, tmp_path):
    from gis.sources.osm import read_osm

    url, replies, _ = server
    replies["/api"] = (200, "application/json", OSM)
    heidi("osm", *AROUND, "--server", f"{url}/api", "--out", tmp_path / "data")
    (path,) = (tmp_path / "data").glob("*.json")
    table = read_osm(path)
    assert len(table.frame) == 1
    line = f"{table.origin.credit}, {table.origin.licence}"
    assert credits_of([path]) == (line,)


def test_a_dry_run_asks_nobody(heidi, server, tmp_path):
    url, _, asked = server
    code, out, _ = heidi(
        *("osm", *AROUND, "--server", f"{url}/api", "--out", tmp_path / "data", "--dry-run")
    )
    assert code == 0
    assert out.startswith(f"GET {url}/api?data=")
    assert "licence   ODbL 1.0" in out
    assert not asked
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "cache").exists()


def test_json_is_the_answer_and_nothing_else(heidi, server, tmp_path):
    url, replies, _ = server
    replies["/v/tmy"] = (200, "application/json", b'{"outputs": {}}')
    words = ("pvgis", *AROUND, "--server", f"{url}/v", "--out", tmp_path / "d", "--json")
    code, out, _ = heidi(*words, "--dry-run")
    (row,) = json.loads(out)["requests"]
    assert code == 0
    assert row["url"].startswith(f"{url}/v/tmy?lat=56.0430&lon=12.6950")
    code, out, _ = heidi(*words)
    (row,) = json.loads(out)["files"]
    assert code == 0
    assert row["way"] == "fetched"
    assert Path(row["path"]).is_file()
    _, out, _ = heidi(*words, "--refresh")
    assert json.loads(out)["files"][0]["way"] == "fetched", "the server has no ETag"


def test_offline_without_a_copy_is_one_line(heidi, tmp_path):
    line = refusal(heidi("osm", *AROUND, "--offline", "--out", tmp_path / "data"))
    assert "no network is to be used" in line
    assert not (tmp_path / "data").exists()


def test_a_server_that_does_not_know_is_one_line(heidi, server, tmp_path):
    url, _, _ = server
    line = refusal(heidi("osm", *AROUND, "--server", f"{url}/x", "--out", tmp_path / "d"))
    assert "no such file (404)" in line
    assert not (tmp_path / "d").exists()


def test_a_page_instead_of_data_is_one_line(heidi, server, tmp_path):
    url, replies, _ = server
    replies["/data.zip"] = (200, "text/html", b"<html>")
    words = ("baskarta", "--server", f"{url}/data.zip", "--out", tmp_path / "d")
    assert "sent text/html instead of a zip archive" in refusal(heidi(*words))


def test_several_quantities_come_as_several_files(heidi, server, tmp_path):
    url, replies, _ = server
    for number in (1, 4):
        path = f"/parameter/{number}/station/62040/period/corrected-archive/data.csv"
        replies[path] = (200, "text/csv", b"Stationsnamn;x\n")
    words = ("smhi", "--parameter", 1, "--parameter", 4, "--server", url)
    code, out, _ = heidi(*words, "--out", tmp_path / "d")
    assert code == 0
    assert out.count("fetched") == 2
    assert out.count("credit: SMHI, CC BY 4.0") == 1
    assert len(list((tmp_path / "d").glob("*.csv"))) == 2


def test_terrain_is_searched_and_then_fetched(heidi, server, tmp_path):
    url, replies, asked = server
    tile = f"{url}/grid/mhm/62_3/m621_35.tif"
    reply = {"features": [{"assets": {"data": {"href": tile}}}]}
    replies["/stac-hojd/v1/search"] = (200, "application/json", json.dumps(reply).encode())
    replies["/grid/mhm/62_3/m621_35.tif"] = (200, "image/tiff", b"II*\0data")
    words = ("terrain", *AROUND, "--server", url, "--out", tmp_path / "d")
    code, out, err = heidi(*words)
    assert code == 0, err
    assert (tmp_path / "d" / "lantmateriet_m621_35.tif").read_bytes() == b"II*\0data"
    assert "credit: © Lantmäteriet, CC BY 4.0" in out
    assert len(asked) == 2


@pytest.mark.parametrize("source", ["terrain", "cloud", "buildings"])
def test_without_an_account_lantmateriet_is_not_asked(heidi, source):
    line = refusal(heidi(source, *AROUND))
    assert "HEIDI_LANTMATERIET_USER and HEIDI_LANTMATERIET_PASSWORD" in line


def test_without_a_key_boverket_is_not_asked(heidi, tmp_path):
    words = ("--municipality", "Helsingborg", "--estate", "Hermes 10")
    line = refusal(heidi("boverket", *words, "--out", tmp_path / "d"))
    assert "HEIDI_BOVERKET_KEY" in line


BAD = {
    "a place in words": (("osm", "--around", "Helsingborg"), "latitude,longitude"),
    "axes swapped": (("osm", "--around", "12.695,256.0"), "longitude"),
    "no radius": (("osm", *AROUND, "--radius", "0"), "radius"),
    "unknown theme": (("osm", *AROUND, "--theme", "castles"), "theme must be one of"),
    "unknown tool": (("pvgis", *AROUND, "--tool", "tmx"), "tool must be one of"),
    "odd years": (("pvgis", *AROUND, "--years", "2005-20"), "years must be written"),
    "years in words": (("pvgis", *AROUND, "--years", "all"), "years must be written"),
    "unknown quantity": (("smhi", "--parameter", "99"), "parameter must be one of"),
    "nothing asked": (("boverket",), "asked for by an address"),
    "odd release": (("overture", "--release", "newest"), "a release must be"),
    "no web address": (("osm", *AROUND, "--server", "file:///etc"), "web address"),
    "both ways": (("osm", *AROUND, "--offline", "--refresh"), "leave one out"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_asked_is_one_line(heidi, case, tmp_path):
    words, told = BAD[case]
    assert told in refusal(heidi(*words, "--out", tmp_path / "d"))
    assert not (tmp_path / "d").exists()
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_is_a_file_is_one_line(heidi, server, tmp_path):
    url, replies, _ = server
    replies["/api"] = (200, "application/json", OSM)
    (tmp_path / "file").write_text("")
    words = ("osm", *AROUND, "--server", f"{url}/api", "--out", tmp_path / "file")
    assert "cannot make" in refusal(heidi(*words))
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    "command", fetch_app.registered_commands, ids=lambda c: c.callback.__name__
)
def test_help_teaches_with_an_example(heidi, command):
    code, out, _ = heidi(command.callback.__name__, "--help")
    assert code == 0
    assert "Example: heidi fetch" in " ".join(out.split())
