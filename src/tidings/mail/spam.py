"""What SpamAssassin thinks of a mail, where it is installed. It runs with its local rules only, so no mail and no
address in it becomes known to anybody."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
from dataclasses import dataclass

from tidings.mail.findings import Finding, red, yellow

REFUSED = 5.0
"""Points from which SpamAssassin's own default calls a mail spam."""

NOTABLE = 0.5
"""Points above which something in the mail is worth a look: a well-made digest has 0.0."""

_SECONDS = 60
# No database of the user's is asked or taught, and the headers say all there is to know.
_SETTINGS = ("use_bayes 0", "report_safe 0", "add_header all Scores _TESTSSCORES(,)_")
_STATUS = re.compile(r"\b(?:score|hits)=(-?\d+(?:\.\d+)?)")
_RULE = re.compile(r"([A-Z][A-Z0-9_]+)=(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """Points, more is worse, and the rules that gave them: each with its own, the worst first."""

    score: float
    rules: tuple[tuple[str, float], ...]


def spam_score(message: bytes) -> SpamVerdict | None:
    """Runs SpamAssassin on a message; takes seconds. None where it is not installed, or gives no answer."""
    program = shutil.which("spamassassin")
    if program is None:
        return None
    settings = [f"--cf={setting}" for setting in _SETTINGS]
    command = [program, "--local", "--test-mode", "--nocreate-prefs", *settings]
    try:
        done = subprocess.run(command, input=message, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _verdict(done.stdout) if done.returncode == 0 else None


def judge_spam(verdict: SpamVerdict) -> list[Finding]:
    """The verdict as a finding; none when there is nothing to say."""
    if verdict.score < NOTABLE:
        return []
    rules = ", ".join(f"{name} {points:g}" for name, points in verdict.rules if points > 0)
    message = f"SpamAssassin gives {verdict.score:g} points (spam from {REFUSED:g}): {rules or 'no rule named'}."
    return [red("spam", message) if verdict.score >= REFUSED else yellow("spam", message)]


def _verdict(answer: bytes) -> SpamVerdict | None:
    """SpamAssassin takes X-Spam headers out that were there before, so these are its own."""
    head = email.message_from_bytes(answer.partition(b"\n\n")[0])
    score = _STATUS.search(str(head["X-Spam-Status"] or ""))
    if not score:
        return None
    rules = [(name, float(points)) for name, points in _RULE.findall(str(head["X-Spam-Scores"] or ""))]
    # It writes -0.0 for a mail with only the rules that say nothing.
    return SpamVerdict(float(score[1]) + 0.0, tuple(sorted(rules, key=lambda rule: -rule[1])))
