"""Take members out of zip archives that nobody vouches for."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path, PurePosixPath
from stat import S_IFMT, S_IFREG

from gis.errors import SourceError
from gis.faults import name_some

MOST_MEMBERS = 10_000
"""Members of an archive; a national map has some hundred layers."""

MOST_UNPACKED = 4_000_000_000
"""Bytes of all members together; the buildings of a county are below one tenth of it."""

MOST_RATIO = 200
"""Unpacked by packed size; text of coordinates packs to a tenth, a bomb to a thousandth."""

FREE_OF_RATIO = 10_000_000
"""Members below this may pack as well as they like [bytes]."""

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""What a zip archive begins with; the second if it is empty."""

MOST_DIRECTORY = 10_000_000
"""Bytes of the list of members: ten times what so many members usually need."""

# PKWARE APPNOTE 6.3.10, sections 4.3.14 and 4.3.16: the records that end an archive.
_END, _END_64, _IN_END_64 = b"PK\x05\x06", b"PK\x06\x06", 0xFFFFFFFF
_TAIL = 22 + 0xFFFF + 20 + 56  # bytes they take at most
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Archive:
    """A zip archive whose directory has been checked.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    names : tuple of str
        Its members that are files, as the archive spells them.
    """

    name: str
    names: tuple[str, ...]
    _file: zipfile.ZipFile

    def read(self, name: str, *, most: int = MOST_UNPACKED) -> bytes:
        """Unpack one member to memory.

        Parameters
        ----------
        name : str
            One of `names`.
        most : int
            Bytes accepted.

        Returns
        -------
        bytes
            The whole member.

        Raises
        ------
        SourceError
            If it is damaged, or larger than accepted or than the archive says.
        """
        return b"".join(self._chunks(name, most))

    def unpack(self, name: str, folder: Path) -> Path:
        """Unpack one member to a folder under its own last name.

        Parameters
        ----------
        name : str
            One of `names`.
        folder : Path
            Must exist; give a temporary one.

        Returns
        -------
        Path
            The file, directly in the folder.

        Raises
        ------
        SourceError
            If it is damaged, too large, or the folder cannot be written.
        """
        path = folder / PurePosixPath(name).name
        try:
            with path.open("wb") as target:
                for chunk in self._chunks(name, MOST_UNPACKED):
                    target.write(chunk)
        except SourceError:
            raise
        except OSError as error:
            message = f"cannot unpack {self.name}: {error.strerror}; free some space"
            raise SourceError(message) from error
        return path

    def _chunks(self, name: str, most: int) -> Iterator[bytes]:
        """Pieces of a member, never more than its directory entry says."""
        size = self._file.getinfo(name).file_size
        if size > most:
            message = (
                f"{name[:80]} in {self.name} must have at most {most:,} bytes unpacked, "
                f"got {size:,}; cut it to the area that is needed"
            )
            raise SourceError(message)
        done = 0
        with _translated(self.name), self._file.open(name) as source:
            while chunk := source.read(_CHUNK):
                done += len(chunk)
                if done > size:
                    message = f"{self.name} holds more than its directory says; get it anew"
                    raise SourceError(message)
                yield chunk


