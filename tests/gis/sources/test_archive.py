"""Prove that archives are unpacked whole and inside their folder, or refused."""

import stat
import struct
import zipfile

import pytest

from gis.errors import SourceError
from gis.sources import archive
from gis.sources.archive import is_archive, open_archive


def pack(path, members, *, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def read_all(path):
    with open_archive(path) as opened:
        return {name: opened.read(name) for name in opened.names}


def refusal(path):
    with pytest.raises(SourceError) as caught:
        read_all(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]
)
def test_what_was_packed_comes_out(tmp_path, method):
    members = {
        "a.txt": b"one",
        "in/a/folder/b.txt": bytes(range(256)) * 5000,
        "åäö.txt": b"",
    }
    path = pack(tmp_path / "a.zip", members.items(), method=method)
    assert is_archive(path)
    assert read_all(path) == members


def test_a_member_is_unpacked_under_its_last_name(tmp_path):
    path = pack(tmp_path / "a.zip", [("deep/down/b.gpkg", b"content")])
    with open_archive(path) as opened:
        unpacked = opened.unpack("deep/down/b.gpkg", tmp_path)
    assert unpacked == tmp_path / "b.gpkg"
    assert unpacked.read_bytes() == b"content"


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "in/../../out.txt", "/etc/out.txt", "C:/out.txt", "..\\out.txt",
     "\\\\host\\share\\out.txt", "new\nline"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    path = pack(tmp_path / "a.zip", [("good.txt", b"x"), (name, b"x")])
    assert "members of an archive must be plain files" in refusal(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_are_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    path = pack(tmp_path / "a.zip", [(entry, b"/etc/passwd")])
    assert "link or device" in refusal(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = pack(tmp_path / "a.zip", [("bomb", bytes(archive.FREE_OF_RATIO + 1))])
    assert path.stat().st_size < 100_000
    assert "packed more than" in refusal(path)


def test_many_small_members_count_together(tmp_path, monkeypatch):
    path = pack(tmp_path / "a.zip", [(str(n), bytes(1000)) for n in range(20)])
    monkeypatch.setattr(archive, "MOST_UNPACKED", 19_999)
    assert "20,000" in refusal(path)
    monkeypatch.setattr(archive, "MOST_MEMBERS", 19)
    assert "at most 19 members" in refusal(path)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", [("a", bytes(5000))])
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    refusal(path)


def test_an_endless_directory_is_not_read(tmp_path):
    path = pack(tmp_path / "a.zip", [("a", b"x")])
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = struct.pack("<I", archive.MOST_DIRECTORY + 1)
    path.write_bytes(content)
    assert "directory of an archive must have at most" in refusal(path)


def test_encrypted_members_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", [("a", b"secret")])
    content = bytearray(path.read_bytes())
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(sign) + offset] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_names_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", [("a", b"one"), ("a", b"two")])
    assert "different names" in refusal(path)


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    whole = pack(tmp_path / "a.zip", [("a.txt", b"hello" * 50), ("b", b"x")]).read_bytes()
    cut = tmp_path / "cut.zip"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        refusal(cut)


def test_a_missing_archive_is_refused(tmp_path):
    assert "check the path" in refusal(tmp_path / "none.zip")
    with pytest.raises(SourceError, match="check the path"):
        is_archive(tmp_path / "none.zip")


def test_errors_of_the_reader_pass_through(tmp_path):
    path = pack(tmp_path / "a.zip", [("a", b"x")])
    with pytest.raises(ZeroDivisionError), open_archive(path):
        _ = 1 / 0
