"""Write printed bodies as 3MF."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from gis.files import atomic_path
from meshes.formats.triangle_mesh import TriangleMesh

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KNOWN = (
    "Title",
    "Designer",
    "Description",
    "Copyright",
    "LicenseTerms",
    "Rating",
    "CreationDate",
    "ModificationDate",
    "Application",
)
"""Names of metadata that need no namespace: 3MF core specification 1.3, table 8-1."""

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""Time of all members, the first that zip knows: equal models give equal bytes."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_3mf(
    path: Path, mesh: TriangleMesh, *, name: str, metadata: Mapping[str, str]
) -> None:
    """Write one body in millimetres.

    Parameters
    ----------
    path : Path
        Usually ends in ``.3mf``.
    mesh : TriangleMesh
        Closed, outward [mm].
    name : str
        Of the object.
    metadata : mapping
        Texts by name, of `KNOWN`; empty ones are left out.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    data = threemf_bytes(mesh, name=name, metadata=metadata)
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(data)


def threemf_bytes(mesh: TriangleMesh, *, name: str, metadata: Mapping[str, str]) -> bytes:
    """Return a whole 3MF file, see `write_3mf`.

    Parameters
    ----------
    mesh, name, metadata
        As there.

    Notes
    -----
    After the 3MF core specification 1.3: a zip with the list of types, the relation to the
    model, and the model.
    """
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    types = (
        f'{head}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="model" '
        'ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
    )
    relations = (
        f'{head}<Relationships xmlns="{PACKAGE}/relationships">'
        '<Relationship Target="/3D/3dmodel.model" Id="rel0" '
        'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>'
        "</Relationships>"
    )
    told = [
        f'<metadata name="{key}">{escape(_clean(metadata[key]))}</metadata>'
        for key in KNOWN
        if metadata.get(key)
    ]
    vertices = [
        f'<vertex x="{_short(x)}" y="{_short(y)}" z="{_short(z)}"/>'
        for x, y, z in mesh.vertices.tolist()
    ]
    triangles = [
        f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh.triangles.tolist()
    ]
    model = "\n".join(
        [
            f'{head}<model unit="millimeter" xml:lang="en-US" xmlns="{CORE}">',
            *told,
            f'<resources><object id="1" type="model" name={quoteattr(_clean(name))}><mesh>',
            "<vertices>",
            *vertices,
            "</vertices>",
            "<triangles>",
            *triangles,
            "</triangles>",
            "</mesh></object></resources>",
            '<build><item objectid="1"/></build>',
            "</model>",
            "",
        ]
    )
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, text in (
            ("[Content_Types].xml", types),
            ("_rels/.rels", relations),
            ("3D/3dmodel.model", model),
        ):
            entry = zipfile.ZipInfo(member, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode())
    return buffer.getvalue()


def _short(number: float) -> str:
    """Write a number of millimetres as short as it is exact."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return _ILLEGAL.sub("", text)
