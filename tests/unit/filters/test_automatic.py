"""The automatic filter: who wrote a mail, by header, address, report and subject."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from mailproc.mime.automatic_words import LANGUAGES, absence_hint, auto_reply_phrase, bounce_phrase
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import CONTINUE, LookUps, Stage

MAILS = Path(__file__).resolve().parents[2] / "mail"
DESK = Desk(name="support", title="Example Support", addresses=(Address("support", "example.org"),))

MakeDelivery = Callable[..., Delivery]
Judge = Callable[..., Awaitable["Judgement"]]


@dataclass(frozen=True)
class Judgement:
    kind: str
    reasons: tuple[str, ...]
    delivery: Delivery


@pytest.fixture
def module(filter_module: Callable[[str], ModuleType]) -> ModuleType:
    return filter_module("automatic")


@pytest.fixture
def judge(module: ModuleType, delivery: MakeDelivery, look_ups: Callable[..., LookUps]) -> Judge:
    """Runs the filter on one mail; ``options`` are the filter's, all else goes to the delivery."""

    async def run(options: dict[str, object] | None = None, **mail: object) -> Judgement:
        stage: Stage = module.Filter(**(options or {}))
        await stage.open(look_ups())
        made = delivery(**mail)
        assert await stage.process(made) is CONTINUE
        return Judgement(made.automatic.kind.value, made.automatic.reasons, made)

    return run


async def judged_file(module: ModuleType, name: str, mail_from: str | None) -> Delivery:
    sender = Address.parse(mail_from) if mail_from else None
    made = Delivery(Envelope(sender, DESK.address), DESK, (MAILS / f"{name}.eml").read_bytes(), 0.0)
    made.begin("automatic")
    await module.Filter().process(made)
    return made


async def test_mail_of_a_person_is_none_without_reasons(judge: Judge) -> None:
    found = await judge()
    assert (found.kind, found.reasons) == ("none", ())
    assert found.delivery.results[-1].scores == {"class": "none"}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ('Auto-Submitted: AUTO-REPLIED (vacation); owner-email="x@y.z"', "auto_reply"),
        ("Auto-Submitted: (rfc3834) auto-generated", "auto_reply"),
        ("Auto-Submitted: auto-notified; owner-token=1", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: vacation", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("Delivered-To: Autoresponder", "auto_reply"),
        ("X-Mailer: vacation 1.2.7", "auto_reply"),
        ("X-Auto-Response-Suppress: All", "auto_reply"),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "auto_reply"),
        ("X-Loop: other@example.com", "auto_reply"),
        ("X-OTRS-Loop: yes", "auto_reply"),
        ("X-RT-Loop-Prevention: example.com", "auto_reply"),
        ("X-Mailproc-Loop: 1 abc", "auto_reply"),
        ("X-FreeScout-Mail-Type: auto.reply", "auto_reply"),
        ("X-JIRA-FingerPrint: 0a1b", "auto_reply"),
        ("List-Id: Friends of mail <friends.example.com>", "list"),
        ("List-Post: <mailto:friends@example.com>", "list"),
        ("Mailing-List: contact friends-help@example.com; run by ezmlm", "list"),
        ("Precedence: list", "list"),
        ("List-Unsubscribe: <https://example.com/u>", "bulk"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: Junk", "bulk"),
        ("Feedback-ID: 77:campaign:example", "bulk"),
    ],
)
async def test_header_gives_class_and_is_the_reason(judge: Judge, header: str, kind: str) -> None:
    found = await judge(headers=header)
    assert found.kind == kind
    name, _, value = header.partition(": ")
    assert found.reasons[0].lower().startswith(f"{name}: {value}".lower())


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No ; x=y",
        "X-Autoreply: no",
        "X-Auto-Response-Suppress: DR, RN, NRN",
        "Precedence: first-class",
        "Feedback-ID: 1.eu-west-1.abc=:AmazonSES",
        "X-FreeScout-Mail-Type: user.message",
        "X-Loop:",
    ],
)
async def test_header_that_speaks_for_a_person_is_no_sign(judge: Judge, header: str) -> None:
    assert (await judge(headers=header)).kind == "none"


