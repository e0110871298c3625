"""Laws of the labeling page, played by touch and by keys in a real browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Response, Route, expect

from blobs import actions as blobs_actions
from labeling import actions, queries
from labeling.models import Answer, Assignment, Campaign, Report, Task
from tests.browser.touch import touch_drag
from tests.labeling.crew import Worker, new_worker, open_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOG = {"x": 130.0, "y": 225.0, "w": 185.0, "h": 315.0, "label": "dog"}
CAT = {"x": 470.0, "y": 75.0, "w": 220.0, "h": 95.0, "label": "cat"}
ANSWER_PATH = re.compile(r"/answer/$")


def put(photo: Path) -> list[dict[str, Any]]:
    data = photo.read_bytes()
    with Image.open(photo) as picture:
        width, height = picture.size
    blob = blobs_actions.put(data, media_type="image/jpeg")
    return [
        {
            "digest": blob.digest,
            "media_type": "image/jpeg",
            "width": width,
            "height": height,
            "name": photo.name,
        }
    ]


@pytest.fixture
def campaign(photos: Path) -> Campaign:
    """Two photos: the dog with two proposed boxes, the kite without any."""
    campaign = open_campaign()
    dog, kite = put(photos / "dog.jpg"), put(photos / "kite.jpg")
    actions.open_tasks(
        campaign,
        [
            actions.NewTask(inputs=dog, proposal={"boxes": [DOG, CAT]}, proposer="m"),
            actions.NewTask(inputs=kite),
        ],
        now=timezone.now(),
    )
    return campaign


@pytest.fixture
def worker() -> Worker:
    return new_worker()


@pytest.fixture
def open_page(
    campaign: Campaign, worker: Worker, sign_in: Callable[..., None]
) -> Callable[[BrowserContext], Page]:
    def open_in(context: BrowserContext) -> Page:
        sign_in(context, worker.user)
        page = context.new_page()
        page.goto(f"/earn/{campaign.uuid}/")
        expect(page.locator(".tag")).to_have_count(2)
        return page

    return open_in


def boxes_of(answer: Answer) -> list[dict[str, Any]]:
    return sorted(answer.content["boxes"], key=lambda box: box["x"])


def settled(page: Page, count: int = 1) -> list[Answer]:
    """Wait until so many answers are with the server; return them in order."""
    for _ in range(100):
        if Answer.objects.count() >= count:
            break
        page.wait_for_timeout(100)
    answers = list(Answer.objects.order_by("id"))
    assert len(answers) == count
    return answers


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return where a point of the photo is on the screen."""
    frame = page.locator("#stage img").bounding_box()
    natural = page.locator("#stage img").evaluate(
        "i => [i.naturalWidth, i.naturalHeight]"
    )
    assert frame
    return (
        frame["x"] + x * frame["width"] / natural[0],
        frame["y"] + y * frame["height"] / natural[1],
    )


def test_one_tap_accepts_the_proposal_and_the_next_photo_is_there(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.get_by_role("button", name="Looks right").tap()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.locator(".tag")).to_have_count(0)
    (answer,) = settled(page)
    assert boxes_of(answer) == [DOG, CAT]


def test_undo_takes_the_answer_back_before_the_server_has_it(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.get_by_role("button", name="Looks right").tap()
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator(".tag")).to_have_count(2)
    page.wait_for_timeout(3500)
    assert not Answer.objects.exists()


