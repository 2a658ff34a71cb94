"""All cameras at a glance: whether each is well, what it has spent, what is still to be set up.

Law: health comes from what `passerby run` wrote, budget from the ledger; nothing is looked at here.
"""

from datetime import datetime
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby import clock
from passerby.console import known, plates, sitefile
from passerby.console.desk import Desk, Signed
from passerby.console.jobs import words as reason_words
from passerby.console.pages.layout import camera_url, heading, problems, words
from passerby.privacy.account import Account
from passerby.privacy.noise import MICRO
from passerby.publish.store import Health
from passerby.site import Camera
from passerby.video.health import Reason


async def cameras(desk: Desk, signed: Signed, request: Request) -> None:
    read = await run_in_threadpool(sitefile.read, desk.settings.site)
    site = read.site
    heading(site.name, f"{desk.settings.site} · {site.timezone}")
    if site.warnings:
        problems(site.warnings)
    health = await run_in_threadpool(known.health, desk.settings.database)
    accounts = await run_in_threadpool(known.accounts, desk.settings.ledger, desk.settings.mark)
    if isinstance(accounts, str):
        problems([accounts])
        accounts = {}
    now_ms = desk.now_ms()
    with ui.element("ul").classes("cards"):
        for camera in site.cameras:
            since = clock.zone_of(site.timezone)
            one = health.get(camera.name)
            told = "" if one is None else f"{clock.to_local(one.since_ms, since):%d %b %H:%M}"
            _card(desk, camera, one, told, accounts.get(camera.name), now_ms)
    if signed.operates:
        words("a", "Add a camera", "button").props('href="/add"')


def _card(
    desk: Desk, camera: Camera, health: Health | None, since: str, account: Account | None, now_ms: int
) -> None:
    plate = plates.find(desk.settings.plates, camera.name)
    with ui.element("li").classes("card"):
        if plate is not None:
            address = f"/plate.png?camera={quote(camera.name, safe='')}&v={plate.digest[:12]}"
            ui.element("img").props("loading=lazy").props["src"] = address
        else:
            words("p", "no plate yet", "no-plate")
        with ui.element("div"):
            words("h2", "").props["class"] = "name"
            words("a", camera.name, "stretched").props["href"] = camera_url("/camera", camera.name)
            state, text = _state(health, since, now_ms)
            words("p", text, f"state {state}")
            lines = len(camera.lines)
            words("p", f"{lines} line{'' if lines == 1 else 's'}, {len(camera.zones)} zones")
            words("p", _budget(camera, account))


def _state(health: Health | None, since: str, now_ms: int) -> tuple[str, str]:
    if health is None:
        return "unknown", "not run yet"
    if now_ms - health.seen_ms > known.SILENT_MS:
        return (
            "unknown",
            f"nobody runs this site: last heard of {datetime.fromtimestamp(health.seen_ms / 1000):%d %b %H:%M}",
        )
    if health.up:
        return "up", f"up since {since}"
    reason = health.reason
    told = reason_words(Reason(reason)) if reason in {one.value for one in Reason} else reason
    return "down", f"down since {since}: {told}"


def _budget(camera: Camera, account: Account | None) -> str:
    if account is not None:
        spent, whole = account.cost_micro / MICRO, account.budget_micro / MICRO
        return f"budget: epsilon {spent:g} of {whole:g}, epoch {account.epoch}"
    return "budget: nothing spent yet" if camera.policy else "no privacy policy: nothing is released"