async def test_auto_submitted_no_outweighs_subject_but_not_a_list(judge: Judge) -> None:
    said_no = "Auto-Submitted: no"
    assert (await judge(headers=said_no, subject="Automatic reply: hello")).kind == "none"
    assert (await judge(headers=f"{said_no}\r\nList-Id: <a.example.com>")).kind == "list"


async def test_automatic_answer_through_a_list_is_an_automatic_answer(judge: Judge) -> None:
    found = await judge(headers="List-Id: <a.example.com>\r\nAuto-Submitted: auto-replied")
    assert found.kind == "auto_reply"
    assert found.reasons == ("Auto-Submitted: auto-replied", "List-Id: <a.example.com>")


async def test_newsletter_with_list_id_is_bulk(judge: Judge) -> None:
    headers = "List-Id: <news.example.com>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"
    assert (await judge(headers=headers)).kind == "bulk"


async def test_null_reverse_path_is_automatic(judge: Judge) -> None:
    found = await judge(mail_from="")
    assert (found.kind, found.reasons) == ("auto_reply", ("null reverse-path <>",))


async def test_null_reverse_path_with_subject_of_a_bounce_is_a_bounce(judge: Judge) -> None:
    assert (await judge(mail_from="", subject="Undelivered Mail Returned to Sender")).kind == "bounce"


async def test_mailer_daemon_is_a_bounce_even_if_unreadable(judge: Judge) -> None:
    found = await judge(author="From: <MAILER-DAEMON@example.com>", text="?!")
    assert found.kind == "bounce"
    assert found.delivery.bounce is None


@pytest.mark.parametrize(
    "local",
    ["noreply", "no-reply", "DoNotReply", "do_not_reply", "shop-noreply", "nicht-antworten", "noresponder"],
)
async def test_no_reply_author_is_automatic(judge: Judge, local: str) -> None:
    assert (await judge(author=f"From: Shop <{local}@example.com>")).kind == "auto_reply"


@pytest.mark.parametrize("local", ["norep", "reply", "nora.plyfield", "noah", "answers", "responder.anna"])
async def test_name_that_only_resembles_no_reply_is_a_person(judge: Judge, local: str) -> None:
    assert (await judge(author=f"From: Nora <{local}@example.com>")).kind == "none"


async def test_web_form_with_reply_to_of_a_person_is_not_automatic(judge: Judge) -> None:
    form = "From: Web form <noreply@example.org>\r\nReply-To: Ann <ann@example.com>"
    assert (await judge(author=form, mail_from="www@example.org")).kind == "none"


async def test_reply_to_that_takes_no_answers_either_is_automatic(judge: Judge) -> None:
    form = "From: Shop <noreply@example.org>\r\nReply-To: <no-reply@example.org>"
    assert (await judge(author=form)).kind == "auto_reply"


@pytest.mark.parametrize(
    "sender", ["owner-friends@example.com", "friends-bounces@example.com", "a-request@example.com"]
)
async def test_envelope_sender_of_a_list_is_a_list(judge: Judge, sender: str) -> None:
    assert (await judge(mail_from=sender)).kind == "list"


