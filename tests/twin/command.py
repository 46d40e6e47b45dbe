"""Run the command line within the tests' own process, which has loaded everything."""

import contextlib
import io
import subprocess
import sys
from unittest import mock

from twin.cli import main


def heidi(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command and return what a process of its own would have returned."""
    line = ["heidi", *map(str, words)]
    out, told = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", line),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(told),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return subprocess.CompletedProcess(line, code, out.getvalue(), told.getvalue())
