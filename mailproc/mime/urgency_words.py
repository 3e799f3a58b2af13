"""How urgent and how angry a text is, by words that say so in the languages of mail.

A table and a sum, nothing learnt: what counts stands here, and what was found is returned with it. A word
counts once however often it stands there. The words are tokens (mime/tokens.py): one word, or two side by
side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise

from mailproc.mime.tokens import MOST_SUBJECT, distinct_words, words_in

MOST_REASONS = 5

# language → words; strong ones are worth 0.6, weak ones 0.25; "," divides.
_STRONG = {
    "en": "urgent,urgently,asap,emergency,immediately,immediate action,right away,as soon,at once,"
    "top priority,"
    "critical,production down,system down,highest priority,time critical",
    "de": "dringend,dringende,dringender,eilt,eilig,sofort,sofortige,sofortigen,unverzüglich,notfall,"
    "schnellstmöglich,so schnell,schnellstens,umgehend,umgehende,äußerst dringend,höchste priorität",
    "fr": "urgent,urgente,urgence,immédiatement,immédiat,immédiate,au plus,dès que,sans délai,sans tarder,"
    "prioritaire",
    "es": "urgente,urgentemente,urgencia,inmediatamente,inmediato,inmediata,de inmediato,cuanto antes,"
    "lo antes,"
    "emergencia",
    "pt": "urgente,urgentemente,urgência,imediatamente,imediato,imediata,o quanto,mais rápido,emergência",
    "it": "urgente,urgentemente,urgenza,immediatamente,immediato,subito,al più,quanto prima,emergenza",
    "nl": "dringend,dringende,spoed,spoedeisend,onmiddellijk,direct actie,zo snel,zo spoedig,noodgeval",
    "sv": "brådskande,akut,omedelbart,omgående,snarast,så fort,så snart",
    "da": "haster,hurtigst muligt,øjeblikkeligt,omgående,akut,snarest",
    "no": "haster,snarest mulig,umiddelbart,øyeblikkelig,akutt,så raskt",
    "pl": "pilne,pilnie,pilna,natychmiast,natychmiastowa,niezwłocznie,jak najszybciej,awaria",
    "cs": "naléhavé,naléhavě,okamžitě,ihned,neprodleně,co nejdříve",
    "ru": "срочно,срочный,срочная,немедленно,как можно,незамедлительно,безотлагательно",
    "tr": "acil,acilen,derhal,hemen,ivedi",
    "fi": "kiireellinen,kiireellisesti,heti,välittömästi,pikaisesti",
    "ja": "至急,緊急,急ぎ,早急,直ち",
    "zh": "紧急,緊急,尽快,盡快,立即,马上,加急",
    "ko": "긴급,급히,즉시,시급",
}
_WEAK = {
    "en": "deadline,overdue,waiting,still waiting,reminder,second time,third time,final notice,"
    "last warning,blocked,"
    "cannot work,outage,today",
    "de": "frist,fristablauf,überfällig,warte,warten,mahnung,erinnerung,zum zweiten,zum dritten,"
    "letzte mahnung,"
    "blockiert,ausfall,heute noch,noch heute",
    "fr": "délai,échéance,en retard,relance,rappel,deuxième fois,troisième fois,bloqué,bloquée,panne,"
    "aujourd'hui",
    "es": "plazo,vencido,esperando,recordatorio,segunda vez,tercera vez,bloqueado,bloqueada,hoy mismo",
    "pt": "prazo,vencido,aguardando,lembrete,segunda vez,terceira vez,bloqueado,hoje mesmo",
    "it": "scadenza,scaduto,sollecito,in attesa,seconda volta,terza volta,bloccato,oggi stesso",
    "nl": "deadline,verlopen,herinnering,wacht nog,tweede keer,derde keer,vandaag nog",
    "sv": "tidsfrist,påminnelse,väntar fortfarande,andra gången,redan idag",
    "da": "frist,rykker,påmindelse,venter stadig,anden gang",
    "pl": "termin,zaległe,przypomnienie,czekam,ponownie,po raz",
    "ru": "срок,просрочен,напоминание,повторно,жду",
}
_ANGRY = {
    "en": "unacceptable,ridiculous,disgusting,outrageous,terrible,horrible,worst,complaint,complain,"
    "lawyer,attorney,"
    "legal action,sue,refund immediately,scam,fraud,disappointed,very disappointed,frustrated,frustrating,"
    "angry,"
    "furious,fed up,never again,waste of,consumer protection",
    "de": "unverschämt,unverschämtheit,frechheit,inakzeptabel,unakzeptabel,unmöglich,beschwerde,"
    "beschweren,anwalt,"
    "rechtsanwalt,anzeige,klage,betrug,abzocke,enttäuscht,sehr enttäuscht,verärgert,wütend,stinksauer,"
    "nie wieder,verbraucherzentrale,skandal,zumutung",
    "fr": "inacceptable,inadmissible,scandaleux,honteux,honte,réclamation,plainte,avocat,arnaque,"
    "escroquerie,déçu,"
    "déçue,furieux,furieuse,plus jamais,ras le,lamentable",
    "es": "inaceptable,indignante,vergüenza,vergonzoso,queja,reclamación,abogado,estafa,fraude,decepcionado,"
    "decepcionada,furioso,furiosa,nunca más,pésimo,pésima",
    "pt": "inaceitável,absurdo,vergonha,vergonhoso,reclamação,queixa,advogado,golpe,fraude,decepcionado,"
    "decepcionada,"
    "nunca mais,péssimo,péssima",
    "it": "inaccettabile,vergognoso,vergogna,reclamo,avvocato,truffa,deluso,delusa,furioso,furiosa,"
    "mai più,pessimo",
    "nl": "onacceptabel,belachelijk,schandalig,klacht,advocaat,oplichting,teleurgesteld,boos,woedend,"
    "nooit meer",
    "sv": "oacceptabelt,skandal,klagomål,advokat,bedrägeri,besviken,arg,aldrig mer",
    "da": "uacceptabelt,skandale,klage,advokat,svindel,skuffet,vred,aldrig mere",
    "pl": "niedopuszczalne,skandal,skarga,reklamacja,adwokat,prawnik,oszustwo,rozczarowany,rozczarowana,"
    "nigdy więcej",
    "ru": "недопустимо,безобразие,жалоба,претензия,адвокат,мошенничество,обман,разочарован,возмущен,"
    "никогда больше",
}
_NEGATED = frozenset({
    "not urgent", "nicht dringend", "pas urgent", "no urgente", "non urgente", "não urgente", "niet dringend",
    "no rush", "no hurry", "keine eile",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """From 0.0 to 1.0, and the words that say so."""

    value: float
    reasons: tuple[str, ...] = ()


NOTHING = Weighed(0.0)


def _table(*sources: tuple[Mapping[str, str], float]) -> Mapping[str, float]:
    return {word: worth for words, worth in sources for line in words.values() for word in line.split(",")}


def _pairs(*tables: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """What is two words, by its words."""
    found = {}
    for phrase in (phrase for table in tables for phrase in table):
        one, space, other = phrase.partition(" ")
        if space:
            found[phrase] = (one, other)
    return found


_URGENT = _table((_WEAK, 0.25), (_STRONG, 0.6))
_TONE = _table((_ANGRY, 0.4))


_URGENT_WORDS, _TONE_WORDS = frozenset(_URGENT), frozenset(_TONE)
_SINGLE = _URGENT_WORDS | _TONE_WORDS
_DOUBLE = _pairs(_URGENT, _TONE, _NEGATED)


def telling_words(subject: str, text: str) -> frozenset[str]:
    """Of ``text_tokens(subject, text)`` those that count here, found three times as fast."""
    words = distinct_words(text)
    found = _SINGLE & words.union(words_in(subject)[:MOST_SUBJECT])
    if any(one in words and other in words for one, other in _DOUBLE.values()):
        found |= _DOUBLE.keys() & set(map(" ".join, pairwise(words_in(text))))
    return found


def urgency_of(tokens: Set[str]) -> Weighed:
    """How urgent; 0.6 for one plain word such as "urgent"."""
    if not _NEGATED.isdisjoint(tokens):
        return NOTHING
    return _weigh(_URGENT_WORDS & tokens, _URGENT)


def anger_of(tokens: Set[str]) -> Weighed:
    """How angry: complaints, threats of a lawyer, insults."""
    return _weigh(_TONE_WORDS & tokens, _TONE)


def _weigh(found: Set[str], table: Mapping[str, float]) -> Weighed:
    """Each further word takes its share of what is left to 1.0."""
    if not found:
        return NOTHING
    reasons = sorted(found, key=lambda word: (-table[word], word))
    left = math.prod([1.0 - table[word] for word in reasons])  # in one order, so that it is rounded alike
    return Weighed(round(1.0 - left, 2), tuple(reasons[:MOST_REASONS]))
