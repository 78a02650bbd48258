"""What is served over HTTP: the published files, and the pages on which readers help themselves.

Files are for GET and HEAD. Nothing sets a cookie, runs a script, or asks another host for anything.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from tidings.web.files import serve_files
from tidings.web.hardening import harden
from tidings.web.leaving import serve_leaving
from tidings.web.managing import serve_managing
from tidings.web.moving import serve_moving
from tidings.web.preferring import serve_preferences
from tidings.web.proxies import Behind
from tidings.web.searching import serve_search
from tidings.web.signing_up import serve_signups
from tidings.web.site import Site


def create_app(folder: Path, site: Site | None = None) -> Flask:
    """The application that serves `folder`, and for a `site` with a database its readers' pages."""
    site = site or Site()
    app = Flask("tidings", static_folder=None)
    harden(app, site)
    if site.open_store is not None:
        serve_leaving(app, site, site.open_store)
        serve_signups(app, site, site.open_store)
        if site.has_mail:
            serve_managing(app, site, site.open_store)
        serve_preferences(app, site, site.open_store)
        serve_moving(app, site, site.open_store)
        serve_search(app, site, site.open_store, folder.absolute())
    serve_files(app, folder, has_form=site.open_store is not None and bool(site.offered))
    app.wsgi_app = Behind(app.wsgi_app, site.url, site.trusted_proxies)  # type: ignore[method-assign,assignment]
    return app
