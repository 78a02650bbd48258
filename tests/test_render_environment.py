"""Templates: where they are found, what they may do, and what an operator is told of a mistake in one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tidings
from tests.render_samples import FOOTER, ISSUE
from tests.test_render_pages import LINKS, PLANET
from tidings.errors import RenderError
from tidings.render.environment import Templates, load_press, open_press, template_folders
from tidings.render.mail import render_issue
from tidings.render.pages import render_issue_page, render_planet

ROOT = Path(__file__).resolve().parents[1]


def write(folder: Path, **templates: str) -> Path:
    """`folder` with a file for each template; "__" in a name stands for its dot."""
    folder.mkdir(exist_ok=True)
    for name, source in templates.items():
        (folder / name.replace("__", ".")).write_text(source, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", sorted(path.name for path in template_folders()[-1].iterdir() if path.is_file()))
def test_shipped_templates_are_small_and_parse(name: str) -> None:
    """Every template is valid, of a size that an operator reads, and says in its first lines what it is."""
    press = load_press(template_folders(), "en")
    press.environment.get_template(name)
    source = (template_folders()[-1] / name).read_text(encoding="utf-8")
    assert source.count("\n") <= 130
    assert source.startswith("{#")


def test_a_missing_name_is_reported_with_template_and_line(tmp_path: Path) -> None:
    """A name that is not there stops the rendering, and the message says in which template and line it stands."""
    press = load_press([write(tmp_path, a__html="one\ntwo\n{{ itme }}\n")], "en")
    with pytest.raises(RenderError, match=r"Template a\.html, line 3: 'itme' is undefined"):
        press.render("a.html", {"item": 1})


def test_a_missing_attribute_is_reported(tmp_path: Path) -> None:
    """A misspelt attribute is as much a mistake as a misspelt name."""
    press = load_press([write(tmp_path, a__html="{{ item.titel }}")], "en")
    with pytest.raises(RenderError, match=r"a\.html, line 1: .*titel"):
        press.render("a.html", {"item": {"title": "x"}})


def test_a_mistake_in_an_included_template_names_that_template(tmp_path: Path) -> None:
    """The place named is where the mistake is, not where the rendering began."""
    press = load_press([write(tmp_path, a__html="{% include 'b.html' %}", b__html="\n{{ nothing }}")], "en")
    with pytest.raises(RenderError, match=r"Template b\.html, line 2"):
        press.render("a.html", {})


def test_a_template_that_does_not_parse_is_reported_with_its_line(tmp_path: Path) -> None:
    """Broken template syntax names template and line too."""
    press = load_press([write(tmp_path, a__html="fine\n{% if %}\n")], "en")
    with pytest.raises(RenderError, match=r"Template a\.html, line 2"):
        press.render("a.html", {})


def test_a_missing_template_names_the_folders_searched(tmp_path: Path) -> None:
    """When a template is missing the operator learns where it was looked for."""
    press = load_press([tmp_path], "en")
    with pytest.raises(RenderError, match=r"gone\.html is missing") as caught:
        press.render("gone.html", {})
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ rows.append(1) }}"])
def test_templates_are_sandboxed(tmp_path: Path, source: str) -> None:
    """A template can neither reach Python's insides nor change the values it is given."""
    press = load_press([write(tmp_path, a__html=source)], "en")
    rows: list[int] = []
    with pytest.raises(RenderError):
        press.render("a.html", {"rows": rows})
    assert rows == []


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    """The extension decides: in `.html` a value cannot become mark-up, in `.txt` it stays as written."""
    press = load_press([write(tmp_path, a__html="{{ x }}", a__txt="{{ x }}")], "en")
    assert press.render("a.html", {"x": "<b> & co"}) == "&lt;b&gt; &amp; co"
    assert press.render("a.txt", {"x": "<b> & co"}) == "<b> & co"


def test_the_first_folder_wins(tmp_path: Path) -> None:
    """A template is taken from the first folder that has it, and from a later one otherwise."""
    first = write(tmp_path / "first", a__txt="first")
    second = write(tmp_path / "second", a__txt="second", b__txt="second")
    press = load_press([first, second], "en")
    assert press.render("a.txt", {}) == "first"
    assert press.render("b.txt", {}) == "second"


