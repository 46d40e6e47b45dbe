"""`heidi ingest` and `heidi quarantine` do what their help says, in one line where not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin.cli import app, main
from twin.store.embedded import EmbeddedStore

from .ingest.small_twin import ENERGY, HEAT, write_twin

TABLE = """Tid;Mätare;Energi [MWh];Temp
2026-03-28 00:00;m7;1,5;20,5
2026-03-28 01:00;m7;1,6;20,6
2026-03-28 02:00;m7;1,7;-999
"""
NAMES = "device,name,point,unit\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_twin(tmp_path / "twin")


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(TABLE.encode("cp1252"))
    return path


@pytest.fixture
def heidi():
    def run(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout

    return run


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_round(folder, table, heidi, tmp_path):
    """Dry run, stub, filled in, fed, fed again, and the quarantine at the end."""
    zone = ("--zone", "Europe/Stockholm")
    dry = heidi("ingest", folder, table, *zone, "--dry-run", code=1)
    assert "0 would be taken" in dry
    assert "point: 6" in dry
    with EmbeddedStore(folder / "live.sqlite", read_only=True) as store:
        assert store.quarantine() == []

    heidi("ingest", folder, table, *zone, code=1)
    stub = tmp_path / "names.csv"
    assert "2 names" in heidi("quarantine", folder, "--stub", stub)
    text = stub.read_text(encoding="utf-8")
    text = text.replace("m7,Energi [MWh],", f"m7,Energi [MWh],{ENERGY}")
    stub.write_text(
        text.replace("m7,Temp,,", "m7,Temp,b2/indoor/temperature,degC"), encoding="utf-8"
    )

    fed = heidi("ingest", folder, table, *zone, "--mapping", stub)
    assert "5 new, 0 repeated, 0 revised, 1 refused" in fed
    assert "must be -30 to 60 degC, got -999" in fed
    again = json.loads(heidi("ingest", folder, table, *zone, "--mapping", stub, "--json"))
    assert (again[0]["new"], again[0]["repeated"]) == (0, 5)

    listed = heidi("quarantine", folder)
    assert "range" in listed
    assert "waits" in listed
    record = json.loads(heidi("quarantine", folder, "--json", "--all"))
    states = {row["reason"]: row["released"] is not None for row in record["rows"]}
    assert states == {"point": True, "range": False}
    number = next(r["number"] for r in record["rows"] if r["reason"] == "range")
    shown = json.loads(heidi("quarantine", folder, "--show", number, "--json"))
    assert json.loads(shown["payload"])["value"] == -999
    assert "1 rows waited, 0 released" in heidi(
        "quarantine", folder, "--replay", "--mapping", stub
    )


def test_replay_after_mending(folder, heidi, tmp_path):
    told = {"device": "x", "name": "p", "time": "2026-03-01T00:00Z", "value": 5}
    sent = write(tmp_path / "m.json", json.dumps([told]))
    heidi("ingest", folder, sent, code=1)
    names = write(tmp_path / "n.csv", f"{NAMES}x,p,{HEAT},kW\n")
    said = heidi("quarantine", folder, "--replay", "--mapping", names)
    assert "1 rows waited, 1 released: 1 new values" in said
    assert "Nothing waits" in heidi("quarantine", folder)


def test_one_column(folder, table, heidi):
    words = ("--point", ENERGY, "--column", "Energi [MWh]", "--zone", "Europe/Stockholm")
    assert "3 new, 0 repeated, 0 revised, 0 refused" in heidi(
        "ingest", folder, table, *words
    )


def test_findings_are_written(folder, table, heidi, tmp_path):
    for name in ("f.json", "f.csv"):
        words = ("--point", HEAT, "--column", "Temp", "--unit", "kW", "--clean")
        # Their times have no zone.
        heidi("ingest", folder, table, *words, "--findings", tmp_path / name, code=1)
    assert json.loads((tmp_path / "f.json").read_text()) == []
    assert (tmp_path / "f.csv").read_text().startswith("file,kind,start,end,count,message")


def test_rows_that_wait_are_not_denied(folder, heidi, tmp_path):
    rows = [{"point": f"p{k}", "time": "2026-03-01T00:00Z", "value": 5} for k in range(3)]
    heidi("ingest", folder, write(tmp_path / "m.json", json.dumps(rows)), code=1)
    for count, more in ((0, True), (2, True), (3, False)):
        said = heidi("quarantine", folder, "--count", count)
        assert ("More rows wait" in said, "Nothing waits" in said) == (more, False)
        assert said.count("waits") == count
    assert json.loads(heidi("quarantine", folder, "--count", 0, "--json"))["more"]


def test_replay_tells_rows_that_are_refused_for_another_reason(folder, heidi, tmp_path):
    told = {"device": "x", "name": "p", "time": "2026-03-01T00:00Z", "value": -5}
    heidi("ingest", folder, write(tmp_path / "m.json", json.dumps([told])), code=1)
    names = write(tmp_path / "n.csv", f"{NAMES}x,p,{HEAT},kW\n")
    for _ in range(2):
        said = heidi("quarantine", folder, "--replay", "--mapping", names)
        assert "1 rows waited, 0 released" in said
        assert "row 1 now for range" in said
    again = heidi("quarantine", folder, "--replay", "--mapping", names, "--json")
    assert json.loads(again)["changed"]["1"]["reason"] == "range"
    assert "Refused so far, repeats included: point 1" in heidi("quarantine", folder)


def test_one_broken_file_does_not_keep_the_others_out(folder, table, tmp_path):
    words = ["--point", ENERGY, "--column", "Energi [MWh]", "--zone", "Europe/Stockholm"]
    none, empty = tmp_path / "none.csv", write(tmp_path / "empty.csv", "")
    head = write(tmp_path / "head.csv", "a,b,c\n1,2,3\n")
    files = [str(path) for path in (none, empty, table, head)]
    result = CliRunner().invoke(app, ["ingest", str(folder), *files, *words])
    assert result.exit_code == 2
    assert "export.csv (table): 3 new" in result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("heidi: ")]
    assert [next(n for n in files if n in line) for line in lines] == [
        str(none), str(empty), str(head)]  # fmt: skip
    told = CliRunner().invoke(app, ["ingest", str(folder), *files, *words, "--json"])
    assert ["error" in record for record in json.loads(told.stdout)] == [False] + 3 * [True]


def test_the_exit_code_says_whether_something_went_in(folder, heidi, tmp_path):
    row = {"point": HEAT, "time": "2026-03-01T00:00Z", "value": 5, "unit": "kW"}
    good = write(tmp_path / "good.json", json.dumps([row]))
    bad = write(tmp_path / "bad.json", json.dumps([row | {"value": -5}]))
    none = write(tmp_path / "none.csv", "time,point,value\n")
    heidi("ingest", folder, bad, code=1)
    for words in ((none,), (good,), (good,), (good, bad), (good, "--strict")):
        heidi("ingest", folder, *words)
    heidi("ingest", folder, good, bad, "--strict", code=1)


def test_hours_beside_dates_are_joined_and_said(folder, heidi, tmp_path):
    path = write(tmp_path / "m.csv", "Datum;Timme;kW\n" + "".join(
        f"2026-06-01;{k};{k},5\n" for k in range(1, 25)))  # fmt: skip
    names = write(tmp_path / "n.csv", f"{NAMES}m,kW,{HEAT},\n")
    words = ("--mapping", names, "--zone", "Europe/Stockholm")
    said = heidi("ingest", folder, path, *words, "--unit", "kW")
    assert "24 new" in said
    assert "hours from 1 on are taken as the ends of hours" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ingest", "{folder}", "{tmp}/none.csv"], "must be readable"),
        (["ingest", "{tmp}/nowhere", "{table}"], "must exist"),
        (["ingest", "{folder}", "{table}", "--mapping", "{table}"], "must be in UTF-8"),
        (["ingest", "{folder}", "{table}", "--point", HEAT], "must come together"),
        (
            ["ingest", "{folder}", "{table}", "--point", "x", "--column", "y"],
            "must be one of the twin's",
        ),
        (["ingest", "{folder}", "{table}", "--label", "middle"], "start or end"),
        (["ingest", "{folder}", "{table}", "--zone", "Mars/Base"], "a time zone must be"),
        (["ingest", "{folder}", "{table}", "--time", "When"], "the column 'When' must"),
        (["ingest", "{folder}", "{table}", "--source", ""], "source must be"),
        (["ingest", "{folder}", "{table}", "--decimal", ";"], "a comma or a point"),
        (
            [
                "ingest",
                "{folder}",
                "{table}",
                "--point",
                HEAT,
                "--column",
                "Temp",
                "--unit",
                "degC",
            ],
            "unit of",
        ),
        (["ingest", "{folder}", "{table}", "--findings", "x.txt"], "must end in"),
        (["quarantine", "{tmp}/nowhere"], "must be a twin folder"),
        (["quarantine", "{folder}", "--show", "7"], "row 7 must be one of"),
        (["quarantine", "{folder}", "--replay", "--mapping", "{tmp}/no"], "readable"),
    ],
)
def test_bad_input_is_one_line(folder, table, tmp_path, monkeypatch, capsys, words, told):
    places = {"folder": folder, "table": table, "tmp": tmp_path}
    monkeypatch.setattr("sys.argv", ["heidi", *(word.format(**places) for word in words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("heidi: ")]
    assert len(lines) == 1
    assert told in lines[0]
    assert "Traceback" not in err
