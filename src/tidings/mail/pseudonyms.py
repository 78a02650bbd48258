"""What is kept of a server's words where the addresses in them must not be. Pure."""

from __future__ import annotations

import re

# Also with a quoted local part, a host's number for a domain (RFC 5321 section 4.1.2), or its @ encoded (RFC 2047).
_ADDRESSES = re.compile(
    r'(?:"[^"]{1,64}"|[^\s<>()\[\],;:"]{1,64})(?: @ |[@＠]|=40|&#64;)(?:\[[^\]]{1,64}\]|[^\s<>()\[\],;:"]{1,255})'
)
_LONGEST_WORDS = 500


def anonymous(words: str) -> str:
    """What a server said on one line, cut, with an ellipsis for each address."""
    return " ".join(_ADDRESSES.sub("…", words[: 4 * _LONGEST_WORDS]).split())[:_LONGEST_WORDS]
