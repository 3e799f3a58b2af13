"""Subjects that programs write: automatic replies, bounces and delay warnings, in some forty languages.

The weakest of all signals, since people write about absences and failures too.  So a phrase counts only
where a program puts it: at the start, after reply prefixes and list tags, and followed by a mark or by
nothing; or in brackets.  Words that people begin subjects with as well are *hints*: they need the text of the
mail to agree.
"""

from __future__ import annotations

import re

_MAX_SUBJECT = 400  # characters looked at
_MAX_OPENING = 700  # characters of text that may confirm a hint

# "Re:", "[list]", "AW[2]:" and the like before the phrase.
_PREFIX = r"^(?:\s*\[[^\]]{1,60}\]|\s*(?:re|aw|sv|vs|antw|odp|rif|res|r|回复|答复)(?:\[\d{1,3}\])?\s*[:：])*\s*"
_END = r"(?=\s*(?:$|[:：;,!.(\[<|/]|[-–—]\s|【|\bre\s*:|\baw\s*:))"

_AUTO_REPLY = {
    "en": r"automatic (?:reply|response|answer)|auto[- ]?(?:matic|mated)? ?-?(?:reply|response|responder|answer)"
    r"|automated (?:reply|response|message|answer)|out[- ]of[- ](?:the[- ])?office(?: (?:auto ?-?reply|notice"
    r"|notification|response|message|assistant))?|vacation (?:reply|response|message|notice)|away (?:message|notice)"
    r"|ooo|autoreply from|this is an automat(?:ic|ed) (?:reply|response)",
    "de": r"automatische (?:antwort|r[üu]ckantwort|antwortmail|eingangsbest[äa]tigung)|autom\. ?antwort"
    r"|abwesenheits(?:notiz|nachricht|meldung|mitteilung|assistent|info|benachrichtigung|agent)|autoantwort"
    r"|nicht im (?:b[üu]ro|hause?)|au(?:ß|ss)er haus|urlaubs(?:notiz|benachrichtigung|meldung|vertretung)",
    "fr": r"r[ée]ponse automatique|message automatique|absen(?:ce|te?) du bureau|message d['’]absence"
    r"|notification d['’]absence|hors du bureau|avis d['’]absence|r[ée]pondeur automatique",
    "es": r"respuesta autom[áa]tica|fuera de (?:la )?oficina|autorrespuesta|auto ?respuesta|contestaci[óo]n autom[áa]tica"
    r"|ausente de la oficina|mensaje de ausencia",
    "it": r"risposta automatica|fuori ufficio|messaggio automatico|assenza dall['’]ufficio|assente dall['’]ufficio"
    r"|autorisposta|notifica di assenza",
    "pt": r"resposta autom[áa]tica|fora do escrit[óo]rio|aus[êe]ncia (?:tempor[áa]ria|do escrit[óo]rio)|auto-?resposta"
    r"|ausente do escrit[óo]rio",
    "nl": r"automatisch (?:antwoord|bericht)|automatische (?:beantwoording|reactie|reply)|afwezigheids(?:bericht|assistent"
    r"|melding)|niet (?:op kantoor|aanwezig)|niet op het werk|buiten kantoor",
    "da": r"automatisk (?:svar|besked)|autosvar|auto-?svar|ikke til stede|ikke p[åa] kontoret|frav[æa]rsbesked",
    "no": r"automatisk svar|frav[æa]rsmelding|frav[æa]rsassistent|ute av kontoret|ikke p[åa] kontoret",
    "sv": r"automatiskt svar|autosvar|fr[åa]nvaromeddelande|fr[åa]nvaroassistent|ej p[åa] kontoret|inte p[åa] kontoret",
    "fi": r"automaattinen (?:vastaus|viesti)|automaattivastaus|poissaoloilmoitus|poissa toimistosta|lomavastaus",
    "is": r"sj[áa]lfvirkt svar|fjarverandi",
    "et": r"automaatvastus|automaatne vastus|kontorist v[äa]ljas",
    "lv": r"autom[āa]tisk[āa] atbilde|[āa]rpus biroja",
    "lt": r"automatinis atsakymas|nesu biure|ne biure",
    "pl": r"automatyczna odpowied[źz]|odpowied[źz] automatyczna|autoodpowied[źz]|poza biurem|nieobecno[śs][ćc] w biurze"
    r"|autoresponder|wiadomo[śs][ćc] automatyczna",
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
    "ru": r"автоматический ответ|автоответ(?:чик)?|вне офиса|нет на рабочем месте|отсутствие на рабочем месте",
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
    "en": r"undeliver(?:ed|able)(?: (?:mail|message|e-?mail))?(?: returned to sender)?|(?:e-?)?mail (?:system error"
    r"|failure|delivery (?:failed|failure|problem|error|system))|(?:mail|message|e-?mail) (?:was )?(?:not delivered"
    r"|undeliverable|delivery (?:failed|failure|has failed)|could not be delivered|failed)|delivery (?:status"
    r"|notification|failure|failed|has failed|error|problem|report|unsuccessful|failure notification)(?: notification)?"
    r"|failure (?:notice|delivery)|failed (?:mail|delivery)|returned mail|returned to sender|non-?delivery|nondeliverable"
    r"|permanent delivery failure|notice: mail delivery status|mail returned|could not deliver|rejected: ?|blocked message"
    r"|there was an error sending your mail|bounce(?:d)? (?:mail|message|notification)|email (?:bounce|delivery failure)"
    r"|message you sent blocked|postmaster notify|processing error|mail not delivered|delivery to .{1,80} failed"
    r"|transport (?:rejected|failed)|your message (?:to .{1,80} )?could(?: not|n['’]t) be delivered",
    "de": r"unzustellbar(?:e nachricht|e mail)?|nicht zustellbar|unzustellbarkeits|nicht zugestellt|zustellung "
    r"(?:fehlgeschlagen|nicht)|mail-?zustellung|fehler bei der zustellung|nachricht (?:konnte )?nicht zugestellt"
    r"|benachrichtigung .{0,20}zustellungsstatus|ihre nachricht .{0,60}konnte nicht",
    "fr": r"non (?:remis|d[ée]livr[ée]|distribu[ée])|[ée]chec de (?:la )?(?:remise|livraison|distribution|l['’]envoi)"
    r"|message non (?:remis|distribu[ée]|d[ée]livr[ée])|notification d['’][ée]tat de remise|courrier non remis"
    r"|courriel non (?:remis|livr[ée])|utilisateur non recens",
    "es": r"no se (?:puede|pudo|ha podido) entregar|error (?:de|en la) entrega|no entregado|correo (?:no entregado|devuelto)"
    r"|mensaje (?:no entregado|devuelto)|notificaci[óo]n de (?:estado de )?entrega|aviso de no entrega|imposible entregar",
    "it": r"non recapitabile|non (?:consegnat[oa]|recapitat[oa])|mancat[ao] (?:recapito|consegna)|errore di (?:consegna|recapito)"
    r"|avviso di mancata consegna|notifica di mancat|impossibile (?:consegnare|recapitare)|messaggio non",
    "pt": r"n[ãa]o (?:foi poss[íi]vel|entregue|entreg[aá]vel)|falha (?:na|de) entrega|mensagem (?:n[ãa]o entregue|devolvida)"
    r"|erro (?:na|de) entrega|n[ãa]o [ée] poss[íi]vel entregar|e-?mail n[ãa]o entregue",
    "nl": r"onbestelbaar|niet (?:bezorgd|afgeleverd|bestelbaar)|(?:aflevering|bezorging) mislukt|kan (?:het )?bericht niet",
    "da": r"kan ikke leveres|kunne ikke leveres|ikke leveret|uleverbar|levering mislykkedes",
    "no": r"kan ikke leveres|kunne ikke leveres|ikke levert|levering mislyktes|ikke leverbar",
    "sv": r"kan inte levereras|kunde inte levereras|olevererbart|ej levererat|leverans misslyckades|oleverer",
    "fi": r"ei voi(?:tu)? toimittaa|toimitus ep[äa]onnistui|toimittamatta|viestin toimitus|perille toimittamaton",
    "pl": r"niedostarcz(?:on[ea]|alna)|nie mo[żz]na dostarczy[ćc]|nie dostarczono|zwrot (?:poczty|wiadomo[śs]ci)"
    r"|wiadomo[śs][ćc] (?:odrzucona|zwr[óo]cona|niedostarczona)|powiadomienie o (?:stanie )?dor[ęe]czeni",
    "cs": r"nedoru[čc]iteln[ée]|nedoru[čc]en[oaáée]|zpr[áa]va nebyla doru[čc]ena|nelze doru[čc]it",
    "sk": r"nedoru[čc]ite[ľl]n[ée]|nedoru[čc]en[ée]|nemo[žz]no doru[čc]i[ťt]",
    "sl": r"nedostavljivo|ni mogo[čc]e dostaviti",
    "hr": r"neisporu[čc](?:ivo|eno)|nije mogu[ćc]e isporu[čc]iti|isporuka nije uspjela",
    "hu": r"k[ée]zbes[íi]thetetlen|nem k[ée]zbes[íi]thet[őo]|sikertelen k[ée]zbes[íi]t[ée]s",
    "ro": r"nelivrabil|nu (?:a putut fi|se poate) livra|mesaj nelivrat|livrare e[șşs]uat[ăa]",
    "bg": r"не (?:може да бъде|е) доставен|недоставен",
    "ru": r"недоставлен|не (?:удается|удалось) доставить|ваше (?:сообщение|письмо) не доставлен|сообщение не доставлен"
    r"|уведомление о (?:состоянии )?доставк|письмо не доставлен|ошибка доставки|недоставка",
    "uk": r"недоставлен|не вдал?ося доставити|повідомлення не доставлен",
    "el": r"δεν (?:είναι δυνατή|ήταν δυνατή) η παράδοση|μη παραδοτέο|αποτυχία παράδοσης|ανεπίδοτο",
    "tr": r"teslim edileme(?:di|yen)|iletileme(?:di|yen)|g[öo]nderileme(?:di|yen)",
    "he": r"לא ניתן למסור|הודעה לא נמסרה|דואר שלא נמסר",
    "ar": r"تعذر (?:التسليم|تسليم)|غير قابل للتسليم|لم يتم تسليم",
    "ja": r"配信(?:不能|不可|できません|エラー|の失敗|に失敗)|配信状況の通知|送信(?:できません|エラー|に失敗)|メール(?:が)?(?:配信|送信)?エラー|未配信|不達"
    r"|メッセージが配信|配送エラー|メッセージ配信",
    "zh": r"无法(?:投递|送达|传递|递送)|無法(?:傳遞|投遞|遞送)|未(?:送达|投递|傳遞)|系统退信|退信(?:通知)?|投递失败|傳遞失敗|未能送达|传递状态通知",
    "ko": r"배달되지 않|배달 ?(?:되지 않음|불가|실패)|전송 ?(?:실패|되지)|메일 전송 실패|반송",
    "et": r"ei saa kohale toimetada|kohaletoimetamine nurjus",
    "lv": r"nevar piegād[āa]t|nepiegād[āa]ts",
    "lt": r"nepristatyt|ne[įi]manoma pristatyti",
    "vi": r"kh[ôo]ng th[ểe] g[ửu]i|kh[ôo]ng g[ửu]i [đd][ưu][ợo]c",
    "id": r"tidak (?:dapat|terkirim)|gagal (?:dikirim|terkirim)",
    "th": r"ไม่สามารถส่ง|ส่งไม่สำเร็จ",
}

