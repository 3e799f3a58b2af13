"""What is done to whole tickets of the simulated desk, on the command line: merged, split, moved."""

from __future__ import annotations

from bench.desk_books import Case
from bench.desk_office import NOBODY_KNOWS, Office, Thread
from bench.desk_rules import DESKS

MERGED = ("new", "claimed", "answered", "closed")
MOVED = ("new", "claimed", "answered", "snoozed")


class Supervisor:
    """Each method does one thing, or nothing where there is nothing to do it with.

    No ticket is touched whose answer is held or has not left yet: what becomes of such answers is tested
    elsewhere, and the books follow one thread for each ticket.
    """

    def __init__(self, office: Office) -> None:
        self.office = office

    def merges(self) -> None:
        """Two tickets of one person."""
        office = self.office
        cases = [case for case in office.cases if self._may_join(case)]
        pairs = [(case, part) for case in cases for part in cases if self._may_be_part(case, part)]
        if not pairs:
            return
        case, part = office.rng.choice(pairs)
        self._tell(case, "merge", part.number, case.number)
        is_part_newer = part.last_mail > case.last_mail
        case.merge(office.now, part)
        thread, other = office.threads[case.number], office.threads[part.number]
        if not other.answered_by:  # its mail waits here now, and the newer one of both is to be answered
            later, earlier = (other, thread) if is_part_newer else (thread, other)
            thread.newest, thread.before = later.newest, earlier.newest
            thread.answered_by, thread.times, thread.returns_to = "", 0, ""
        office.settle(case, part)

    def _may_be_part(self, case: Case, part: Case) -> bool:
        """Not where the newest mail is one of the part that was answered: answers to older mails that wait
        would be held."""
        is_answered_later = self.office.threads[part.number].answered_by and part.last_mail > case.last_mail
        return _are_of_one_person(case, part) and not is_answered_later

    def _may_join(self, case: Case) -> bool:
        thread = self.office.threads[case.number]
        is_free = self._is_free(case) and thread.answered_by != NOBODY_KNOWS
        return is_free and not case.whole and case.state in MERGED

    def splits(self) -> None:
        """The newest mail of a ticket is about something else."""
        office = self.office
        fitting = [case for case in office.cases if self._may_lose(case)]
        if not fitting:
            return
        case = office.rng.choice(fitting)
        thread = office.threads[case.number]
        number = self._tell(case, "split", case.number, self._name_of(case, thread.newest))
        new = case.split(office.now, number, f"Re: {case.subject}")
        office.cases.append(new)
        office.threads[new.number] = Thread(thread.newest)
        thread.newest, thread.before, thread.answered_by = thread.before, "", NOBODY_KNOWS
        thread.returns_to = ""
        office.settle(case, new)

    def _may_lose(self, case: Case) -> bool:
        """Its newest mail, which nobody has answered."""
        thread = self.office.threads[case.number]
        return (
            case.state in ("new", "claimed")
            and self._is_free(case)
            and not (case.whole or case.parts or thread.answered_by)
            and len(case.letters) > 1
            and case.letters[-1][1] == "none"
            and bool(thread.before)
        )

    def _name_of(self, case: Case, message_id: str) -> str:
        """What commands call a mail of a ticket."""
        (row,) = self.office.site.rows(
            "SELECT lower(hex(message.sha256)) AS name FROM message JOIN ticket ON ticket.id = message.ticket"
            " WHERE number = :number AND message_id = :id",
            number=case.number,
            id=message_id,
        )
        return str(row["name"])

    def moves(self) -> None:
        """It is a matter of the other desk."""
        office = self.office
        case = office.some(*MOVED)
        if case is None or not self._is_free(case):
            return
        desk = next(rules for rules in DESKS.values() if rules is not case.rules)
        self._tell(case, "move", case.number, desk.name)
        if case.topic != desk.name:
            office.happened["topic_corrected", f"{case.topic or 'none'} to {desk.name}"] += 1
        case.move(office.now, desk)
        thread = office.threads[case.number]
        thread.ours, thread.reply_to, thread.returns_to = "", "", ""  # an answer to those is the old desk's
        office.settle(case)

    def _is_free(self, case: Case) -> bool:
        is_leaving = any(each.case is case for each in self.office.leaving)
        return not (self.office.threads[case.number].held or is_leaving)

    def _tell(self, case: Case, *words: str) -> str:
        """What the command says."""
        self.office.begin()
        said = self.office.site.daemon.output("ticket", *words, "--as", case.rules.agents[0])
        return said.decode().strip()


def _are_of_one_person(case: Case, part: Case) -> bool:
    return part is not case and part.rules is case.rules and part.customer == case.customer
