"""``/`` and ``/login``: the page for those who have the key, and a form for those who have not shown it yet."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request

from huiyin.assistant.faces.web.access import COOKIE_DAYS, Door
from huiyin.assistant.faces.web.page_files import PageFiles
from huiyin.services.common.routes import add_pages

# Not a redirect: a browser that comes from another site, such as a mail, would not send the new cookie with it.
_COME_IN = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><a href="/">Huiyin</a>'


def add_login(app: Flask, door: Door, page: PageFiles) -> None:
    """Add the routes. Everything else wants the key that is checked here (`Door.guard`)."""
    add_pages(app, "/", "/login")
    form = app.jinja_env.from_string(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))

    def ask(is_wrong: bool) -> Response:
        return Response(form.render(is_wrong=is_wrong), status=401, headers={"Cache-Control": "no-store"})

    @app.get("/")
    def index() -> Response:
        """The page."""
        cookie, authorization = request.cookies.get(door.cookie_name, ""), request.headers.get("Authorization", "")
        if not door.admits(request.path, cookie=cookie, authorization=authorization):
            return ask(is_wrong=False)
        return page.response("index.html")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Response:
        """Take `key` from a link or the form, and give a cookie for it."""
        word = request.values.get("key", "")
        if door.key and not door.may_log_in(word):
            return ask(is_wrong=bool(word))
        response = Response(_COME_IN, headers={"Cache-Control": "no-store"})
        if door.key:
            response.set_cookie(
                door.cookie_name, door.cookie, max_age=COOKIE_DAYS * 86_400, httponly=True, samesite="Strict",
                secure=request.is_secure,
            )  # fmt: skip
        return response
