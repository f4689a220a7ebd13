"""What a patient asks for by answering a text message with one word, in any language that Stride writes."""

from collections.abc import Mapping
from typing import Final, Literal
from unicodedata import category, combining, normalize

Asked = Literal["stop", "start", "help"]


def keyword(text: str) -> Asked | None:
    """What one word asks for, whatever its capitals, accents and punctuation; nothing for any other answer."""
    return _KEYWORDS.get(_plain(text))


def _plain(text: str) -> str:
    letters = normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in letters if not combining(letter) and category(letter)[0] in "LNZ")
    return " ".join(kept.split())


_WORDS: Final[Mapping[Asked, str]] = {
    "stop": "stop stopall unsubscribe cancel end quit revoke optout baja alto parar cancelar stopp abmelden ende arrêt"
    " arrêter désabonner إيقاف توقف الغاء",
    "start": "start unstop yes alta sí si oui démarrer ja anmelden ابدأ نعم",
    "help": "help info ayuda hilfe aide مساعدة",
}
_KEYWORDS: Final[Mapping[str, Asked]] = {
    _plain(word): asked for asked, words in _WORDS.items() for word in words.split()
}
