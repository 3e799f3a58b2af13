"""What a diagnostic text means: an enhanced status code (RFC 3463), and whether the failure is hard.

*Hard* says that the address itself is no good: no such mailbox, no such domain, moved away, a domain that
takes no mail.  Everything else is *soft*: a full or suspended mailbox, an expired queue time, a size limit,
a policy against this sender or this text.  It may be final all the same, but writing again can help.
Text is read case-blind and only up to MAX_DIAGNOSTIC characters; nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

MAX_DIAGNOSTIC = 1000  # characters looked at

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_WITH_STATUS = re.compile(r"(?<![\d.])[45]\d\d[ -]{1,3}['#(]{0,2}([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\w.:/-])([45][0-5]\d)(?=[ -]|$)")
# An address "userunknown@…" says nothing.
_NOT_WORDS = re.compile(r"\S{1,256}@\S{1,256}|https?://\S{1,500}")
_MAIL_COMMAND = re.compile(r"after MAIL FROM|in reply to (?:the )?MAIL FROM|>>> MAIL From", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a recipient failed; ``detail`` is the last two numbers of the status code it stands for."""

    name: str
    detail: str
    hard: bool = False


class Causes(Enum):
    """In the order in which their phrases are tried."""

    FULL = Cause("mailbox full", "2.2")
    TOO_BIG = Cause("message too big", "3.4")
    SUSPENDED = Cause("mailbox disabled", "2.1")
    NO_MAIL = Cause("domain takes no mail", "1.10", hard=True)
    MOVED = Cause("address has moved", "1.6", hard=True)
    AUTHENTICATION = Cause("sender not authenticated", "7.26")
    RELAYING = Cause("relaying denied", "7.1")
    REVERSE_DNS = Cause("client without reverse DNS", "7.25")
    SPAM = Cause("taken for spam", "7.1")
    NO_USER = Cause("no such mailbox", "1.1", hard=True)
    EXPIRED = Cause("queue time expired", "4.7")
    NO_HOST = Cause("no such domain", "1.2", hard=True)
    REJECTED = Cause("recipient address rejected", "1.1", hard=True)
    POLICY = Cause("refused by policy", "7.1")
    LOOP = Cause("mail loop", "4.6")
    NETWORK = Cause("host not reachable", "4.1")


