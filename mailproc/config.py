"""The configuration: TOML into frozen structs.  Every key is documented by the comment beside it.

The structs below are the only place that knows key names; ``sample.toml`` is checked against them.  Each
key has a default that is safe, but a desk needs its addresses.  ``mailproc.check`` loads and checks a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]
Days = Annotated[float, Meta(ge=0)]
Hours = Annotated[float, Meta(ge=0)]
Delay = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]
Tls = Literal["none", "starttls", "implicit"]

DEFAULT_PATH = Path("/etc/mailproc/mailproc.toml")
DEFAULT_CHAIN = ("automatic", "auth", "spam", "ticket", "enrich", "analyse", "route", "acknowledge")


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every table: frozen, and an unknown key is a mistake."""


class StoreSection(Section, frozen=True):
    url: str = ""  # sqlite:PATH, or postgresql://…; by default sqlite:mailproc.db in data_dir
    url_file: str = ""  # the same from a file, because it may hold a password
    timeout: Seconds = 30.0  # for one answer of PostgreSQL; then its connection is cut


class BucketSection(Section, frozen=True):
    url: str = ""  # needed: s3://NAME, or s3://NAME/PREFIX
    endpoint: str = ""  # of what is not Amazon's: https://s3.example.org
    region: str = ""  # by default what $AWS_REGION says, or us-east-1
    access_key: str = ""  # by default as the S3 tools find one: $AWS_ACCESS_KEY_ID, the machine's role
    secret_key: str = ""  # that belongs to it
    secret_key_file: str = ""  # better: nobody but mailproc may read it
    ca_file: str = ""  # certificates of authorities, PEM; the system's by default
    least: Annotated[int, Meta(ge=16_384)] = 65_536  # octets: smaller mails stay in the database
    after: Days = 7.0  # since their ticket was closed, or was spam
    move: bool = True  # false: nothing more is moved there, what is there is read
    timeout: Seconds = 30.0  # for one mail


class LmtpSection(Section, frozen=True):
    listen: tuple[str, ...] = ()  # HOST:PORT, [V6]:PORT, unix:PATH or systemd:NAME


class SmtpSection(Section, frozen=True):
    listen: tuple[str, ...] = ()  # intake for MTAs without LMTP


class SubmissionSection(Section, frozen=True):
    listen: tuple[str, ...] = ()  # agents' mail clients send here
    tls: Tls = "none"  # none (loopback only), starttls or implicit
    certificate: str = ""  # file: the chain in PEM, the server's own first; needed for TLS
    private_key: str = ""  # file: its key in PEM; in the certificate's file by default
    auth: str = "passwords"  # passwords, dovecot:PATH, or imap
    auth_timeout: Seconds = 10.0  # for the answer to one login
    failures: Count = 10  # wrong passwords in a row that lock a login; an address has three times as many
    lock: Seconds = 600.0  # since the last of them
    recipients: Count = 100  # in one transaction
    pass_through: bool = False  # agents may also send what is no ticket's, to anybody, from their own address
    second_answer: Literal["hold", "refuse"] = "hold"  # what becomes of it


class RelaySection(Section, frozen=True):
    address: str = "127.0.0.1:25"  # HOST:PORT of the MTA that takes outgoing mail
    tls: Tls = "none"  # none (loopback only), starttls or implicit
    user: str = ""  # without one, nobody logs in
    password: str = ""  # of that user
    password_file: str = ""  # better: nobody but mailproc may read it
    connections: Count = 4  # kept open at once
    timeout: Seconds = 300.0  # for one whole mail
    max_age: Seconds = 432000.0  # five days; then a failure is permanent


class NamesSection(Section, frozen=True):
    new: str = "New"  # what nobody works on yet
    answered: str = "Answered"  # waits for the customer
    snoozed: str = "Snoozed"  # with a folder for each time below it
    closed: str = "Closed"  # is done
    spam: str = "Spam"  # what is moved here is learnt
    problem: str = "Problem"  # what a person must look at
    canned: str = "Canned"  # standard answers
    review: str = "Review"  # answers that wait for another agent
    approved: str = "Approved"  # and what that agent lets go
    agent: str = "@"  # stands before an agent's name


