"""Templates: where they are found, what they may do, and what an operator is told of a mistake in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidings.errors import RenderError
from tidings.render.environment import load_environment, render_template, template_folders


def write(folder: Path, **templates: str) -> Path:
    """`folder` with a file for each template; "__" in a name stands for its dot."""
    folder.mkdir(exist_ok=True)
    for name, source in templates.items():
        (folder / name.replace("__", ".")).write_text(source, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["mail.html", "mail.txt", "page.html", "planet.html", "issue.html"])
def test_shipped_templates_are_found_and_parse(name: str) -> None:
    """Every template that Tidings needs is in one of its folders and is valid."""
    load_environment(template_folders()).get_template(name)


def test_a_missing_name_is_reported_with_template_and_line(tmp_path: Path) -> None:
    """A name that is not there stops the rendering, and the message says in which template and line it stands."""
    environment = load_environment([write(tmp_path, a__html="one\ntwo\n{{ itme }}\n")])
    with pytest.raises(RenderError, match=r"Template a\.html, line 3: 'itme' is undefined"):
        render_template("a.html", {"item": 1}, environment)


def test_a_missing_attribute_is_reported(tmp_path: Path) -> None:
    """A misspelt attribute is as much a mistake as a misspelt name."""
    environment = load_environment([write(tmp_path, a__html="{{ item.titel }}")])
    with pytest.raises(RenderError, match=r"a\.html, line 1: .*titel"):
        render_template("a.html", {"item": {"title": "x"}}, environment)


def test_a_mistake_in_an_included_template_names_that_template(tmp_path: Path) -> None:
    """The place named is where the mistake is, not where the rendering began."""
    environment = load_environment([write(tmp_path, a__html="{% include 'b.html' %}", b__html="\n{{ nothing }}")])
    with pytest.raises(RenderError, match=r"Template b\.html, line 2"):
        render_template("a.html", {}, environment)


def test_a_template_that_does_not_parse_is_reported_with_its_line(tmp_path: Path) -> None:
    """Broken template syntax names template and line too."""
    environment = load_environment([write(tmp_path, a__html="fine\n{% if %}\n")])
    with pytest.raises(RenderError, match=r"Template a\.html, line 2"):
        render_template("a.html", {}, environment)


def test_a_missing_template_names_the_folders_searched(tmp_path: Path) -> None:
    """When a template is missing the operator learns where it was looked for."""
    environment = load_environment([tmp_path])
    with pytest.raises(RenderError, match=r"gone\.html is missing") as caught:
        render_template("gone.html", {}, environment)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ rows.append(1) }}"])
def test_templates_are_sandboxed(tmp_path: Path, source: str) -> None:
    """A template can neither reach Python's insides nor change the values it is given."""
    environment = load_environment([write(tmp_path, a__html=source)])
    rows: list[int] = []
    with pytest.raises(RenderError):
        render_template("a.html", {"rows": rows}, environment)
    assert rows == []


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    """The extension decides: in `.html` a value cannot become mark-up, in `.txt` it stays as written."""
    environment = load_environment([write(tmp_path, a__html="{{ x }}", a__txt="{{ x }}")])
    assert render_template("a.html", {"x": "<b> & co"}, environment) == "&lt;b&gt; &amp; co"
    assert render_template("a.txt", {"x": "<b> & co"}, environment) == "<b> & co"


def test_the_first_folder_wins(tmp_path: Path) -> None:
    """A template is taken from the first folder that has it, and from a later one otherwise."""
    first = write(tmp_path / "first", a__txt="first")
    second = write(tmp_path / "second", a__txt="second", b__txt="second")
    environment = load_environment([first, second])
    assert render_template("a.txt", {}, environment) == "first"
    assert render_template("b.txt", {}, environment) == "second"
