"""One transaction, its statements grouped by what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from mailproc.store.absences import StoredAbsences
from mailproc.store.answers import Answers
from mailproc.store.assignments import Assignments
from mailproc.store.authors import Authors
from mailproc.store.auto_answers import AutoAnswers
from mailproc.store.canned import CannedMails
from mailproc.store.connection import Connection
from mailproc.store.deliveries import NO_MAILS, Deliveries
from mailproc.store.drafts import Drafts
from mailproc.store.figures import Figures
from mailproc.store.folders import Folders
from mailproc.store.history import History
from mailproc.store.holdings import Holdings
from mailproc.store.holds import Holds
from mailproc.store.leases import Leases
from mailproc.store.lessons import Lessons
from mailproc.store.originals import Originals
from mailproc.store.outbox import Outbox
from mailproc.store.postponed import Postponed
from mailproc.store.restored import Restored
from mailproc.store.search import Search
from mailproc.store.site_key import SiteKey
from mailproc.store.submissions import Submissions
from mailproc.store.summaries import Summaries
from mailproc.store.targets import Targets
from mailproc.store.threads import Threads
from mailproc.store.tickets import Tickets
from mailproc.store.tokens import Tokens
from mailproc.store.topics import Topics
from mailproc.store.waiting import Waiting


class Transaction:
    """Handed to the work of ``Store.read`` and ``Store.write``; worthless after it."""

    def __init__(self, connection: Connection, mails: Mapping[bytes, bytes] = NO_MAILS) -> None:
        self._connection = connection
        self._mails = mails

    def supplied(self, mails: Mapping[bytes, bytes]) -> Transaction:
        """The same, for one piece of work, with mails by their digests that lie in a bucket."""
        return Transaction(self._connection, mails)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self._connection, self._mails)

    @cached_property
    def originals(self) -> Originals:
        return Originals(self._connection)

    @cached_property
    def tickets(self) -> Tickets:
        return Tickets(self._connection)

    @cached_property
    def history(self) -> History:
        return History(self._connection)

    @cached_property
    def threads(self) -> Threads:
        return Threads(self._connection)

    @cached_property
    def authors(self) -> Authors:
        return Authors(self._connection)

    @cached_property
    def assignments(self) -> Assignments:
        return Assignments(self._connection)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self._connection)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self._connection)

    @cached_property
    def auto_answers(self) -> AutoAnswers:
        return AutoAnswers(self._connection)

    @cached_property
    def folders(self) -> Folders:
        return Folders(self._connection)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self._connection)

    @cached_property
    def lessons(self) -> Lessons:
        return Lessons(self._connection)

    @cached_property
    def postponed(self) -> Postponed:
        return Postponed(self._connection)

    @cached_property
    def answers(self) -> Answers:
        return Answers(self._connection)

    @cached_property
    def submissions(self) -> Submissions:
        return Submissions(self._connection)

    @cached_property
    def holds(self) -> Holds:
        return Holds(self._connection)

    @cached_property
    def canned(self) -> CannedMails:
        return CannedMails(self._connection)

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self._connection)

    @cached_property
    def topics(self) -> Topics:
        return Topics(self._connection)

    @cached_property
    def search(self) -> Search:
        return Search(self._connection)

    @cached_property
    def absences(self) -> StoredAbsences:
        return StoredAbsences(self._connection)

    @cached_property
    def waiting(self) -> Waiting:
        return Waiting(self._connection)

    @cached_property
    def figures(self) -> Figures:
        return Figures(self._connection)

    @cached_property
    def summaries(self) -> Summaries:
        return Summaries(self._connection)

    @cached_property
    def targets(self) -> Targets:
        return Targets(self._connection)

    @cached_property
    def holdings(self) -> Holdings:
        return Holdings(self._connection)

    @cached_property
    def site_key(self) -> SiteKey:
        return SiteKey(self._connection)

    @cached_property
    def restored(self) -> Restored:
        return Restored(self._connection)
