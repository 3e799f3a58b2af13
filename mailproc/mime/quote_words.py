"""The words by which mail clients introduce quoted mail and sign from phones, in the languages they speak.

Only words stand here; ``quotes.py`` says what they mean.  Every pattern is applied to one line or a few
joined lines of bounded length, and none repeats a group that could match the same text in two ways.
"""

from __future__ import annotations

import re

# "wrote", as the last word or among the last words of "On … Jane wrote:".
_WROTE = (
    "wrote|writes|schrieb|schreibt|geschrieben|a écrit|a ecrit|écrit|escribió|escribio|escribe|ha escrit|"
    "va escriure|"
    "ha scritto|scrive|scritto|schreef|geschreven|escreveu|escreve|skrev|skriver|skrifaði|napisał|"
    "napisała|napisal|"
    r"napísal|pisze|nadesłał|napsal|napsala|píše|kirjoitti|kirjutas|rašė|rakstīja|написал|написала|пишет|"
    r"пише|"
    "написав|написа|írta|yazdı|a scris|έγραψε|viết"
)
_WROTE_TOGETHER = "写道|寫道|写了|님이 작성|작성하였습니다|さんは書きました"  # where no blank parts the words
WROTE_ENDINGS = tuple(word + ending for word in _WROTE.split("|") for ending in ("", "(a)", "(а)", "/a"))
WROTE = re.compile(rf"(?<!\w)(?:{_WROTE})(?:\((?:a|а|/a)\)|/a)?(?!\w)|{_WROTE_TOGETHER}", re.IGNORECASE)
WROTE_IN_ASCII = tuple(filter(str.isascii, _WROTE.split("|")))
# How a line may begin that introduces a quote: a word for "on", a weekday, a number, a dash of old Yahoo.
OPENER = re.compile(
    r"[\W_]*(?:on|at|am|um|le|il|el|em|no dia|a|op|den|d\.|dne|dňa|dnia|w dniu|в|на|στις|in data|la data|"
    r"quoting|"
    r"zitat von|citando|citat(?:ion)? (?:de|von)|"
    r"mon|tue|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|"
    r"fr|sa|so|"
    r"man|tir|ons|tor|tors|fre|lør|lör|søn|sön|mån|tis|ma|ti|ke|to|pe|la|su|lun|mar|mer|mié|jeu|jue|ven|"
    r"vie|sam|sáb|"
    r"dom|seg|ter|qua|qui|sex|pon|wt|śr|czw|pt|sob|niedz|po|út|st|čt|pá|so|ne|пн|вт|ср|чт|пт|сб|вс)\b|"
    r"[\W_]*\d",
    re.IGNORECASE,
)
# The first word of an attribution that is wrapped; a line that begins with it is not the rest of another.
FIRST_WORD = re.compile(
    r"(?:On|Am|Le|Il|El|Em|No dia|Op|Den|Dne|Dňa|Dnia|W dniu|В|Στις|In data|La data|Quoting|Zitat von)\s+\S"
)
QUOTING = re.compile(r"(?:quoting|zitat von|citando(?: a)?|citat från|citerer) .{3,150}:$", re.IGNORECASE)
# "I wrote to you on the 3rd:" is the sender's own sentence.
FIRST_PERSON = re.compile(
    rf"\b(?:i|we|ich|wir|jag|vi|jeg|ik|wij|minä)\s+(?:\w+\s+)?(?:{_WROTE})\b"
    rf"|\b(?:{_WROTE})\s+(?:ich|wir|jag|vi|jeg|ik|wij)\b|\b(?:j'ai|nous avons|ho|abbiamo|he|hemos) (?:é|"
    rf"e)?scrit",
    re.IGNORECASE,
)

