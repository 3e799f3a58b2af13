"""Subjects that programs write: automatic replies, bounces and delay warnings, in some forty languages.

The weakest of all signals, since people write about absences and failures too.  So a phrase counts only
where a program puts it: at the start, after list tags, and followed by a mark or by
nothing; or in brackets.  Words that people begin subjects with as well are *hints*: they need the text of the
mail to agree.
"""

from __future__ import annotations

import re

_MAX_SUBJECT = 400  # characters looked at
_MAX_OPENING = 700  # characters of text that may confirm a hint

# List tags may stand before the phrase; "Re:" may not: that is a person's answer to an automatic mail.
_PREFIX = r"^(?:\s*\[[^\]]{1,60}\])*\s*"
_END = r"(?=\s*(?:$|[:：;,!.(\[<|/]|[-–—]\s|【|\bre\s*:|\baw\s*:))"

_AUTO_REPLY = {
    "en": (
        r"automatic (?:reply|response|answer)|auto[- ]?(?:matic|mated)? ?-?(?:reply|response"
        r"|responder|answer)|automated (?:reply|response|message|answer)"
        r"|out[- ]of[- ](?:the[- ])?office(?: (?:auto ?-?reply|notice|notification|response"
        r"|message|assistant))?|vacation (?:reply|response|message|notice)|away (?:message|notice)"
        r"|ooo|autoreply from|this is an automat(?:ic|ed) (?:reply|response)"
    ),
    "de": (
        r"automatische (?:antwort|r[üu]ckantwort|antwortmail|eingangsbest[äa]tigung)"
        r"|autom\. ?antwort|abwesenheits(?:notiz|nachricht|meldung|mitteilung|assistent|info"
        r"|benachrichtigung|agent)|autoantwort|nicht im (?:b[üu]ro|hause?)|au(?:ß|ss)er haus"
        r"|urlaubs(?:notiz|benachrichtigung|meldung|vertretung)"
    ),
    "fr": (
        r"r[ée]ponse automatique|message automatique|absen(?:ce|te?) du bureau"
        r"|message d['’]absence|notification d['’]absence|hors du bureau|avis d['’]absence"
        r"|r[ée]pondeur automatique"
    ),
    "es": (
        r"respuesta autom[áa]tica|fuera de (?:la )?oficina|autorrespuesta|auto ?respuesta"
        r"|contestaci[óo]n autom[áa]tica|ausente de la oficina|mensaje de ausencia"
    ),
    "it": (
        r"risposta automatica|fuori ufficio|messaggio automatico|assenza dall['’]ufficio"
        r"|assente dall['’]ufficio|autorisposta|notifica di assenza"
    ),
    "pt": (
        r"resposta autom[áa]tica|fora do escrit[óo]rio|aus[êe]ncia (?:tempor[áa]ria"
        r"|do escrit[óo]rio)|auto-?resposta|ausente do escrit[óo]rio"
    ),
    "nl": (
        r"automatisch (?:antwoord|bericht)|automatische (?:beantwoording|reactie|reply)"
        r"|afwezigheids(?:bericht|assistent|melding)|niet (?:op kantoor|aanwezig)|niet op het werk"
        r"|buiten kantoor"
    ),
    "da": (
        r"automatisk (?:svar|besked)|autosvar|auto-?svar|ikke til stede|ikke p[åa] kontoret"
        r"|frav[æa]rsbesked"
    ),
    "no": r"automatisk svar|frav[æa]rsmelding|frav[æa]rsassistent|ute av kontoret|ikke p[åa] kontoret",
    "sv": (
        r"automatiskt svar|autosvar|fr[åa]nvaromeddelande|fr[åa]nvaroassistent|ej p[åa] kontoret"
        r"|inte p[åa] kontoret"
    ),
    "fi": (
        r"automaattinen (?:vastaus|viesti)|automaattivastaus|poissaoloilmoitus|poissa toimistosta"
        r"|lomavastaus"
    ),
    "is": r"sj[áa]lfvirkt svar|fjarverandi",
    "et": r"automaatvastus|automaatne vastus|kontorist v[äa]ljas",
    "lv": r"autom[āa]tisk[āa] atbilde|[āa]rpus biroja",
    "lt": r"automatinis atsakymas|nesu biure|ne biure",
    "pl": (
        r"automatyczna odpowied[źz]|odpowied[źz] automatyczna|autoodpowied[źz]|poza biurem"
        r"|nieobecno[śs][ćc] w biurze|autoresponder|wiadomo[śs][ćc] automatyczna"
    ),
    "cs": r"automatick[áa] odpov[ěe][ďd]|mimo kancel[áa][řr]|nep[řr][íi]tomnost v kancel[áa][řr]i",
    "sk": r"automatick[áa] odpove[ďd]|mimo kancel[áa]rie",
    "sl": r"samodejni odgovor|avtomatski odgovor|odsoten iz pisarne",
    "hr": r"automatski odgovor|izvan ureda|van kancelarije|nisam u uredu",
    "sr": r"аутоматски одговор|ван канцеларије",
    "hu": r"automatikus v[áa]lasz|h[áa]zon k[íi]v[üu]l|irod[áa]n k[íi]v[üu]l",
    "ro": r"r[ăa]spuns automat|[îi]n afara biroului|absent de la birou",
    "bg": r"автоматичен отговор|извън офиса",
    "el": r"αυτόματη απάντηση|εκτός γραφείου",
    "tr": r"otomatik (?:yan[ıi]t|cevap|cevaplama)|ofis d[ıi][şs][ıi]nda",
    "ru": (
        r"автоматический ответ|автоответ(?:чик)?|вне офиса|нет на рабочем месте"
        r"|отсутствие на рабочем месте"
    ),
    "uk": r"автоматична відповідь|автовідповідь|поза офісом",
    "he": r"תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד",
    "ar": r"رد تلقائي|الرد التلقائي|خارج المكتب",
    "fa": r"پاسخ خودکار",
    "ja": r"自動(?:応答|返信)(?:メール)?|不在通知|不在(?:の|に)お知らせ",
    "zh": r"自动(?:回复|答复|应答)|自動(?:回覆|回复|答覆)|不在办公室|不在辦公室|外出时的自动回复",
    "ko": r"자동 ?(?:회신|응답|답장)|부재 ?중(?: 알림)?|부재중 자동 회신",
    "vi": r"tr[ảa] l[ờo]i t[ựu] [đd][ộo]ng",
    "th": r"ตอบกลับอัตโนมัติ|การตอบกลับอัตโนมัติ",
    "id": r"balasan (?:otomatis|automatik)|jawaban otomatis",
    "ca": r"resposta autom[àa]tica|fora de l['’]oficina",
    "eu": r"erantzun automatikoa",
}

