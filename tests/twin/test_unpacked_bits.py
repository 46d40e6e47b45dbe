"""Unpacked bits come from a file that is written once and never trusted blindly."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from gis.errors import GeometryError
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.solar.lit_scene import compass_of
from meshes.solar.visibility import FacetBits, Visibility, unpack_by_facet
from twin.build import Built, build
from twin.unpacked_bits import CACHE, kept_bits


@pytest.fixture(scope="module")
def built() -> Built:
    return build(heidi_district(), typical_year(), spacing=8.0)


@pytest.fixture(scope="module")
def plain(built) -> FacetBits:
    order = compass_of(built.light).number
    return unpack_by_facet(built.light.visibility, built.facets, order)


def same(one: FacetBits, other: FacetBits) -> bool:
    return all(np.array_equal(one.of(f), other.of(f)) for f in range(len(other)))


def test_by_facet_and_by_direction_are_the_same_bits(built, plain):
    order = compass_of(built.light).number
    sky, sun = built.light.visibility.unpack()
    rows = np.concatenate([sky, sun])[order]
    starts = built.facets.bit_start // 64
    for f in range(0, len(built.facets), 37):
        words = rows[:, starts[f] : starts[f] + plain.words[f]]
        np.testing.assert_array_equal(plain.of(f), words)


def test_the_file_is_written_once_and_then_mapped(built, plain, tmp_path):
    first = kept_bits(built, tmp_path)
    (path,) = (tmp_path / CACHE).iterdir()
    written = path.stat().st_mtime_ns
    again = kept_bits(built, tmp_path)
    assert same(first, plain)
    assert same(again, plain)
    assert path.stat().st_mtime_ns == written
    assert isinstance(again.pieces[0].base, np.memmap)
    assert not again.pieces[0].flags.writeable


def test_other_results_replace_the_file(built, plain, tmp_path):
    kept_bits(built, tmp_path)
    (old,) = (tmp_path / CACHE).iterdir()
    kept = built.light.visibility
    turned = Visibility(kept.sky[::-1], kept.sun, kept.words)
    other = replace(built, light=replace(built.light, visibility=turned))
    found = kept_bits(other, tmp_path)
    (new,) = (tmp_path / CACHE).iterdir()
    assert new != old
    assert not same(found, plain)


@pytest.mark.parametrize("fault", [b"", b"nonsense", None], ids=["empty", "text", "short"])
def test_a_broken_file_is_written_anew(built, plain, tmp_path, fault):
    kept_bits(built, tmp_path)
    (path,) = (tmp_path / CACHE).iterdir()
    path.write_bytes(path.read_bytes()[:5000] if fault is None else fault)
    assert same(kept_bits(built, tmp_path), plain)


def test_a_twin_that_cannot_be_written_uses_the_users_cache(
    built, plain, tmp_path, monkeypatch
):
    (tmp_path / CACHE).write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert same(kept_bits(built, tmp_path), plain)
    assert len(list((tmp_path / "user" / "heidi").iterdir())) == 1
    (tmp_path / "nowhere").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nowhere"))
    assert same(kept_bits(built, tmp_path), plain)


def _ask(built: Built, folder, done) -> None:
    found = kept_bits(built, folder)
    done.put(int(sum(int(np.bitwise_count(found.of(f)).sum()) for f in range(len(found)))))


def test_two_processes_at_once_get_whole_files(built, plain, tmp_path):
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    asking = [context.Process(target=_ask, args=(built, tmp_path, done)) for _ in range(2)]
    for process in asking:
        process.start()
    counts = [done.get(timeout=120) for _ in asking]
    for process in asking:
        process.join()
    wanted = sum(int(np.bitwise_count(plain.of(f)).sum()) for f in range(len(plain)))
    assert counts == [wanted, wanted]
    assert len(list((tmp_path / CACHE).iterdir())) == 1


def test_bits_that_were_not_kept_are_told(built, tmp_path):
    blind = replace(built, light=replace(built.light, visibility=None))
    with pytest.raises(GeometryError, match="visibility"):
        kept_bits(blind, tmp_path)