_DELAY = (
    r"delayed mail|delivery (?:has been |was )?delayed|(?:mail|message|delivery) (?:delay|delayed|delivery delay)"
    r"|warning:? message \S{1,60} delayed|delivery status notification ?\(delay|delivery notification: delivery has been delayed"
    r"|delivery status notification: delayed|mail delivery warning|warning: could not send|warning--could not send"
    r"|delivery delayed|verz[öo]ger(?:t|ung)|zustellung verz[öo]gert|(?:remise|distribution) (?:retard[ée]e|diff[ée]r[ée]e)"
    r"|retard de (?:remise|livraison)|entrega (?:retrasada|demorada|atrasada)|retraso en la entrega|consegna (?:ritardata"
    r"|in ritardo)|vertraagd|bezorging vertraagd|forsinket|f[öo]rsenad|viiv[äa]styn|op[óo][źz]nion|zpo[žz]d[ěe]n"
    r"|доставка (?:отложена|задерж)|задержка доставки|配信(?:の)?遅延|遅延|延迟|延遲|지연"
)

_IN_BRACKETS = (
    r"[<(\[【{]\s*(?:auto(?:matic)? ?-?(?:reply|response|replied)|out of (?:the )?office|automatische antwort|abwesen\w*"
    r"|r[ée]ponse automatique|respuesta autom[áa]tica|risposta automatica|autosvar|自動返信|自动回复)\s*[>)\]】}]"
)

