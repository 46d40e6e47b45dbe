"""Lay sources, requests and fetched files out on the terminal."""

import json
import os
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from gis.faults import count_things
from gis.sources.cache import Cache, Cached, age_words
from gis.sources.catalogue import SOURCES, UNCONFIRMED, Source
from gis.sources.fetch import Fetched
from gis.sources.request import Credential, Request, plain_url
from gis.sources.sidecar import credit_line

INDENT = 12
WIDTH = 92


def show_sources(cache: Cache, *, as_json: bool) -> None:
    """Print all sources, their licences and what the cache holds of them."""
    held = cache.files()
    now = datetime.now(UTC)
    if as_json:
        rows = [_source_row(source, held, now) for source in SOURCES]
        _print_json({"cache": str(cache.folder), "sources": rows})
        return
    for source in SOURCES:
        for line in source_lines(source, held, now):
            typer.echo(line)
    size = sum(one.record.size for one in held)
    files = count_things(len(held), "file")
    typer.echo(f"\nCache: {cache.folder}, {files}, {size_words(size)}")
    typer.echo("heidi fetch NAME --help tells how to fetch from one.")


def source_lines(source: Source, held: Sequence[Cached], now: datetime) -> list[str]:
    """Describe a source in some lines.

    Parameters
    ----------
    source : Source
        Which.
    held : sequence of Cached
        All files of the cache.
    now : datetime
        Present, UTC.
    """
    mine = [one for one in held if one.record.source == source.key]
    kept = "nothing fetched"
    if mine:
        youngest = age_words(min(one.age(now) for one in mine))
        kept = f"{count_things(len(mine), 'file')} fetched, newest checked {youngest} ago"
    origin = source.origin
    texts = [
        f"{origin.provider}, {origin.dataset}: {source.gives}",
        f"licence {origin.licence}; credit: {origin.credit or origin.provider}",
        f"account: {account_words(source.credential)}; {kept}",
    ]
    if source.basis == UNCONFIRMED:
        texts.append("address and terms are not confirmed, check them")
    lines: list[str] = []
    for text in texts:
        lines += textwrap.wrap(text, WIDTH - INDENT)
    key = source.key.ljust(INDENT)
    return [f"{key if n == 0 else ' ' * INDENT}{line}" for n, line in enumerate(lines)]


def account_words(credential: Credential | None) -> str:
    """Tell whether a source needs an account and whether it is set."""
    if credential is None:
        return "none needed"
    names = " and ".join(credential.variables)
    is_set = credential.is_set(os.environ)
    return f"{names}, {'set' if is_set else 'not set'}"


def size_words(size: int) -> str:
    """Write a number of bytes.

    >>> size_words(950), size_words(12_345), size_words(7_891_234)
    ('950 B', '12.3 kB', '7.9 MB')
    """
    for least, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B"


def show_requests(
    requests: Sequence[Request], cache: Cache, out: Path, *, as_json: bool
) -> None:
    """Print what would be asked and on what terms."""
    now = datetime.now(UTC)
    rows = [_request_row(request, cache, out, now) for request in requests]
    if as_json:
        _print_json({"requests": rows})
        return
    for row in rows:
        typer.echo(f"GET {row['url']}")
        for name in ("provider", "licence", "credit", "account", "file", "cache"):
            typer.echo(f"  {name:<9} {row[name]}")


def show_fetched(
    fetched: Sequence[Fetched], paths: Sequence[Path], *, as_json: bool
) -> None:
    """Print what was got and whom to name for it."""
    if as_json:
        rows = [_file_row(*pair) for pair in zip(fetched, paths, strict=True)]
        _print_json({"files": rows})
        return
    now = datetime.now(UTC)
    for one, path in zip(fetched, paths, strict=True):
        age = age_words(one.cached.age(now))
        size = size_words(one.cached.record.size)
        typer.echo(f"{path}  {size}, {one.way.value}, checked {age} ago")
    for line in dict.fromkeys(credit_line(one.cached.record.origin) for one in fetched):
        typer.echo(f"  credit: {line}")


def _source_row(source: Source, held: Sequence[Cached], now: datetime) -> dict[str, Any]:
    """Return a source as plain values."""
    secret = source.credential
    return {
        "source": source.key,
        "provider": source.origin.provider,
        "dataset": source.origin.dataset,
        "licence": source.origin.licence,
        "credit": source.origin.credit,
        "gives": source.gives,
        "address": source.address,
        "limits": source.limits,
        "basis": source.basis,
        "account": list(secret.variables) if secret else [],
        "account_set": secret.is_set(os.environ) if secret else None,
        "files": [
            {
                "name": one.record.name,
                "url": one.record.url,
                "path": str(one.path),
                "bytes": one.record.size,
                "fetched": one.record.fetched.isoformat(),
                "age_days": round(one.age(now).total_seconds() / 86_400, 2),
            }
            for one in held
            if one.record.source == source.key
        ],
    }


def _request_row(
    request: Request, cache: Cache, out: Path, now: datetime
) -> dict[str, Any]:
    """Return a request as plain values, without secrets."""
    held = cache.find(request)
    return {
        "url": plain_url(request.url),
        "provider": request.origin.provider,
        "licence": request.origin.licence,
        "credit": request.origin.credit or request.origin.provider,
        "account": account_words(request.credential or _account_of(request.source)),
        "file": str(out / request.name),
        "cache": f"checked {age_words(held.age(now))} ago" if held else "nothing",
    }


def _account_of(source: str) -> Credential | None:
    """Return what a source needs, if not for this request, then for the next."""
    return next((s.credential for s in SOURCES if s.key == source), None)


def _file_row(fetched: Fetched, path: Path) -> dict[str, Any]:
    """Return a fetched file as plain values."""
    record = fetched.cached.record
    return {
        "path": str(path),
        "way": fetched.way.value,
        "source": record.source,
        "url": record.url,
        "bytes": record.size,
        "sha256": record.sha256,
        "etag": record.etag,
        "fetched": record.fetched.isoformat(),
        "checked": record.checked.isoformat(),
        "licence": record.licence,
        "credit": credit_line(record.origin),
    }


def _print_json(thing: object) -> None:
    """Print as JSON."""
    typer.echo(json.dumps(thing, ensure_ascii=False, indent=1))