def test_a_finger_moves_resizes_relabels_deletes_and_draws(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.touchscreen.tap(*on_screen(page, 220, 400))  # the dog's box is chosen
    expect(page.locator(".tag--chosen")).to_have_text("dog")
    corner = on_screen(page, 130 + 185, 225 + 315)
    touch_drag(page, corner, on_screen(page, 345, 560))
    touch_drag(page, on_screen(page, 230, 380), on_screen(page, 250, 380))
    page.get_by_role("button", name="cat").tap()
    expect(page.locator(".tag--chosen")).to_have_text("cat")
    page.touchscreen.tap(*on_screen(page, 580, 120))
    expect(page.locator(".tag--chosen")).to_have_count(1)
    page.get_by_role("button", name="Delete").tap()
    expect(page.locator(".tag")).to_have_count(1)
    page.get_by_role("button", name="dog").tap()
    page.get_by_role("button", name="Draw").tap()
    touch_drag(page, on_screen(page, 500, 300), on_screen(page, 650, 500))
    expect(page.locator(".tag")).to_have_count(2)
    page.get_by_role("button", name="Send 2 boxes").tap()
    (answer,) = settled(page)
    moved, drawn = boxes_of(answer)
    assert moved["label"] == "cat"
    assert moved["x"] == pytest.approx(150, abs=6)
    assert moved["w"] == pytest.approx(215, abs=6)
    assert moved["h"] == pytest.approx(335, abs=6)
    assert drawn["label"] == "dog"
    assert [drawn[side] for side in "xywh"] == pytest.approx(
        [500, 300, 150, 200], abs=6
    )


def test_the_keyboard_alone_does_everything(
    desktop: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(desktop)
    keys = page.keyboard
    keys.press("Tab")
    chosen = page.locator(".tag--chosen").inner_text()
    keys.press("Delete")
    expect(page.locator(".tag")).to_have_count(1)
    keys.press("Tab")
    keys.press("2")  # cat
    expect(page.locator(".tag--chosen")).to_have_text("cat")
    keys.press("ArrowRight")
    keys.press("Shift+ArrowDown")
    keys.press("b")
    keys.press("1")
    expect(page.locator(".tag")).to_have_count(2)
    keys.press("Enter")
    (answer,) = settled(page)
    kept = CAT if chosen == "dog" else DOG
    step = 768 / 200
    found = sorted(answer.content["boxes"], key=lambda box: box["label"])
    assert found[0] == pytest.approx(
        kept | {"x": kept["x"] + step, "h": kept["h"] + step, "label": "cat"}, abs=0.02
    ) or [found[0][side] for side in "xywh"] == pytest.approx(
        [kept["x"] + step, kept["y"], kept["w"], kept["h"] + step], abs=0.02
    )
    assert [found[1][side] for side in "xywh"] == pytest.approx(
        [288, 216, 192, 144], abs=0.02
    )
    keys.press("n")  # the second photo: nothing here
    assert settled(page, 2)[1].content == {"boxes": []}


def test_what_a_key_did_a_key_undoes(
    desktop: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(desktop)
    tags = page.locator(".tag")
    before = sorted(tags.all_inner_texts())
    page.keyboard.press("Tab")
    page.keyboard.press("Delete")
    expect(tags).to_have_count(1)
    page.keyboard.press("z")
    expect(tags).to_have_count(2)
    assert sorted(tags.all_inner_texts()) == before
    page.keyboard.press("d")
    page.mouse.move(*on_screen(page, 500, 300))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 650, 500), steps=5)
    page.mouse.up()
    expect(tags).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Looks right")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.press("z")  # the answer comes back, as it was sent
    expect(page.get_by_role("button", name="Nothing here")).to_be_visible()
    assert not Answer.objects.exists()


def test_the_page_is_light(
    phone: BrowserContext,
    campaign: Campaign,
    worker: Worker,
    sign_in: Callable[..., None],
) -> None:
    weights: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if re.search(r"/static/(css|js)/", response.url):
            weights[response.url] = len(response.body())

    sign_in(phone, worker.user)
    page = phone.new_page()
    page.on("response", weigh)
    page.goto(f"/earn/{campaign.uuid}/", wait_until="networkidle")
    assert len(weights) >= 12
    assert sum(weights.values()) <= 50_000


def test_a_dropped_connection_loses_and_doubles_nothing(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    tries: list[str] = []

    def lose_twice(route: Route) -> None:
        tries.append(route.request.post_data_json["idempotency_key"])
        if len(tries) == 1:
            route.abort("connectionreset")  # lost on the way there
        elif len(tries) == 2:
            route.fetch()  # lost on the way back: the server has it
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(ANSWER_PATH, lose_twice)
    page.get_by_role("button", name="Looks right").tap()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden()
    settled(page)
    assert len(tries) == 3
    assert len(set(tries)) == 1


def test_what_was_not_sent_survives_the_page(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.route(ANSWER_PATH, lambda route: route.abort("internetdisconnected"))
    page.get_by_role("button", name="Looks right").tap()
    page.close()
    assert not Answer.objects.exists()
    again = phone.new_page()
    again.goto("/earn/")
    again.goto(f"/earn/{Campaign.objects.get().uuid}/")
    (answer,) = settled(again)
    assert boxes_of(answer) == [DOG, CAT]


def test_a_page_loaded_again_goes_on_with_the_same_tasks(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.reload()
    expect(page.locator(".tag")).to_have_count(2)
    assert Assignment.objects.count() == 2


def test_a_refusal_is_explained_in_words(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    task = Task.objects.order_by("id").first()
    assert task
    # The person looks at it for an hour; meanwhile two others settle it.
    actions.expire_assignments(now=timezone.now() + timedelta(hours=1))
    for _ in range(2):
        other = new_worker()
        for taken in other.take(task.campaign, count=3)["assignments"]:
            if taken["task"]["uuid"] == str(task.uuid):
                other.answer(taken, {"boxes": [DOG]})
    page.get_by_role("button", name="Looks right").tap()
    expect(page.locator("#toast")).to_contain_text("decided before your answer")
    assert queries.open_task_count(task.campaign) == 1


def test_skip_and_report_give_the_task_back(
    phone: BrowserContext, open_page: Callable[..., Page]
) -> None:
    page = open_page(phone)
    page.get_by_role("button", name="Report").tap()
    page.get_by_role("radio", name="It shows private").check()
    page.get_by_role("button", name="Report and go on").tap()
    expect(page.locator(".tag")).to_have_count(0)
    page.get_by_role("button", name="Skip").tap()
    expect(page.locator("#curtain")).to_contain_text("All done")
    for _ in range(50):
        if Assignment.objects.filter(status=Assignment.Status.SKIPPED).count() == 2:
            break
        page.wait_for_timeout(100)
    assert Report.objects.get().reason == Report.Reason.PRIVATE
    assert Assignment.objects.filter(status=Assignment.Status.SKIPPED).count() == 2


def test_a_choice_is_one_tap(
    phone: BrowserContext, photos: Path, worker: Worker, sign_in: Callable[..., None]
) -> None:
    campaign = open_campaign(task_type="single_choice")
    tasks = [
        actions.NewTask(
            inputs=put(photos / name), proposal={"label": "dog"}, proposer="m"
        )
        for name in ("dog.jpg", "chelsea.jpg")
    ]
    actions.open_tasks(campaign, tasks, now=timezone.now())
    sign_in(phone, worker.user)
    page = phone.new_page()
    page.goto(f"/earn/{campaign.uuid}/")
    page.get_by_role("button", name="Yes: dog").tap()
    expect(page.locator("#count")).to_have_text("1")
    page.locator("#labels").get_by_role("button", name="cat").tap()
    said = [answer.content["label"] for answer in settled(page, 2)]
    assert said == ["dog", "cat"]


@pytest.mark.parametrize("path", ["/earn/", "/earn/answers/", "/confirm-identity/"])
def test_no_page_is_wider_than_the_phone(
    path: str,
    phone: BrowserContext,
    campaign: Campaign,
    worker: Worker,
    sign_in: Callable[..., None],
) -> None:
    sign_in(phone, worker.user)
    page = phone.new_page()
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
