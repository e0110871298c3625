"""A finger on an emulated phone: real touch events, not a mouse."""

from playwright.sync_api import Page

STEPS = 8


def touch_drag(
    page: Page, start: tuple[float, float], end: tuple[float, float]
) -> None:
    """Put a finger down, move it, lift it."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    touch("touchStart", start)
    for step in range(1, STEPS + 1):
        touch(
            "touchMove",
            (
                start[0] + (end[0] - start[0]) * step / STEPS,
                start[1] + (end[1] - start[1]) * step / STEPS,
            ),
        )
    # A finger that rests before it lifts: after a fling Chromium swallows the next tap.
    page.wait_for_timeout(100)
    touch("touchMove", end)
    touch("touchEnd")
    page.wait_for_timeout(300)
