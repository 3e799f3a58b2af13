"""What a configuration names, opened: the store, the key, the site.  Enough for most commands.

No part that reads mail, speaks a protocol or runs a filter is imported here, so that a command starts fast.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from mailproc.calendars.make import make_calendar
from mailproc.check.paths import template_folders
from mailproc.config import Config, DeskSection, EscalationSection, ReportSection, TargetSection
from mailproc.desk.site import Agent, AutomaticAnswers, Site
from mailproc.model.address import Address, ascii_domain
from mailproc.model.assignment import Profile, parse_absence
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.calendar import ALWAYS_OPEN, Calendar
from mailproc.model.desk import ClosedReply, Desk, FollowUpPolicy, ForwardPolicy, NumberScheme, SeveralPolicy
from mailproc.model.escalation import Addressee, At, Escalation, Rule, Step, key_steps
from mailproc.model.mac import BadKeyring, Keyring
from mailproc.model.moment import parse_span
from mailproc.model.period import ReportPlan, parse_schedule, parse_time
from mailproc.model.target import Kind, Target
from mailproc.store.archived import ArchivedStore
from mailproc.store.bucket import Bucket, BucketPlace
from mailproc.store.connection import StoreError
from mailproc.store.originals import MovingRule
from mailproc.store.place import PostgresPlace, SqlitePlace, place_of
from mailproc.store.protocol import Store, Transaction
from mailproc.store.site_key import FORGET, OtherKey

log = logging.getLogger("mailproc")

KEY_BYTES = 32
LEAD = "lead"  # in the list of a report's recipients
HOUR = 3600.0
DAY = 86400.0


def store_place(config: Config) -> SqlitePlace | PostgresPlace:
    """Where the store is."""
    return place_of(config.store.url, config.store.timeout)


def open_store(config: Config) -> Store:
    """The configured store, its schema up to date."""
    return with_bucket(store_place(config).open(), make_bucket(config))


def with_bucket(store: Store, bucket: Bucket | None) -> Store:
    """A store as it is read: with what lies in the bucket, where there is one."""
    return ArchivedStore(store, bucket) if bucket else store


def make_bucket(config: Config) -> Bucket | None:
    """The configured bucket, not connected yet."""
    section = config.bucket
    if section is None:
        return None
    return Bucket(
        BucketPlace(
            url=section.url,
            timeout=section.timeout,
            endpoint=section.endpoint,
            region=section.region,
            access_key=section.access_key,
            secret_key=section.secret_key,
            ca_file=section.ca_file,
        )
    )


def bucket_rule(config: Config) -> MovingRule | None:
    """What is moved into the bucket; None where nothing is."""
    section = config.bucket
    return MovingRule(section.least, section.after * DAY) if section and section.move else None


def node_name(config: Config) -> str:
    """What this daemon is called among those that share a store; it stays the same.

    The host's name is for people; two may have the same.
    """
    path = Path(config.data_dir) / "node"
    try:
        if not path.exists():
            _write_new(path, secrets.token_hex(4))
        return f"{platform.node()}-{path.read_text('ascii').strip()}"
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def key_path(config: Config) -> Path:
    """The file with the key of tags, reply addresses and Message-IDs."""
    return Path(config.secret_file) if config.secret_file else Path(config.data_dir) / "secret.key"


def load_keyring(config: Config) -> Keyring:
    """Read the keyring, or make one where the configuration names none; StoreError where that fails."""
    path = key_path(config)
    try:
        if not config.secret_file and not path.exists():
            _write_new(path, Keyring.generate(secrets.token_bytes(KEY_BYTES)).render())
        return Keyring.parse(path.read_text("ascii"))
    except (OSError, BadKeyring, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: {error}") from error


def agree_on_key(tx: Transaction, config: Config) -> None:
    """For a daemon: our key is that of all machines that share the store; StoreError where it is another."""
    with _key_in_words(config):
        tx.site_key.agree(load_keyring(config).fingerprints)


def require_key(tx: Transaction, config: Config) -> None:
    """The same for a command that may write or sign something."""
    with _key_in_words(config):
        tx.site_key.require(load_keyring(config).fingerprints)


@contextmanager
def _key_in_words(config: Config) -> Iterator[None]:
    try:
        yield
    except OtherKey as error:
        raise StoreError(f"{key_path(config)} {error} (secret_file; if it is lost: {FORGET})") from error


def _write_new(path: Path, text: str) -> None:
    """Write a file so that it is whole or absent, and keep the one of a faster process."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:  # mode 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            log.info("file=%s made by another process", path)


