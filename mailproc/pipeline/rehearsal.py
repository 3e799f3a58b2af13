"""Try a stage's ``open`` when the configuration is loaded, as far as it needs nobody else.

Bad patterns, templates that do not compile and missing files are mistakes of the configuration, and are to
be reported with the others, not when the daemon starts.  So ``open`` runs up to the first thing that it
would wait for: a look-up, a connection.  What it can say until then, it says by ValueError or OSError.
"""

from __future__ import annotations

import copy
import dataclasses

from mailproc.stage import AuthorHistory, Desk, FollowUp, Lexicon, LookUps, Signals, Stage


class _NobodyAnswers(Exception):
    """A look-up was asked: the rehearsal ends here."""


class Unanswered:
    """Look-ups for a rehearsal, in place of the store's."""

    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp:
        raise _NobodyAnswers

    async def of(self, desk: Desk, address: str) -> AuthorHistory:
        raise _NobodyAnswers

    async def totals(self) -> tuple[int, int]:
        raise _NobodyAnswers

    async def lexicon(self, words: frozenset[str]) -> Lexicon:
        raise _NobodyAnswers


def rehearse(stage: Stage, look_ups: LookUps) -> ValueError | None:
    """What ``open`` has against its options; the stage itself stays as it was."""
    twin = dataclasses.replace(stage) if dataclasses.is_dataclass(stage) else copy.copy(stage)
    opening = twin.open(look_ups)
    try:
        opening.send(None)
    except (StopIteration, _NobodyAnswers, RuntimeError):  # RuntimeError: it asked for a running loop
        return None
    except ValueError as error:
        return error
    except Exception as error:  # a site's own ``open`` may raise anything
        return ValueError(f"cannot be opened: {type(error).__name__}: {error}")
    finally:
        opening.close()
    return None
