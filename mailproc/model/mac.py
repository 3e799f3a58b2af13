"""What proves that a ticket number is ours: a truncated HMAC-SHA256 (RFC 2104) beside it.

Four carriers show a number to the world, each with a MAC of its own purpose, so that none can be turned
into another: the tag in the subject ``[T#NUMBER-MAC]``, the reply address ``LOCAL+NUMBER.MAC@DOMAIN``, the
bounce address ``LOCAL+bounce.NUMBER.SERIAL.MAC@DOMAIN`` and the Message-ID ``<NUMBER.SERIAL.MAC@HOSTNAME>``.
The MAC is lower-case base32 (RFC 4648 section 6): 6 letters (30 bits) in the tag, 10 (50 bits) elsewhere.

Readers find tokens in any text and never raise; a token proves nothing until ``Keyring.verifies`` it, which
takes the same time whichever key fits, and whether one fits.  A key file that cannot be read raises
BadKeyring, whose text never holds a key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from mailproc.model.address import MAX_LOCAL, Address
from mailproc.model.desk import Desk
from mailproc.model.follow_up import Carrier, Token

TAG_LENGTH = 6
LENGTH = 10
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_SHIFTS = range(51, 51 - 5 * LENGTH, -5)  # from the left of 56 bits
MIN_SECRET = 16  # bytes
MAX_TEXT = 10_000  # characters of a subject that are searched for tags
MAX_TOKENS = 10

_TAG = re.compile(
    r"(?<![0-9a-z])t\s?#\s?([0-9]{1,20})(?![0-9])(?:\s?-\s?([0-9a-z]{1,16}))?(?![0-9a-z])",
    re.IGNORECASE | re.ASCII,
)
_REPLY = re.compile(r"([0-9]{1,20})(?:\.([0-9a-z]{1,16}))?", re.IGNORECASE | re.ASCII)
_BOUNCE = re.compile(r"bounce\.([0-9]{1,20})\.([0-9]{1,20})\.([0-9a-z]{1,16})", re.IGNORECASE | re.ASCII)
_HELD = re.compile(r"held\.([0-9]{1,18})\.([0-9a-z]{1,16})", re.IGNORECASE | re.ASCII)
_HELD_NOTICE = re.compile(
    r"<held\.([0-9]{1,18})\.[0-9]{1,20}\.([0-9a-z]{1,16})@[^<>\s]+>", re.IGNORECASE | re.ASCII
)
_DRAFT = re.compile(r"draft\.([0-9]{1,18})\.([0-9a-z]{1,16})", re.IGNORECASE | re.ASCII)
_NOTICE = re.compile(r"<notice\.([0-9]{1,20})\.([0-9a-z]{1,16})@[^<>\s]+>", re.IGNORECASE | re.ASCII)
_MESSAGE_ID = re.compile(
    # A set of characters begins it, by which a text is searched fast; what stands before is looked at later.
    r"([0-9](?<![0-9a-z.][0-9])[0-9]{0,19})\.([0-9]{1,20})\.([a-z2-7]{10})(?![0-9a-z])",
    re.IGNORECASE | re.ASCII,
)
_KEY_LINE = re.compile(r"([0-9A-Za-z_-]{1,32})[ \t]+([0-9A-Fa-f]+)", re.ASCII)


class BadKeyring(ValueError):
    """The key file is not one ``ID HEX`` a line, or a key in it is too short."""


class Purpose(StrEnum):
    """What a MAC is for; a MAC made for one purpose never verifies for another."""

    TAG = "tag"
    REPLY = "reply"
    MESSAGE_ID = "message-id"
    BOUNCE = "bounce"
    FOLDER = "folder"
    HELD = "held"
    DRAFT = "draft"
    NOTICE = "notice"


_PURPOSES = {
    Carrier.TAG: Purpose.TAG,
    Carrier.REPLY_ADDRESS: Purpose.REPLY,
    Carrier.MESSAGE_ID: Purpose.MESSAGE_ID,
    Carrier.BOUNCE_ADDRESS: Purpose.BOUNCE,
}


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and its name; the name is for people who rotate keys and never leaves the key file."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"  # a secret must not reach a log


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys, oldest first: the last one signs, all verify."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read a key file: one ``ID HEX`` a line, oldest first; ``#`` starts a comment line."""
        keys: dict[str, Key] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key = _read_key(line.strip(), number)
            if key.id in keys:
                raise BadKeyring(f"line {number}: key {key.id!r} stands there twice")
            keys[key.id] = key
        if not keys:
            raise BadKeyring("no key in it")
        return cls(tuple(keys.values()))

    @classmethod
    def generate(cls, random_bytes: bytes) -> Keyring:
        """A keyring of one new key; ``random_bytes`` are at least 16, better 32, from the system's source."""
        return cls(()).rotated(random_bytes)

    def rotated(self, random_bytes: bytes) -> Keyring:
        """The same keys and a new one, which signs from now on."""
        if len(random_bytes) < MIN_SECRET:
            raise BadKeyring(f"a key needs {MIN_SECRET} bytes")
        taken = {key.id for key in self.keys}
        name = next(str(n) for n in range(1, len(taken) + 2) if str(n) not in taken)
        return Keyring((*self.keys, Key(name, random_bytes)))

    def render(self) -> str:
        """The text of the key file."""
        return "".join(f"{key.id} {key.secret.hex()}\n" for key in self.keys)

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """16 octets for each key, oldest first, by which it is known again and not found out."""
        return tuple(hmac.digest(key.secret, b"fingerprint", "sha256")[:16] for key in self.keys)

    def tag(self, number: str) -> str:
        return f"[T#{number}-{self._sign(Purpose.TAG, number, length=TAG_LENGTH)}]"

    def reply_address(self, desk: Desk, number: str) -> Address | None:
        """Where answers to a ticket go, or None where the desk has no such addresses."""
        return _extended(desk, f"{number}.{self._sign(Purpose.REPLY, number)}")

    def bounce_address(self, desk: Desk, number: str, serial: int) -> Address | None:
        """The envelope sender of mail ``serial`` of a ticket; None where the desk has no such addresses."""
        mac = self._sign(Purpose.BOUNCE, number, str(serial))
        return _extended(desk, f"bounce.{number}.{serial}.{mac}")

    def message_id(self, number: str, serial: int, hostname: str) -> str:
        """A Message-ID of ours, with its angle brackets; one ``serial`` always gives the same."""
        return f"<{number}.{serial}.{self._sign(Purpose.MESSAGE_ID, number, str(serial))}@{hostname}>"

    def folder_id(self, name: str) -> str:
        """``NAME.MAC`` for X-Mailproc-Id: which message a copy in the folder is."""
        return f"{name}.{self._sign(Purpose.FOLDER, name)}"

    def read_folder_id(self, text: str) -> str | None:
        """The NAME of a ``folder_id`` that one of our keys made, or None."""
        name, dot, mac = text.strip().rpartition(".")
        return name if dot and self._fits(mac.lower(), Purpose.FOLDER, name, length=LENGTH) else None

    def held_address(self, desk: Desk, message: int) -> Address | None:
        """Where the author of a held answer says what is to become of it; None without such addresses."""
        return _extended(desk, f"held.{message}.{self._sign(Purpose.HELD, str(message))}")

    def held_notice_id(self, message: int, serial: int, hostname: str) -> str:
        """The Message-ID of the ``serial``-th notice about a held answer: a reply names it."""
        return f"<held.{message}.{serial}.{self._sign(Purpose.HELD, str(message))}@{hostname}>"

    def read_held(self, extension_or_id: str) -> int | None:
        """Which held answer such an address (by its extension) or Message-ID is about, if it is ours."""
        match = _HELD.fullmatch(extension_or_id) or _HELD_NOTICE.fullmatch(extension_or_id)
        if match is None or not self._fits(match[2].lower(), Purpose.HELD, match[1], length=LENGTH):
            return None
        return int(match[1])

    def notice_id(self, agent: str, serial: int, hostname: str) -> str:
        """The Message-ID of a notice to an agent: nobody else can know it."""
        return f"<notice.{serial}.{self._sign(Purpose.NOTICE, agent, str(serial))}@{hostname}>"

    def is_notice_to(self, agent: str, message_id: str) -> bool:
        """Is this the Message-ID of a notice of ours to this agent?"""
        match = _NOTICE.fullmatch(message_id)
        if match is None:
            return False
        return self._fits(match[2].lower(), Purpose.NOTICE, agent, match[1], length=LENGTH)

    def draft_id(self, laid: int) -> str:
        """``draft.ROW.MAC`` for X-Mailproc-Draft: which draft of ours a mail in an agent's Drafts is."""
        return f"draft.{laid}.{self._sign(Purpose.DRAFT, str(laid))}"

    def read_draft_id(self, text: str) -> int | None:
        """The ROW of a ``draft_id`` that one of our keys made, or None."""
        match = _DRAFT.fullmatch(text.strip())
        if match is None or not self._fits(match[2].lower(), Purpose.DRAFT, match[1], length=LENGTH):
            return None
        return int(match[1])

    def verifies(self, token: Token) -> bool:
        """Did one of our keys make this token's MAC, for this carrier, number and serial?"""
        fields = (token.number, token.serial) if token.serial else (token.number,)
        length = TAG_LENGTH if token.carrier is Carrier.TAG else LENGTH
        return self._fits(token.mac, _PURPOSES[token.carrier], *fields, length=length)

    def _sign(self, purpose: Purpose, *fields: str, length: int = LENGTH) -> str:
        return _mac(self.keys[-1], purpose, fields, length)

    def _fits(self, mac: str, purpose: Purpose, *fields: str, length: int) -> bool:
        # Every key is tried, also after one fits: the time must not tell which one did.
        given = mac.encode("utf-8", "surrogatepass")
        fits = [hmac.compare_digest(given, _mac(key, purpose, fields, length).encode()) for key in self.keys]
        return any(fits)


