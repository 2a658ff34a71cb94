"""Sign-in, invitations, change of password and sign-out; and the pictures that the pages show.

Invariant: plain forms without a script; no answer reveals whether a name exists; a picture is requested by the name of
a camera, never by a path.
"""

from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from passerby.console import backgrounds
from passerby.console.context import ConsoleContext, Login
from passerby.console.security_middleware import COOKIE, LOGIN
from passerby.console.users import User, check_password
from passerby.errors import InputError, OutputError

_PAGE = Path(__file__).parent / "page"


def routes(context: ConsoleContext) -> list[Route]:
    """The routes beside the pages."""
    forms, pictures = _Forms(context), _Pictures(context)
    return [
        Route("/sign-in", forms.sign_in, methods=["GET", "POST"]),
        Route("/welcome", forms.welcome, methods=["GET", "POST"]),
        Route("/sign-out", forms.sign_out, methods=["POST"]),
        Route("/password", forms.password, methods=["GET", "POST"]),
        Route("/console.css", _style),
        Route("/background.png", pictures.background),
        Route("/pending.png", pictures.pending),
    ]


class _Forms:
    """The forms by which a session starts and ends."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._templates = Environment(
            loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    async def sign_in(self, request: Request) -> Response:
        if request.method == "GET":
            return self._sign_in_page() if request.scope[LOGIN] is None else RedirectResponse("/", 303)
        form = await _form(request)
        name, password = form.get("name", ""), form.get("password", "")
        address = _address(request)
        targets = (f"{address} {name[:100]}", address)
        if wait_ms := self._context.attempts.begin(targets, self._context.now_ms()):
            return _with_wait(self._sign_in_page(429, problem=_too_many(wait_ms)), wait_ms)
        user = await run_in_threadpool(self._context.users.with_password, name, password)
        if user is None:
            await self._record("", address, "could not sign in")
            return self._sign_in_page(401, problem="The name or the password is wrong.")
        self._context.attempts.succeed(targets)
        await self._record(user.name, address, "signed in")
        return self._begin(request, user.name)

    async def welcome(self, request: Request) -> Response:
        form = {} if request.method == "GET" else await _form(request)
        token = form.get("token", "") if form else request.query_params.get("token", "")
        address, now_ms = _address(request), self._context.now_ms()
        targets = (f"{address} invitation",)
        if wait_ms := self._context.attempts.begin(targets, now_ms):
            return _with_wait(self._sign_in_page(429, problem=_too_many(wait_ms)), wait_ms)
        invited = self._context.users.invited(token, now_ms)
        if invited is None:
            return self._sign_in_page(404, problem="This invitation is no longer valid: ask for a new one.")
        self._context.attempts.succeed(targets)
        if request.method == "GET":
            return self._welcome_page(200, token, invited)
        name, password = form.get("name", ""), form.get("password", "")
        if password != form.get("again", ""):
            return self._welcome_page(400, token, invited, "The two passwords are different.", name)
        try:
            user = await run_in_threadpool(
                self._context.users.accept_invitation, token, name, password, now_ms
            )
        except (InputError, OutputError) as error:
            return self._welcome_page(400, token, invited, str(error), name)
        await self._record(user.name, address, f"became {user.role}, by invitation")
        return self._begin(request, user.name)

    async def password(self, request: Request) -> Response:
        login: Login = request.scope[LOGIN]
        if request.method == "GET":
            return self._password_page(login)
        form = await _form(request)
        new = form.get("password", "")
        if new != form.get("again", ""):
            return self._password_page(login, 400, "The two new passwords are different.")
        # The same limit as for signing in: an open page does not allow faster guesses.
        targets = (f"{login.address} {login.user}", login.address)
        if wait_ms := self._context.attempts.begin(targets, self._context.now_ms()):
            return _with_wait(self._password_page(login, 429, _too_many(wait_ms)), wait_ms)
        old = form.get("old", "")
        if await run_in_threadpool(self._context.users.with_password, login.user, old) is None:
            await self._record(login.user, login.address, "could not change their password")
            return self._password_page(login, 401, "The current password is wrong.")
        self._context.attempts.succeed(targets)
        try:
            check_password(new, login.user)
            await run_in_threadpool(
                partial(self._context.authorise, login, "changed their password", operator=False)
            )
            await run_in_threadpool(self._context.users.set_password, login.user, new)
        except (InputError, OutputError) as error:
            return self._password_page(login, 400, str(error))
        self._context.sessions.end_all(login.user)
        return _signed_out()

    async def sign_out(self, request: Request) -> Response:
        login: Login = request.scope[LOGIN]
        self._context.sessions.end(login.session)
        await self._record(login.user, login.address, "signed out")
        return _signed_out()

    def _begin(self, request: Request, user: str) -> Response:
        """Start a new session. A session that the request already had ends."""
        earlier: Login | None = request.scope[LOGIN]
        if earlier is not None:
            self._context.sessions.end(earlier.session)
        secret, _ = self._context.sessions.begin(user, self._context.now_ms())
        answer = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="strict", secure=secure)
        return answer

    async def _record(self, user: str, address: str, action: str) -> None:
        await run_in_threadpool(self._context.record, user, address, action)

    def _sign_in_page(self, status: int = 200, *, problem: str = "") -> HTMLResponse:
        return self._page("sign-in.html", status, problem=problem)

    def _welcome_page(
        self, status: int, token: str, invited: User, problem: str = "", typed_name: str = ""
    ) -> HTMLResponse:
        return self._page(
            "welcome.html",
            status,
            problem=problem,
            token=token,
            name=invited.name,
            is_first=not invited.name,
            typed_name=typed_name,
        )

    def _password_page(self, login: Login, status: int = 200, problem: str = "") -> HTMLResponse:
        return self._page("password.html", status, problem=problem, name=login.user)

    def _page(self, template: str, status: int, **values: object) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(values), status)


class _Pictures:
    """The backgrounds that the pages show."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context

    async def background(self, request: Request) -> Response:
        """The approved background of a camera."""
        camera = request.query_params.get("camera", "")
        background = await run_in_threadpool(backgrounds.find, self._context.settings.backgrounds, camera)
        if background is None:
            return PlainTextResponse("not found", 404)
        return Response(await run_in_threadpool(background.path.read_bytes), media_type="image/png")

    async def pending(self, request: Request) -> Response:
        """The background of a camera that waits for approval, for operators."""
        login: Login = request.scope[LOGIN]
        job = self._context.jobs.capture_of(request.query_params.get("camera", ""))
        if not login.is_operator or job is None or job.picture is None:
            return PlainTextResponse("not found", 404)
        return Response(job.picture.png, media_type="image/png")


async def _style(request: Request) -> Response:
    return Response((_PAGE / "console.css").read_bytes(), media_type="text/css")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; of a repeated field the first."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
    return {key: values[0] for key, values in fields.items()}


def _signed_out() -> Response:
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _seconds(wait_ms: int) -> int:
    """Rounded up, so that nobody tries too early."""
    return -(-wait_ms // 1000)


def _too_many(wait_ms: int) -> str:
    return f"Too many attempts: wait {_seconds(wait_ms)} s."


def _with_wait(answer: Response, wait_ms: int) -> Response:
    answer.headers["retry-after"] = str(_seconds(wait_ms))
    return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
