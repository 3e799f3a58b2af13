"""How well topics and languages are told, beside scikit-learn's LinearSVC and ComplementNB on the same mails.

    MAILPROC_CORPUS=…/open .venv/bin/python -m bench.topics [SET …]

scikit-learn is no part of mailproc: ``pip install --group bench``; without it its columns stay empty. A
mail is in the test part when the first byte of sha256("SET|KEY") is 192 or more (a quarter of them), KEY
being its path, or the text in lower case for tables. 20 Newsgroups and the R lists are judged by the
subject without [tag] and the new text; no other header is looked at. The rivals get the same subject and
text with their own words (TfidfVectorizer), and defaults.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailproc.mime.language import language_of
from mailproc.mime.reader import read
from mailproc.mime.topic_tokens import topic_tokens
from mailproc.model.topic_training import Lesson, train
from mailproc.model.topics import NONE, Ranked

SETS = ("20news", "rlists", "banking77", "clinc150", "clinc150+none", "tickets")
STRANGER = "oos"
THRESHOLD = 0.5
FEWEST_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail whose topic is known; ``STRANGER`` for one that is about none of them."""

    topic: str
    subject: str
    text: str
    in_test: bool


def samples(corpus: Path, name: str) -> Iterator[Sample]:
    """The mails of one set."""
    if name in ("20news", "rlists"):
        yield from _mails(corpus, name)
    elif name == "tickets":
        for row in _rows(corpus / "topics" / "tickets_synthetic.csv"):
            text = row["body"].replace("\\n", "\n")
            yield Sample(row["queue"], row["subject"], text, _in_test(name, row["subject"] + row["body"]))
    else:
        table = name.split("+")[0]
        for row in _rows(corpus / "topics" / f"{table}.csv"):
            key = " ".join(row["text"].lower().split())
            yield Sample(row["label"], "", row["text"], _in_test(table, key))


def _mails(corpus: Path, name: str) -> Iterator[Sample]:
    for path in sorted((corpus / "topics" / name).glob("*/*")):
        mail = read(path.read_bytes())
        subject = re.sub(r"\[[^\]]{1,40}\]", "", mail.subject)
        key = path.relative_to(corpus).as_posix()
        yield Sample(path.parent.name, subject, mail.reply or mail.text, _in_test(name, key))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as table:
        yield from csv.DictReader(table)


def _in_test(name: str, key: str) -> bool:
    return hashlib.sha256(f"{name}|{key}".encode()).digest()[0] >= 192


def measure(corpus: Path, name: str) -> None:
    """Print one line on a set."""
    found = list(samples(corpus, name))
    known = [each for each in found if not each.in_test and each.topic != STRANGER]
    tests = [each for each in found if each.in_test and each.topic != STRANGER]
    strangers = [each for each in found if each.topic == STRANGER]
    lessons = [Lesson(each.topic, topic_tokens(each.subject, each.text)) for each in known]
    if name.endswith("+none"):
        lessons += [
            Lesson(NONE, topic_tokens(each.subject, each.text)) for each in strangers if not each.in_test
        ]
    started = time.process_time()
    model = train(lessons)
    took = time.process_time() - started
    tokens = [topic_tokens(each.subject, each.text) for each in tests]
    started = time.process_time()
    judged = [model.judge(each) for each in tokens]
    judging = (time.process_time() - started) / len(judged)
    right = [each.topic == ranked[0].topic for each, ranked in zip(tests, judged, strict=True)]
    ours = f"{_percent(sum(right), len(right)):>8}"
    rivals = "".join(f"{each:>11}" for each in _rivals(known, tests))
    print(
        f"{name:<14}{len(model.topics):>6}{len(known):>7}{len(tests):>6}{ours}{rivals}"
        f"{_miscalibration(judged, right):>8.3f}{took:>8.1f} s{judging * 1000:>8.3f} ms",
        flush=True,
    )
    if strangers:
        outside = [model.judge(topic_tokens("", each.text)) for each in strangers if each.in_test]
        _show_strangers(judged, right, outside)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f} %"


