"""The terminal tells the state at once, in words, and every mistake in one line."""

import json
import sqlite3
import subprocess
import sys

import pytest

from twin.ingest.gate import Gate
from twin.store.log import Log


def test_the_first_lines_say_how_the_district_is_doing(fed, heidi):
    lines = heidi("status", fed).splitlines()
    assert lines[0] == "Lilla Helsingborg · SIMULATED VALUES · schematic model"
    assert lines[1] == "as of 21 June 2026 24:00 UTC, end of the simulated day"
    told = {line.split("  ")[0]: line for line in lines if "  " in line}
    assert "kW of 0.0 kW expected" in told["PV now"]
    assert "kWh expected (" in told["PV today"]
    assert told["Buildings"].endswith("1 stale, 6 ok")
    assert "reported missing" in told["Gaps today"]
    assert told["Quarantine"].endswith("0 rows refused")


def test_the_outage_stands_on_top_in_words(fed, heidi):
    lines = heidi("status", fed).splitlines()
    first = lines[lines.index("Needs attention:") + 3]
    assert first.startswith("✖ OFF")
    assert "panels OFF 10–15 UTC (5 h)" in first
    assert "◌ stale" in lines[lines.index("Needs attention:") + 4]
    assert "5 more buildings; --all lists them." in lines


def test_every_column_has_its_unit(fed, heidi):
    lines = heidi("status", fed).splitlines()
    heads = lines[lines.index("Needs attention:") + 2]
    assert heads.split() == [
        *("[kW]", "[kW]", "[kWh]", "[kWh]", "[%]"),
        *("[kW]", "[kW]", "[°C]", "[h]"),
    ]


def test_all_lists_every_building(fed, heidi):
    text = heidi("status", fed, "--all")
    assert all(name in text for name in ("way/7", "b2", "b3", "b4", "b5", "b6", "b7"))
    assert "Tågaborg & <Söder>" in text


def test_json_is_the_same_in_numbers(fed, heidi):
    record = json.loads(heidi("status", fed, "--json"))
    assert record["label"] == "SIMULATED"
    assert record["buildings"][0]["findings"][0]["kind"] == "off"
    assert len(record["buildings"]) == 7


def test_another_moment_can_be_asked_for(fed, heidi):
    record = json.loads(heidi("status", fed, "--json", "--at", "2026-06-21T14:00+02:00"))
    assert record["as_of"] == "2026-06-21T12:00:00Z"
    assert record["pv_day"]["hours"] == 12


def test_without_values_it_says_how_to_feed_some(folder, heidi):
    assert "No values yet. Feed some: heidi simulate" in heidi("status", folder)
    assert not (folder / "live.sqlite").exists(), "looking leaves no trace"


def test_simulate_tells_what_was_planted(folder, heidi):
    lines = heidi("simulate", folder, "--verbose").splitlines()
    assert [line.split()[0] for line in lines[:24]] == ["acknowledged"] * 24
    assert lines[24].startswith("SIMULATED 21 June 2026: ")
    assert "outage, the panels of" in lines[25]
    assert "deliver 0 from 10 to 15 UTC" in lines[25]
    assert "silence" in lines[26]
    assert "gaps" in lines[27]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["status", "nowhere"], "nowhere must be a twin folder, but is missing"),
        (["status", "."], "has no heidi.toml"),
        (["status", "{}", "--at", "2026-06-21T12:00"], "must have a time zone"),
        (["status", "{}", "--at", "noon"], "a time must be like"),
        (["simulate", "{}", "--date", "21.6.2026"], "a date must be like 2026-06-21"),
        (["simulate", "{}", "--date", "2026-02-30"], "a date must be like 2026-06-21"),
        (["simulate", "nowhere"], "is missing"),
        (
            ["simulate", "{}", "--pace", "-1"],
            "an hour must take 0 to 3600 s, got --pace -1",
        ),
        (["simulate", "{}", "--pace", "nan"], "got --pace nan"),
        (["serve", "nowhere"], "is missing"),
        (["serve", "{}", "--port", "70000"], "the port must be 0 to 65535"),
        (["serve", "{}", "--host", "192.0.2.1"], "cannot be used"),
        (["serve", "{}", "--host", "0.0.0.0", "--allow-writes"], "anybody who reaches"),
        (["serve", "{}", "--token", "short"], "16 letters or more, got 5"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, heidi, words, told):
    assert told in heidi(*[word.format(folder) for word in words], code=2)


def test_a_damaged_log_is_told_in_one_line(folder, heidi):
    (folder / "live.sqlite").write_bytes(b"rubbish" * 1000)
    assert "another kind of file or damaged" in heidi("status", folder, code=2)
    assert "another kind of file or damaged" in heidi("simulate", folder, code=2)


def test_a_log_held_by_another_program_can_still_be_read(fed, heidi):
    raw = sqlite3.connect(fed / "live.sqlite", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    assert "SIMULATED VALUES" in heidi("status", fed)
    raw.close()


def test_looking_loads_no_library_of_tables(fed):
    """They take longer than all the rest: this is what keeps the answer under a second."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from twin.cli.live import status\n"
        f"status(Path({str(fed)!r}))\n"
        "heavy = {'pandas', 'geopandas', 'scipy', 'numba', 'pvlib', 'fastapi'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "loaded []"


def test_refused_rows_are_counted_for_all_to_see(fed, heidi, twin):
    with Log(fed / "live.sqlite") as log:
        Gate(twin.model, log).admit([{"point": "ghost"}, "junk", 3])
    assert "3 rows refused (3 shape)" in heidi("status", fed)