_BOUNCE = {
    "en": (
        r"undeliver(?:ed|able)(?: (?:mail|message|e-?mail))?(?: returned to sender)?"
        r"|(?:e-?)?mail (?:system error|failure|delivery (?:failed|failure|problem|error|system))"
        r"|(?:mail|message|e-?mail) (?:was )?(?:not delivered|undeliverable|delivery (?:failed"
        r"|failure|has failed)|could not be delivered|failed)|delivery (?:status|notification"
        r"|failure|failed|has failed|error|problem|report|unsuccessful"
        r"|failure notification)(?: notification)?|failure (?:notice|delivery)|failed (?:mail"
        r"|delivery)|returned mail|returned to sender|non-?delivery|nondeliverable"
        r"|permanent delivery failure|notice: mail delivery status|mail returned|could not deliver"
        r"|rejected: ?|blocked message|there was an error sending your mail|bounce(?:d)? (?:mail"
        r"|message|notification)|email (?:bounce|delivery failure)|message you sent blocked"
        r"|postmaster notify|processing error|mail not delivered|delivery to .{1,80} failed"
        r"|transport (?:rejected|failed)|your message (?:to .{1,80} )?could(?: not"
        r"|n['’]t) be delivered"
    ),
    "de": (
        r"unzustellbar(?:e nachricht|e mail)?|nicht zustellbar|unzustellbarkeits|nicht zugestellt"
        r"|zustellung (?:fehlgeschlagen|nicht)|mail-?zustellung|fehler bei der zustellung"
        r"|nachricht (?:konnte )?nicht zugestellt|benachrichtigung .{0,20}zustellungsstatus"
        r"|ihre nachricht .{0,60}konnte nicht"
    ),
    "fr": (
        r"non (?:remis|d[ée]livr[ée]|distribu[ée])|[ée]chec de (?:la )?(?:remise|livraison"
        r"|distribution|l['’]envoi)|message non (?:remis|distribu[ée]|d[ée]livr[ée])"
        r"|notification d['’][ée]tat de remise|courrier non remis|courriel non (?:remis|livr[ée])"
        r"|utilisateur non recens"
    ),
    "es": (
        r"no se (?:puede|pudo|ha podido) entregar|error (?:de|en la) entrega|no entregado"
        r"|correo (?:no entregado|devuelto)|mensaje (?:no entregado|devuelto)"
        r"|notificaci[óo]n de (?:estado de )?entrega|aviso de no entrega|imposible entregar"
    ),
    "it": (
        r"non recapitabile|non (?:consegnat[oa]|recapitat[oa])|mancat[ao] (?:recapito|consegna)"
        r"|errore di (?:consegna|recapito)|avviso di mancata consegna|notifica di mancat"
        r"|impossibile (?:consegnare|recapitare)|messaggio non"
    ),
    "pt": (
        r"n[ãa]o (?:foi poss[íi]vel|entregue|entreg[aá]vel)|falha (?:na|de) entrega"
        r"|mensagem (?:n[ãa]o entregue|devolvida)|erro (?:na|de) entrega"
        r"|n[ãa]o [ée] poss[íi]vel entregar|e-?mail n[ãa]o entregue"
    ),
    "nl": (
        r"onbestelbaar|niet (?:bezorgd|afgeleverd|bestelbaar)|(?:aflevering|bezorging) mislukt"
        r"|kan (?:het )?bericht niet"
    ),
    "da": r"kan ikke leveres|kunne ikke leveres|ikke leveret|uleverbar|levering mislykkedes",
    "no": r"kan ikke leveres|kunne ikke leveres|ikke levert|levering mislyktes|ikke leverbar",
    "sv": (
        r"kan inte levereras|kunde inte levereras|olevererbart|ej levererat|leverans misslyckades"
        r"|oleverer"
    ),
    "fi": (
        r"ei voi(?:tu)? toimittaa|toimitus ep[äa]onnistui|toimittamatta|viestin toimitus"
        r"|perille toimittamaton"
    ),
    "pl": (
        r"niedostarcz(?:on[ea]|alna)|nie mo[żz]na dostarczy[ćc]|nie dostarczono|zwrot (?:poczty"
        r"|wiadomo[śs]ci)|wiadomo[śs][ćc] (?:odrzucona|zwr[óo]cona|niedostarczona)"
        r"|powiadomienie o (?:stanie )?dor[ęe]czeni"
    ),
    "cs": r"nedoru[čc]iteln[ée]|nedoru[čc]en[oaáée]|zpr[áa]va nebyla doru[čc]ena|nelze doru[čc]it",
    "sk": r"nedoru[čc]ite[ľl]n[ée]|nedoru[čc]en[ée]|nemo[žz]no doru[čc]i[ťt]",
    "sl": r"nedostavljivo|ni mogo[čc]e dostaviti",
    "hr": r"neisporu[čc](?:ivo|eno)|nije mogu[ćc]e isporu[čc]iti|isporuka nije uspjela",
    "hu": r"k[ée]zbes[íi]thetetlen|nem k[ée]zbes[íi]thet[őo]|sikertelen k[ée]zbes[íi]t[ée]s",
    "ro": r"nelivrabil|nu (?:a putut fi|se poate) livra|mesaj nelivrat|livrare e[șşs]uat[ăa]",
    "bg": r"не (?:може да бъде|е) доставен|недоставен",
    "ru": (
        r"недоставлен|не (?:удается|удалось) доставить|ваше (?:сообщение|письмо) не доставлен"
        r"|сообщение не доставлен|уведомление о (?:состоянии )?доставк|письмо не доставлен"
        r"|ошибка доставки|недоставка"
    ),
    "uk": r"недоставлен|не вдал?ося доставити|повідомлення не доставлен",
    "el": r"δεν (?:είναι δυνατή|ήταν δυνατή) η παράδοση|μη παραδοτέο|αποτυχία παράδοσης|ανεπίδοτο",
    "tr": r"teslim edileme(?:di|yen)|iletileme(?:di|yen)|g[öo]nderileme(?:di|yen)",
    "he": r"לא ניתן למסור|הודעה לא נמסרה|דואר שלא נמסר",
    "ar": r"تعذر (?:التسليم|تسليم)|غير قابل للتسليم|لم يتم تسليم",
    "ja": (
        r"配信(?:不能|不可|できません|エラー|の失敗|に失敗)|配信状況の通知|送信(?:できません|エラー|に失敗)|メール(?:が)?(?:配信|送信)?エラー"
        r"|未配信|不達"
        r"|メッセージが配信|配送エラー|メッセージ配信"
    ),
    "zh": r"无法(?:投递|送达|传递|递送)|無法(?:傳遞|投遞|遞送)|未(?:送达|投递|傳遞)|系统退信|退信(?:通知)?"
    r"|投递失败|傳遞失敗|未能送达|传递状态通知",
    "ko": r"배달되지 않|배달 ?(?:되지 않음|불가|실패)|전송 ?(?:실패|되지)|메일 전송 실패|반송",
    "et": r"ei saa kohale toimetada|kohaletoimetamine nurjus",
    "lv": r"nevar piegād[āa]t|nepiegād[āa]ts",
    "lt": r"nepristatyt|ne[įi]manoma pristatyti",
    "vi": r"kh[ôo]ng th[ểe] g[ửu]i|kh[ôo]ng g[ửu]i [đd][ưu][ợo]c",
    "id": r"tidak (?:dapat|terkirim)|gagal (?:dikirim|terkirim)",
    "th": r"ไม่สามารถส่ง|ส่งไม่สำเร็จ",
}