def read_tags(text: str) -> tuple[Token, ...]:
    """The tags in a subject, ``[T#NUMBER-MAC]`` or bare ``T#NUMBER``, in order, each number and MAC once."""
    if "#" not in text:
        return ()
    found = (Token(number, (mac or "").lower()) for number, mac in _TAG.findall(text[:MAX_TEXT]))
    return tuple(dict.fromkeys(found))[:MAX_TOKENS]


def remove_tags(text: str) -> str:
    """The text without tags and their brackets."""
    return _BRACKETED_TAG.sub(" ", text) if "#" in text else text


_BRACKETED_TAG = re.compile(rf"\[\s?{_TAG.pattern}\s?\]|{_TAG.pattern}", re.IGNORECASE | re.ASCII)


def read_address(desk: Desk, address: Address) -> Token | None:
    """The token in a reply or bounce address of this desk, or None."""
    extension = desk.extension_of(address)
    if not extension:
        return None
    if reply := _REPLY.fullmatch(extension):
        return Token(reply[1], (reply[2] or "").lower(), Carrier.REPLY_ADDRESS)
    if bounce := _BOUNCE.fullmatch(extension):
        return Token(bounce[1], bounce[3].lower(), Carrier.BOUNCE_ADDRESS, bounce[2])
    return None


