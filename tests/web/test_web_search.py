"""Searching by more than words."""

import base64
import json
from pathlib import Path

from playwright.sync_api import Request, Route, expect

from tests.web.visitor import Visitor


def test_more_like_a_result(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    visitor.ask("anything")
    visitor.expect_pictures(3)
    visitor.page.get_by_role("button", name="More like this: horse.png").click()
    expect(visitor.page.get_by_role("heading", name="More like")).to_be_focused()
    visitor.expect_pictures(2)
    expect(visitor.frames.filter(has_text="horse.png")).to_have_count(0)


def test_by_a_picture_chosen_or_dropped(visitor: Visitor, stocked: str, photos: Path) -> None:
    visitor.enter(stocked)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("button", name="Search by a picture").click()
    chooser.value.set_files(photos / "coffee.png")
    visitor.expect_pictures(3)
    expect(visitor.frames.first).to_contain_text("coffee.png")
    data = base64.b64encode((photos / "horse.png").read_bytes()).decode()
    transfer = visitor.page.evaluate_handle(
        """data => {
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "mine.png", { type: "image/png" }));
          return transfer;
        }""",
        data,
    )
    visitor.page.dispatch_event("#search-form", "drop", {"dataTransfer": transfer})
    expect(visitor.frames.first).to_contain_text("horse.png")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)  # nothing is uploaded


def test_by_something_that_is_no_picture(visitor: Visitor, stocked: str, not_an_image: Path) -> None:
    visitor.enter(stocked)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("button", name="Search by a picture").click()
    chooser.value.set_files(not_an_image)
    expect(visitor.alert).to_contain_text("not a picture")


def test_days_narrow_the_search(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    asked: list[Request] = []
    visitor.page.on("request", lambda request: asked.append(request) if "/search?" in request.url else None)
    visitor.page.get_by_label("Taken from").fill("2031-05-01")
    visitor.page.get_by_label("to", exact=True).fill("2031-05-02")
    visitor.ask("anything")
    expect(visitor.page.get_by_role("heading", name="Nothing found for")).to_be_visible()
    (request,) = asked
    assert "taken_from=2031-05-01&" in request.url
    assert "taken_until=2031-05-03" in request.url
    assert "T00" not in request.url  # by the photographs' own clocks


def test_search_is_warmed_once_when_its_box_gets_the_focus(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    expect(visitor.page.get_by_role("checkbox", name="Stables")).to_be_visible()
    visitor.page.get_by_role("checkbox", name="Stables").focus()
    with visitor.page.expect_response(lambda response: response.url.endswith("/api/search/warm")) as warmed:
        visitor.page.get_by_label("Describe the photograph in plain words").focus()
    assert warmed.value.status == 202


def test_results_are_split_where_they_become_uncertain(visitor: Visitor, stocked: str) -> None:
    """What the API says is put into its answer here, so that it does not hang on the model."""

    def say(route: Route) -> None:
        answer = route.fetch()
        body = answer.json() | {"relevant": 2, "partial": True}
        route.fulfill(response=answer, body=json.dumps(body))

    visitor.enter(stocked)
    visitor.page.route(lambda url: "/api/images/search?" in url, say)
    visitor.ask("anything")
    visitor.expect_pictures(3)
    expect(visitor.page.get_by_role("heading", name="2 match")).to_be_visible()
    items = visitor.page.locator("#frames > li")
    expect(items.nth(2)).to_have_text("What follows is less certain.")
    expect(visitor.alert).to_contain_text("Part of the photographs")
