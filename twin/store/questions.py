"""Answer any question in SQL with DuckDB, in memory, over history and the hot log."""

from pathlib import Path
from typing import TYPE_CHECKING

from gis.errors import TableError
from twin.store.files import StoreFiles
from twin.store.queries import LEAST, MOST, Wanted
from twin.store.schema import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = "point, time, value, source, quality, version, sequence, known, revision"


def answer(files: StoreFiles, question: str) -> "pa.Table":
    """Run one query over the views ``statements`` and ``standing``.

    Parameters
    ----------
    files : StoreFiles
    question : str
        One SELECT in DuckDB's SQL. ``statements`` holds every statement, ``standing`` what
        stands now; both with `twin.store.exported.observation_schema`.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    TableError
        If the question is none.
    """
    import duckdb

    with files.reading():
        shelves = files.shelves()
        paths = [files.folder / segment.file for segment in shelves.manifest.segments]
        # Everything that is in no segment: a store of its own to this engine.
        hot = files.arrow(shelves.hot(Wanted(LEAST, MOST, every=True), COLUMNS))
        engine = duckdb.connect()
        try:
            engine.register("hot", hot)
            parts = [f"SELECT {NAMES} FROM hot"]
            if paths:
                parts.append(f"SELECT {NAMES} FROM read_parquet([{_listed(paths)}])")
            engine.execute(f"CREATE VIEW statements AS {' UNION ALL '.join(parts)}")
            engine.execute(
                "CREATE VIEW standing AS SELECT * FROM statements QUALIFY "
                "row_number() OVER (PARTITION BY point, time "
                "ORDER BY version DESC, sequence DESC) = 1"
            )
            return engine.sql(question).to_arrow_table()
        except duckdb.Error as error:
            message = f"the question must be one SELECT in SQL: {error}; mend it"
            raise TableError(message) from error
        finally:
            engine.close()


def _listed(paths: list[Path]) -> str:
    """Return paths as texts of SQL."""
    return ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