def read_message_id(message_id: str) -> Token | None:
    """The token in a Message-ID that may be ours, also where a gateway wrote something around it."""
    match = _MESSAGE_ID.search(message_id[:MAX_TEXT])
    return Token(match[1], match[3].lower(), Carrier.MESSAGE_ID, match[2]) if match else None


def _read_key(line: str, number: int) -> Key:
    match = _KEY_LINE.fullmatch(line)
    if not match or len(match[2]) % 2:
        raise BadKeyring(f"line {number}: not of the form ID HEX")
    secret = bytes.fromhex(match[2])
    if len(secret) < MIN_SECRET:
        raise BadKeyring(f"line {number}: key {match[1]!r} is shorter than {MIN_SECRET} bytes")
    return Key(match[1], secret)


def _mac(key: Key, purpose: Purpose, fields: tuple[str, ...], length: int) -> str:
    # NUL stands in no purpose and no field: no two lists of fields give the same text.
    text = "\0".join((purpose, *fields)).encode("utf-8", "surrogatepass")
    digest = hmac.digest(key.secret, text, hashlib.sha256)
    bits = int.from_bytes(digest[:7])  # 56, of which 50 are enough for the longest
    return "".join([_BASE32[bits >> shift & 31] for shift in _SHIFTS[:length]])


def _extended(desk: Desk, extension: str) -> Address | None:
    if not (desk.reply_address and desk.delimiter):
        return None
    own = desk.address
    if own.local.startswith('"'):
        return None
    if len(own.local.encode()) + len(desk.delimiter) + len(extension) > MAX_LOCAL:
        return None  # another MTA may refuse it (RFC 5321 section 4.5.3.1.1)
    return Address(f"{own.local}{desk.delimiter}{extension}", own.domain)
