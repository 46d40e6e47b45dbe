"""Keep the truth of what was simulated beside the twin."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gis.errors import SourceError, TableError
from gis.files import atomic_path
from twin.simulation.demand import SOURCE

FILE = "simulated_faults.json"
"""Name of the file with the truth in the twin folder."""

MEANING = (
    "what was planted on simulated days and runs; hours and times are UTC, an end is the "
    "first one after it"
)


def read_truth(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read the truth of what was simulated so far.

    Parameters
    ----------
    path : Path
        ``simulated_faults.json``; if missing, there is none.

    Returns
    -------
    days : dict
        Single days by date, as `twin.simulation.day_faults.Faults`.
    runs : list of dict
        Longer runs, by start.

    Raises
    ------
    SourceError
        If the file is no such file.
    """
    if not path.exists():
        return {}, []
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["label"] == SOURCE:
            return dict(told["days"]), list(told.get("runs", ()))
    except OSError as error:
        message = f"{path} must be readable: {error.strerror}; change the rights"
        raise SourceError(message) from error
    except (KeyError, TypeError, ValueError):
        pass
    message = f"{path} must be written by heidi simulate, but is not; move it away"
    raise SourceError(message)


def write_truth(path: Path, days: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Write the truth; the same gives the same bytes.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    told: dict[str, Any] = {
        "label": SOURCE,
        "meaning": MEANING,
        "days": dict(sorted(days.items())),
    }
    if runs:
        told["runs"] = sorted(runs, key=lambda run: (run["start"], run["end"]))
    text = json.dumps(told, ensure_ascii=False, indent=1)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def record_run(path: Path, run: dict[str, Any]) -> None:
    """Add a run to the truth; one that stands there for its time must be the same.

    Parameters
    ----------
    path : Path
        ``simulated_faults.json``.
    run : dict
        With ``start`` and ``end`` as ISO 8601 text.

    Raises
    ------
    TableError
        If its time was simulated otherwise before: those values are in the store.
    SourceError, OutputError
        If the file cannot be read or written.
    """
    days, runs = read_truth(path)
    told = json.loads(json.dumps(run))
    if told in runs:
        return
    first, last = run["start"], run["end"]
    clash = [day for day in days if first[:10] <= day and f"{day}T00:00:00Z" < last]
    clash += [
        f"the time from {other['start']} to {other['end']}"
        for other in runs
        if other["start"] < last and first < other["end"]
    ]
    if clash:
        message = (
            f"{clash[0]} was simulated in {path.parent} with other choices; use those, "
            "another date, or a copy of the folder without its live.sqlite and "
            f"{path.name}"
        )
        raise TableError(message)
    write_truth(path, days, [*runs, told])


def check_day_free(path: Path, day: str, runs: list[dict[str, Any]]) -> None:
    """Refuse a day that lies within a run.

    Raises
    ------
    TableError
        If it does.
    """
    for run in runs:
        if run["start"][:10] <= day and f"{day}T00:00:00Z" < run["end"]:
            message = (
                f"{day} was simulated in {path.parent} as part of the run from "
                f"{run['start']} to {run['end']}; use another date, or a copy of the "
                f"folder without its live.sqlite and {path.name}"
            )
            raise TableError(message)


def time_text(time: int) -> str:
    """Return microseconds since 1970 as text.

    Examples
    --------
    >>> time_text(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{datetime.fromtimestamp(time / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
