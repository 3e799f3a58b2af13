"""Ask whatever the stages ask, once: databases, directories, servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from mailproc.check.load import look_ups_of, make_chains
from mailproc.check.probed import Probed
from mailproc.config import Loaded
from mailproc.pipeline.chain import Step
from mailproc.stage import LookUps


def probe_stages(loaded: Loaded) -> Iterator[Probed]:
    """Each stage once, however many desks have it in their chains."""
    steps = {step.name: step for chain in make_chains(loaded).values() for step in chain.steps}
    look_ups = look_ups_of(loaded.config, loaded.path.absolute().parent)
    for step in steps.values():
        yield from asyncio.run(_probe(step, look_ups))


async def _probe(step: Step, look_ups: LookUps) -> list[Probed]:
    try:
        await step.stage.open(look_ups)
    except Exception as error:  # a site's own may want more than there is without a daemon
        return [Probed(f"stage {step.name}", "open", failure=f"{type(error).__name__}: {error}")]
    try:
        found = await step.stage.probe()
        return [Probed(f"stage {step.name}", where, failure=failure) for where, failure in found.items()]
    finally:
        await step.stage.close()
