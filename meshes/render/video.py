"""Encode pictures as a video with the program ffmpeg.

The program runs by itself and gets the pictures through a pipe. It is never linked: the
builds with the encoder for H.264 are under the GPL, which the twin is not.
"""

import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gis.errors import ComponentError, OutputError
from gis.files import atomic_path

RATE = 25
"""Pictures in a second."""

QUALITY = "17"
"""Constant rate factor of the encoder: no loss that can be seen, about 1 MB a second."""

THREADS = "4"
"""Of the encoder; fixed, because its output depends on them and not on the machine."""

PATIENCE = 60.0
"""How long the encoder may take to end [s]."""


def find_ffmpeg() -> str:
    """Return the path of the program ffmpeg: the one on PATH, else imageio-ffmpeg's.

    Raises
    ------
    ComponentError
        If there is none.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ModuleNotFoundError, RuntimeError) as error:
        message = (
            "films need the program ffmpeg, which is not installed here; run "
            "make extras in the checkout, or put an ffmpeg on PATH"
        )
        raise ComponentError(message) from error


def write_video(
    path: Path, frames: Iterable[NDArray[np.uint8]], size: tuple[int, int], *, ffmpeg: str
) -> Path:
    """Write a video that plays everywhere: MP4, H.264, 4:2:0, index at the start.

    Parameters
    ----------
    path : Path
        Ends in ``.mp4``; replaced when the video is whole, and only then.
    frames : iterable of (height, width, 3) uint8
        Pictures, sRGB.
    size : (int, int)
        Width and height [pixels], both even.
    ffmpeg : str
        The program, see `find_ffmpeg`.

    Returns
    -------
    Path
        The path. Same pictures and program, same bytes.

    Raises
    ------
    OutputError
        If the file cannot be written or the program fails.
    """
    if size[0] % 2 or size[1] % 2:
        message = f"a video must be an even number of pixels wide and high, got {size}"
        message = f"{message}; choose another size"
        raise OutputError(message)
    with atomic_path(path) as temporary, TemporaryFile() as said:
        # A session of its own: Ctrl-C reaches us alone, and we end it.
        process = subprocess.Popen(
            [ffmpeg, *_options(size), str(temporary.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            _feed(process, frames)
            code = process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            _close(process.stdin)
        if code or not temporary.exists():
            message = f"cannot write {path}: ffmpeg says {_last_line(said)!r}"
            message = f"{message}; look for room on the disk or another ffmpeg"
            raise OutputError(message)
    return path


def _feed(process: "subprocess.Popen[bytes]", frames: Iterable[NDArray[np.uint8]]) -> None:
    """Hand pictures to the encoder; if it has ended, its own words tell why."""
    pipe = process.stdin
    if pipe is None:
        return
    with suppress(BrokenPipeError):
        for frame in frames:
            pipe.write(np.ascontiguousarray(frame).data)
    _close(pipe)


def _close(pipe: IO[bytes] | None) -> None:
    """Close a pipe whose reader may be gone."""
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()


def _options(size: tuple[int, int]) -> list[str]:
    """Return the words that tell the program what comes in and what goes out."""
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}"]
    source += ["-r", str(RATE), "-i", "-"]
    # Players take HD video for BT.709; without the filter the encoder would use BT.601.
    marks = "colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    scale = "scale=out_color_matrix=bt709:out_range=tv"
    colours = ["-vf", f"{scale},format=yuv420p,setparams={marks}"]
    codec = ["-c:v", "libx264", "-preset", "medium", "-crf", QUALITY, "-threads", THREADS]
    codec += ["-profile:v", "high", "-g", str(2 * RATE), "-an"]
    # Neither date nor the names of programs, so that equal films are equal files.
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    start = ["-loglevel", "error", "-nostdin", "-y"]
    return [*start, *source, *colours, *codec, *plain, "-movflags", "+faststart"]


def _last_line(said: IO[bytes]) -> str:
    """Return the last line of what the program said."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