# Alternatives are plain words with at most one bounded gap, so that matching stays linear.
_PHRASES: dict[Causes, str] = {
    Causes.FULL: r"""
        mail ?box (?:is )?(?:full|exceed)|mail(?:box|folder|bag)?(?: is)? full|(?:over|exceed\w*|out of
        |disk)
        .{0,40}quota|quota .{0,12}(?:exceed|violation|full|reached)|over ?quota|mailbox size limit
        |exceeds allowed
        size|exceeded (?:the|its|their) (?:local limit|storage)|exceed(?:s|ed) .{0,30}storage
        |insufficient (?:mailbox
        )?(?:storage|space)|not enough (?:storage|disk|free) space|user is over|account is full
        |inbox (?:is )?full|
        (?:max(?:imum)?|too many) .{0,30}(?:messages|mails) .{0,24}(?:mailbox|exceeded)
        |number of messages in
        recipient's mailbox|full mailbox|over the maximum (?:allowed )?(?:mailbox )?size|speicherplatz|
        postfach (?:ist )?voll|bo[iî]te .{0,24}pleine|bu[zs][oó]n .{0,16}lleno|casella .{0,16}piena|
        ящик переполнен|переполнен|メールボックス.{0,12}(?:一杯|いっぱい|満杯)|容量.{0,12}超""",
    Causes.TOO_BIG: r"""
        message (?:too|is too) (?:big|large)|(?:message|mail) size exceeds|exceed\w* .{0,24}(?:message
        |maximum)
        .{0,16}size|too large|size limit for|exceeding the message size|maximum incoming message size|
        message length exceeds|nachricht ist zu gro""",
    Causes.SUSPENDED: r"""
        account .{0,40}(?:disabled|suspended|inactive|locked|discontinued|deactivated|expired|not active)|
        (?:disabled|suspended|inactive|locked) (?:recipient|account|mailbox|user)
        |mailbox .{0,16}(?:disabled|
        inactive|suspended|frozen|locked)|user .{0,24}(?:suspended|disabled|inactive)|is not collected|
        has not been collected""",
    Causes.NO_MAIL: r"""
        no SMTP service|null MX|(?:domain|host) does not (?:accept|receive) (?:e-?)?mail
        |not accept(?:ing)? any mail|
        does not accept (?:any )?(?:mail|messages) at all|nullMX|couldn't find a mail exchanger
        |no mx (?:record )?found|
        smtp protocol returned a permanent error|mail receiving disabled
        |name server: .{0,60}: no data known""",
    Causes.MOVED: r"""
        has moved|mailbox .{0,20}moved|no forwarding address|no longer on (?:this )?server
        |is no longer (?:available
        |valid|in use|active|employed)|has been replaced by|please use the new address""",
    Causes.AUTHENTICATION: r"""
        DMARC|SPF (?:record|check|fail|hard)|SPF settings|fail\w* SPF|DKIM|unauthenticated
        |authentication (?:checks?
        |is required|required|fail)|spf\.pobox|not authorized to send|unauthori[sz]ed sender
        |not allowed to send from""",
    Causes.RELAYING: r"""
        relay(?:ing)? (?:access )?(?:denied|not permitted|prohibited|is not)|not permitted to relay
        |unable to relay|
        no relaying|configured to relay|relay not|not a (?:local|relay)|email address is not verified|
        isn't in my list of allowed rcpthosts|relay quota""",
    Causes.REVERSE_DNS: r"""
        reverse dns|no ptr|ptr record|mismatches client ip|rdns|unverifyable sending|valid sender domain|
        cannot find your hostname|resolve your (?:ip|host)""",
    Causes.SPAM: r"""
        \bspam\b|\bUBE\b|\bUCE\b|unsolicited|blacklist|black ?listed|block(?:ed)? (?:list|using|by|for
        |ip)|blocklist|
        \bRBL\b|\bDNSBL\b|spamhaus|bulk email|reputation|content rejected|client host rejected
        |banned sending|
        weren't sent|blocked \[|user complaints|too many complaints|suspicious|\bvirus\b|message blocked""",
    Causes.NO_USER: r"""
        (?:user|recipient|mailbox|addressee|account|address|alias|destination|login|subscriber
        |customer)(?: name)?
        .{0,40}(?:unknown|not (?:be )?found|not (?:exist|recogni[sz]ed|listed|known|valid)|does(?:n't
        |\snot) exist|
        not in (?:our|the)|couldn't be found|no longer exist)|(?:unknown|invalid|no such|non-?existent|bad
        |undeliverable|inexistent) (?:\w{1,20} ){0,2}(?:user|recipient|mailbox|addressee|account|address
        |local.?part
        |person|alias|userid)|no mailbox (?:here|by|found)|no (?:valid|such) recipient|not a (?:valid|known)
        (?:user|mailbox|recipient|address)|no (?:such )?(?:user|person|account) (?:here|by|at|with|found
        |named)|
        unrouteable address|unroutable|recipnotfound|recipientnotfound|recipient not found
        |inactive email address|
        doesn't have a .{1,60} account|this user doesn't|mailbox unavailable|not our customer|
        malformed address|user ?search|no matches to nameserver|no user
        |address .{0,60}did not .{0,30}match|not accepting mail|
        possibly incorrect|Empf[aä]nger .{0,24}(?:unbekannt|nicht gefunden|existiert nicht)
        |unbekannter Empf|
        Benutzer .{0,16}unbekannt|(?:destinataire|utilisateur|adresse) .{0,32}(?:inconnu|invalide
        |inexistant)|
        non recens|usuario .{0,24}(?:desconocido|no existe)|destinatario .{0,24}(?:desconocido
        |sconosciuto|inesistente)|
        utente .{0,16}(?:sconosciuto|inesistente)|usu[aá]rio .{0,24}(?:desconhecido|inexistente)|
        onbekende gebruiker|gebruiker .{0,12}onbekend|nieznany (?:u[zż]ytkownik|odbiorca)|
        (?:пользовател|получател|адрес).{0,24}(?:не (?:найден|существует)|неизвест)|
        宛先.{0,16}(?:不明|存在|見つか)|(?:用户|收件人|邮箱).{0,8}不存在|no rcpt|not local""",
    Causes.EXPIRED: r"""
        retry timeout|time-?out exceeded|message expired|envelope expired|in the queue too long
        |queue too long|
        giving up|could not deliver for the last|delivery (?:time )?expired|cannot send message for
        |delivery failed
        \d{1,4} attempts|maximum (?:delivery )?(?:attempts|retr)|delivery attempts|after \d{1,4} attempts
        |\bexpired\b|
        retry time not reached""",
    Causes.NO_HOST: r"""
        (?:host|domain)(?: name)?(?: or domain name)? .{0,60}(?:not found|unknown|does not exist
        |doesn't exist|
        is not reachable|not valid)|(?:unknown|no such|invalid|non-?existent) (?:host|domain)|NXDOMAIN|
        host unknown|does not exist|Name service error .{0,80}not found|nullclient|unable to route|
        couldn't find any host|illegal host|bad destination (?:host|system)""",
    Causes.REJECTED: r"recipient (?:address )?(?:was )?(?:rejected|refused)\W*(?:$|\[|access denied)",
    Causes.POLICY: r"""
        policy|access denied|not allowed|denied|refused|sender (?:address )?(?:rejected|verif)|prohibited|
        not (?:a member|permitted|authori[sz]ed)|frequency limited|too many (?:recipients|connections)|
        rejected for|rate limit|throttl|restricted|banned|does not (?:like|want)|permission""",
    Causes.LOOP: r"loop(?:ing|s back|\b)|too many hops|hop count|delivered-to line",
    Causes.NETWORK: r"""
        timed out|time ?out|connection (?:refused|reset|lost|dropped)|lost connection|connect to .{0,80}:|
        no route to host|unreachable|socket error|deferred|not accept our requests|unable to connect
        |wasn't able to
        establish|try again|host not found, try|temporar|unavailable or busy|service (?:not available
        |unavailable)""",
}