# People begin subjects with these too; the text must agree.
_HINTS = (
    r"\b(?:out of (?:the )?office|on (?:vacation|leave|holidays?|annual leave|maternity leave|parental leave)"
    r"|vacation|away until|auto:|i am away|urlaub|abwesen\w*|nicht erreichbar|absen(?:ce|te?)|cong[ée]s?|vacances"
    r"|ausen(?:te|cia)|vacaciones|assente|assenza|ferie|aus[êe]ncia|f[ée]rias|afwezig\w*|vakantie|frav[æa]r\w*|ferie"
    r"|fr[åa]nvar\w*|semester|poissa\w*|loma\w*|nieobecn\w*|urlop\w*|nep[řr][íi]tom\w*|dovolen\w*|szabads[áa]g\w*"
    r"|absent\w*|concediu|отпуск\w*|отсутств\w*|відпустк\w*|izinde|休暇|不在|休假|외출|휴가|mail received|ticket received"
    r"|we have received|received your|thank you for (?:contacting|your (?:e-?mail|message|request)))"
)

# Said of the writer, or of the mail itself, at the start of an automatic answer.
_CONFIRMS = (
    r"\b(?:(?:i|we)(?:['’]m| am|['’]ll be| will be|['’]re| are)(?: currently| now| presently)? (?:out|away|on (?:vacation|leave"
    r"|holiday|annual|maternity)|not (?:in the office|available)|travell?ing|attending|absent|unavailable)"
    r"|out of (?:the )?office (?:from|until|till|starting|on|for|and|through|this|next|today|between)"
    r"|(?:automat(?:ic|ed)|auto-?generated) (?:reply|response|answer|message|e-?mail)|do not reply to this"
    r"|limited access to (?:my )?e-?mail|when i (?:return|get back|am back)|on my return|no longer using this e-?mail"
    r"|no longer (?:work|with|employed)|bin (?:ich )?(?:bis|vom|ab|derzeit|zur ?zeit|momentan|aktuell|leider|im urlaub|abwesend"
    r"|nicht|wieder|erst)|im urlaub|nicht weitergeleitet|automatisch (?:generiert|erstellt|erzeugt)|wieder (?:im b[üu]ro|erreichbar)"
    r"|in dringenden f[äa]llen|je (?:suis|serai) (?:actuellement |absent|en cong|en vacances|hors)|de retour le|en mon absence"
    r"|estar[ée] (?:ausente|fuera|de vacaciones)|estoy (?:fuera|ausente|de vacaciones)|sar[òo] (?:assente|fuori|in ferie)"
    r"|sono (?:assente|fuori|in ferie)|estarei (?:ausente|fora|de f[ée]rias)|estou (?:ausente|fora|de f[ée]rias)"
    r"|ik ben (?:afwezig|niet|op vakantie|tot)|tijdens mijn afwezigheid|jeg er (?:ikke|p[åa] ferie|bortrejst|tilbage)"
    r"|har modtaget din|jag [äa]r (?:inte|p[åa] semester|ledig|tillbaka|borta)|olen (?:poissa|lomalla)|jestem (?:nieobecn|na urlopie)"
    r"|jsem (?:mimo|na dovolen)|szabads[áa]gon|sunt (?:plecat|[îi]n concediu)|(?:я|буду) (?:в отпуске|отсутств|нахожусь)"
    r"|不在にして|休暇|自動(?:送信|返信|配信)|正在休假|자동)"
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
    if found := _AUTO_REPLY_START.search(bounded):
        return found["phrase"]
    bracketed = _BRACKETED.search(bounded)
    return bracketed[0] if bracketed else ""


def absence_hint(subject: str, text: str) -> str:
    """A word of absence in the subject that the opening of the text confirms, or ""."""
    hint = _HINT.search(subject[:_MAX_SUBJECT])
    if hint and _CONFIRMED.search(" ".join(text[:_MAX_OPENING].split())):
        return hint[0]
    return ""


def bounce_phrase(subject: str) -> str:
    """The phrase with which the subject begins that mail systems begin reports with, or ""."""
    found = _BOUNCE_START.search(subject[:_MAX_SUBJECT]) or _DELAY_START.search(subject[:_MAX_SUBJECT])
    return found["phrase"] if found else ""


def is_delay_phrase(subject: str) -> bool:
    """Whether the subject is one of a delay warning."""
    return _DELAY_START.search(subject[:_MAX_SUBJECT]) is not None
