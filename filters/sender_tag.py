"""Tag mail by the domain of its envelope sender."""

from dataclasses import dataclass

from mailproc.stage import CONTINUE, Delivery, Stage, Verdict


@dataclass(frozen=True)
class Filter(Stage):
    domains: frozenset[str]
    tag: str = "vip"

    async def process(self, delivery: Delivery) -> Verdict:
        sender = delivery.envelope.mail_from
        if sender and sender.domain in self.domains:
            delivery.add_tag(self.tag)
        return CONTINUE
