"""How long does a post take to read? Its HTML and text in, minutes out. Pure."""

from __future__ import annotations

import re

_WORDS = 230  # a minute, read silently
_SIGNS = 500  # a minute, of Chinese and Japanese
_SIGNS_A_WORD = 5  # in other scripts without spaces, those of Thai, Lao, Burmese and Khmer
_SECONDS_A_PICTURE = 10
_MOST_PICTURES = 10

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_WORD = re.compile(r"\S*\w\S*")

_TAIL = 300  # characters at the end of a text that are looked at
# WordPress puts it behind its excerpts, too.
_APPEARED = re.compile(r"\s*The post [^\n]* (?:appeared first|first appeared) on [^\n]*\Z")
_BROKEN_OFF = re.compile(
    r"(?:…|\.\.\.)[\s\]).»›→>]*\Z"
    r"|(?:…|\.\.\.|\n|\A)[^\w\n]*(?:more(?=\W*\Z)|(?:continue|keep) reading|read (?:the )?(?:more|rest|full)|"
    r"weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|continua a leggere|leia mais|lees verder|"
    r"читать далее|続きを読む|阅读全文|اقرأ المزيد)[^\n]{0,100}\Z",
    re.IGNORECASE,
)


def reading_minutes(html: str, text: str) -> int:
    """Minutes that a whole post takes to read, `text` being that of its clean `html`; 0 for less than one, and where
    that is not known because the feed gives only the beginning, or its text was pruned."""
    if _breaks_off(text):
        return 0
    pictures = min(html.count("<img"), _MOST_PICTURES) if text else 0
    minutes = _words(text) / _WORDS + len(_CJK.findall(text)) / _SIGNS + pictures * _SECONDS_A_PICTURE / 60
    return 0 if minutes < 1 else int(minutes + 0.5)


def _words(text: str) -> float:
    spaced = _UNSPACED.sub(" ", _CJK.sub(" ", text))
    return len(_WORD.findall(spaced)) + len(_UNSPACED.findall(text)) / _SIGNS_A_WORD


def _breaks_off(text: str) -> bool:
    """Whether a text says that there is more of it: dots at its end, or a link to the rest."""
    end = _APPEARED.sub("", text[-2 * _TAIL :].rstrip())
    return bool(_BROKEN_OFF.search(end[-_TAIL:]))
