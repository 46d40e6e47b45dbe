"""Files of messages go in whatever their encoding, and many lines as few do."""

import json

import pytest

from twin.ingest.files import feed_file
from twin.store.embedded import EmbeddedStore

from .small_twin import HEAT, row, small_model

MODEL = small_model()


@pytest.fixture
def store(tmp_path):
    with EmbeddedStore(tmp_path / "live.sqlite") as opened:
        yield opened


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("by_lines", [False, True])
def test_messages_of_other_encodings_are_read(store, tmp_path, encoding, by_lines):
    """Some shells write UTF-16, always with its mark."""
    path = tmp_path / "rows.json"
    rows = [row(HEAT, k, 1.5, "kW") for k in range(3)]
    text = "\n".join(map(json.dumps, rows)) if by_lines else json.dumps(rows)
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + text.encode(encoding))
    assert feed_file(path, MODEL, store).load.new == 3


def test_many_lines_are_one_commit_and_end_as_few_do(store, tmp_path):
    """More lines than one message takes, some of them broken, some blank."""
    lines = [json.dumps(row(HEAT, -k / 60, k / 1e4, "kW")) for k in range(22_000)]
    lines[7] = "{"
    lines[9_000] = json.dumps(row(HEAT, -150, "x", "kW"))
    lines[15_000:15_000] = ["", "  "]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    load = feed_file(path, MODEL, store).load
    assert (load.new, load.reasons) == (21_998, {"shape": 1, "value": 1})
    again = feed_file(path, MODEL, store).load
    assert (again.new, again.repeated) == (0, 21_998)
