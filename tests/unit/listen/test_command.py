"""What may stand behind MAIL and RCPT, and the reply to what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.listen.command import parse_mail, parse_rcpt
from mailproc.listen.replies import BAD_SYNTAX, UNKNOWN_PARAMETER
from mailproc.model.address import Address
from mailproc.model.reply import BAD_ADDRESS_SYNTAX, MailError, Reply

GOOD_MAIL = {
    "FROM:<a@example.com>": ("a@example.com", 0),
    "from:<A@Example.COM>": ("A@example.com", 0),
    "FROM: <a@example.com>": ("a@example.com", 0),
    "FROM:a@example.com": ("a@example.com", 0),
    "FROM:<>": (None, 0),
    "FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8": (None, 12),
    "FROM:<a@example.com> size=12  body=7bit": ("a@example.com", 12),
    "FROM:<@one.example,@two.example:a@example.com>": ("a@example.com", 0),
    'FROM:<"a>b c"@example.com>': ('"a>b c"@example.com', 0),
    "FROM:<jürgen@exämple.com> SMTPUTF8": ("jürgen@exämple.com", 0),
    "FROM:<a@[192.0.2.1]>": ("a@[192.0.2.1]", 0),
}

BAD_MAIL = {
    "": BAD_SYNTAX,
    "TO:<a@example.com>": BAD_SYNTAX,
    "FROM <a@example.com>": BAD_SYNTAX,
    "FROM:": BAD_ADDRESS_SYNTAX,
    "FROM:<a@example.com": BAD_ADDRESS_SYNTAX,
    "FROM:<a@example.com>SIZE=1": BAD_ADDRESS_SYNTAX,
    "FROM:<a b@example.com>": BAD_ADDRESS_SYNTAX,
    "FROM:<a>": BAD_ADDRESS_SYNTAX,
    "FROM:<a@-example.com>": BAD_ADDRESS_SYNTAX,
    "FROM:<a\udcff@example.com>": BAD_ADDRESS_SYNTAX,
    "FROM:<a\0@example.com>": BAD_ADDRESS_SYNTAX,
    "FROM:<a@example.com> SIZE=x": BAD_SYNTAX,
    "FROM:<a@example.com> SIZE": BAD_SYNTAX,
    "FROM:<a@example.com> BODY=BINARYMIME": BAD_SYNTAX,
    "FROM:<a@example.com> SMTPUTF8=1": BAD_SYNTAX,
    "FROM:<a@example.com> RET=HDRS": UNKNOWN_PARAMETER,
}


@pytest.mark.parametrize(("argument", "expected"), GOOD_MAIL.items())
def test_mail_is_read(argument: str, expected: tuple[str | None, int]) -> None:
    sender = parse_mail(argument)

    assert (sender.address and str(sender.address), sender.size) == expected


@pytest.mark.parametrize(("argument", "reply"), BAD_MAIL.items())
def test_bad_mail_is_refused(argument: str, reply: Reply) -> None:
    with pytest.raises(MailError) as error:
        parse_mail(argument)
    assert error.value.reply == reply


def test_rcpt_takes_no_parameters() -> None:
    with pytest.raises(MailError) as error:
        parse_rcpt("TO:<a@example.com> NOTIFY=NEVER", "mail.example")
    assert error.value.reply == UNKNOWN_PARAMETER


def test_null_recipient_is_refused() -> None:
    with pytest.raises(MailError) as error:
        parse_rcpt("TO:<>", "mail.example")
    assert error.value.reply == BAD_ADDRESS_SYNTAX


def test_bare_postmaster_is_ours() -> None:
    assert parse_rcpt("TO:<Postmaster>", "mail.example") == Address("Postmaster", "mail.example")


@given(st.text(st.sampled_from('<>"\\ @a.:,='), max_size=40))
def test_any_argument_gives_an_address_or_a_reply(argument: str) -> None:
    try:
        sender = parse_mail(f"FROM:{argument}")
    except MailError as error:
        assert error.reply.is_permanent
    else:
        assert sender.address is None or Address.parse(str(sender.address)) == sender.address