# Labels of the header block that Outlook and others put above a quoted mail, by what they stand for.
_LABELS = {
    "from": "from|von|absender|de|da|van|från|fra|od|nadawca|lähettäjä|от|від|kimden|feladó|expéditeur|"
    "remitente|mittente|"
    "remetente|差出人|发件人|寄件者|寄件人|보낸 사람|보낸사람|de la|από",
    "date": "sent|date|gesendet|datum|envoyé|envoyé le|date d'envoi|enviado|enviado el|enviada|enviada em|"
    "enviado em|fecha|"
    "inviato|data|verzonden|skickat|sendt|dato|wysłano|wysłane|odesláno|odoslané|lähetetty|päivämäärä|"
    "päiväys|отправлено|"
    "дата|надіслано|gönderilme tarihi|tarih|elküldve|dátum|送信日時|日時|发送时间|"
    "發送時間|日期|보낸 날짜|날짜",
    "to": "to|an|empfänger|à|a|para|aan|till|til|do|komu|vastaanottaja|кому|kime|címzett|destinataire|"
    "destinatario|"
    "宛先|收件人|收件者|받는 사람|către",
    "subject": "subject|betreff|objet|asunto|oggetto|onderwerp|ämne|emne|temat|předmět|predmet|aihe|тема|"
    "konu|tárgy|"
    "assunto|件名|主题|主旨|제목|subiect",
    "other": "cc|bcc|kopie|kopia|kopi|copie|kopio|reply-to|reply to|antwort an|importance|priority|"
    "wichtigkeit|priorität|"
    "attachment|attachments|anlage|anlagen|pièce jointe|pièce jointes|pièces jointe|pièces jointes|bijlage|"
    "bijlagen|bilagor|vedhæftet|vedlegg|załączniki|přílohy|organisation|organization|copia|копия|抄送|副本",
}
LABEL = re.compile(
    r"[\s*>|_]{0,12}(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items())
    + r")[ \u00a0]?\*{0,2}[ \u00a0]?[:：]\*{0,2}(?!//)",
    re.IGNORECASE,
)

# "-----Original Message-----" and "Begin forwarded message:".
_ORIGINAL = (
    "original message|original-nachricht|originalnachricht|original appointment|ursprüngliche nachricht|"
    "originalmeldung|weitergeleitete nachricht|anfang der weiterleitung|message d.origine|message original|"
    "message transféré|message initial|mensaje original|mensaje reenviado|mensaje remitido|"
    "missatge original|"
    "messaggio originale|messaggio inoltrato|oorspronkelijk bericht|origineel bericht|doorgestuurd bericht|"
    "mensagem original|mensagem encaminhada|originalmeddelande|ursprungligt meddelande|ursprungsmeddelande|"
    "vidarebefordrat meddelande|oprindelig meddelelse|oprindelig besked|original meddelelse|"
    "videresendt meddelelse|"
    "videresendt besked|opprinnelig melding|videresendt melding|wiadomość oryginalna|oryginalna wiadomość|"
    "wiadomość przekazana|przekazana wiadomość|původní zpráva|přeposlaná zpráva|pôvodná správa|"
    "alkuperäinen viesti|"
    "välitetty viesti|исходное сообщение|пересылаемое сообщение|пересланное сообщение|"
    "оригинальное сообщение|"
    "eredeti üzenet|továbbított üzenet|orijinal ileti|forwarded message|forwarded by .{1,80}|mesaj original|"
    "αρχικό μήνυμα|元のメッセージ|転送メッセージ|original mail|原始邮件|原始郵件|转发的邮件|원본 메시지"
)
SEPARATOR = re.compile(
    rf"[\s>]*\*{{0,2}}[-_=#]{{2,}}\s*(?:{_ORIGINAL})\s*:?\s*[-_=#]{{2,}}\*{{0,2}}\s*$", re.IGNORECASE
)
_FORWARDED = (
    "begin forwarded message|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|"
    "début du message réexpédié|début du message transféré|inicio del mensaje reenviado|"
    "inizio messaggio inoltrato|begin doorgestuurd bericht|início da mensagem reencaminhada|"
    "vidarebefordrat brev|start på videresendt besked|start på videresendt melding|videresendt melding|"
    "początek przekazywanej wiadomości|začátek přeposlané zprávy|välitetty viesti alkaa|"
    "начало переадресованного сообщения"
)
FORWARD = re.compile(rf"[\s*>]*(?:{_FORWARDED})\s*:[\s*]*$", re.IGNORECASE)
# What stands before the first colon of a line in ASCII that one of the two above fits.
LABELS = frozenset("|".join([_FORWARDED, *_LABELS.values()]).split("|"))