class ImapSection(Section, frozen=True):
    address: str = "127.0.0.1:993"  # HOST:PORT
    tls: Tls = "implicit"  # none (loopback only), starttls or implicit
    ca_file: str = ""  # certificates of authorities, PEM; the system's by default
    user: str = "mailproc"  # who logs in
    login: Literal["plain", "xoauth2", "master"] = "plain"  # with master, master_user acts as user
    password: str = ""  # of that user
    password_file: str = ""  # better: nobody but mailproc may read it
    master_user: str = ""  # who logs in, with password; can also act as agents, for their Drafts
    token_file: str = ""  # for xoauth2; read anew at each login
    token_command: tuple[str, ...] = ()  # or a program that prints the token
    timeout: Seconds = 30.0  # without an octet from the server
    poll: Seconds = 3.0  # between two looks, where the server does not tell of changes by itself
    full_pass: Seconds = 60.0  # between two looks at everything
    quiet: Seconds = 2.0  # before a move out of an agent's folder is believed
    restore_after: Seconds = 30.0  # then a mail that is in no folder is put back
    spam_grace: Seconds = 60.0  # what lies in Spam for so long is learnt
    stars: bool = False  # what somebody works on gets a star, for clients that show stars
    names: NamesSection = field(default_factory=NamesSection)  # what the folders are called


class DkimSection(Section, frozen=True):
    selector: str = ""  # of the RSA key: its DNS record is SELECTOR._domainkey.DOMAIN
    key_file: str = ""  # the RSA key, PEM; from: mailproc dkim new
    ed25519_selector: str = ""  # of the ed25519 key, which signs beside it
    ed25519_key_file: str = ""  # the ed25519 key


class LimitsSection(Section, frozen=True):
    size: Bytes = 52_428_800  # of one mail; offered as SIZE
    backlog: Count = 100_000  # deliveries that may wait for the chain before 451
    recipients: Count = 1000  # in one transaction
    connections: Count = 500  # in total
    connections_per_address: Count = 50  # loopback and Unix sockets are exempt
    useless_commands: Count = 100  # NOOP, RSET, VRFY and unknown ones since the last mail
    idle: Seconds = 300.0  # without a byte from the client
    total: Seconds = 3600.0  # one mail, from MAIL to the reply
    large: Bytes = 1_048_576  # from here on a mail is large …
    large_at_once: Count = 4  # … and so many of them are read at the same time
    attempts: Count = 5  # failures of the chain before a mail is quarantined
    at_once: Count = 4  # mails in the chain at the same time, per worker


