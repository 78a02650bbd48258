"""The text of an `include` or `exclude` rule to a Rule: "title: words", "text: /regular expression/"."""

from __future__ import annotations

from typing import get_args

from tidings import patterns
from tidings.config.values import line
from tidings.config.wording import any_of, did_you_mean, quoted
from tidings.model import Rule, RuleField

LONGEST_WORDS = 200  # characters

_FORMS = 'write "title: some words" or "text: /a regular expression/"'
_FIELDS: tuple[RuleField, ...] = get_args(RuleField)

# Fields that people expect, and what to write instead.
_OTHER_FIELDS = {
    "any": "write a rule for each: one that matches is enough",
    "content": 'write "text"',
    "body": 'write "text"',
    "summary": 'write "text"',
    "category": 'write "tag"',
    "tags": 'write "tag"',
}


def rule(text: str) -> Rule:
    """A rule. Raises ValueError for an unknown field, or an expression that is none."""
    name, colon, rest = line(text).partition(":")
    sought = rest.strip()
    if not colon:
        raise ValueError(f"{quoted(text)} does not say where to look; {_FORMS}")
    field = _field(name.strip())
    if not sought:
        raise ValueError(f"{quoted(text)} does not say what to look for; {_FORMS}")
    if sought.startswith("/"):
        return Rule(field, "pattern", _pattern(sought), line(text))
    if len(sought) > LONGEST_WORDS:
        raise ValueError(f"{quoted(text)} is longer than {LONGEST_WORDS} characters; a few words are enough")
    return Rule(field, "words", sought, line(text))


def _field(name: str) -> RuleField:
    for field in _FIELDS:
        if name.lower() == field:
            return field
    fields = any_of(quoted(field) for field in _FIELDS)
    fix = _OTHER_FIELDS.get(name.lower())
    raise ValueError(
        f"{quoted(name)} is not a part of a post; it is {fields}{f': {fix}' if fix else did_you_mean(name, _FIELDS)}"
    )


def _pattern(sought: str) -> str:
    inside = sought[1:].removesuffix("/")
    if len(sought) == 1 or not sought.endswith("/"):
        raise ValueError(
            f"{quoted(sought)} starts with `/` and does not end with it; close the expression with `/` and "
            "put nothing behind it (letter case does not count anyway), or write a slash meant itself as `/\\//`"
        )
    if not inside:
        raise ValueError(f"{quoted(sought)} is an empty expression, which matches everything; {_FORMS}")
    try:
        patterns.check(inside)
    except ValueError as error:
        raise ValueError(f"{quoted(sought)} is not a regular expression that can be used: {error}") from None
    return inside
