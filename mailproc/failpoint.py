"""Named places where a test may kill the process: ``MAILPROC_FAILPOINT=intake.committed:kill9``.

Each name stands once in the code and once in ``docs/reference/faults.md``; a test compares the two.
``NAME:kill9@N`` kills at the N-th passage.  Without the variable a fail point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

VARIABLE = "MAILPROC_FAILPOINT"


class FailPoints:
    """The fail points that are armed; made once from the environment and passed in."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._armed: dict[str, int] = {}
        name, colon, act = environment.get(VARIABLE, "").partition(":")
        if colon:
            self._armed[name] = self._passages(act)

    @staticmethod
    def _passages(act: str) -> int:
        verb, _, count = act.partition("@")
        if verb != "kill9":
            raise ValueError(f"{VARIABLE}: unknown act {act!r}, use kill9 or kill9@N")
        return int(count or 1)

    def reach(self, name: str) -> None:
        """Pass the place called ``name``; the process ends here if that was asked for."""
        left = self._armed.get(name)
        if left is None:
            return
        self._armed[name] = left - 1
        if left <= 1:
            os.kill(os.getpid(), signal.SIGKILL)


NO_FAILPOINTS = FailPoints({})
