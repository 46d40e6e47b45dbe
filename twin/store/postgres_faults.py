"""Tell what is wrong with a server of PostgreSQL in words its user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

from gis.errors import HeidiError, OutputError, SourceError
from twin.store.postgres_driver import conninfo, psycopg

_AGAIN = "nothing of the last batch is acknowledged: feed it again, which is without harm"
_BUSY = "must be free, but another program holds it; wait for it or stop it"
_RIGHTS = "must be open to this user, but is not; ask its owner for the rights"
_FULL = "could not grow, the server's disk is full; make room; " + _AGAIN
_GONE = "was stopped or restarted or cannot be reached any more; " + _AGAIN
_FOREIGN = (
    "must be a store of this program, but tables are missing or of another form; restore "
    "it from a copy or name another twin"
)
_HANGING = (
    "cannot be brought up to date while views of others hang on its tables; drop them and "
    "make them again after"
)
_DAMAGED = "must be whole, but is damaged; restore it from a copy"
_TEXT = "cannot hold text of this kind or length; mend the ids; " + _AGAIN

FAULTS: dict[str, tuple[type[HeidiError], str]] = {
    "08": (OutputError, _GONE),
    "22": (OutputError, _TEXT),
    "25006": (OutputError, "must be writable, but was opened for reading only"),
    "28": (OutputError, _RIGHTS),
    "2BP01": (OutputError, _HANGING),
    "3F": (SourceError, _FOREIGN),
    "40": (OutputError, _BUSY),
    "42501": (OutputError, _RIGHTS),
    "42P01": (SourceError, _FOREIGN),
    "42703": (SourceError, _FOREIGN),
    "53100": (OutputError, _FULL),
    "53": (OutputError, "is short of memory or connections; try again later; " + _AGAIN),
    "54000": (OutputError, _TEXT),
    "55": (OutputError, _BUSY),
    "57014": (OutputError, "gave up for lack of time; try again later; " + _AGAIN),
    "57": (OutputError, _GONE),
    "58": (OutputError, "could not read or write its disk; check it; " + _AGAIN),
    "XX001": (SourceError, _DAMAGED),
    "XX002": (SourceError, _DAMAGED),
}
"""What the server's result codes and their classes mean for the user. Others are defects
of ours. See appendix A of PostgreSQL's manual."""


def place(address: str) -> str:
    """Return where an address points to, without any password.

    Raises
    ------
    SourceError
        If it is not an address; it is not repeated, as it may hold a password.

    Examples
    --------
    >>> place("postgresql://ann:secret@db.example:5433/heidi")
    'PostgreSQL database heidi at db.example:5433'
    """
    try:
        told = conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        message = (
            "the address of the database must be like postgresql://user@host:5432/name, "
            "got something else; mend it"
        )
        # The original error repeats the address.
        raise SourceError(message) from None
    host = told.get("host") or told.get("hostaddr") or "this machine"
    port = f":{told['port']}" if told.get("port") else ""
    name = told.get("dbname") or "of the user's name"
    return f"PostgreSQL database {name} at {host}{port}"


def unreachable(address: str, error: psycopg.Error) -> OutputError:
    """Return what is to be said when the server does not let us in."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    told = lines[-1].removeprefix("connection failed: ").strip()
    password = conninfo.conninfo_to_dict(address).get("password")
    if password:
        told = told.replace(str(password), "***")
    return OutputError(
        f"{place(address)} must be running and let us in, got: {told}; check the address, "
        "the user, the password and the server"
    )


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the server says into one clear line.

    Parameters
    ----------
    where : str
        The server and the twin in it.

    Raises
    ------
    SourceError
        If what is kept is damaged or foreign.
    OutputError
        If the server is gone or busy, or lacks room or rights.
    """
    try:
        yield
    except psycopg.Error as error:
        code = error.sqlstate or ("08" if is_lost(error) else "")
        known = FAULTS.get(code) or FAULTS.get(code[:2])
        if isinstance(error, psycopg.DataError) and known is None:
            # The client itself refuses characters that the server cannot hold.
            known = FAULTS["22"]
        if known is None:
            raise
        kind, text = known
        message = f"{where} {text}"
        raise kind(message) from error
    except UnicodeEncodeError as error:
        message = f"{where} {_TEXT}"
        raise OutputError(message) from error


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error means that there is no connection any more."""
    return error.sqlstate is None and isinstance(
        error, psycopg.OperationalError | psycopg.InterfaceError
    )
