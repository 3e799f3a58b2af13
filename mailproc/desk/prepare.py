"""Make an agent's mail an answer of the desk: everything that needs no transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.desk.answer import Answer
from mailproc.desk.canned import Canned, NotExpanded, expand
from mailproc.desk.context import Context
from mailproc.desk.handed import Handed
from mailproc.desk.letter import Letter, letter, letter_values
from mailproc.desk.route import Route
from mailproc.desk.similar import words_about
from mailproc.desk.site import Site
from mailproc.mime.commands import Commands
from mailproc.mime.compose import mailbox_header
from mailproc.mime.insert import CannotInsert, find_inserts, insert
from mailproc.mime.reader import read
from mailproc.mime.rewrite import RewritePlan, rewrite
from mailproc.model.address import Mailbox
from mailproc.pipeline.template import Value

_NOT_YET = "<draft@localhost>"  # the Message-ID until the answer has its row


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to become an answer: the agent's mail without its commands, and where it goes."""

    handed: Handed
    context: Context
    route: Route
    commands: Commands
    canned: Sequence[Canned] = ()  # the desk's standard answers


def prepare(site: Site, draft: Draft) -> Answer:
    """The answer as it would leave; where something cannot be filled in, ``incomplete`` says what."""
    handed, context = draft.handed, draft.context
    values = _values(site, draft)
    text, canned, missing = _filled_in(draft, values)
    around, wrong = _letter(draft, values)
    plan = _plan(site, draft, around)
    return Answer(
        agent=handed.agent.name,
        desk=context.desk,
        submission=handed.as_submission(context.desk.name, draft.commands.own_text),
        named=handed.signals.ids,
        written=handed.written,
        text=text,
        plan=plan,
        number=context.ticket.number,
        draft=rewrite(text, plan),
        recipients=tuple(map(str, draft.route.recipients)),
        subject=handed.mail.subject or context.ticket.subject,
        is_answer=draft.route.is_answer,
        incomplete=missing or wrong,
        canned=canned if draft.route.is_answer else (),
        about=words_about(context.answered_raw) if canned else (),
    )


def _values(site: Site, draft: Draft) -> dict[str, Value]:
    """What templates may say: of the customer, or of whom else the mail is to."""
    context, route = draft.context, draft.route
    reader = context.customer if route.is_answer else None
    reader = reader or next(iter((*route.to, *route.cc)), Mailbox("", route.recipients[0]))
    return letter_values(site, context.desk, draft.handed.agent, context.ticket, reader, context.notes)


def _filled_in(draft: Draft, values: dict[str, Value]) -> tuple[bytes, tuple[str, ...], str]:
    """The agent's mail with its standard answers in it, and their names; else as it is, and why."""
    raw, context = draft.commands.raw_without, draft.context
    try:
        names = find_inserts(raw)
        if not names:
            return raw, (), ""
        languages = (context.ticket.language, context.desk.language)
        return insert(raw, expand(names, draft.canned, values, languages)), names, ""
    except (CannotInsert, NotExpanded) as error:
        return raw, (), str(error)


def _letter(draft: Draft, values: dict[str, Value]) -> tuple[Letter, str]:
    try:
        return letter(draft.context.desk, values), ""
    except NotExpanded as error:
        sender = mailbox_header(draft.context.desk.title, draft.context.desk.address)
        return Letter(sender, "", ""), str(error)


def _plan(site: Site, draft: Draft, around: Letter) -> RewritePlan:
    context, route = draft.context, draft.route
    ticket, desk = context.ticket, context.desk
    reply_to = site.keyring.reply_address(desk, ticket.number)
    answered, references = _thread(context) if route.is_answer else ((), ())
    return RewritePlan(
        sender=around.sender,
        to=route.to,
        cc=route.cc,
        message_id=_NOT_YET,
        date=draft.handed.now,
        subject=ticket.subject,
        tag=site.keyring.tag(ticket.number),
        reply_to=str(reply_to or ""),
        in_reply_to=answered,
        references=references,
        receipt_to=str(reply_to or desk.address) if desk.receipts else "",
        salutation=around.salutation if route.is_answer else "",
        signature=around.signature,
    )


def _thread(context: Context) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The customer's mail that is answered, and what that refers to."""
    if context.answered is None:
        return (), ()
    earlier = read(context.answered_raw).references if context.answered_raw else ()
    answered = (context.answered.message_id,) if context.answered.message_id else ()
    return answered, earlier
