"""What axe-core finds wrong with a page for readers who do not see, hear or point well.

    assert violations(page) == []

The script is in a package of PyPI that wants a whole Playwright beside it; it is installed without, see `.ci/run`. It
goes in by the browser's own door for developers, so that no policy of a page keeps it out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browsing import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
ALL = (*WCAG, "best-practice")
_RUN = """axe.run(document, {{
  runOnly: {{type: "tag", values: {tags}}},
  rules: {{"target-size": {{enabled: true}}}},
  resultTypes: ["violations"], preload: false,
}}).then(found => [found.passes.length, ...found.violations.flatMap(rule => rule.nodes.map(node =>
  `${{rule.id}}: ${{node.target.join(" ")}}: ${{node.failureSummary.replace(/\\s+/g, " ")}}`))])"""


def violations(page: Page, rules: Sequence[str] = ALL) -> list[str]:
    """What breaks a rule of WCAG 2.0 to 2.2, level A or AA, or good practice, as "rule: selector: what". Of a page
    without scripts, too: they are allowed as long as this takes."""
    before = page.allow_scripts(True)
    page.value(axe())
    run = _RUN.format(tags=list(rules))
    told = page.tell("Runtime.evaluate", expression=run, awaitPromise=True, returnByValue=True)
    page.allow_scripts(before)
    assert "exceptionDetails" not in told, told
    passed, *found = told["result"]["value"]
    # A page that breaks no rule keeps many; one on which none was tried says nothing.
    assert passed > 5, passed
    return [str(one) for one in found]


@cache
def axe() -> str:
    """The script; skips a test where there is none, but fails it in CI."""
    package = find_spec("axe_playwright_python")
    if package and package.origin:
        return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8") + "\n;undefined"
    if os.environ.get("CI"):
        pytest.fail("CI needs axe-core to look at pages with")
    pytest.skip("there is no axe-core: pip install --no-deps axe-playwright-python")