def make_site(config: Config, keyring: Keyring) -> Site:
    """What the verbs know of the site."""
    agents = {
        name: Agent(
            name,
            section.name or name,
            Address.parse(section.address),
            further=tuple(map(Address.parse, section.addresses)),
            may_write_new=section.new,
            wants_drafts=section.draft_answers,
            heeds_notices=section.absence_notice,
            profile=Profile(
                skills=frozenset(section.skills),
                languages=frozenset(language.lower() for language in section.languages),
                absences=tuple(map(parse_absence, section.absent)),
            ),
        )
        for name, section in config.agent.items()
    }
    return Site(config.hostname, make_desks(config), agents, keyring, _trusted(config), _automatic(config))


def _automatic(config: Config) -> AutomaticAnswers:
    """The limits that the acknowledge stage has hold for every automatic answer."""
    options = next(
        (table for name, table in config.stage.items() if table.get("use", name) == "acknowledge"), {}
    )
    limits = {
        field.name: options[field.name] for field in fields(AcknowledgementLimits) if field.name in options
    }
    return AutomaticAnswers(
        template_folders(config), AcknowledgementLimits(**limits), frozenset(options.get("no_reply", ()))
    )


def _trusted(config: Config) -> tuple[str, ...]:
    """The mail servers whose results the stages that read such results believe."""
    stages = [table for name, table in config.stage.items() if table.get("use", name) == "auth"]
    return tuple(dict.fromkeys(str(name) for table in stages for name in table.get("trusted", ())))


def make_desks(config: Config) -> dict[str, Desk]:
    """Every desk of a checked configuration, by name."""
    signing = frozenset(map(ascii_domain, config.dkim))
    calendars = make_calendars(config)
    return {name: _desk(name, section, signing, calendars) for name, section in config.desk.items()}


def make_calendars(config: Config) -> dict[str, Calendar]:
    """Every calendar of a checked configuration, by name."""
    return {name: make_calendar(name, section) for name, section in config.calendar.items()}


def _desk(
    name: str, section: DeskSection, signing: Collection[str], calendars: Mapping[str, Calendar]
) -> Desk:
    addresses = tuple(map(Address.parse, section.addresses))
    return Desk(
        name=name,
        title=section.name or name,
        addresses=addresses,
        signed=ascii_domain(addresses[0].domain) in signing,
        agents=section.agents,
        folder=section.folder or name,
        language=section.language,
        delimiter=section.delimiter,
        reply_address=section.reply_address,
        number=NumberScheme(section.number),
        follow_up=FollowUpPolicy(
            closed=ClosedReply(section.closed_reply),
            reopen_days=section.reopen_days,
            forward=ForwardPolicy(section.forward),
            several=SeveralPolicy(section.several),
            subject_days=section.subject_days,
        ),
        sender=section.sender,
        salutation=section.salutation,
        signature=section.signature,
        receipts=section.receipts,
        send_delay=section.send_delay,
        calendar=calendars.get(section.calendar, ALWAYS_OPEN),
        claim_expires=section.claim_expires * HOUR,
        close_after=parse_span(section.close_after),
        close_warning=parse_span(section.close_warning),
        thanks=section.thanks,
        review=section.review,
        digest=parse_time(section.digest) if section.digest else None,
        escalation=_escalation(section),
    )


def _escalation(section: DeskSection) -> Escalation:
    rules = tuple(_rule(number, each) for number, each in enumerate(section.target, start=1))
    return Escalation(rules, tuple(key_steps(map(_step, section.escalation))), section.lead)


def _rule(number: int, section: TargetSection) -> Rule:
    target = Target(
        name=section.name or str(number),
        first=_seconds(section.first),
        next=_seconds(section.next),
        solution=_seconds(section.solution),
        warn=section.warn,
    )
    return Rule(target, frozenset(section.tag), section.priority, tuple(sorted(section.note.items())))


def _step(section: EscalationSection) -> Step:
    return Step(
        key="",
        kinds=frozenset(map(Kind, section.of)),
        at=At(section.at),
        after=_seconds(section.after),
        tags=section.tag,
        priority=section.priority,
        mail=tuple(map(Addressee, section.mail)),
        template=section.template,
        lay=section.lay,
        release=section.release,
        desk=section.desk,
    )


def _seconds(text: str) -> float:
    return parse_span(text) if text else 0.0


def plans_of(config: Config) -> tuple[ReportPlan, ...]:
    """The reports that are mailed regularly."""
    return tuple(_plan(config, report) for report in config.report)


def _plan(config: Config, report: ReportSection) -> ReportPlan:
    desks = report.desks or tuple(config.desk)
    leads = [lead for desk in desks if (lead := config.desk[desk].lead)]
    people = [leads if name == LEAD and name not in config.agent else [name] for name in report.to]
    to = tuple(dict.fromkeys(agent for names in people for agent in names))
    return ReportPlan(report.name, parse_schedule(report.every), desks, to, report.format)