class LogSection(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"  # and what is worse
    format: Literal["logfmt", "json"] = "logfmt"  # of one line


class MetricsSection(Section, frozen=True):
    listen: tuple[str, ...] = ()  # /metrics for Prometheus and /healthz, such as 127.0.0.1:9180; no login


class CalendarSection(Section, frozen=True):
    timezone: str = ""  # of the hours, such as Europe/Berlin; UTC by default
    weekdays: str = ""  # Monday to Friday: 09:00-17:00, or 09:00-12:00, 13:00-17:00; closed by default
    weekend: str = ""  # Saturday and Sunday
    monday: str = ""  # wins over weekdays, for this day; also: closed
    tuesday: str = ""  # the same for Tuesday
    wednesday: str = ""  # the same for Wednesday
    thursday: str = ""  # the same for Thursday
    friday: str = ""  # the same for Friday; 22:00-06:00 ends on Saturday morning
    saturday: str = ""  # wins over weekend, for this day
    sunday: str = ""  # the same for Sunday
    holidays: tuple[str, ...] = ()  # public ones: of a country, or of a region of it: DE, DE-BY
    ical: tuple[str, ...] = ()  # files: iCalendar, each event of whole days is a holiday
    extra_holidays: tuple[str, ...] = ()  # dates: 2026-12-24, or 12-24 for every year


class TargetSection(Section, frozen=True):
    name: str = ""  # in ticket show and in reports; its number in the list by default
    tag: tuple[str, ...] = ()  # for tickets with one of these tags
    priority: Literal["", "high", "normal", "low"] = ""  # for tickets of this priority
    note: dict[str, str] = {}  # for tickets of which all this was noted or found out
    first: str = ""  # business time until the first answer: 30m, 4h, 2d (of 24 hours); none by default
    next: str = ""  # from the customer's first mail after our last to our next answer
    solution: str = ""  # from opening to closing, without the time that we wait for the customer
    warn: Share = 0.75  # of that time; then it is in danger


class EscalationSection(Section, frozen=True):
    of: tuple[Literal["first", "next", "solution"], ...] = ("first", "next", "solution")  # targets
    at: Literal["warn", "due"] = "due"  # when a target is in danger, or missed …
    after: str = "0m"  # … and so much business time later
    tag: tuple[str, ...] = ()  # tags for the ticket
    priority: Literal["", "high", "normal", "low"] = ""  # its new one
    mail: tuple[Literal["owner", "team", "lead"], ...] = ()  # who is told
    template: str = "escalation"  # what they are told: NAME.DESK.LANGUAGE.j2 or NAME.LANGUAGE.j2
    lay: bool = False  # its newest mail is laid on top of the folder again, with a flag
    release: bool = False  # its owner gives it back
    desk: str = ""  # it goes to this desk


class DeskSection(Section, frozen=True):
    addresses: tuple[str, ...] = ()  # needed; the first one is where answers come from
    name: str = ""  # shown to customers; the table's name by default
    folder: str = ""  # the shared IMAP folder; the table's name by default
    agents: tuple[str, ...] = ()  # names of [agent.NAME]
    chain: tuple[str, ...] = DEFAULT_CHAIN  # stages, in their order
    language: str = "en"  # of templates, where the customer's is not known
    number: Literal["date", "sequence", "random"] = "date"  # how ticket numbers are made
    delimiter: str = "+"  # between the address and its extension
    reply_address: bool = True  # false where the host has no plus-addresses
    closed_reply: Literal["reopen", "new", "reject"] = "reopen"  # a reply to a closed ticket
    reopen_days: Days = 30.0  # later than that it becomes a new, linked ticket
    forward: Literal["new", "join"] = "new"  # a forward of a mail that has a ticket
    several: Literal["first", "all"] = "first"  # a mail that names several tickets
    subject_days: Days = 7.0  # how long "Re: same subject" from the same people joins
    sender: str = "{{ agent }} ({{ desk }})"  # template of the name in From of an answer
    salutation: str = ""  # template of what stands above an agent's text
    signature: str = ""  # template of what stands below it
    receipts: bool = False  # an agent's wish for a receipt goes out, with the desk's address
    send_delay: Delay = 0.0  # seconds that an answer waits, in which it can be taken back
    calendar: str = ""  # the name of a [calendar.NAME]: when somebody works; always by default
    claim_expires: Hours = 4.0  # of the calendar, without activity; then a ticket is back in New; 0: never
    close_after: str = "0"  # an answered ticket whose customer is silent is closed: 14d, 4w; 0: never
    close_warning: str = "3d"  # so long before that the customer is told by mail; 0: not at all
    digest: str = ""  # when its agents get a mail of what is to be done: 07:30, on days it is open; off
    thanks: str = ""  # the topic of mails that only say thanks: they reopen nothing
    review: tuple[str, ...] = ()  # agents whose answers another agent must approve
    lead: str = ""  # the agent whom steps of escalation and reports call so
    target: tuple[TargetSection, ...] = ()  # how long customers may wait; the first that fits counts
    escalation: tuple[EscalationSection, ...] = ()  # what is done when they wait too long


class ReportSection(Section, frozen=True):
    name: str = ""  # needed, and its own: what was sent is remembered by it
    every: str = "monday 07:00"  # a weekday, day or month, and a time: what was before it is reported
    desks: tuple[str, ...] = ()  # names of [desk.NAME]; all by default
    to: tuple[str, ...] = ()  # needed: names of [agent.NAME], or lead: who leads these desks
    format: Literal["text", "html", "csv"] = "html"  # beside the text: what is attached


class AgentSection(Section, frozen=True):
    address: str = ""  # the table's name at hostname by default
    name: str = ""  # shown to customers; the table's name by default
    password_hash: str = ""  # from: mailproc agent hash
    login: str = ""  # the user at Dovecot or the IMAP server; the table's name or the address by default
    addresses: tuple[str, ...] = ()  # further ones that may stand in From
    skills: tuple[str, ...] = ()  # what rules of the route stage may ask for
    languages: tuple[str, ...] = ()  # that this agent answers in: en, pt-BR; any by default
    absent: tuple[str, ...] = ()  # days: 2026-12-24, or 2026-12-24/2026-12-31; no tickets are assigned then
    absence_notice: bool = True  # the agent's own vacation notice, where it is proved, makes the agent absent
    new: bool = False  # may write to people who take part in no ticket
    drafts: bool = False  # a draft of an answer claims the ticket; mailproc reads headers in Drafts
    draft_answers: bool = False  # who takes a ticket finds a draft with the best standard answer
    drafts_folder: str = ""  # the mailbox of the drafts; by default what the server says, or Drafts


class Config(Section, frozen=True):
    hostname: str = ""  # in our Message-IDs and greetings; this machine's name by default
    data_dir: str = "/var/lib/mailproc"  # made with mode 0700: secret key, SQLite database
    secret_file: str = ""  # the key of tags and addresses; made in data_dir by default
    workers: Count = 1  # processes
    filters: tuple[str, ...] = ()  # folders with a site's own filters, searched first
    templates: tuple[str, ...] = ()  # folders with a site's own templates, searched first
    canned: tuple[str, ...] = ()  # folders with a site's own standard answers, searched first
    store: StoreSection = field(default_factory=StoreSection)
    bucket: BucketSection | None = None  # large mails of closed tickets
    lmtp: LmtpSection = field(default_factory=LmtpSection)
    smtp: SmtpSection = field(default_factory=SmtpSection)
    submission: SubmissionSection = field(default_factory=SubmissionSection)
    relay: RelaySection | None = None
    imap: ImapSection | None = None
    limits: LimitsSection = field(default_factory=LimitsSection)
    log: LogSection = field(default_factory=LogSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    chains: dict[str, tuple[str, ...]] = {}  # further chains by name, for rules that send mail there
    dkim: dict[str, DkimSection] = {}  # keys by the domain that signs; what has no key leaves unsigned
    calendar: dict[str, CalendarSection] = {}  # opening hours and holidays
    desk: dict[str, DeskSection] = {}  # at least one
    agent: dict[str, AgentSection] = {}
    report: tuple[ReportSection, ...] = ()  # reports that are mailed regularly
    stage: dict[str, dict[str, Any]] = {}  # options of each stage; checked against its filter


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration: paths are absolute, secrets are filled in, defaults too.

    ``warnings`` are whole lines, as ``mailproc check`` prints them.
    """

    path: Path
    config: Config
    warnings: tuple[str, ...] = ()


class ConfigurationError(Exception):
    """The configuration has mistakes: one line for each, ``FILE:LINE: key: what is wrong``."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def find(option: Path | None, environment: Mapping[str, str]) -> Path:
    """The file: as given on the command line, else by $MAILPROC_CONFIG, else where Debian would look."""
    return option or Path(environment.get("MAILPROC_CONFIG") or DEFAULT_PATH)
