"""What the agents of the simulated desk do: in the folder, by mail, and on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage

from bench.desk_books import Case
from bench.desk_clocks import DAY, HOUR, MINUTE
from bench.desk_office import NOBODY_KNOWS, Held, Leaving, Office
from bench.desk_rules import BERLIN
from tests.rig.sink import Caught

TAKEN_BACK = 0.4  # of the answers that wait before they leave
SHELVES = {"1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY}


class Agents:
    """Each method does one thing, or nothing where there is nothing to do it with."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def _choose(self, *states: str) -> tuple[Case, str] | None:
        """A ticket, and an agent of its desk who is here."""
        case = self.office.some(*states)
        present = self.office.present(case) if case else []
        return (case, self.office.rng.choice(present)) if case and present else None

    # In the folder

    def claims(self) -> None:
        if chosen := self._choose("new", "new", "problem"):
            case, agent = chosen
            self._drag(case, agent, f"@{agent}")
            case.enter(self.office.now, "claimed", "claimed", agent)
            self.office.settle(case)

    def hands_over(self) -> None:
        case = self.office.some("claimed", desk="support")
        others = [agent for agent in self.office.present(case) if agent != case.owner] if case else []
        if case and others:
            to = self.office.rng.choice(others)
            self._drag(case, case.owner, f"@{to}")
            case.enter(self.office.now, "claimed", "claimed", to)
            self.office.settle(case)

    def releases(self) -> None:
        if case := self.office.some("claimed"):
            self._drag(case, case.owner, "New")
            case.enter(self.office.now, "new", "released", "")
            self.office.settle(case)

    def closes(self) -> None:
        if chosen := self._choose("new", "claimed", "answered", "snoozed"):
            case, agent = chosen
            self._drag(case, agent, "Closed")
            case.enter(self.office.now, "closed", "closed")
            self.office.settle(case)

    def reopens(self) -> None:
        if chosen := self._choose("closed"):
            case, agent = chosen
            self._drag(case, agent, "New")
            case.enter(self.office.now, "new", "reopened", "")
            self.office.settle(case)

    def snoozes_in_the_folder(self) -> None:
        if chosen := self._choose("new", "claimed"):
            case, agent = chosen
            shelf = self.office.rng.choice(("1d", "3d", "answer"))
            self._drag(case, agent, f"Snoozed/{shelf}")
            case.enter(self.office.now, "snoozed", "snoozed")
            case.wakes = self.office.now + SHELVES[shelf] * MINUTE if shelf in SHELVES else None
            self._put_on(case, shelf)
            self.office.settle(case)

    def calls_spam(self) -> None:
        """Of a mail that is none, and some other agent knows better later."""
        case = self.office.some("new")
        if case and self.office.happened["spam", "missed"] < 3:
            self._drag(case, case.rules.agents[0], "Spam")
            self.office.happened["spam", "missed"] += 1
            case.enter(self.office.now, "spam", "marked_spam")
            self.office.settle(case)

    def calls_ham(self) -> None:
        case = self.office.some("spam")
        if case and self.office.happened["spam", "wrong"] < 4:
            self._drag(case, case.rules.agents[0], "New")
            self.office.happened["spam", "wrong"] += 1
            case.enter(self.office.now, "new", "unmarked_spam", "")
            self.office.settle(case)

    def _put_on(self, case: Case, shelf: str) -> None:
        self._shelves = {**getattr(self, "_shelves", {}), case.number: shelf}

    def _drag(self, case: Case, agent: str, target: str) -> None:
        office, desk = self.office, case.rules.name.title()
        office.begin()
        source = {
            "new": "New", "claimed": f"@{case.owner}", "answered": "Answered", "closed": "Closed",
            "spam": "Spam", "problem": "Problem",
        }.get(case.state) or f"Snoozed/{self._shelves[case.number]}"  # fmt: skip
        newest = office.threads[case.number].newest
        office.site.drag(agent, newest, f"{desk}/{source}", f"{desk}/{target}")

    # By mail

    def answers(self) -> None:
        """As a rule the one who has it, or anybody where nobody does."""
        if chosen := self._choose("new", "claimed", "claimed", "snoozed"):
            case, agent = chosen
            agent = case.owner or agent
            if self.office.threads[case.number].answered_by in ("", agent):  # else it would be held
                self._answer(case, agent)

    def answers_again(self) -> None:
        """What was forgotten in the first answer."""
        case = self.office.some("answered")
        if case and self.office.threads[case.number].answered_by == case.owner:
            self._answer(case, case.owner)

    def _answer(self, case: Case, agent: str) -> None:
        office, thread = self.office, self.office.threads[case.number]
        since = len(office.site.sink.caught)
        self._submit(agent, case, thread.newest)
        case.answered(office.now, agent)
        office.settle(case)
        thread.answered_by = agent
        thread.times += 1
        if not case.rules.send_delay:
            self._has_left(case, office.site.left(case.customer, since, case.number))
            return
        due = office.now + case.rules.send_delay * MINUTE
        leaving = Leaving(due, case, since, lambda left: self._has_left(case, left))
        office.leaving.append(leaving)
        if thread.times == 1 and office.rng.random() < TAKEN_BACK:
            then = office.now + case.rules.send_delay // 2 * MINUTE
            office.plans.setdefault(then, []).append(lambda: self._takes_back(leaving, agent))

    def _has_left(self, case: Case, left: Caught) -> None:
        thread = self.office.threads[case.number]
        thread.ours, thread.reply_to = str(left.message["Message-ID"]), str(left.message["Reply-To"])
        thread.returns_to = left.mail_from

    def _takes_back(self, leaving: Leaving, agent: str) -> None:
        """The answer that still waits is not to leave after all."""
        office, case = self.office, leaving.case
        thread = office.threads[case.number]
        if case.state != "answered" or case.whole or thread.answered_by != agent:
            return
        self._write(agent, f"{case.rules.name}@example.org", f"Re: {case.subject}", "#undo", thread.newest)
        office.leaving.remove(leaving)
        case.take_back(office.now)
        thread.answered_by, thread.times = "", 0
        office.settle(case)

    def collides(self) -> None:
        """Somebody else works on it or has answered it, or the customer has written again: it is held."""
        office = self.office
        case = office.some("claimed", "answered", "new", desk="support")
        if case is None or office.threads[case.number].answered_by == NOBODY_KNOWS:
            return
        thread = office.threads[case.number]
        others = [agent for agent in office.present(case) if agent not in (case.owner, thread.answered_by)]
        is_newest = case.state in ("claimed", "answered") or not thread.before
        if not others or (case.state == "new" and not thread.before):
            return
        if case.state == "answered" and not thread.answered_by:
            return
        agent = office.rng.choice(others)
        why = "older" if not is_newest else "second" if thread.answered_by else "owned"
        since = len(office.site.sink.caught)
        answered = thread.newest if is_newest else thread.before
        self._submit(agent, case, answered)
        office.happened["collisions", why] += 1
        office.by_agent[agent, "held"] += 1
        case.note(office.now, "held")
        office.settle(case)
        about = f"Held: your answer to ticket {case.number}"  # he may be reminded of others now
        notice = office.site.left(f"{agent}@example.org", since, about).message
        thread.held.append(Held(agent, answered, str(notice["Message-ID"]), str(notice["Reply-To"])))

    def decides(self) -> None:
        """What is held is sent after all, or dropped."""
        office = self.office
        fitting = [
            c
            for c in office.cases
            if office.threads[c.number].held and c.state in ("claimed", "answered") and not c.whole
        ]
        if not fitting:
            return
        case = office.rng.choice(fitting)
        thread = office.threads[case.number]
        held = thread.held.pop()
        word = office.rng.choice(("send", "drop"))
        since = len(office.site.sink.caught)
        self._write(held.agent, held.decided_at, f"Re: held {office.mails}", word, held.notice)
        if word == "drop":
            case.note(office.now, "dropped")
            office.settle(case)
            return
        case.note(office.now, "released")
        if held.answers == thread.newest:
            case.answered(office.now, held.agent)
            thread.answered_by = held.agent
            thread.times += 1
        else:
            case.answered_late(office.now, held.agent)
        office.settle(case)
        left = office.site.left(case.customer, since, case.number)
        thread.ours, thread.reply_to = str(left.message["Message-ID"]), str(left.message["Reply-To"])
        thread.returns_to = left.mail_from if held.answers == thread.newest else ""

    def _submit(self, agent: str, case: Case, answered: str) -> None:
        office = self.office
        text = f"Dear customer, this is what we can say, by {agent}, {office.mails}."
        self._write(agent, f"{case.rules.name}@example.org", f"Re: {case.subject}", text, answered)

    def _write(
        self, agent: str, to: str, subject: str, text: str, answered: str = "", *, auto: bool = False
    ) -> None:
        office = self.office
        office.mails += 1
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = f"{agent}@example.org", to, subject
        made["Date"] = datetime.fromtimestamp(office.now, BERLIN)
        made["Message-ID"] = f"<{agent}-{office.mails}@laptop.example>"
        if answered:
            made["In-Reply-To"] = made["References"] = answered
        if auto:
            made["Auto-Submitted"] = "auto-replied"
        made.set_content(f"{text}\n")
        office.begin()
        office.site.submit(agent, made)

    # On the command line

    def snoozes(self) -> None:
        if chosen := self._choose("new", "claimed"):
            case, agent = chosen
            office = self.office
            until = office.rng.choice(("4h", "tomorrow", "monday", "answer"))
            office.begin()
            office.site.daemon.output("ticket", "snooze", case.number, until, "--as", agent)
            case.enter(office.now, "snoozed", "snoozed")
            case.wakes = self._moment(case, until)
            minutes = (case.wakes - office.now) // MINUTE if case.wakes else None
            shelf = next((name for name, most in SHELVES.items() if minutes and minutes <= most), "1w")
            self._put_on(case, "answer" if minutes is None else shelf)
            office.settle(case)

    def _moment(self, case: Case, until: str) -> int | None:
        """When it wakes: when the desk opens on a day, or at eight where it has no calendar."""
        now = self.office.now
        if until == "answer":
            return None
        if until == "4h":
            return now + 4 * HOUR * MINUTE
        hours = case.rules.hours
        zone = hours.zone if hours.week else None
        day = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0) + timedelta(days=1)
        while until == "monday" and day.weekday():
            day += timedelta(days=1)
        if not hours.week:
            return round(day.replace(hour=8).timestamp())
        return next(
            at for at in range(round(day.timestamp()), now + 30 * DAY * MINUTE, MINUTE) if hours.is_open(at)
        )

    def comes_too_late(self) -> None:
        case = self.office.some("claimed", desk="support")
        others = [agent for agent in self.office.present(case) if agent != case.owner] if case else []
        if case and others:
            agent = self.office.rng.choice(others)
            self.office.begin()
            try:
                self.office.site.daemon.output("ticket", "claim", case.number, "--as", agent)
            except AssertionError:
                self.office.happened["collisions", "claims_lost"] += 1
                self.office.by_agent[agent, "claims_lost"] += 1
                case.note(self.office.now, "claim_lost")
            self.office.settle(case)

    # Who is not there

    def bob_goes_on_holiday(self) -> None:
        """Told the day before, for two days."""
        first, last = self.office.until_absent("bob", 2, begins=1)
        self.office.begin()
        self.office.site.daemon.output("agent", "absent", "bob", "--from", f"{first}", "--to", f"{last}")

    def carol_falls_ill(self) -> None:
        """Told by mail, for today."""
        first, _ = self.office.until_absent("carol", 1)
        self._write("carol", "support@example.org", "ill", f"#absent {first}")
        self._settle_absence()

    def alice_has_a_notice(self) -> None:
        """Her own absence notice answers a mail from the desk: until the end of tomorrow."""
        self.office.until_absent("alice", 2)
        self._write("alice", "support@example.org", "Out of office", "I am away.", auto=True)
        self._settle_absence()

    def _settle_absence(self) -> None:
        self.office.settle(*self.office.absent_now())
