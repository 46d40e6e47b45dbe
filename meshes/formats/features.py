"""Describe features of glTF meshes by property tables."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import TableError
from meshes.formats.glb import GlbWriter, Json

FEATURES, METADATA = "EXT_mesh_features", "EXT_structural_metadata"

NO_DATA = -9999.0
"""Stands for a missing number, as the extension asks for one; the schema says so."""

NUMBERS = {
    "u1": "UINT8",
    "u2": "UINT16",
    "u4": "UINT32",
    "i4": "INT32",
    "f4": "FLOAT32",
    "f8": "FLOAT64",
}


def add_tables(
    writer: GlbWriter,
    tables: dict[str, pd.DataFrame],
    *,
    meanings: dict[str, str] | None = None,
    enums: dict[str, dict[int, str]] | None = None,
) -> dict[str, int]:
    """Put tables of properties into a document.

    Parameters
    ----------
    writer : GlbWriter
        The document.
    tables : dict of DataFrame
        By class name, one row per feature, at least one: numbers, texts or truth values.
        Of a column without any value only the schema tells.
    meanings : dict, optional
        Description of columns by name.
    enums : dict, optional
        Names of the whole numbers of a column, by its name.

    Returns
    -------
    dict of int
        Number of each table.

    Raises
    ------
    TableError
        If two columns of a table get the same name.
    """
    named, told = enums or {}, meanings or {}
    classes: Json = {}
    rows: list[Json] = []
    for class_name, table in tables.items():
        described: Json = {}
        stored: Json = {}
        for column in table.columns:
            name = identifier(str(column))
            if name in described:
                message = (
                    f"columns must differ in letters and digits, got {name!r} twice "
                    f"in the table of {class_name}; rename one"
                )
                raise TableError(message)
            kind, buffers = _store(
                writer, table[column], enum=name if name in named else ""
            )
            text = {"description": told[name]} if name in told else {}
            described[name] = {"name": str(column), **text, **kind}
            if buffers:
                stored[name] = buffers
        classes[class_name] = {"properties": described}
        rows.append({"class": class_name, "count": len(table), "properties": stored})
    schema: Json = {"id": "heidi", "version": "1.0.0", "classes": classes}
    if named:
        schema["enums"] = {
            name: {
                "valueType": "UINT8",
                "values": [{"name": text, "value": k} for k, text in values.items()],
            }
            for name, values in named.items()
        }
    writer.use(METADATA)
    writer.extensions[METADATA] = {"schema": schema, "propertyTables": rows}
    return {name: k for k, name in enumerate(tables)}


def identifier(name: str) -> str:
    """Return a name as schemas allow it: letters, digits and ``_``, no digit first."""
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{clean}" if clean[:1].isdigit() or not clean else clean


def feature_numbers(numbers: NDArray[np.int64]) -> NDArray[np.generic]:
    """Return feature numbers in the smallest type that attributes allow, (n,).

    Notes
    -----
    Whole numbers of 32 bits are no attributes of glTF; as floating ones they are exact up
    to 2**24.
    """
    highest = int(numbers.max(initial=0))
    if highest < 2**8:
        return numbers.astype("<u1")
    return numbers.astype("<u2" if highest < 2**16 else "<f4")


def _store(writer: GlbWriter, column: pd.Series, *, enum: str) -> tuple[Json, Json]:
    """Write one column; return its type and where it lies, nowhere if it has no values."""
    values = column.to_numpy()
    if enum:
        view = writer.add_view(values.astype("<u1").tobytes())
        return {"type": "ENUM", "enumType": enum}, {"values": view}
    if values.dtype == np.bool_:
        bits = np.packbits(values, bitorder="little")
        return {"type": "BOOLEAN"}, {"values": writer.add_view(bits.tobytes())}
    if np.issubdtype(values.dtype, np.number):
        return _store_numbers(writer, values)
    texts = ["" if pd.isna(value) else str(value) for value in column]
    data = [text.encode() for text in texts]
    if not any(data):
        return {"type": "STRING"}, {}
    offsets = np.r_[0, np.cumsum([len(text) for text in data])].astype("<u4")
    stored = {
        "values": writer.add_view(b"".join(data)),
        "stringOffsets": writer.add_view(offsets.tobytes()),
    }
    return {"type": "STRING"}, stored


def _store_numbers(writer: GlbWriter, values: NDArray[np.generic]) -> tuple[Json, Json]:
    """Write a column of numbers."""
    if np.issubdtype(values.dtype, np.integer):
        small = values.astype("<u4" if values.dtype.kind == "u" else "<i4")
        exact = small if np.array_equal(small, values) else values.astype("<f8")
        kind: Json = {"type": "SCALAR", "componentType": NUMBERS[exact.dtype.str[1:]]}
        return kind, {"values": writer.add_view(exact.tobytes())}
    real = values.astype(np.float64)
    known = np.isfinite(real)
    data = np.where(known, real, NO_DATA).astype("<f4")
    kind = {"type": "SCALAR", "componentType": "FLOAT32", "noData": NO_DATA}
    if not known.any():
        return kind, {}
    return kind, {"values": writer.add_view(data.tobytes())}
