"""The child process that learns a topic model: ``python -m mailproc.desk.topics_child``.

In: MessagePack, a list of [topic, tokens].  Out: the model (model/topics.py).
"""

from __future__ import annotations

import os
import sys

import msgspec

from mailproc.child import confine
from mailproc.model.topic_training import Lesson, train
from mailproc.model.topics import to_bytes

CPU = 3600  # seconds
MEMORY = 4 * 1024 * 1024 * 1024  # bytes


def learn(request: bytes) -> bytes:
    """The model of these lessons."""
    lessons = msgspec.msgpack.decode(request, type=list[tuple[str, frozenset[str]]])
    return to_bytes(train([Lesson(topic, tokens) for topic, tokens in lessons]))


if __name__ == "__main__":
    confine(cpu=CPU, memory=MEMORY)
    os.nice(10)  # mail goes first
    sys.stdout.buffer.write(learn(sys.stdin.buffer.read()))