_DELAY = (
    r"delayed mail|delivery (?:has been |was )?delayed|(?:mail|message|delivery) (?:delay"
    r"|delayed|delivery delay)|warning:? message \S{1,60} delayed"
    r"|delivery status notification ?\(delay|delivery notification: delivery has been delayed"
    r"|delivery status notification: delayed|mail delivery warning|warning: could not send"
    r"|warning--could not send|delivery delayed|verz[öo]ger(?:t|ung)|zustellung verz[öo]gert"
    r"|(?:remise|distribution) (?:retard[ée]e|diff[ée]r[ée]e)|retard de (?:remise|livraison)"
    r"|entrega (?:retrasada|demorada|atrasada)|retraso en la entrega|consegna (?:ritardata"
    r"|in ritardo)|vertraagd|bezorging vertraagd|forsinket|f[öo]rsenad|viiv[äa]styn"
    r"|op[óo][źz]nion|zpo[žz]d[ěe]n|доставка (?:отложена|задерж)|задержка доставки|配信(?:の)?遅延"
    r"|遅延|延迟|延遲|지연"
)

# GroupWise puts it behind the subject that it answers.
_IN_BRACKETS = (
    r"[<(\[【{]\s*(?:auto(?:matic)? ?-?(?:reply|response|replied)|out of (?:the )?office"
    r"|automatische antwort|abwesen\w*|r[ée]ponse automatique|respuesta autom[áa]tica"
    r"|risposta automatica|autosvar|自動返信|自动回复)\s*[>)\]】}]"
)

