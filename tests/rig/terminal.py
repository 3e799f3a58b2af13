"""A program in a terminal that nobody looks at, worked by its keys (tmux)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.rig.waiting import eventually


class Terminal:
    """Runs ``command`` in ``folder``, which takes tmux's socket too, on 80 columns and 24 lines."""

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._socket = folder / "tmux"
        words = [f"{name}={value}" for name, value in environment.items()]
        self._tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(folder), "env", *words, *command)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("tmux") is not None

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def shows(self, text: str, *, seconds: float = 30.0) -> None:
        """Wait until this stands somewhere; AssertionError with the screen otherwise."""
        try:
            eventually(lambda: text in self.screen, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.screen}") from None

    def type(self, text: str) -> None:
        """Characters as they are."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, C-u."""
        self._tmux("send-keys", *keys)

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *words],
            capture_output=True,
            timeout=30,
            check=True,
            text=True,
        )
        return done.stdout
