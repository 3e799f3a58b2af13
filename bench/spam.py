"""The spam filter against bogofilter and SpamAssassin's Bayes, on the same mails in the same run.

    MAILPROC_CORPUS=FOLDER python -m bench.spam [--variants] [--only NAME] [--worst N]

All learn the training part and judge the test part of each set (bench/spam_mails.py says how the mails are
divided, and what was taken out of them); then they learn all sets together, and the mail of 2002 to 2010 to
judge that of 2022 to 2026. Each filter has its own cut-offs as shipped: spam from 0.9 on (mailproc), from
0.99 on (bogofilter; SpamAssassin's highest class). *Ham called spam* and *spam caught* are by these; *at
0.1 %* is the spam caught where the cut-off is so that at most one ham in a thousand is called spam,
*1 - AUC* how often a ham has a higher score than a spam, in percent.

``--variants`` compares kinds of tokens and parameters of ours by cross-validation in the training part
instead, and with scikit-learn (``pip install --group bench``) a logistic regression on our tokens: what a
learner makes of them that weighs each by the others. ``--worst N`` lists the N ham with the highest and the
spam with the lowest scores. Rivals that are not installed are left out. Exit status 2 without a corpus.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from bench.spam_mails import MODERN, OLD, SETS, Labelled, labelled_mails
from mailproc.mime.reader import read
from mailproc.mime.tokens import words_in
from mailproc.mime.tokens_mail import mail_tokens
from mailproc.model.bayes import MOST_CLUES, MOST_WORDS, CutOffs, Lexicon, combined

FOLDS = 3
SHIPPED = (CutOffs().ham, CutOffs().spam)
SPAMASSASSIN = Path(__file__).with_name("spamassassin_bayes.pl")

Scores = list[float]  # of the mails that were judged, in their order
Filter = Callable[[Sequence[Labelled], Sequence[Labelled]], Scores]


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a filter did; all in percent."""

    ham_called_spam: float
    caught: float
    missed: float  # spam called ham
    at_a_thousandth: float
    area: float

    def row(self, *names: str) -> str:
        cells = [
            f"{self.ham_called_spam:.2f}", f"{self.caught:.1f}", f"{self.missed:.1f}",
            f"{self.at_a_thousandth:.1f}", f"{self.area:.3f}",
        ]  # fmt: skip
        return f"| {' | '.join([*names, *cells])} |"


HEAD = (
    "| ham called spam % | spam caught % | spam called ham % | caught at 0.1 % | 1 - AUC % |\n"
    "|---|---|---|---|---|---|---|"
)