def is_archive(path: Path) -> bool:
    """Tell whether a file begins as a zip archive does.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        Whatever its suffix.

    Raises
    ------
    SourceError
        If it is missing or cannot be read.
    """
    try:
        with path.open("rb") as source:
            return source.read(len(MAGIC[0])) in MAGIC
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip archive after checking what it would unpack to.

    Parameters
    ----------
    path : Path
        A zip file.

    Yields
    ------
    Archive
        Its members can be read until the block ends.

    Raises
    ------
    SourceError
        If it is missing, damaged or encrypted; if a member has an absolute name, leads out
        of the folder or is no plain file; if names repeat; if there are more than
        `MOST_MEMBERS` members or `MOST_UNPACKED` bytes, or a large member is packed more
        than `MOST_RATIO` times.
    """
    with _translated(path.name, path):
        _check_directory(path)
        file = zipfile.ZipFile(path)
    with file:
        yield Archive(path.name, _checked(file, path.name), file)


def _check_directory(path: Path) -> None:
    """Refuse a directory that is too large, before the library reads all of it."""
    with path.open("rb") as source:
        source.seek(-min(path.stat().st_size, _TAIL), SEEK_END)
        tail = source.read()
    stated = []
    if (at := tail.rfind(_END)) >= 0 and len(tail) >= at + 16:
        stated.append(int.from_bytes(tail[at + 12 : at + 16], "little"))
    if (at := tail.rfind(_END_64)) >= 0 and len(tail) >= at + 48:
        stated.append(int.from_bytes(tail[at + 40 : at + 48], "little"))
    size = max((s for s in stated if s != _IN_END_64), default=0)
    if size > MOST_DIRECTORY:
        message = (
            f"the directory of an archive must have at most {MOST_DIRECTORY:,} bytes, that "
            f"of {path.name} has {size:,}; unpack it and give the file with the buildings"
        )
        raise SourceError(message)


def _checked(file: zipfile.ZipFile, name: str) -> tuple[str, ...]:
    """Names of the plain files of an archive, all faults of its directory refused."""
    members = file.infolist()
    if len(members) > MOST_MEMBERS:
        message = (
            f"an archive must have at most {MOST_MEMBERS:,} members, {name} has "
            f"{len(members):,}; unpack it and give the file with the buildings"
        )
        raise SourceError(message)
    faults = {m.filename: fault for m in members if (fault := _fault(m))}
    if faults:
        told = (f"{shown[:60]!r} {fault}" for shown, fault in faults.items())
        message = (
            f"members of an archive must be plain files inside it, {name} has "
            f"{name_some(told)}; get it anew from its owner"
        )
        raise SourceError(message)
    files = [m for m in members if not m.is_dir()]
    total = sum(m.file_size for m in files)
    if total > MOST_UNPACKED:
        message = (
            f"an archive must unpack to at most {MOST_UNPACKED:,} bytes, {name} says "
            f"{total:,}; unpack it and give the file with the buildings"
        )
        raise SourceError(message)
    names = tuple(m.filename for m in files)
    if len(set(names)) < len(names):
        message = f"members of an archive must have different names, {name} repeats some"
        raise SourceError(message)
    return names


def _fault(member: zipfile.ZipInfo) -> str:
    """Tell what is wrong with an entry of the directory, "" if nothing is."""
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "(absolute name)"
    if ".." in parts or not parts:
        return "(leads out of the folder)"
    if any(ord(letter) < 32 for letter in name):
        return "(control characters)"
    kind = S_IFMT(member.external_attr >> 16)
    if kind and kind != S_IFREG and not member.is_dir():
        return "(a link or device)"
    if member.flag_bits & _ENCRYPTED:
        return "(encrypted)"
    large = member.file_size > FREE_OF_RATIO
    if large and member.file_size > MOST_RATIO * max(member.compress_size, 1):
        return f"(packed more than {MOST_RATIO} times)"
    return ""


@contextmanager
def _translated(name: str, path: Path | None = None) -> Iterator[None]:
    """Turn the faults of the zip library into ours."""
    try:
        yield
    except SourceError:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,  # a compression that Python does not know
        EOFError,
        RuntimeError,  # encrypted, though its directory entry does not say so
        UnicodeError,
        ValueError,
    ) as error:
        message = f"a readable zip archive is needed, got {name}: {_one_line(error)}"
        raise SourceError(message) from error
    except OSError as error:
        reason = error.strerror or _one_line(error)
        message = f"cannot read {path or name}: {reason}; check the path"
        raise SourceError(message) from error


def _one_line(error: Exception) -> str:
    """First line of a library's message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
