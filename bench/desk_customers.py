"""What comes in to the simulated desk: mails of customers, their programs' answers, bounces, lists, spam."""

from __future__ import annotations

from bench.desk_books import Case
from bench.desk_office import Office, Thread
from bench.desk_rules import DESKS

DOMAINS = ("customer.example", "factory.example", "school.example")
HAM = (
    "the invoice for our order of last month has a wrong amount, can you please look at it",
    "our printer stands still since this morning and shows a message that nobody understands",
    "where do we change the address of our branch in the contract with you",
)
SPAM = (
    "WINNER casino jackpot lottery bonus million dollars claim viagra cheap pills http://prize.example/claim"
)
DSN = """\
From: Mail Delivery System <MAILER-DAEMON@mx.{domain}>\r
To: {to}\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <bounce-{number}@mx.{domain}>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
I could not deliver your mail.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.{domain}\r
\r
Final-Recipient: rfc822; {customer}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {ours}\r
\r
--b--\r
"""


def letter(sender: str, to: str, subject: str, message_id: str, text: str, *more: str) -> bytes:
    """A plain mail; ``more`` are whole header lines."""
    head = [f"From: <{sender}>", f"To: <{to}>", f"Subject: {subject}", f"Message-ID: {message_id}", *more]
    return ("\r\n".join([*head, "", text, ""])).encode()


def routed(subject: str) -> set[str]:
    """The tags that the rules of the stage ``route`` give a mail."""
    return {tag for word, tag in (("urgent", "priority-high"), ("quote", "quote")) if word in subject}


