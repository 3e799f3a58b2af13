"""The daemon on PostgreSQL: mail in, answer out, and every command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once
from tests.rig.sink import Sink

pytestmark = pytest.mark.peers

MakeNode = Callable[..., Daemon]


def test_each_mail_is_a_ticket_and_is_acknowledged(make_node: MakeNode, sink: Sink) -> None:
    node = make_node(top="workers = 2", relay_port=sink.port)
    node.start()
    injector = Injector(node, range(60))
    injector.start()
    injector.join(60)
    assert_each_once(node, range(60))
    node.stop()
