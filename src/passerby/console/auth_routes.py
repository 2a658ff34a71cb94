"""Signing in, taking up an invitation, another password, signing out; and the pictures that the pages show.

Invariant: plain forms without a script; no answer tells whether a name is known; a picture is answered by the name of a
camera of the site file, never by a path.
"""

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from passerby.console import backgrounds
from passerby.console.context import Desk, Signed
from passerby.console.security_middleware import COOKIE, SIGNED
from passerby.console.users import check_password
from passerby.errors import InputError, OutputError

_PAGE = Path(__file__).parent / "page"


def routes(desk: Desk) -> list[Route]:
    """What stands beside the pages."""
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )

    def page(status: int = 200, **values: object) -> HTMLResponse:
        shown = {"problem": "", "token": "", "name": "", "first": False, "said": "", **values}
        return HTMLResponse(environment.get_template("sign-in.html").render(shown), status)

    async def sign_in(request: Request) -> Response:
        if request.method == "GET":
            if request.scope[SIGNED] is not None:
                return RedirectResponse("/", 303)
            return page()
        form = await _form(request)
        name, password = form.get("name", ""), form.get("password", "")
        where, now_ms = _where(request), desk.now_ms()
        aims = (f"{where} {name[:100]}", where)
        wait_ms = desk.attempts.begin(aims, now_ms)
        if wait_ms:
            return _with_wait(page(429, problem=f"Too many tries: wait {-(-wait_ms // 1000)} s."), wait_ms)
        user = await run_in_threadpool(desk.users.right, name, password)
        if user is None:
            await run_in_threadpool(_note, desk, "", where, "could not sign in")
            return page(401, problem="This name and this password do not go together.")
        desk.attempts.right(aims)
        await run_in_threadpool(_note, desk, user.name, where, "signed in")
        return _begin(desk, request, user.name)

    async def welcome(request: Request) -> Response:
        form = {} if request.method == "GET" else await _form(request)
        token = form.get("token", "") if form else request.query_params.get("token", "")
        where, now_ms = _where(request), desk.now_ms()
        aims = (f"{where} invitation",)
        wait_ms = desk.attempts.begin(aims, now_ms)
        if wait_ms:
            return _with_wait(page(429, problem=f"Too many tries: wait {-(-wait_ms // 1000)} s."), wait_ms)
        invited = desk.users.invited(token, now_ms)
        if invited is None:
            return page(404, problem="This invitation is not valid any more: ask for another.")
        desk.attempts.right(aims)
        shown: dict[str, Any] = {"token": token, "name": invited.name, "first": not invited.name}
        if request.method == "GET":
            return page(**shown)
        name, password = form.get("name", ""), form.get("password", "")
        if password != form.get("again", ""):
            return page(400, **shown, problem="The two passwords differ.", said=name)
        try:
            user = await run_in_threadpool(desk.users.take_up, token, name, password, now_ms)
        except (InputError, OutputError) as error:
            return page(400, **shown, problem=str(error), said=name)
        await run_in_threadpool(_note, desk, user.name, where, f"became {user.role}, by invitation")
        return _begin(desk, request, user.name)

    async def password(request: Request) -> Response:
        signed: Signed = request.scope[SIGNED]

        def asked(status: int = 200, problem: str = "") -> HTMLResponse:
            shown = {"problem": problem, "name": signed.user}
            return HTMLResponse(environment.get_template("password.html").render(shown), status)

        if request.method == "GET":
            return asked()
        form = await _form(request)
        new, now_ms = form.get("password", ""), desk.now_ms()
        if new != form.get("again", ""):
            return asked(400, "The two new passwords differ.")
        # The same tries as at the entrance: whoever found an open page guesses no faster.
        aims = (f"{signed.where} {signed.user}", signed.where)
        wait_ms = desk.attempts.begin(aims, now_ms)
        if wait_ms:
            return _with_wait(asked(429, f"Too many tries: wait {-(-wait_ms // 1000)} s."), wait_ms)
        if await run_in_threadpool(desk.users.right, signed.user, form.get("old", "")) is None:
            await run_in_threadpool(
                _note, desk, signed.user, signed.where, "could not change the own password"
            )
            return asked(401, "This is not the password until now.")
        desk.attempts.right(aims)
        try:
            check_password(new, signed.user)
            await run_in_threadpool(partial(desk.act, signed, "changed the own password", operator=False))
            await run_in_threadpool(desk.users.choose, signed.user, new)
        except (InputError, OutputError) as error:
            return asked(400, str(error))
        desk.sessions.end_all(signed.user)
        return _out()

    async def sign_out(request: Request) -> Response:
        signed: Signed = request.scope[SIGNED]
        desk.sessions.end(signed.session)
        await run_in_threadpool(_note, desk, signed.user, signed.where, "signed out")
        return _out()

    async def style(request: Request) -> Response:
        return Response((_PAGE / "console.css").read_bytes(), media_type="text/css")

    async def background(request: Request) -> Response:
        camera = request.query_params.get("camera", "")
        found = await run_in_threadpool(backgrounds.find, desk.settings.backgrounds, camera)
        if found is None:
            return PlainTextResponse("not found", 404)
        return Response(await run_in_threadpool(found.path.read_bytes), media_type="image/png")

    async def pending(request: Request) -> Response:
        signed: Signed = request.scope[SIGNED]
        job = desk.jobs.capture_of(request.query_params.get("camera", ""))
        if not signed.operates or job is None or job.picture is None:
            return PlainTextResponse("not found", 404)
        return Response(job.picture.png, media_type="image/png")

    return [
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/welcome", welcome, methods=["GET", "POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/password", password, methods=["GET", "POST"]),
        Route("/console.css", style),
        Route("/background.png", background),
        Route("/pending.png", pending),
    ]


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each once."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
    return {key: values[0] for key, values in fields.items()}


def _begin(desk: Desk, request: Request, user: str) -> Response:
    """A new session, whatever cookie was brought along: that one, if it was any, ends."""
    brought: Signed | None = request.scope[SIGNED]
    if brought is not None:
        desk.sessions.end(brought.session)
    secret, _ = desk.sessions.begin(user, desk.now_ms())
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="strict", secure=secure)
    return answer


def _out() -> Response:
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _with_wait(answer: Response, wait_ms: int) -> Response:
    answer.headers["retry-after"] = str(-(-wait_ms // 1000))
    return answer


def _note(desk: Desk, who: str, where: str, what: str) -> None:
    desk.note(who, where, what)


def _where(request: Request) -> str:
    return request.client.host if request.client else ""
