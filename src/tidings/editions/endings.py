"""Does a text say at its end that it is only a beginning? Plain text in. Pure; takes linear time."""

from __future__ import annotations

import re

_TAIL = 300  # characters at the end of a text that are looked at
# WordPress puts it behind its excerpts, too.
_APPEARED = re.compile(r"\s*The post [^\n]* (?:appeared first|first appeared) on [^\n]*\Z")
_REST = (
    r"(?:more(?=\W*\Z)|(?:continue|keep) reading|read (?:the )?(?:more|rest|full)|"
    r"weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|continua a leggere|leia mais|lees verder|"
    r"читать далее|続きを読む|阅读全文|اقرأ المزيد)[^\n]{0,100}\Z"
)
_BROKEN_OFF = re.compile(
    rf"(?:…|\.\.\.)[\s\]).»›→>]*\Z|(?:…|\.\.\.|\n|\A)[^\w\n]*{_REST}",
    re.IGNORECASE,
)
_WAY_ON = re.compile(rf"[^\w\n]*{_REST}", re.IGNORECASE)


def breaks_off(text: str) -> bool:
    """Whether a text says that there is more of it: dots at its end, or a link to the rest."""
    end = _APPEARED.sub("", text[-2 * _TAIL :].rstrip())
    return bool(_BROKEN_OFF.search(end[-_TAIL:]))


def leads_away(paragraph: str) -> bool:
    """Whether a paragraph only says where the rest of a text is: "Continue reading", or where it appeared first."""
    end = paragraph.strip()
    return len(end) <= _TAIL and (bool(_APPEARED.fullmatch(end)) or bool(_WAY_ON.match(end)))