_HARD_DETAILS = frozenset({"1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "4.4"})
# Said of the sender (1.7, 1.8), of the mailbox in general, the mail system or the content: whatever the
# words are, the server does not mean the address.
_SOFT_DETAIL = re.compile(r"1\.[78]$|2\.0$|3\.|6\.")


def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(re.sub(r" ?\| ?", "|", " ".join(words.split())), re.IGNORECASE)


_PATTERNS = tuple((cause, _compiled(words)) for cause, words in _PHRASES.items())


def cause_of(diagnostic: str) -> Cause | None:
    """The first cause whose words stand in the text, or None."""
    words = " ".join(_NOT_WORDS.sub(" ", _spoken(diagnostic)).split())
    if "host not found, try again" in words.lower():
        return Causes.NETWORK.value
    return next((cause.value for cause, pattern in _PATTERNS if pattern.search(words)), None)


def _spoken(diagnostic: str) -> str:
    """From the remote server's reply on, where it has a status code; before it a gateway speaks."""
    text = diagnostic[:MAX_DIAGNOSTIC]
    reply = _REPLY_WITH_STATUS.search(text)
    return text[reply.start() :] if reply else text


def status_of(diagnostic: str, declared: str = "", *, final: bool = True) -> str:
    """The enhanced status code, "C.D.D": the one beside the reply, else the declared one, else a guess.

    ``declared`` is the Status field (RFC 3464 section 2.3.4).  The remote server's own words win over it:
    many gateways write a general 5.0.0 or a wrong 5.1.1 there.  Without any code the class is 5 for what is
    final and 4 for what is only delayed.
    """
    text = diagnostic[:MAX_DIAGNOSTIC]
    spoken = _REPLY_WITH_STATUS.search(text) or _STATUS.search(text)
    code = spoken or _STATUS.search(declared[:MAX_DIAGNOSTIC])
    return _clean(code[1]) if code else _guess(text, final=final)


def _guess(text: str, *, final: bool) -> str:
    reply = _REPLY_CODE.search(text)
    digit = reply[1][0] if reply else "5" if final else "4"
    cause = cause_of(text)
    return f"{digit}.{cause.detail if cause else '0.0'}"


def _clean(status: str) -> str:
    return ".".join(str(int(number)) for number in status.split("."))


def is_hard(status: str, diagnostic: str) -> bool:
    """Whether the address itself is no good, by the words first and the status code second."""
    digit, _, detail = status.partition(".")
    if digit != "5" or _SOFT_DETAIL.match(detail) or _MAIL_COMMAND.search(diagnostic[:MAX_DIAGNOSTIC]):
        return False
    cause = cause_of(diagnostic)
    if cause and cause is not Causes.POLICY.value:
        return cause.hard
    return detail in _HARD_DETAILS
