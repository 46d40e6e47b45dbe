"""Visibility survives a file of its own, and broken files are told."""

import numpy as np
import pytest

from gis.errors import OutputError, SourceError
from meshes.solar.visibility import Visibility, pack_bits


@pytest.fixture
def visibility() -> Visibility:
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2**63, (7, 11), np.uint64)
    texts = [pack_bits(row) for row in bits]
    return Visibility(tuple(texts[:4]), tuple(texts[4:]), 11)


def test_what_is_saved_is_loaded(visibility, tmp_path):
    visibility.save(tmp_path / "bits.arrow")
    assert Visibility.load(tmp_path / "bits.arrow") == visibility
    empty = Visibility((), (), 5)
    empty.save(tmp_path / "none.arrow")
    assert Visibility.load(tmp_path / "none.arrow") == empty


@pytest.mark.parametrize("kept", [0, 40, 300])
def test_a_cut_file_is_told(visibility, tmp_path, kept):
    path = tmp_path / "bits.arrow"
    visibility.save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceError, match=r"bits\.arrow must hold saved visibility"):
        Visibility.load(path)


def test_a_missing_folder_is_told(visibility, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        visibility.save(tmp_path / "none" / "bits.arrow")
