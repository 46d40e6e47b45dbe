"""Set options of GDAL for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyogrio

NO_SIDE_FILES = {"GDAL_PAM_ENABLED": "NO"}
"""Keeps GDAL from writing .aux.xml files beside what it only reads."""


@contextmanager
def gdal_options(options: dict[str, str]) -> Iterator[None]:
    """Set options for vector files, and set them back."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
