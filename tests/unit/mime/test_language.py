"""In which language a text is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.language import LANGUAGES, language_of

TEXTS = {
    "ca": "Bon dia, us escric perquè la comanda que vaig fer la setmana passada encara no ha arribat a "
    "casa meva.",
    "da": "Hej, jeg skriver til jer, fordi den vare, som jeg bestilte for en uge siden, endnu ikke er "
    "kommet. Kan I sige, hvornår den kommer, og om der er noget, jeg skal gøre?",
    "de": "Guten Tag, ich habe vor einer Woche ein Buch bei Ihnen bestellt, und es ist noch nicht da. "
    "Können Sie mir bitte sagen, wann es kommt und ob ich noch etwas tun muss?",
    "en": "Hello, I ordered a book from you a week ago and it has not arrived yet. Could you please tell "
    "me when it will come and if there is anything that I have to do?",
    "es": "Hola, les escribo porque el pedido que hice la semana pasada todavía no ha llegado. ¿Me pueden "
    "decir cuándo llega y si tengo que hacer algo más?",
    "fr": "Bonjour, je vous écris parce que la commande que j'ai passée il y a une semaine n'est pas "
    "arrivée. Pouvez-vous me dire quand elle sera chez moi et si je dois faire quelque chose pour "
    "cela ?",
    "it": "Buongiorno, vi scrivo perché il pacco che ho ordinato la settimana scorsa non è ancora "
    "arrivato. Mi potete dire quando arriva e se devo fare qualcosa?",
    "nl": "Hallo, ik schrijf u omdat het boek dat ik een week geleden bij u heb besteld nog niet is "
    "aangekomen. Kunt u mij zeggen wanneer het komt en of ik nog iets moet doen?",
    "pt": "Olá, escrevo porque o livro que comprei na semana passada ainda não chegou. Podem dizer-me "
    "quando chega e se tenho de fazer mais alguma coisa?",
    "sv": "Hej, jag skriver till er för att den bok som jag beställde för en vecka sedan inte har kommit "
    "än. Kan ni säga när den kommer och om det är något som jag ska göra?",
}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_few_sentences_tell_the_language(language: str) -> None:
    """Some by their small words, the others by the model: neighbours are not taken for each other."""
    assert language_of(TEXTS[language]) == language
    assert language_of(TEXTS[language].upper()) == language


@pytest.mark.parametrize(
    "text",
    ["", "ok", "the of and to", "192.0.2.1 192.0.2.2 192.0.2.3", "x = f(y) for y in z if y", "the " * 5],
)
def test_too_little_tells_nothing(text: str) -> None:
    assert language_of(text) == ""


def test_addresses_and_links_say_nothing() -> None:
    links = "https://www.example.org/the-and-of-to-for-with a@of.example.org www.example.org/is-the-of\n" * 4
    assert language_of(links + TEXTS["de"]) == "de"


@settings(deadline=None)
@given(st.lists(st.sampled_from([word for text in TEXTS.values() for word in text.split()]), max_size=60))
def test_any_mixture_has_one_language_or_none(words: list[str]) -> None:
    assert language_of(" ".join(words)) in LANGUAGES | {""}
