"""Absences that an agent tells by submitted mail: the command ``#absent``, or the agent's own absence notice.

The login proves whose mail it is.  Neither needs a ticket; both are answered by a notice.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.desk.absence import heed_notice, tell_absence
from mailproc.desk.addressing import Addressing
from mailproc.desk.answer import WINDOW
from mailproc.desk.change import Refused
from mailproc.desk.command import with_addressed
from mailproc.desk.context import Context
from mailproc.desk.elsewhere import keep_unattended
from mailproc.desk.errand import record
from mailproc.desk.handed import Handed
from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.mime.commands import Verb, extract_commands
from mailproc.mime.unattended import is_absence_notice
from mailproc.model.reply import ACCEPTED, MailError, Reply
from mailproc.store.protocol import Transaction
from mailproc.store.submissions import Submitted

NOTICED = "your absence notice came: you are absent until tomorrow, or until you say #absent off"


@dataclass(frozen=True, slots=True)
class AbsenceMail:
    """What a mail without a ticket says of its author's absence; None: it is a notice."""

    days: str | None


def read_absence(handed: Handed, addressing: Addressing) -> AbsenceMail | None:
    """What a mail to the desk alone says of an absence; None where it says anything else."""
    desk = next((each.desk for each in addressing.all if each.desk is not None), None)
    if desk is None or addressing.others or addressing.numbers:
        return None
    if is_absence_notice(handed.mail):
        return AbsenceMail(None) if handed.agent.heeds_notices else None
    asked = with_addressed(extract_commands(handed.raw), desk, handed.recipients)
    if asked.problems or not asked.says_nothing_else or len(asked.lines) != 1:
        return None
    command = asked.lines[0]
    return AbsenceMail(command.argument) if command.verb is Verb.ABSENT else None


def file_absence(tx: Transaction, site: Site, handed: Handed, absence: AbsenceMail) -> Reply:
    """Do it once, and tell the agent; MailError where it cannot be done."""
    submission = handed.as_submission(handed.desk.name, handed.mail.text)
    if tx.submissions.find(submission.key, handed.now - WINDOW):
        return ACCEPTED
    agent, now = handed.agent.name, handed.now
    try:
        done = _heed(tx, site, agent, now) if absence.days is None else _tell(tx, site, agent, absence, now)
    except (Refused, ValueError) as error:
        raise MailError(Reply(550, "5.6.0", f"absent: {error}")) from None
    record(tx, submission, Submitted(None, None))
    if done:
        notice = Notice(f"transcript:{submission.key.hex()}", "Your absence", f"{done}\n")
        give_notice(tx, site, agent, handed.desk, notice, now)
    return ACCEPTED


def keep_notice(tx: Transaction, site: Site, handed: Handed, context: Context, why: str) -> Reply:
    """An automatic mail about a ticket is kept there and sent to nobody; an absence notice counts as one."""
    reply = keep_unattended(tx, handed, context, why)
    agent = handed.agent
    if is_absence_notice(handed.mail) and agent.heeds_notices and _heed(tx, site, agent.name, handed.now):
        detail = f"{agent.name} is absent until tomorrow: by the agent's own notice"
        tx.history.add_event(context.ticket, "absence_noticed", agent.name, detail, handed.now)
    return reply


def _heed(tx: Transaction, site: Site, agent: str, now: float) -> str:
    return NOTICED if heed_notice(tx, site, agent, now=now) else ""


def _tell(tx: Transaction, site: Site, agent: str, absence: AbsenceMail, now: float) -> str:
    return tell_absence(tx, site, agent, absence.days or "", now=now)
