"""How long does a post take to read? Its HTML and text in, minutes out. Pure."""

from __future__ import annotations

import re

from tidings.editions.endings import breaks_off

_WORDS = 230  # a minute, read silently
_SIGNS = 500  # a minute, of Chinese and Japanese
_SIGNS_A_WORD = 5  # in other scripts without spaces, those of Thai, Lao, Burmese and Khmer
_SECONDS_A_PICTURE = 10
_MOST_PICTURES = 10

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_WORD = re.compile(r"\S*\w\S*")


def reading_minutes(html: str, text: str) -> int:
    """Minutes that a whole post takes to read, `text` being that of its clean `html`; 0 for less than one, and where
    that is not known because the feed gives only the beginning, or its text was pruned."""
    if breaks_off(text):
        return 0
    pictures = min(html.count("<img"), _MOST_PICTURES) if text else 0
    minutes = _words(text) / _WORDS + len(_CJK.findall(text)) / _SIGNS + pictures * _SECONDS_A_PICTURE / 60
    return 0 if minutes < 1 else int(minutes + 0.5)


def _words(text: str) -> float:
    spaced = _UNSPACED.sub(" ", _CJK.sub(" ", text))
    return len(_WORD.findall(spaced)) + len(_UNSPACED.findall(text)) / _SIGNS_A_WORD
