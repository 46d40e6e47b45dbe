"""Show on the terminal what is being done."""

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Stages:
    """Show what is being done: a bar on a terminal, a line a stage elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._stage = ""
        self._live = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task = TaskID(0)

    def __enter__(self) -> "Stages":
        """Start showing."""
        self._bar.start()
        self._task = self._bar.add_task("", total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        self._bar.stop()

    def __call__(self, text: str, share: float) -> None:
        """Show a stage and how far it is."""
        if not self._live and text != self._stage:
            typer.echo(f"  {text}", err=True)
        self._stage = text
        self._bar.update(self._task, description=text, completed=share)
