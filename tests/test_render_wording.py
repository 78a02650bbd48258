"""The words around the posts: what is to be translated, whether it is, and what a reader of each language gets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from tests.catalogues import TEMPLATES, extracted
from tests.render_samples import FOOTER, ISSUE, ITEMS, UPDATED, UPDATES
from tests.test_render_pages import LINKS, PLANET
from tidings.errors import RenderError
from tidings.model import MoreItem
from tidings.render.environment import Templates, template_folders
from tidings.render.mail import render_issue
from tidings.render.pages import render_issue_page, render_planet
from tidings.render.wording import load_wording

LANGUAGES = sorted(path.stem for path in (TEMPLATES / "locale").glob("*.po"))
MORE = MoreItem(90, 90, "https://more.example/", "More", "", "More blog", "en", "ltr")


def catalogue(language: str) -> Catalog:
    with (TEMPLATES / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(found: Catalog) -> dict[object, Message]:
    return {message.id: message for message in found if message.id}


def forms(text: object) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (str(text),)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_there_are_the_four_languages() -> None:
    """English, German, French, and Arabic, whose six plural forms and direction try the rest."""
    assert LANGUAGES == ["ar", "de", "en", "fr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_message_and_no_other(language: str) -> None:
    """What templates and code say is in each catalogue, translated and reviewed."""
    found = messages(catalogue(language))
    assert set(found) == set(messages(extracted()))
    assert not [message.id for message in found.values() if message.fuzzy]
    assert not [message.id for message in found.values() if not all(forms(message.string))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_the_plural_forms_of_its_language(language: str) -> None:
    """As many as Unicode's CLDR counts, chosen by the same rule."""
    found, rule = catalogue(language), get_plural(language)
    assert found.num_plurals == rule.num_plurals
    plurals = [message for message in found if isinstance(message.id, tuple)]
    assert {len(message.string or ()) for message in plurals} == {rule.num_plurals}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_placeholders(language: str) -> None:
    """Nothing that stands in a message is lost; only words that are a number may leave it out."""
    for message in messages(catalogue(language)).values():
        wanted = placeholders(forms(message.id)[-1])
        for text in forms(message.string):
            assert wanted - {"num"} <= placeholders(text) <= wanted, message.id


def test_english_is_what_the_templates_say() -> None:
    """The English catalogue changes nothing: it is there to be copied."""
    assert all(message.string == message.id for message in messages(catalogue("en")).values())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "ولا تدوينات أخرى"),
        (1, "وتدوينة أخرى"),
        (2, "وتدوينتان أخريان"),
        (3, "و3 تدوينات أخرى"),
        (11, "و11 تدوينةً أخرى"),
        (100, "و100 تدوينة أخرى"),
    ],
)
def test_arabic_counts_in_six_forms(number: int, expected: str) -> None:
    """None, one, two, few, many, and hundreds are words of their own in Arabic; a mail uses them."""
    wording = load_wording(template_folders(), "ar")
    assert wording.ngettext("and %(num)s more post", "and %(num)s more posts", number) % {"num": number} == expected
    mail = render_issue(replace(ISSUE, language="ar", more=(MORE,) * number), FOOTER)
    assert (expected in mail.html, expected in mail.text) == (number > 0, number > 0)


@pytest.mark.parametrize("look", ["letter", "headlines"])
@pytest.mark.parametrize("language", ["de", "fr", "ar"])
def test_no_english_word_is_left(language: str, look: str) -> None:
    """Mail and pages of another language say nothing of their own in English."""
    more = {"more": (MORE,), "waiting": 2, "look": look, "language": language, "group_by": "tag"}
    items = (replace(ITEMS[0], minutes=4, group="x"), *ITEMS[1:])
    content = replace(UPDATED, items=items, **more)  # type: ignore[arg-type]
    mail = render_issue(content, FOOTER)
    planet = render_planet(replace(PLANET, language=language))
    shown = mail.subject + mail.html + mail.text + render_issue_page(content, LINKS) + planet
    english = [message for ids in messages(extracted()) for message in forms(ids)]
    telling = [text for text in english if len(text) > 9 and "%" not in text]
    assert len(telling) > 15
    assert [text for text in telling if text in shown] == []


def test_a_mail_is_in_the_readers_language() -> None:
    """Subject, words, dates and punctuation: French sets a space before the colon, German its own quotation marks."""
    french = render_issue(replace(UPDATED, language="fr"), FOOTER)
    assert french.subject == "Friday Reading : The index nobody asked for et 5 autres"
    assert "vendredi 20 novembre 2026" in french.html
    assert "Ancien titre&nbsp;:" in french.html
    assert "«\N{NO-BREAK SPACE}Compression is free\N{NO-BREAK SPACE}»" in french.text
    german = render_issue(replace(UPDATED, language="de"), FOOTER)
    assert "Hieß zuvor: „Compression is free“" in german.text
    arabic = render_issue(replace(ISSUE, language="ar"), FOOTER)
    assert '<html lang="ar" dir="rtl"' in arabic.html
    assert "Database Weekly</a>، <a" in arabic.html


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Atom feed"), ("de", "Atom-Feed"), ("fr", "Flux Atom"), ("ar", "خلاصة Atom")]
)
def test_the_combined_feed_is_called_in_the_language_of_the_page(language: str, name: str) -> None:
    """In its head, where browsers look, and where readers do."""
    planet = render_planet(replace(PLANET, language=language))
    page = render_issue_page(replace(ISSUE, language=language), LINKS)
    for shown in (planet, page):
        assert f'title="{name}"' in shown
        assert f">{name}</a>" in shown