# Lines that phones and mail programs add by themselves.
_DEVICE = (
    r"sent (?:from|via|with|by|using)\b|from my (?:i|mobile|phone|android)|get \[?outlook for\b|"
    r"gesendet (?:von|mit|aus)\b|von (?:meinem|unterwegs)\b.{0,60}\b(?:gesendet|gesandt)|"
    r"von .{0,30}iphone gesendet|"
    r"diese nachricht wurde von .{1,80} gesendet|outlook für \w+ (?:herunterladen|beziehen)|"
    r"holen sie sich outlook|laden sie sich outlook|"
    r"envoyé (?:de|depuis|à partir|avec|par)\b|télécharge[rz] outlook|obtenez outlook|"
    r"enviado (?:desde|do|de|a partir|pelo|con)\b|enviada (?:do|de)\b|obtener outlook|obter o outlook|"
    r"inviato (?:da|dal|con)\b|scarica outlook|ottieni outlook|"
    r"verzonden (?:vanaf|van|met|via|vanuit)\b|verstuurd (?:vanaf|van|met|via)\b|"
    r"outlook voor \w+ downloaden|"
    r"skickat från\b|skickades från\b|hämta outlook|sendt fra\b|sendt med\b|hent outlook|få outlook|"
    r"wysłan[eoa] z\b|wyślij(?:ono)? z\b|pobierz (?:aplikację )?outlook|odesláno (?:z|ze|pomocí)\b|"
    r"odoslané z\b|získat outlook|"
    r"lähetetty \w|hanki outlook|отправлено (?:с|из|от)\b|надіслано з|iphone(?:から|より)送信|"
    r"\S*から送信|发自我的|從我的 .{1,40} 傳送|从我的 .{1,40} 发送|나의 .{1,40}에서 보냄|"
    r".{1,20} tarafından gönderildi|"
    r"küldve |trimis de pe|from mobile|someone from mobile|via mobile"
)
DEVICE = re.compile(rf"[\s<(\[*_-]*(?:{_DEVICE})", re.IGNORECASE)
# The first two letters of each, by which a line in ASCII is passed over fast.
DEVICE_BEGINNINGS = frozenset(each[:2] for each in re.split(r"\|(?![^()]*\))", _DEVICE) if each[:2].isascii())
EXCUSE = re.compile(r"typo|brevity|excuse|pardon|kürze|tippfehler|brièveté|errores|disculp", re.IGNORECASE)

# How letters end; what follows is the sender's name and address.
CLOSING = re.compile(
    r"[\s*]*(?:(?:mit )?(?:freundlich|best|lieb|viel|schön|herzlich|sonnig)\w* (?:gr(?:ü|ue|u)(?:ß|ss)\w*|"
    r"empfehlungen)|"
    r"gr(?:ü|ue)(?:ß|ss)e?\b|gru(?:ß|ss)\b|mfg\b|lg\b|vg\b|hochachtungsvoll|"
    r"(?:best|kind|warm|with|many|sincere|warmest|kindest)[\w ]{0,12}(?:regards|wishes|thanks)|regards\b|"
    r"sincerely\b|"
    r"yours (?:sincerely|faithfully|truly)|cheers\b|thanks\b|thank you\b|many thanks|all the best|best\b,|"
    r"cordialement|bien cordialement|(?:sincères |meilleures |bonnes )?salutations|bien à vous|"
    r"amicalement|merci\b,|"
    r"(?:un )?(?:cordial )?saludos?\b|atentamente|cordialmente|muchas gracias,|"
    r"(?:cordiali|distinti) saluti|grazie\b,|met (?:vriendelijke|hartelijke) groet(?:en)?|(?:vriendelijke|"
    r"hartelijke) groet|groeten\b|"
    r"atenciosamente|cumprimentos|com os melhores cumprimentos|abraços?\b|obrigad[oa],|"
    r"(?:med )?(?:vänlig\w*|bästa|hjärtlig\w*) hälsning\w*|hälsning\w*|mvh\b|"
    r"(?:med )?(?:venlig|vennlig|bedste|beste|kærlig)\w* hils(?:en|ner)|hilsen\b|"
    r"(?:z |łączę )?(?:poważaniem|wyrazami szacunku|pozdrowieni\w+)|pozdrawiam|s (?:pozdravem|úctou|"
    r"přátelským pozdravem)|"
    r"(?:ystävällisin |parhain )?terve(?:isin|isiä)|с уважением|敬具|よろしくお願い)",
    re.IGNORECASE,
)
# The first two letters of each that is in ASCII.
CLOSING_BEGINNINGS = frozenset({
    "ab", "al", "am", "at", "be", "bi", "bo", "ch", "co", "cu", "di", "fr", "gr", "ha", "he", "hi", "hj",
    "ho", "ki", "lg", "li", "ma", "me", "mf", "mi", "mu", "mv", "ob", "pa", "po", "re", "s ", "sa", "sc",
    "si", "so", "te", "th", "un", "ve", "vg", "vi", "vr", "wa", "wi", "wy", "yo", "ys", "z ",
})  # fmt: skip
POSTSCRIPT = re.compile(r"\s*p\.?\s?s\b\.?", re.IGNORECASE)
CONTACT = re.compile(
    r"https?://|\bwww\.|[\w.+-]{1,64}@[\w-]{1,64}\.|\b(?:tel|phone|fon|telefon|tél|mob|mobile|fax|ph|t|"
    r"m)\b\.? ?:? ?\+?[\d(]|"
    r"\+\d[\d ()./-]{7,}",
    re.IGNORECASE,
)