# One subject for each language that the table knows, as programs write them.
SUBJECTS = [
    "Automatic reply: Your order",
    "Out of Office: Your order",
    "Out of Office Re: Your order",
    "Autoreply: Your order",
    "[list] Abwesenheitsnotiz: Ihre Bestellung",
    "Automatische Antwort: Ihre Bestellung",
    "Réponse automatique : votre commande",
    "Respuesta automática: su pedido",
    "Risposta automatica: il suo ordine",
    "Resposta automática: o seu pedido",
    "Automatisch antwoord: uw bestelling",
    "Automatisk svar: Din ordre",
    "Autosvar: Din ordre",
    "Automatiskt svar: Din order",
    "Automaattinen vastaus: Tilauksesi",
    "Automatyczna odpowiedź: zamówienie",
    "Automatická odpověď: objednávka",
    "Automatická odpoveď: objednávka",
    "Samodejni odgovor: naročilo",
    "Automatski odgovor: narudžba",
    "Аутоматски одговор: поруџбина",
    "Automatikus válasz: rendelés",
    "Răspuns automat: comanda",
    "Автоматичен отговор: поръчка",
    "Αυτόματη απάντηση: παραγγελία",
    "Otomatik yanıt: sipariş",
    "Автоматический ответ: заказ",
    "Автоматична відповідь: замовлення",
    "תשובה אוטומטית: הזמנה",
    "رد تلقائي: الطلب",
    "پاسخ خودکار: سفارش",
    "自動応答: ご注文",
    "自动回复: 订单",
    "自動回覆: 訂單",
    "자동 회신: 주문",
    "Trả lời tự động: đơn hàng",
    "ตอบกลับอัตโนมัติ: คำสั่งซื้อ",
    "Balasan otomatis: pesanan",
    "Automaatvastus: tellimus",
    "Automātiskā atbilde: pasūtījums",
    "Automatinis atsakymas: užsakymas",
    "Sjálfvirkt svar: pöntun",
    "Resposta automàtica: comanda",
    "Erantzun automatikoa: eskaera",
]


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_subject_of_an_automatic_reply_is_known(judge: Judge, subject: str) -> None:
    found = await judge(subject=subject)
    assert found.kind == "auto_reply"
    assert found.reasons[0].startswith("Subject begins with ")


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Your order",  # a person's answer to an automatic mail
        "Fwd: Abwesenheitsnotiz: Urlaub",
        "Out of office hours support?",
        "Absence on Monday",
        "Urlaub in Dänemark",
        "Delivery failed, package never arrived",
        "Returned mail order: refund",
        "Automatic reply does not work",
        "Vacation rental question",
        "Undeliverable: why do my mails to you come back?",
    ],
)
async def test_subject_of_a_person_is_not_taken_for_automatic(judge: Judge, subject: str) -> None:
    assert (await judge(subject=subject)).kind == "none"


async def test_word_of_absence_counts_only_where_the_text_agrees(judge: Judge) -> None:
    subject = "Ann Lee is out of the office."
    assert (await judge(subject=subject, text="Who can help me in the meantime?")).kind == "none"
    found = await judge(subject=subject, text="I will be out of the office starting 11/20.")
    assert found.kind == "auto_reply"
    assert found.reasons == ("Subject has 'out of the office' and the text confirms it",)


@pytest.mark.parametrize(
    "subject",
    [
        "Undelivered Mail Returned to Sender",
        "Unzustellbar: Rechnung",
        "Non remis : facture",
        "No se puede entregar: factura",
        "Non recapitabile: fattura",
        "Não é possível entregar: fatura",
        "Onbestelbaar: factuur",
        "Kan ikke leveres: faktura",
        "Kan inte levereras: faktura",
        "Niedostarczone: faktura",
        "Nedoručitelné: faktura",
        "Недоставленное сообщение",
        "Kézbesíthetetlen: számla",
        "配信不能: 請求書",
        "无法投递: 发票",
        "배달되지 않음: 송장",
    ],
)
def test_subject_of_a_bounce_is_known(subject: str) -> None:
    assert bounce_phrase(subject)


def test_thirty_languages_are_known() -> None:
    assert len(LANGUAGES) >= 30


def test_no_phrase_is_found_in_nothing() -> None:
    assert (auto_reply_phrase(""), bounce_phrase(""), absence_hint("")) == ("", "", "")


async def test_never_makes_every_mail_of_a_sender_a_persons(judge: Judge) -> None:
    options = {"never": frozenset({"Monitor@Example.com", "@trusted.example"})}
    generated = "Auto-Submitted: auto-generated"
    found = await judge(options, author="From: <monitor@example.com>", headers=generated)
    assert (found.kind, found.reasons) == ("none", ("monitor@example.com is never automatic here",))
    assert (await judge(options, author="From: <any@trusted.example>", headers=generated)).kind == "none"
    assert (await judge(options, headers=generated)).kind == "auto_reply"