class Customers:
    """Each method does one thing, or nothing where there is nothing to do it with."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._copies: list[tuple[bytes, str, str]] = []

    def writes(self) -> None:
        """A person's first mail, to one of the desks."""
        rng = self.office.rng
        desk = "sales" if rng.random() < 0.3 else "support"
        word = rng.choice(("urgent ", "", "", "")) if desk == "support" else rng.choice(("quote ", ""))
        sender = f"customer{self.office.mails}@{rng.choice(DOMAINS)}"
        raw = self._open(desk, sender, f"{word}question", rng.choice(HAM))
        self._copies.append((raw, sender, f"help-{desk}@example.org"))

    def writes_about_another_thing(self) -> None:
        """A person who wrote before."""
        rng = self.office.rng
        known = [case for case in self.office.cases if case.customer.startswith("customer")]
        if known:
            case = rng.choice(known)
            self._open(case.rules.name, case.customer, "another question", rng.choice(HAM))

    def writes_through_a_list(self) -> None:
        sender = f"member{self.office.mails}@list.example"
        self._open("support", sender, "digest", "news of the list", "List-Id: <all.list.example>",
                   "List-Post: <mailto:all@list.example>", kind="list")  # fmt: skip

    def sends_spam(self) -> None:
        sender = f"winner{self.office.mails}@lottery.example"
        self._open("support", sender, "WINNER casino jackpot", SPAM, state="spam")

    def _open(
        self, desk: str, sender: str, subject: str, text: str, *more: str,
        kind: str = "none", state: str = "new",
    ) -> bytes:  # fmt: skip
        office = self.office
        office.mails += 1
        message_id, subject = f"<mail-{office.mails}@sim.example>", f"{subject} {office.mails}"
        raw = letter(sender, f"{desk}@example.org", subject, message_id, text, *more)
        office.begin()
        since = len(office.site.sink.caught)
        office.site.hand_over(raw, sender=sender, recipient=f"{desk}@example.org")
        office.site.until_filed()
        (row,) = office.site.rows("SELECT number FROM ticket WHERE subject = :s", s=subject)
        case = Case(row["number"], DESKS[desk], subject, sender, office.now, state, tags=routed(subject))
        case.letters.append((office.now, kind))
        if kind == "none":
            case.wrote(office.now)
        office.cases.append(case)
        thread = office.threads[case.number] = Thread(message_id)
        refusal = {"spam": "spam"}.get(state, "automatic" if kind != "none" else "")
        office.happened["acknowledgement", refusal or "sent"] += 1
        if state == "spam":
            office.happened["spam", "caught"] += 1
        if not refusal:
            acknowledgement = office.site.left(sender, since, case.number)
            thread.ours = str(acknowledgement.message["Message-ID"])
            thread.reply_to = str(acknowledgement.message["Reply-To"])
        office.settle(case)
        return raw

    def writes_again(self) -> None:
        """A further mail of a person, whatever became of the ticket."""
        office = self.office
        case = office.some("new", "claimed", "answered", "answered", "snoozed", "closed", "problem")
        if case is None:
            return
        thread = office.threads[case.number]
        thread.before, thread.newest = thread.newest, self._reply(case)
        case.letters.append((office.now, "none"))
        case.wrote(office.now)
        thread.answered_by, thread.times = "", 0
        office.happened["acknowledgement", "follow_up"] += 1
        owner = "" if case.owner and office.is_absent(case.owner, case.rules) else case.owner
        if case.state in ("answered", "snoozed", "closed"):
            case.work_on(office.now, "follow_up", owner)
        elif case.state == "problem":
            case.owner = owner
        office.settle(case)

    def is_out_of_office(self) -> None:
        """A program answers a mail of ours: that changes nothing."""
        office = self.office
        fitting = [
            c for c in office.cases if office.threads[c.number].ours and c.state != "spam" and not c.whole
        ]
        if not fitting:
            return
        case = office.rng.choice(fitting)
        self._reply(case, "Auto-Submitted: auto-replied")
        case.letters.append((office.now, "auto_reply"))
        office.happened["acknowledgement", "follow_up"] += 1
        office.settle(case)

    def _reply(self, case: Case, *more: str) -> str:
        office, thread = self.office, self.office.threads[case.number]
        office.mails += 1
        message_id = f"<mail-{office.mails}@sim.example>"
        to = thread.reply_to or f"{case.rules.name}@example.org"
        answered = thread.ours or thread.newest
        raw = letter(case.customer, to, f"Re: {case.subject}", message_id,
                     f"{office.rng.choice(HAM)}, and number {office.mails}?",
                     f"In-Reply-To: {answered}", f"References: {answered}", *more)  # fmt: skip
        office.begin()
        office.site.hand_over(raw, sender=case.customer, recipient=to)
        case.tags |= routed(case.subject)  # a part that was split off has no tags before that
        return message_id

    def bounces(self) -> None:
        """An answer did not reach its customer, for good."""
        office = self.office
        fitting = [
            case
            for case in office.cases
            if case.state == "answered"
            and not case.whole
            and office.threads[case.number].returns_to
            and office.threads[case.number].times == 1  # else another answer to it left
        ]
        if not fitting:
            return
        case = office.rng.choice(fitting)
        thread = office.threads[case.number]
        office.mails += 1
        raw = DSN.format(
            domain=case.customer.rpartition("@")[2], to=thread.returns_to, customer=case.customer,
            ours=thread.ours, number=office.mails,
        ).encode()  # fmt: skip
        office.begin()
        office.site.hand_over(raw, sender="", recipient=thread.returns_to)
        case.letters.append((office.now, "bounce"))
        office.happened["bounce", "hard"] += 1
        office.happened["acknowledgement", "newcomer"] += 1  # the mail system took no part
        thread.returns_to, thread.answered_by, thread.times = "", "", 0
        case.note(office.now, "bounced")
        case.enter(office.now, "problem", "undelivered")
        office.settle(case)

    def is_delivered_twice(self) -> None:
        """The MTA hands a mail over again, to another address of the desk."""
        office = self.office
        if self._copies:
            raw, sender, recipient = office.rng.choice(self._copies)
            office.begin()
            office.site.hand_over(raw, sender=sender, recipient=recipient)
            office.site.until_filed()
