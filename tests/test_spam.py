"""What SpamAssassin says, asked for real: little about a digest, everything about its own test message."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.judged_mail import packed, rendered
from tidings.mail.spam import SpamVerdict, judge_spam, spam_score

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@pytest.fixture
def _spamassassin() -> None:
    if shutil.which("spamassassin"):
        return
    if os.environ.get("CI"):
        pytest.fail("SpamAssassin is not installed, and CI must run this test.")
    pytest.skip("SpamAssassin is not installed.")


@pytest.mark.usefixtures("_spamassassin")
def test_a_digest_is_no_spam() -> None:
    """A whole issue as it is mailed has next to no points, and each rule that looked at it is named."""
    verdict = spam_score(packed(rendered()))
    assert verdict
    assert verdict.score < 0.5
    assert "HTML_MESSAGE" in dict(verdict.rules)
    assert judge_spam(verdict) == []


@pytest.mark.usefixtures("_spamassassin")
def test_the_test_message_of_spamassassin_is_spam() -> None:
    """GTUBE, which every filter has to find, is red with the rule that found it; a header in the mail fools nobody."""
    mail = rendered()
    message = packed(replace(mail, text=f"{GTUBE}\n{mail.text}"))
    verdict = spam_score(b"X-Spam-Status: No, score=-99.0\r\nX-Spam-Scores: NICE=-99\r\n" + message)
    assert verdict
    assert verdict.score >= 900  # MAILING_LIST_MULTI takes a point off.
    assert verdict.rules[0] == ("GTUBE", 1000.0)
    (finding,) = judge_spam(verdict)
    assert (finding.level, finding.rule, "GTUBE 1000" in finding.message) == ("red", "spam", True)


@pytest.mark.usefixtures("_spamassassin")
def test_any_bytes_can_be_asked_about() -> None:
    """What is no mail gets an answer as well, or none, but no exception."""
    for message in (b"", b"\x00\xff\r\n" * 50):
        verdict = spam_score(message)
        assert verdict is None or isinstance(verdict.score, float)


def test_without_spamassassin_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the program is not to be found, nothing is said."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spam_score(packed(rendered())) is None


def test_a_program_that_fails_gives_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A SpamAssassin that ends with an error, or says something else, is as if there were none."""
    program = tmp_path / "spamassassin"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for script in ("exit 3", "cat >/dev/null; echo X-Spam-Status: Yes", "exec 0<&-; echo hello"):
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        program.chmod(0o700)
        assert spam_score(packed(rendered())) is None


@pytest.mark.parametrize(
    ("score", "levels"), [(-0.1, []), (0.49, []), (0.5, ["yellow"]), (4.9, ["yellow"]), (5, ["red"])]
)
def test_points_make_a_finding(score: float, levels: list[str]) -> None:
    """Half a point is worth a look, five are spam."""
    found = judge_spam(SpamVerdict(score, (("URI_TRY_3LD", 1.2), ("HTML_MESSAGE", 0.001), ("NO_RELAYS", -0.001))))
    assert [finding.level for finding in found] == levels
    assert all("URI_TRY_3LD 1.2" in finding.message and "NO_RELAYS" not in finding.message for finding in found)
