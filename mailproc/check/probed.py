"""What a probe says of one part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probed:
    """One part: ``relay 127.0.0.1:8026 … ok``."""

    part: str
    where: str
    failure: str = ""  # why it failed; "" when it is well
    remark: str = ""

    def __str__(self) -> str:
        said = self.failure or (f"ok ({self.remark})" if self.remark else "ok")
        return f"{self.part} {self.where} … {said}"