async def test_extra_headers_and_subjects_are_re2_patterns(judge: Judge) -> None:
    options = {"extra_headers": ("X-Scanner", "X-Origin: ^robot"), "extra_subjects": (r"^backup \d+ done",)}
    assert (await judge(options, headers="X-Scanner: 5")).reasons == ("X-Scanner: 5",)
    assert (await judge(options, headers="X-Origin: Robot 7")).kind == "auto_reply"
    assert (await judge(options, headers="X-Origin: human")).kind == "none"
    assert (await judge(options, subject="Backup 12 done")).reasons == ("Subject has 'Backup 12 done'",)


async def test_bad_extra_pattern_is_refused_before_the_first_mail(judge: Judge) -> None:
    with pytest.raises(ValueError, match="bad pattern"):
        await judge({"extra_subjects": ("(?=x)",)})


async def test_own_list_brings_customers_mail(judge: Judge) -> None:
    options = {"own_lists": frozenset({"support.example.org"})}
    posted = "List-Post: <mailto:support@example.org>\r\nPrecedence: list"
    headers = f"List-Id: Support <support.example.org>\r\n{posted}"
    assert (await judge(options, headers=headers)).kind == "none"
    assert (await judge(options, headers="List-Id: <other.example.org>")).kind == "list"


async def test_reasons_are_short_and_few(judge: Judge) -> None:
    headers = "\r\n".join(
        f"{name}: {'v' * 300}" for name in ("X-Autoreply", "X-Loop", "X-Vacation", "List-Id")
    )
    found = await judge(mail_from="", headers=headers)
    assert len(found.reasons) <= 8
    assert max(map(len, found.reasons)) < 130
    assert not any("\n" in reason or "\r" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("name", "mail_from", "kind"),
    [
        ("bounce-postfix", None, "bounce"),
        ("bounce-postfix", "gateway@example.net", "bounce"),
        ("bounce-postfix-delayed", None, "delayed"),
        ("bounce-success", None, "report"),
        ("bounce-qmail", None, "bounce"),
        ("bounce-exim", None, "bounce"),
        ("bounce-exchange-german", "postmaster@firma.example.de", "bounce"),
        ("bounce-japanese", None, "bounce"),
        ("bounce-wrapped", None, "bounce"),
        ("bounce-feedback", "feedback@provider.example.net", "report"),
        ("bounce-disposition", "carla@shop.example.com", "report"),
        ("bounce-dmarc", "noreply-dmarc@provider.example.net", "report"),
        ("bounce-quoted-by-person", "erik@customer.example.net", "none"),
        ("bounce-forwarded-by-person", "erik@customer.example.net", "none"),
    ],
)
async def test_reports_get_their_class(
    module: ModuleType, name: str, mail_from: str | None, kind: str
) -> None:
    made = await judged_file(module, name, mail_from)
    assert made.automatic.kind.value == kind
    assert (made.bounce is not None) is (kind in {"bounce", "delayed"})


async def test_bounce_names_recipients_and_our_message_id(module: ModuleType) -> None:
    made = await judged_file(module, "bounce-postfix", None)
    assert made.bounce is not None
    assert made.bounce.original_message_id == "<2026112100017.4.k7q2mxabcd@desk.example.org>"
    assert [one.hard for one in made.bounce.recipients] == [True, False]
    assert made.automatic.reasons[:2] == (
        "it holds a message/delivery-status part",
        "delivery to carla@shop.example.com failed (5.1.1)",
    )


@pytest.mark.corpus
async def test_no_ordinary_mail_of_lists_is_taken_for_an_answer(module: ModuleType, corpus: Path) -> None:
    wrong = []
    with (corpus / "MANIFEST.tsv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["set"] == "threads"]
    for row in rows[::10]:
        if row["label"] == "thread":
            sender = Address("a", "person.invalid")
            made = Delivery(Envelope(sender, DESK.address), DESK, (corpus / row["path"]).read_bytes(), 0.0)
            made.begin("automatic")
            await module.Filter().process(made)
            if made.automatic.kind.value not in {"none", "list", "bulk"}:
                wrong.append(row["path"])
    assert wrong == []
