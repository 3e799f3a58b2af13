"""What a spam filter before us wrote into the header."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.tokens_mail import mail_tokens
from mailproc.mime.upstream import Upstream, read_upstream

HOSTS = frozenset({"mx.example.org"})
SPAMASSASSIN = (
    b"X-Spam-Checker-Version: SpamAssassin 4.0.0 (2022-12-14) on MX.example.org\r\n"
    b"X-Spam-Status: Yes, score=7.3 required=5.0 tests=BAYES_99,\r\n\tHTML_MESSAGE autolearn=no\r\n"
)
RSPAMD = (
    b"X-Rspamd-Server: mx.example.org\r\n"
    b"X-Spamd-Result: default: False [-1.50 / 15.00];\r\n\tMIME_GOOD(-0.10)[text/plain];\r\n"
    b"\tR_SPF_ALLOW(-0.20)[+mx]\r\n"
)


def test_spamassassin_is_read() -> None:
    found = read_upstream(read(SPAMASSASSIN + b"\r\n"), HOSTS)
    assert found == Upstream(True, 7.3, ("BAYES_99", "HTML_MESSAGE"))


def test_rspamd_is_read() -> None:
    found = read_upstream(read(RSPAMD + b"\r\n"), HOSTS)
    assert found == Upstream(False, -1.5, ("MIME_GOOD", "R_SPF_ALLOW"))


def test_headers_that_name_no_trusted_host_are_not_believed() -> None:
    for head in (SPAMASSASSIN, RSPAMD):
        assert read_upstream(read(head + b"\r\n"), frozenset({"other.example"})) is None
    assert read_upstream(read(b"X-Spam-Status: No, score=-9 required=5\r\n\r\n"), HOSTS) is None


def test_it_gives_tokens_only_where_asked_for() -> None:
    mail = read(SPAMASSASSIN + b"\r\n")
    assert {"upstream:spam", "upstream:score 7", "upstream:BAYES_99"} <= mail_tokens(mail, HOSTS)
    assert not [token for token in mail_tokens(mail) if token.startswith("upstream:")]


@settings(deadline=None)  # a machine may be busy
@given(st.text(max_size=200))
def test_no_value_breaks_the_reading(value: str) -> None:
    line = value.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace")
    for name in (b"X-Spam-Status", b"X-Spamd-Result"):
        raw = (
            b"X-Rspamd-Server: mx.example.org\r\n"
            + SPAMASSASSIN.split(b"\r\n")[0]
            + b"\r\n"
            + name
            + b": "
            + line
        )
        found = read_upstream(read(raw + b"\r\n\r\n"), HOSTS)
        assert found is None or isinstance(found.score, float)
