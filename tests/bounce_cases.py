"""What each message of the corpus of returned mail means.

The messages are made up, from the formats of the mail systems they are named after; names and addresses are nobody's.
Those called held-postfix-… were made by a Postfix 3.7; only names, addresses and dates are changed in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tidings.model import Meaning, ReturnedKind

FOLDER = Path(__file__).resolve().parent / "bounce_corpus"

ORIGINAL_ID = "<weekly.7.5f0c1a9be2d34471@digest.example>"
"""The message that all those that came back answer."""


class Case(NamedTuple):
    """What is expected of a message: its kind, and its first report (of a complaint, who complained). `answers` says
    whether it names the message that it answers."""

    kind: ReturnedKind
    address: str = ""
    status: str = ""
    meaning: Meaning | None = None
    permanent: bool | None = None
    answers: bool = True


def message(name: str) -> bytes:
    """A message of the corpus."""
    return (FOLDER / f"{name}.eml").read_bytes()


CASES: dict[str, Case] = {
    "postfix-user-unknown": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "postfix-lying-code-spam": Case("bounce", "ada@reader.example", "5.1.1", "policy", True),
    "postfix-spamhaus": Case("bounce", "ada@reader.example", "5.7.1", "policy", True),
    "postfix-quota-wrong-code": Case("bounce", "ada@reader.example", "5.7.1", "mailbox-full", False),
    "postfix-greylist-expired": Case("bounce", "ada@reader.example", "4.7.1", "temporary", False),
    "postfix-filter-host-name": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "postfix-host-not-found": Case("bounce", "ada@reader.example", "5.4.4", "relay-or-dns", False),
    "postfix-delayed": Case("delayed", "ada@reader.example", "4.4.1", "relay-or-dns", False),
    "postfix-delivered": Case("delivered", "ada@reader.example", "2.0.0", "unknown", False),
    "postfix-two-recipients": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "postfix-plain-old": Case("bounce", "ada@reader.example", "", "address-dead", True),
    "gmail-no-account": Case("bounce", "grace@gmail.example", "5.1.1", "address-dead", True),
    "gmail-over-quota": Case("bounce", "grace@gmail.example", "5.2.2", "mailbox-full", False),
    "gmail-unauthenticated": Case("bounce", "grace@gmail.example", "5.7.26", "policy", True),
    "gmail-disabled": Case("bounce", "grace@gmail.example", "5.2.1", "mailbox-disabled", True),
    "gmail-rate": Case("bounce", "grace@gmail.example", "4.2.1", "rate-limited", False),
    "gmail-delay-german": Case("delayed", "grace@gmail.example", "4.4.1", "relay-or-dns", False),
    "gmail-old-plain": Case("bounce", "grace@gmail.example", "5.1.1", "address-dead", True),
    "exchange-not-found": Case("bounce", "linus@corp.example", "5.1.10", "address-dead", True),
    "exchange-directory-edge": Case("bounce", "linus@corp.example", "5.4.1", "address-dead", True),
    "exchange-not-allowed": Case("bounce", "linus@corp.example", "5.7.133", "policy", True),
    "exchange-quota": Case("bounce", "linus@corp.example", "5.2.2", "mailbox-full", False),
    "exchange-too-large-french": Case("bounce", "linus@corp.example", "5.3.4", "too-large", True),
    "exchange-generic-status": Case("bounce", "linus@corp.example", "5.1.1", "address-dead", True),
    "exchange-no-diagnostic-spanish": Case("bounce", "linus@corp.example", "5.1.1", "address-dead", True),
    "exchange-old-text": Case("bounce", "linus@corp.example", "", "address-dead", True, answers=False),
    "exchange-old-text-german": Case("bounce", "linus@corp.example", "5.2.2", "mailbox-full", False, answers=False),
    "exim-user-unknown": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "exim-unrouteable": Case("bounce", "ada@reader.example", "", "address-dead", True),
    "exim-policy-after-data": Case("bounce", "ada@reader.example", "", "policy", True),
    "exim-retry-timeout": Case("bounce", "ada@reader.example", "", "relay-or-dns", False),
    "exim-warning": Case("delayed", "ada@reader.example", "4.7.1", "temporary", False, answers=False),
    "sendmail-dsn": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "sendmail-transcript-only": Case("bounce", "ada@reader.example", "", "address-dead", True),
    "sendmail-warning": Case("delayed", "ada@reader.example", "4.2.2", "mailbox-full", False),
    "qmail-no-mailbox": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "qmail-over-quota": Case("bounce", "ada@reader.example", "", "mailbox-full", False),
    "qmail-remote-policy": Case("bounce", "ada@reader.example", "5.7.1", "policy", True),
    "qmail-cname": Case("bounce", "ada@reader.example", "4.4.3", "relay-or-dns", False),
    "yahoo-text": Case("bounce", "ada@yahoo.example", "", "mailbox-disabled", True),
    "yahoo-no-account": Case("bounce", "ada@yahoo.example", "", "address-dead", True),
    "aol-complaints-rate": Case("bounce", "ada@aol.example", "4.7.0", "rate-limited", False),
    "outlook-unavailable": Case("bounce", "ada@outlook.example", "5.5.0", "address-dead", True),
    "outlook-blocklist": Case("bounce", "ada@outlook.example", "5.7.1", "policy", True),
    "icloud-dmarc": Case("bounce", "ada@cloud.example", "5.7.1", "policy", True),
    "virus-refused": Case("bounce", "ada@reader.example", "5.7.1", "content-refused", True),
    "too-large": Case("bounce", "ada@reader.example", "5.3.4", "too-large", True),
    "opensmtpd-error-action": Case("bounce", "ada@reader.example", "5.0.0", "address-dead", True),
    "domino-notes": Case("bounce", "ada@notes.example", "5.1.1", "address-dead", True),
    "groupwise": Case("bounce", "ada@gw.example", "", "mailbox-full", False, answers=False),
    "dsn-wrong-type": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "dsn-no-blank-lines": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "dsn-boundary-lost": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "dsn-global-utf8": Case("bounce", "дана@читатель.example", "5.1.1", "address-dead", True),
    "relay-denied": Case("bounce", "ada@reader.example", "5.7.1", "relay-or-dns", False),
    "sender-domain-policy": Case("bounce", "ada@reader.example", "5.1.8", "policy", True),
    "163-chinese": Case("bounce", "mei@one.example", "", "address-dead", True, answers=False),
    "qq-chinese-full": Case("bounce", "mei@two.example", "", "mailbox-full", False, answers=False),
    "chinese-spam": Case("bounce", "mei@one.example", "", "policy", True, answers=False),
    "russian-unknown": Case("bounce", "olga@pochta.example", "", "address-dead", True),
    "russian-full": Case("bounce", "olga@pochta.example", "", "mailbox-full", False, answers=False),
    "japanese-unknown": Case("bounce", "hana@keitai.example", "", "address-dead", True, answers=False),
    "japanese-full": Case("bounce", "hana@keitai.example", "", "mailbox-full", False, answers=False),
    "arabic-unknown": Case("bounce", "layla@barid.example", "", "address-dead", True, answers=False),
    "french-full": Case("bounce", "luc@courrier.example", "", "mailbox-full", False, answers=False),
    "spanish-unknown": Case("bounce", "eva@correo.example", "", "address-dead", True, answers=False),
    "vacation-en": Case("auto-reply"),
    "vacation-de": Case("auto-reply"),
    "vacation-fr": Case("auto-reply"),
    "vacation-es": Case("auto-reply"),
    "vacation-ru": Case("auto-reply"),
    "vacation-ja": Case("auto-reply"),
    "vacation-zh": Case("auto-reply"),
    "vacation-ar": Case("auto-reply"),
    "vacation-precedence": Case("auto-reply"),
    "left-the-company": Case("auto-reply"),
    "reply-quotes-unsubscribe": Case("auto-reply"),
    "challenge-tmda": Case("auto-reply"),
    "challenge-boxtrapper": Case("auto-reply"),
    "receipt-deleted": Case("auto-reply"),
    "arf-abuse": Case("complaint", "ada@reader.example"),
    "arf-headers-only": Case("complaint", "ada@reader.example"),
    "arf-not-spam": Case("unknown"),
    "arf-auth-failure": Case("unknown"),
    "microsoft-jmrp": Case("complaint", "ada@reader.example"),
    "unsubscribe-en": Case("unsubscribe", answers=False),
    "unsubscribe-de": Case("unsubscribe", answers=False),
    "unsubscribe-fr": Case("unsubscribe", answers=False),
    "unsubscribe-es": Case("unsubscribe", answers=False),
    "unsubscribe-ru": Case("unsubscribe", answers=False),
    "unsubscribe-ja": Case("unsubscribe", answers=False),
    "unsubscribe-zh": Case("unsubscribe", answers=False),
    "unsubscribe-ar": Case("unsubscribe", answers=False),
    "unsubscribe-re": Case("unsubscribe", answers=False),
    "unsubscribe-by-address": Case("unknown", answers=False),
    "unsubscribe-first-line": Case("unsubscribe"),
    "quoted-digest": Case("unknown"),
    "letter-about-unsubscribing": Case("unknown", answers=False),
    "forwarded-bounce": Case("unknown", answers=False),
    "other-newsletter": Case("unknown", answers=False),
    "nameless-postmaster": Case("bounce", "ada@reader.example", "", "address-dead", True, answers=False),
    "smtp32": Case("bounce", "ada@reader.example", "", "unknown", True),
    "interscan": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True, answers=False),
    "report-without-fields": Case("bounce", "ada@reader.example", "5.3.0", "address-dead", True),
    "version-is-no-code": Case("bounce", "ada@corp.example", "", "address-dead", True, answers=False),
}
"""The messages that the rules were written with."""

HELD_OUT: dict[str, Case] = {
    "held-mdaemon": Case("bounce", "ada@office.example", "", "address-dead", True, answers=False),
    "held-postfix-banner": Case("bounce", "ada@reader.example", "5.7.1", "policy", True),
    "held-postfix-expired": Case("bounce", "ada@reader.example", "4.4.1", "relay-or-dns", False),
    "held-postfix-hops": Case("bounce", "ada@reader.example", "5.4.0", "relay-or-dns", False),
    "held-postfix-own-mailbox": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "held-postfix-several-lines": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "held-postfix-size-of-next-hop": Case("bounce", "ada@reader.example", "5.3.4", "too-large", True),
    "held-postfix-tls-expired": Case("bounce", "ada@reader.example", "4.7.4", "temporary", False),
    "held-postfix-utf8": Case("bounce", "jörg@reader.example", "5.6.7", "content-refused", True),
    "held-courier": Case("bounce", "ada@small.example", "5.0.0", "address-dead", True),
    "held-zimbra-quota": Case("bounce", "ada@uni.example", "4.2.2", "mailbox-full", False),
    "held-mimecast": Case("bounce", "ada@firm.example", "5.0.0", "policy", True),
    "held-proofpoint-reputation": Case("bounce", "ada@firm.example", "5.7.0", "policy", True),
    "held-proofpoint-unknown": Case("bounce", "ada@firm.example", "5.1.1", "address-dead", True),
    "held-haraka": Case("bounce", "ada@reader.example", "5.1.1", "address-dead", True),
    "held-yandex": Case("bounce", "olga@ya.example", "5.7.1", "policy", True),
    "held-mailru": Case("bounce", "olga@pochta.example", "", "address-dead", True),
    "held-webde": Case("bounce", "ada@webpost.example", "", "address-dead", True),
    "held-tonline-limit": Case("bounce", "ada@tnet.example", "5.7.0", "policy", True),
    "held-orange": Case("bounce", "luc@citron.example", "5.2.0", "policy", True),
    "held-free-throttle": Case("bounce", "luc@libre.example", "4.0.0", "policy", False),
    "held-libero-full": Case("bounce", "eva@liberta.example", "5.2.2", "mailbox-full", False),
    "held-docomo": Case("bounce", "hana@keitai.example", "5.0.0", "address-dead", True),
    "held-qq-frequency": Case("bounce", "mei@two.example", "5.0.0", "rate-limited", False),
    "held-exchange-russian": Case("bounce", "linus@corp.example", "5.1.1", "address-dead", True),
    "held-exchange-hop": Case("bounce", "linus@corp.example", "5.4.14", "relay-or-dns", False),
    "held-sieve-reject": Case("bounce", "ada@uni.example", "", "mailbox-full", False),
    "held-zoho-blocked": Case("bounce", "ada@suite.example", "5.1.1", "policy", True),
    "held-polish": Case("bounce", "jan@poczta.example", "5.1.1", "address-dead", True),
    "held-portuguese-full": Case("bounce", "rui@correio.example", "", "mailbox-full", False, answers=False),
    "held-delayed-exchange": Case("delayed", "linus@corp.example", "4.4.7", "relay-or-dns", False),
    "held-delivered-exchange": Case("delivered", "linus@corp.example", "2.0.0", "unknown", False),
    "held-vacation-bare-null-path": Case("unknown"),
    "held-vacation-dutch": Case("auto-reply"),
    "held-vacation-polish": Case("auto-reply"),
    "held-ticket": Case("auto-reply"),
    "held-challenge-spamarrest": Case("auto-reply"),
    "held-arf-fraud": Case("complaint", "ada@reader.example"),
    "held-unsubscribe-gmail": Case("unsubscribe", answers=False),
    "held-unsubscribe-italian": Case("unsubscribe", answers=False),
    "held-unsubscribe-html": Case("unsubscribe", answers=False),
    "held-human-about-spam": Case("unknown"),
    "held-human-vacation-subject": Case("unknown"),
}
"""Messages written when the rules were done, to know how well they do with what they have not seen."""
