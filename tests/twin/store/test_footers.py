"""A cut footer tells of one row group as the whole one does."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twin.store.footers import cut_footer, row_group_spans


def file_of(groups: int) -> tuple[bytes, bytes, pa.Table]:
    """Return a Parquet file of many kinds of columns, its footer, and what is in it."""
    count = 7 * groups
    table = pa.table(
        {
            "text": pa.array([f"Råå {k % 5}" for k in range(count)]).dictionary_encode(),
            "whole": pa.array(np.arange(count) * 10**9),
            "gaps": pa.array([None if k % 3 else k / 7 for k in range(count)]),
            "flag": pa.array([k % 2 == 0 for k in range(count)]),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=7, compression="zstd", write_page_index=True)
    content = sink.getvalue()
    length = int.from_bytes(content[-8:-4], "little")
    return content, content[-8 - length : -8], table


@pytest.mark.parametrize("groups", [1, 2, 14, 15, 16, 130])
def test_each_row_group_is_read_as_from_the_whole_file(groups):
    """Lists of 15 and more have their length in bytes of its own."""
    content, footer, table = file_of(groups)
    spans = row_group_spans(footer)
    assert len(spans) == groups
    first, end = spans[0][0], sum(spans[-1])
    for place in {0, groups // 2, groups - 1}:
        cut = cut_footer(footer, first, end, groups, spans[place])
        metadata = pq.read_metadata(pa.BufferReader(cut))
        assert metadata.num_row_groups == 1
        file = pq.ParquetFile(pa.BufferReader(content), metadata=metadata)
        assert file.read_row_group(0).equals(table.slice(7 * place, 7))


def test_what_is_no_footer_is_told():
    _, footer, _ = file_of(3)
    for length in range(0, len(footer) // 2, 7):
        with pytest.raises(ValueError, match="footer"):
            row_group_spans(footer[:length])
    with pytest.raises(ValueError, match="footer"):
        row_group_spans(bytes(9))