# People begin subjects with these too; the text must agree.
_HINTS = (
    r"\b(?:out of (?:the )?office|on (?:vacation|leave|holidays?|annual leave|maternity leave"
    r"|parental leave)|vacation|away until|auto:|i am away|urlaub|abwesen\w*|nicht erreichbar"
    r"|absen(?:ce|te?)|cong[ée]s?|vacances|ausen(?:te|cia)|vacaciones|assente|assenza|ferie"
    r"|aus[êe]ncia|f[ée]rias|afwezig\w*|vakantie|frav[æa]r\w*|ferie|fr[åa]nvar\w*|semester"
    r"|poissa\w*|loma\w*|nieobecn\w*|urlop\w*|nep[řr][íi]tom\w*|dovolen\w*|szabads[áa]g\w*"
    r"|absent\w*|concediu|отпуск\w*|отсутств\w*|відпустк\w*|izinde|休暇|不在|休假|외출|휴가"
    r"|mail received|ticket received|we have received|received your"
    r"|thank you for (?:contacting|your (?:e-?mail|message|request)))"
)

# Said of the writer, or of the mail itself, at the start of an automatic answer.
_CONFIRMS = (
    r"\b(?:(?:i|we)(?:['’]m| am|['’]ll be| will be|['’]re| are)(?: currently| now"
    r"| presently)? (?:out|away (?:until|till|on|from (?:the |my )?(?:office|desk|e?-?mail"
    r"|computer))|on (?:vacation|leave|holiday|annual|maternity)|not (?:in the office"
    r"|available)|travell?ing|attending|absent|unavailable)|out of (?:the )?office (?:from"
    r"|until|till|starting|on|for|and|through|this|next|today|between)|(?:automat(?:ic|ed)"
    r"|auto-?generated) (?:reply|response|answer|message|e-?mail)|do not reply to this"
    r"|limited access to (?:my )?e-?mail|when i (?:return|get back|am back)|on my return"
    r"|no longer using this e-?mail|no longer (?:work|with|employed)|bin (?:ich )?(?:bis|vom"
    r"|ab|derzeit|zur ?zeit|momentan|aktuell|leider|im urlaub|abwesend|nicht|wieder|erst)"
    r"|im urlaub|nicht weitergeleitet|automatisch (?:generiert|erstellt|erzeugt)"
    r"|wieder (?:im b[üu]ro|erreichbar)|in dringenden f[äa]llen|je (?:suis"
    r"|serai) (?:actuellement |absent|en cong|en vacances|hors)|de retour le|en mon absence"
    r"|estar[ée] (?:ausente|fuera|de vacaciones)|estoy (?:fuera|ausente|de vacaciones)"
    r"|sar[òo] (?:assente|fuori|in ferie)|sono (?:assente|fuori|in ferie)|estarei (?:ausente"
    r"|fora|de f[ée]rias)|estou (?:ausente|fora|de f[ée]rias)|ik ben (?:afwezig|niet"
    r"|op vakantie|tot)|tijdens mijn afwezigheid|jeg er (?:ikke|p[åa] ferie|bortrejst|tilbage)"
    r"|har modtaget din|jag [äa]r (?:inte|p[åa] semester|ledig|tillbaka|borta)|olen (?:poissa"
    r"|lomalla)|jestem (?:nieobecn|na urlopie)|jsem (?:mimo|na dovolen)|szabads[áa]gon"
    r"|sunt (?:plecat|[îi]n concediu)|(?:я|буду) (?:в отпуске|отсутств|нахожусь)|不在にして|休暇"
    r"|自動(?:送信|返信|配信)|正在休假|자동)"
)


