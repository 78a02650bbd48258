"""Makes the pictures of this folder: what mails of the test fixtures look like in Chromium.

From the checkout: `.venv/bin/python docs/images/make.py`. It needs Chromium.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from tests.render_samples import FIXTURES, FOOTER  # noqa: E402
from tests.test_render_browser import SCHEMES, png  # noqa: E402

from tidings.render.mail import render_issue  # noqa: E402

PICTURES = (
    ("letter.png", "usual", "letter", "light", 800, 1100),
    ("letter-dark-phone.png", "groups", "letter", "dark", 375, 1100),
    ("letter-arabic.png", "rtl", "letter", "light", 800, 1100),
    ("headlines.png", "groups", "headlines", "dark", 800, 1100),
    ("headlines-phone.png", "groups", "headlines", "light", 375, 1100),
)
"""File, fixture, look, colours, and the size of the window in pixels."""


def photograph(html: str, scheme: str, width: int, height: int, file: Path) -> None:
    """A mail as Chromium shows it, in a frame, since a window is never narrower than 500 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "grey.png").write_bytes(png(16, 9))
        page = re.sub(r"https://(columnar|pictures)\.example/[\w.-]+\.png", "grey.png", html)
        (place / "mail.html").write_text(page, encoding="utf-8")
        frame = f"<style>body{{margin:0}}iframe{{border:0;width:{width}px;height:{height}px}}</style>"
        (place / "frame.html").write_text(f'{frame}<iframe src="mail.html"></iframe>', encoding="utf-8")
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={place / 'profile'}", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--window-size={width},{height}", f"--screenshot={file}", (place / "frame.html").as_uri(),
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, check=True, timeout=120)


def main() -> None:
    for name, fixture, look, scheme, width, height in PICTURES:
        html = render_issue(replace(FIXTURES[fixture], look=look), FOOTER).html
        photograph(html, scheme, width, height, FOLDER / name)
        print(f"{name}: {(FOLDER / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