def _rivals(known: Sequence[Sample], tests: Sequence[Sample]) -> list[str]:
    """The accuracy of LinearSVC and of ComplementNB."""
    try:
        text = importlib.import_module("sklearn.feature_extraction.text")
        bayes = importlib.import_module("sklearn.naive_bayes")
        machines = importlib.import_module("sklearn.svm")
    except ImportError:
        return ["-", "-"]
    vectorizer = text.TfidfVectorizer()
    vectors = vectorizer.fit_transform([f"{each.subject}\n{each.text}" for each in known])
    others = vectorizer.transform([f"{each.subject}\n{each.text}" for each in tests])
    found = []
    for rival in (machines.LinearSVC(), bayes.ComplementNB()):
        said = rival.fit(vectors, [each.topic for each in known]).predict(others)
        right = sum(one == each.topic for one, each in zip(said, tests, strict=True))
        found.append(_percent(right, len(tests)))
    return found


def _miscalibration(judged: Sequence[tuple[Ranked, ...]], right: Sequence[bool]) -> float:
    """Expected calibration error, in ten bins of the likeliest topic's probability."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for ranked, is_right in zip(judged, right, strict=True):
        chance = ranked[0].probability
        bins.setdefault(min(int(10 * chance), 9), []).append((chance, is_right))
    gaps = (abs(sum(chance - is_right for chance, is_right in each)) for each in bins.values())
    return sum(gaps) / len(judged)


def _show_strangers(
    judged: Sequence[tuple[Ranked, ...]], right: Sequence[bool], outside: Sequence[tuple[Ranked, ...]]
) -> None:
    inside = [ranked[0].probability for ranked in judged]
    beyond = [ranked[0].probability for ranked in outside]
    better = sum((one > other) + 0.5 * (one == other) for one in inside for other in beyond)
    kept = [is_right for chance, is_right in zip(inside, right, strict=True) if chance >= THRESHOLD]
    shares = {
        "of them are none of these": _percent(sum(chance < THRESHOLD for chance in beyond), len(beyond)),
        "of the others have a topic": _percent(len(kept), len(inside)),
        "of these the right one": _percent(sum(kept), len(kept)),
    }
    print(
        f"    {len(beyond)} mails out of scope: AUC {better / len(inside) / len(beyond):.3f}; "
        f"at {THRESHOLD}: {', '.join(f'{share} {what}' for what, share in shares.items())}",
        flush=True,
    )


def languages(corpus: Path) -> None:
    """Print how often the language of a text of 40 letters and more is right."""
    texts: dict[str, list[tuple[str, str]]] = {
        "tickets": [
            (row["language"], row["body"].replace("\\n", "\n"))
            for row in _rows(corpus / "topics" / "tickets_synthetic.csv")
        ],
        "german_mail_texts": [
            ("de", row["text"]) for row in _rows(corpus / "topics" / "german_mail_texts.csv")
        ],
        "banking77": [("en", row["text"]) for row in _rows(corpus / "topics" / "banking77.csv")],
        "clinc150": [("en", row["text"]) for row in _rows(corpus / "topics" / "clinc150.csv")],
        "20news": [("en", each.text) for each in samples(corpus, "20news")],
        "rlists": [("en", each.text) for each in samples(corpus, "rlists")],
    }
    print(f"\n{'language':<22}{'texts':>7}{'right':>10}{'unsure':>10}{'wrong':>10}")
    for name, known in texts.items():
        for language in sorted({language for language, _ in known}):
            chosen = [text for each, text in known if each == language and _letters(text) >= FEWEST_LETTERS]
            _show_language(f"{name} {language}", language, list(map(language_of, chosen)))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text[:10_000]))


def _show_language(name: str, language: str, said: Iterable[str]) -> None:
    found = list(said)
    right, unsure = found.count(language), found.count("")
    shares = [_percent(part, len(found)) for part in (right, unsure, len(found) - right - unsure)]
    print(f"{name:<22}{len(found):>7}" + "".join(f"{share:>10}" for share in shares))


def main() -> None:
    parser = argparse.ArgumentParser(description="Topics and languages of the corpus.")
    parser.add_argument("sets", nargs="*", choices=[*SETS, "languages", []], default=[*SETS, "languages"])
    chosen = parser.parse_args().sets
    corpus = Path(os.environ["MAILPROC_CORPUS"])
    print(
        f"{'set':<14}{'topics':>6}{'train':>7}{'test':>6}{'ours':>8}{'LinearSVC':>11}{'ComplNB':>11}"
        f"{'error':>8}{'train':>10}{'judge':>11}"
    )
    for name in chosen:
        if name != "languages":
            measure(corpus, name)
    if "languages" in chosen:
        languages(corpus)


if __name__ == "__main__":
    main()