@pytest.mark.parametrize(
    "source", ["{{ 1 / 0 }}", "{{ [] | first + 1 }}", "{{ rows | wordcount(1) }}", "{{ 'a' * 'b' }}"]
)
def test_a_mistake_of_any_kind_is_the_templates(tmp_path: Path, source: str) -> None:
    """What Python itself objects to in a template is reported like the rest."""
    press = load_press([write(tmp_path, a__html=f"\n\n{source}")], "en")
    with pytest.raises(RenderError, match=r"Template a\.html, line 3: "):
        press.render("a.html", {"rows": 3})


@pytest.mark.parametrize(
    "source",
    ["{% include 'a.txt' %}", "{% extends 'a.txt' %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
)
def test_a_template_without_end_is_reported_with_its_line(tmp_path: Path, source: str) -> None:
    """One that includes, extends or calls itself is a mistake like others, not a crash."""
    press = load_press([write(tmp_path, a__txt=source)], "en")
    with pytest.raises(RenderError, match=r"Template a\.txt, line 1: it includes or calls itself without end\."):
        press.render("a.txt", {})


def test_a_copy_of_one_file_is_enough(tmp_path: Path) -> None:
    """An operator's file goes before ours of that name, the others stay ours; without the folder nothing of it is."""
    write(
        tmp_path,
        planet__html="my planet",
        issue__html="{% extends 'page.html' %}{% block body %}my issue{% endblock %}",
    )
    own = Templates(tmp_path)
    assert render_planet(PLANET, own) == "my planet"
    assert "my issue" in render_issue_page(ISSUE, LINKS, own)
    assert "<style>" in render_issue_page(ISSUE, LINKS, own)
    assert render_issue(ISSUE, FOOTER, own) == render_issue(ISSUE, FOOTER)
    assert "my planet" not in render_planet(PLANET)


def test_a_look_of_ones_own(tmp_path: Path) -> None:
    """Two files of that name make a look; they may build on our frame."""
    write(
        tmp_path,
        zine__html="{% extends 'mail.html' %}{% block story %}<tr><td>zine: {{ entry.number }}</td></tr>{% endblock %}",
        zine__txt="{% extends 'mail.txt' %}{% block story %}\nzine: {{ entry.line.name }}\n{% endblock %}",
    )
    mail = render_issue(replace(ISSUE, look="zine"), FOOTER, Templates(tmp_path))
    assert mail.html.count("zine:") == mail.text.count("zine:") == len(ISSUE.items)


def test_the_look_of_the_documentation_renders(tmp_path: Path) -> None:
    """What docs/templates.md gives as an example makes a mail whose parts say the same."""
    page, plain = re.findall(r"```jinja\n(.*?)```", (ROOT / "docs" / "templates.md").read_text("utf-8"), re.DOTALL)
    write(tmp_path, zine__html=page, zine__txt=plain)
    mail = render_issue(replace(ISSUE, look="zine"), FOOTER, Templates(tmp_path))
    assert mail.html.count('class="h"') == len(ISSUE.items)
    assert [mail.text.count(f"{number}. ") for number in range(1, 7)] == [2] * 6
    assert "In this issue" in mail.html
    assert "In this issue" in mail.text


@pytest.mark.parametrize(("there", "missing"), [("", "zine.html"), ("zine.html", "zine.txt")])
def test_a_look_without_its_templates_names_folder_and_file(tmp_path: Path, there: str, missing: str) -> None:
    """The operator learns which file to make, and where."""
    if there:
        (tmp_path / there).write_text("x", encoding="utf-8")
    with pytest.raises(RenderError, match=rf"The look 'zine' has no template {missing}") as caught:
        render_issue(replace(ISSUE, look="zine"), FOOTER, Templates(tmp_path))
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(RenderError, match=r"a folder of your own that \[site\] templates names"):
        render_issue(replace(ISSUE, look="zine"), FOOTER)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Rather than the shipped templates without a word."""
    with pytest.raises(RenderError, match=r"gone: there is no such folder\. Make it"):
        open_press(Templates(tmp_path / "gone"), "en")


@pytest.mark.parametrize(
    "part", ["render/xml.py", "planet/parts.py", "feeding.py", "editions/pictures.py", "__init__.py"]
)
def test_another_version_of_the_code_has_another_fingerprint(tmp_path: Path, part: str) -> None:
    """What an update changes is written, also where it comes from outside this room."""
    package = tmp_path / "tidings"
    shutil.copytree(Path(tidings.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    ask = [sys.executable, "-c", "from tidings.render.environment import SHIPPED; print(SHIPPED.fingerprint)"]

    def found() -> str:
        return subprocess.run(ask, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    before = found()
    with (package / part).open("a") as file:
        file.write('\n__version__ = "9"\n')
    assert found() != before
