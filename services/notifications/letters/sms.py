"""How long a text message is: GSM 03.38 counts septets, and one character outside it makes all of it UCS-2."""

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Each takes an escape and a septet."""
_GSM_ALONE, _GSM_PART = 160, 153
_UCS_ALONE, _UCS_PART = 70, 67


def is_gsm(text: str) -> bool:
    """Whether all of `text` fits GSM 03.38's default alphabet."""
    return _BASIC.union(_EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """How many messages a phone gets, and the clinic pays: 160 septets or 70 UCS-2 units alone, 153 or 67 joined."""
    if is_gsm(text):
        return _parts(len(text) + sum(character in _EXTENDED for character in text), _GSM_ALONE, _GSM_PART)
    return _parts(len(text.encode("utf-16-be")) // 2, _UCS_ALONE, _UCS_PART)


def plain(text: str) -> str:
    """`text` with the spaces that a phone knows: dates bring narrow and unbreakable ones."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def _parts(length: int, alone: int, part: int) -> int:
    return 1 if length <= alone else -(-length // part)