def test_a_language_falls_back_to_less_of_itself(tmp_path: Path) -> None:
    """pt-BR is asked first, then pt, then English, message by message; dates are those of the language anyway."""
    own = Templates(tmp_path)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "locale").mkdir()
    (tmp_path / "locale" / "pt.po").write_text(
        f'{header}msgid "Unsubscribe"\nmsgstr "Cancelar"\n\nmsgid "In this issue"\nmsgstr "Nesta edição"\n', "utf-8"
    )
    (tmp_path / "locale" / "pt-BR.po").write_text(f'{header}msgid "In this issue"\nmsgstr "Nesta"\n', "utf-8")
    mail = render_issue(replace(ISSUE, language="pt-BR"), FOOTER, own)
    assert [word in mail.text for word in ("Nesta\n", "Cancelar:", "Read on the web:", "de novembro")] == [True] * 4


def test_an_operator_changes_one_word_of_a_shipped_language(tmp_path: Path) -> None:
    """What the operator's catalogue does not have comes from ours."""
    (tmp_path / "locale").mkdir()
    (tmp_path / "locale" / "de.po").write_text(
        'msgid ""\nmsgstr ""\n\nmsgid "Unsubscribe"\nmsgstr "Schluss"\n', "utf-8"
    )
    text = render_issue(replace(ISSUE, language="de"), FOOTER, Templates(tmp_path)).text
    assert "Schluss:" in text
    assert "Im Web lesen:" in text


@pytest.mark.parametrize(
    ("catalogue_text", "complaint"),
    [
        ('msgid "Issue %(number)s"\nmsgstr "Ausgabe"\n', r"'Ausgabe' of 'Issue .*' must have %\(number\)s"),
        ('msgid "Issue %(number)s"\nmsgstr "Ausgabe %(nummer)s"\n', r"must have %\(number\)s"),
        ('msgid "Feed"\nmsgstr "100 % Feed"\n', "must have no placeholder"),
        ('msgid "Feed"\nmsgstr "\xff"\n', "cannot be read"),
    ],
)
def test_a_wrong_catalogue_is_a_clear_error(tmp_path: Path, catalogue_text: str, complaint: str) -> None:
    """Before anything is sent, with the file and what is wrong in it."""
    folder = tmp_path / "locale"
    folder.mkdir()
    (folder / "de.po").write_bytes(f'msgid ""\nmsgstr ""\n\n{catalogue_text}'.encode("latin-1"))
    with pytest.raises(RenderError, match=rf"de\.po: .*{complaint}"):
        load_wording([tmp_path], "de")


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (['msgid "Unsubscribe"', 'msgstr "Schluss'], 5),
        (['msgid "Unsubscribe', 'msgstr "Schluss"'], 4),
        (['msgid ""', '"Unsubscribe"', 'msgstr ""', '"Schluss'], 7),
        (['msgid "Unsubscribe"', 'msgstr "Schluss\\"'], 5),
        (['msgid "Unsubscribe"', 'msgstr "Sch"luss"'], 5),
    ],
)
def test_a_quotation_mark_too_few_is_an_error(tmp_path: Path, lines: list[str], number: int) -> None:
    """With file and line: what Babel makes of it is another text."""
    folder = tmp_path / "locale"
    folder.mkdir()
    (folder / "de.po").write_text("\n".join(['msgid ""', 'msgstr ""', "", *lines, ""]), "utf-8")
    with pytest.raises(RenderError, match=rf"de\.po.*(line {number}:|\(.* on {number - 1}\))"):
        load_wording([tmp_path], "de")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("nplurals=2; plural=n/0;", "for the number 0"),
        ("nplurals=2; plural=n/(n-5) && 0;", "for the number 5"),
        ("nplurals=2; plural=7;", "form 7 of 2 for the number 0"),
        ("nplurals=2; plural=n>99 ? 2 : 0;", "form 2 of 2 for the number 100"),
    ],
)
def test_a_rule_of_plurals_that_gives_no_form_is_a_clear_error(tmp_path: Path, rule: str, complaint: str) -> None:
    """When the catalogue is read, and not when the first reader's number of posts meets it."""
    (tmp_path / "locale").mkdir()
    header = f'msgid ""\nmsgstr ""\n"Plural-Forms: {rule}\\n"\n\n'
    words = 'msgid "%(num)s min"\nmsgid_plural "%(num)s mins"\nmsgstr[0] "%(num)s m"\nmsgstr[1] "%(num)s mm"\n'
    (tmp_path / "locale" / "de.po").write_text(header + words, "utf-8")
    with pytest.raises(RenderError, match=rf"de\.po: its Plural-Forms cannot be used \(.*{complaint}.*Correct"):
        load_wording([tmp_path], "de")


@pytest.mark.parametrize("language", ["../../etc/passwd", "", "x" * 300, "tlh", "en-GB-oxendict", "zh-Hant-TW"])
def test_any_language_renders(language: str) -> None:
    """A tag that we have no words for gets the English ones; what is no tag opens no file."""
    mail = render_issue(replace(ISSUE, language=language), FOOTER)
    assert "Unsubscribe" in mail.text


def test_numbers_of_updates_agree() -> None:
    """One word more is not "1 words more"."""
    update = replace(UPDATES[0], words_added=21)
    content = replace(ISSUE, updates=(update,), frozen_at=datetime(2026, 11, 20, tzinfo=UTC))
    assert "21 Wörter mehr: „" in render_issue(replace(content, language="de"), FOOTER).text
    assert "أُضيفت 21 كلمةً: «" in render_issue(replace(content, language="ar"), FOOTER).text