def figures(mails: Sequence[Labelled], scores: Scores, cut_offs: tuple[float, float]) -> Figures:
    ham = sorted(score for mail, score in zip(mails, scores, strict=True) if not mail.is_spam)
    spam = sorted(score for mail, score in zip(mails, scores, strict=True) if mail.is_spam)
    bound = ham[-1 - len(ham) // 1000]
    above = sum(bisect_left(ham, score) + bisect_right(ham, score) for score in spam) / 2
    return Figures(
        100 * sum(score >= cut_offs[1] for score in ham) / len(ham),
        100 * sum(score >= cut_offs[1] for score in spam) / len(spam),
        100 * sum(score < cut_offs[0] for score in spam) / len(spam),
        100 * sum(score > bound for score in spam) / len(spam),
        100 * (1 - above / len(ham) / len(spam)),
    )


@cache
def tokens_of(mail: Labelled) -> frozenset[str]:
    return mail_tokens(read(mail.raw))


@dataclass(frozen=True, slots=True)
class Ours:
    """mailproc's classifier on tokens of some kinds."""

    tokens: Callable[[Labelled], Iterable[str]] = tokens_of
    words: int = MOST_WORDS
    clues: int = MOST_CLUES

    def __call__(self, learnt: Sequence[Labelled], judged: Sequence[Labelled]) -> Scores:
        spam: Counter[str] = Counter()
        ham: Counter[str] = Counter()
        for mail in learnt:
            (spam if mail.is_spam else ham).update(self.tokens(mail))
        spam_mails = sum(mail.is_spam for mail in learnt)
        totals = (spam_mails, len(learnt) - spam_mails)
        lexicon = Lexicon({each: (spam[each], ham[each]) for each in spam.keys() | ham.keys()})
        strongest = (lexicon.strongest(totals, frozenset(self.tokens(mail))) for mail in judged)
        return [combined(each.probabilities(self.words, self.clues)) for each in strongest]


def logistic_regression(learnt: Sequence[Labelled], judged: Sequence[Labelled]) -> Scores:
    """Scikit-learn's, on which of our tokens a mail has."""
    text = importlib.import_module("sklearn.feature_extraction.text")
    linear = importlib.import_module("sklearn.linear_model")
    scaling = importlib.import_module("sklearn.preprocessing")
    vectorizer = text.CountVectorizer(analyzer=tokens_of, binary=True)
    vectors = scaling.normalize(vectorizer.fit_transform(learnt))
    model = linear.LogisticRegression(C=100, max_iter=300).fit(vectors, [mail.is_spam for mail in learnt])
    chances = model.predict_proba(scaling.normalize(vectorizer.transform(judged)))
    return [float(chance) for _, chance in chances]


def bogofilter(learnt: Sequence[Labelled], judged: Sequence[Labelled]) -> Scores:
    with tempfile.TemporaryDirectory() as folder:
        ham, spam, others = _lay_out(Path(folder), learnt, judged)
        environment = {**os.environ, "BOGOFILTER_DIR": folder}
        for option, path in (("-n", ham), ("-s", spam)):
            subprocess.run(["bogofilter", option, "-B", str(path)], env=environment, check=True)
        command = ["bogofilter", "-T", "-B", str(others)]
        # Its exit status is the verdict on the last mail.
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        rows = [line.split() for line in done.stdout.splitlines()]
        scores = {row[0].rpartition("/")[2]: float(row[2]) for row in rows}
        return [scores[f"{number:06}"] for number in range(len(judged))]


def spamassassin(learnt: Sequence[Labelled], judged: Sequence[Labelled]) -> Scores:
    with tempfile.TemporaryDirectory() as folder:
        paths = _lay_out(Path(folder), learnt, judged)
        command = ["perl", str(SPAMASSASSIN), folder, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.split() for line in done.stdout.splitlines()]
        scores = {name: float(score) for name, score in rows}
        return [scores[f"{number:06}"] for number in range(len(judged))]


def _lay_out(folder: Path, learnt: Sequence[Labelled], judged: Sequence[Labelled]) -> tuple[Path, Path, Path]:
    """Folders of ham and spam to learn and of mails to judge, named by their numbers."""
    groups = {
        "ham": [mail for mail in learnt if not mail.is_spam],
        "spam": [mail for mail in learnt if mail.is_spam],
        "judge": judged,
    }
    for name, mails in groups.items():
        (folder / name).mkdir()
        for number, mail in enumerate(mails):
            (folder / name / f"{number:06}").write_bytes(mail.raw)
    return folder / "ham", folder / "spam", folder / "judge"


# name → filter, and its cut-offs as shipped: below the first it is ham, from the second on spam
CONTENDERS: dict[str, tuple[Filter, tuple[float, float]]] = {
    "mailproc": (Ours(), SHIPPED),
    "bogofilter": (bogofilter, (0.45, 0.99)),
    "SpamAssassin": (spamassassin, (0.5, 0.99)),
}


def contests(mails: Sequence[Labelled]) -> dict[str, tuple[list[Labelled], list[Labelled]]]:
    """What is learnt and what is judged."""
    found = {}
    for name in SETS:
        own = [mail for mail in mails if mail.set == name]
        found[name] = ([m for m in own if not m.is_test], [m for m in own if m.is_test])
    found["all together"] = ([m for m in mails if not m.is_test], [m for m in mails if m.is_test])
    old = [mail for mail in mails if mail.set in OLD and not mail.is_test]
    found["2002-2010 → 2022-2026"] = (old, [m for m in mails if m.set == MODERN and m.is_test])
    return found


def compare(mails: Sequence[Labelled], only: str, worst: int) -> None:
    names = [name for name in CONTENDERS if only in ("", name) and _is_installed(name)]
    print(f"| mails | filter {HEAD}")
    for contest, (learnt, judged) in contests(mails).items():
        for name in names:
            run, cut_offs = CONTENDERS[name]
            scores = run(learnt, judged)
            print(figures(judged, scores, cut_offs).row(contest, name), flush=True)
            _show_worst(judged, scores, worst)


def _is_installed(name: str) -> bool:
    return name == "mailproc" or shutil.which(name.lower()) is not None


def _show_worst(mails: Sequence[Labelled], scores: Scores, number: int) -> None:
    ordered = sorted(zip(scores, [mail.path for mail in mails], [m.is_spam for m in mails], strict=True))
    hams = [each for each in ordered if not each[2]]
    spams = [each for each in ordered if each[2]]
    for score, path, _ in [*hams[len(hams) - number :], *spams[:number]]:
        print(f"    {score:.4f} {path}")


def without(*kinds: str) -> Callable[[Labelled], Iterable[str]]:
    return lambda mail: [each for each in tokens_of(mail) if each.partition(":")[0] not in kinds]


def words_only(mail: Labelled) -> Iterable[str]:
    return [each for each in tokens_of(mail) if ":" not in each]


def with_pairs(mail: Labelled) -> Iterable[str]:
    words = words_in(read(mail.raw).text)
    return [*tokens_of(mail), *{f"{one} {other}" for one, other in pairwise(words)}]


def by_blanks(mail: Labelled) -> Iterable[str]:
    """SpamBayes' words: what stands between blanks."""
    text = read(mail.raw).text.lower()
    others = [each for each in tokens_of(mail) if ":" in each]
    return [*others, *{word for word in text.split() if 3 <= len(word) <= 12}]


VARIANTS: dict[str, Filter] = {
    "as shipped": Ours(),
    "words of the text only": Ours(words_only, words=150),
    "150 words, 150 others": Ours(words=150, clues=150),
    "50 words, 100 others": Ours(words=50, clues=100),
    "words as SpamBayes cuts them": Ours(by_blanks),
    "and word pairs": Ours(with_pairs),
    "without subject:": Ours(without("subject")),
    "without from:, reply:, to:, cc:": Ours(without("from", "reply", "to", "cc")),
    "without header:, mailer:, id:, date:": Ours(without("header", "mailer", "id", "date", "answer")),
    "without url:, mail:": Ours(without("url", "mail")),
    "without html:": Ours(without("html")),
    "without mime:, file:, defect:": Ours(without("mime", "file", "defect")),
    "without text:": Ours(without("text")),
}
if importlib.util.find_spec("sklearn") is not None:
    VARIANTS["logistic regression"] = logistic_regression


def compare_variants(mails: Sequence[Labelled], only: str) -> None:
    """Cross-validation: each fold of the training part is judged by what the others teach."""
    training = [mail for mail in mails if not mail.is_test]
    print(f"| tokens | mails {HEAD}")
    for name, variant in VARIANTS.items():
        if only not in name:
            continue
        for group in (*SETS, "2002-2010 → 2022-2026"):
            judged, scores = _crossed(variant, training, group)
            print(figures(judged, scores, SHIPPED).row(name, group), flush=True)


def _crossed(variant: Filter, mails: Sequence[Labelled], group: str) -> tuple[list[Labelled], Scores]:
    if group not in SETS:
        modern = [mail for mail in mails if mail.set == MODERN]
        return modern, variant([mail for mail in mails if mail.set in OLD], modern)
    own = [mail for mail in mails if mail.set == group]
    judged: list[Labelled] = []
    scores: Scores = []
    for fold in range(FOLDS):
        held = [mail for mail in own if mail.fold(FOLDS) == fold]
        judged += held
        scores += variant([mail for mail in own if mail.fold(FOLDS) != fold], held)
    return judged, scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--variants", action="store_true")
    parser.add_argument(
        "--only", default="", metavar="NAME", help="this filter, or variants with this in the name"
    )
    parser.add_argument("--worst", type=int, default=0, metavar="N")
    options = parser.parse_args()
    corpus = os.environ.get("MAILPROC_CORPUS", "")
    if not corpus:
        print("set MAILPROC_CORPUS to the folder of the mail corpus", file=sys.stderr)
        return 2
    mails = list(labelled_mails(Path(corpus)))
    if options.variants:
        compare_variants(mails, options.only)
    else:
        compare(mails, options.only, options.worst)
    return 0


if __name__ == "__main__":
    sys.exit(main())
