"""An X server without a screen, and the hands in front of it: mouse, keyboard, camera."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.rig.waiting import eventually

WIDTH, HEIGHT = 1000, 620
PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool"}  # and Debian's packages of them
CAMERA = {"import": "imagemagick"}
PNG = ("+dither", "-colors", "128", "-define", "png:exclude-chunks=date,time")

Place = list[float]  # x and y in pixels from the upper left corner


class Screen:
    """Runs from when it is made to ``stop``; programs are given its ``display``."""

    def __init__(self) -> None:
        command = ("Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp")
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._server.stdout
        self.display = f":{self._server.stdout.readline().decode().strip()}"

    def stop(self) -> None:
        self._server.terminate()
        self._server.communicate(timeout=30)

    def click(self, place: Place) -> None:
        self._hand("mousemove", *_pixels(place), "click", "1")

    def drag(self, start: Place, end: Place) -> None:
        """From one place to the other, with pauses, as programs look only now and then; ``drop`` lets go."""
        half_way = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2]
        words = ["mousemove", *_pixels(start), "sleep", "0.3", "mousedown", "1"]
        for place in ([start[0] - 12, start[1]], half_way, end, [end[0] + 2, end[1]]):
            words += ["sleep", "0.3", "mousemove", *_pixels(place)]
        self._hand(*words, "sleep", "0.6")

    def drop(self) -> None:
        self._hand("mouseup", "1")

    def write(self, text: str) -> None:
        """What has the focus gets ``text``, with Return between its lines."""
        first, *others = text.split("\n")
        self._hand("type", "--delay", "10", "--", first)
        for line in others:
            self._hand("key", "Return", "type", "--delay", "10", "--", line)

    def record(self, picture: Path) -> None:
        """All that there is to see, as soon as it stands still, as a PNG in few colours."""
        seen = [b""]

        def rests() -> bool:
            self._run("import", "-window", "root", "-strip", *PNG, f"PNG8:{picture}")
            seen.append(picture.read_bytes())
            return seen[-1] == seen[-2]

        eventually(rests, every=0.5)

    def _hand(self, *words: str) -> None:
        self._run("xdotool", *words)

    def _run(self, *words: str) -> None:
        subprocess.run(words, check=True, timeout=60, env={**os.environ, "DISPLAY": self.display})


def _pixels(place: Place) -> tuple[str, str]:
    return str(int(place[0])), str(int(place[1]))
