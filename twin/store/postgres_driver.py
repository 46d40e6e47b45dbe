"""Load the component that speaks with PostgreSQL, or say how to install it."""

from gis.errors import ComponentError

try:
    import psycopg
    from psycopg import conninfo, sql
except ImportError as error:
    _MESSAGE = (
        "keeping observations in PostgreSQL needs the component psycopg, which is missing; "
        'install it with: make extras, or pip install ".[postgres]" in the checkout'
    )
    raise ComponentError(_MESSAGE) from error

__all__ = ["conninfo", "psycopg", "sql"]