def _anchored(tables: dict[str, str]) -> re.Pattern[str]:
    # The phrases of one language stand together; a longer phrase may be cut by a shorter one before it, so
    # the end is looked for after each.
    return re.compile(rf"{_PREFIX}\W{{0,4}}(?P<phrase>{'|'.join(tables.values())}){_END}", re.IGNORECASE)


_AUTO_REPLY_START = _anchored(_AUTO_REPLY)
_BOUNCE_START = re.compile(rf"{_PREFIX}\W{{0,4}}(?P<phrase>{'|'.join(_BOUNCE.values())})", re.IGNORECASE)
_DELAY_START = re.compile(rf"{_PREFIX}\W{{0,4}}(?P<phrase>{_DELAY})", re.IGNORECASE)
_BRACKETED = re.compile(_IN_BRACKETS, re.IGNORECASE)
_HINT = re.compile(_HINTS, re.IGNORECASE)
_CONFIRMED = re.compile(_CONFIRMS, re.IGNORECASE)

LANGUAGES = frozenset(_AUTO_REPLY) | frozenset(_BOUNCE)


def auto_reply_phrase(subject: str) -> str:
    """The phrase by which the subject shows an automatic reply, or ""."""
    bounded = subject[:_MAX_SUBJECT]
    found = _AUTO_REPLY_START.match(bounded)
    return found["phrase"] if found else ""


def absence_hint(subject: str) -> str:
    """A word of absence in the subject, or ""; it counts only where the text confirms it."""
    bounded = subject[:_MAX_SUBJECT]
    hint = _BRACKETED.search(bounded) or _HINT.search(bounded)
    return hint[0] if hint else ""


def confirms_absence(text: str) -> bool:
    """Whether the opening of the text says that its writer is away, or that a program wrote it."""
    return _CONFIRMED.search(" ".join(text[:_MAX_OPENING].split())) is not None


def bounce_phrase(subject: str) -> str:
    """The phrase with which the subject begins that mail systems begin reports with, or ""."""
    found = _BOUNCE_START.match(subject[:_MAX_SUBJECT]) or _DELAY_START.match(subject[:_MAX_SUBJECT])
    return found["phrase"] if found else ""


def is_delay_phrase(subject: str) -> bool:
    """Whether the subject is one of a delay warning."""
    return _DELAY_START.match(subject[:_MAX_SUBJECT]) is not None
