"""What the page does when something between it and the stack goes wrong."""

from pathlib import Path

from playwright.sync_api import Request, expect

from tests.web.visitor import Visitor


def test_a_search_that_fails_can_be_tried_again(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    for problem, sentence in ((503, "could not answer (503)"), ("connectionrefused", "can’t be reached")):
        with visitor.trouble("/api/images/search", problem):
            visitor.ask("a horse")
            expect(visitor.alert).to_contain_text(sentence)
            expect(visitor.frames).to_have_count(0)
        visitor.page.get_by_role("button", name="Try again").click()
        visitor.expect_pictures(3)
        expect(visitor.alert).to_have_count(0)


def test_logging_in_while_offline_gets_a_sentence(visitor: Visitor, stocked: str) -> None:
    visitor.open()
    with visitor.trouble("/api/users/login", "internetdisconnected"):
        visitor.log_in(stocked)
        expect(visitor.alert).to_contain_text("can’t be reached")
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.expect_library()


def test_a_server_that_cannot_be_reached_is_said_at_the_start(visitor: Visitor) -> None:
    with visitor.trouble("/health", "connectionrefused"):
        visitor.open()
        expect(visitor.alert).to_contain_text("can’t be reached")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_role("contentinfo")).to_contain_text("Active model:")
    expect(visitor.alert).to_have_count(0)


def test_passing_trouble_of_the_storage_is_overcome_alone(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    with visitor.storage_trouble(503, "POST", times=2) as failed:
        card = visitor.upload([photos / "horse.png", photos / "coffee.png"], "Twice")
    assert len(failed) == 2
    expect(card).to_contain_text("2 photographs are ready to search.")


def test_a_file_that_does_not_get_through_can_be_sent_again(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    with visitor.storage_trouble("connectionreset", "POST"):
        card = visitor.upload([photos / "horse.png"], "Stubborn")
        expect(card).to_contain_text("1 photograph did not get through.")
        expect(card).to_contain_text("Not sent: The connection broke off")
    card.get_by_role("button", name="Send it again").click()
    expect(visitor.settled_upload("Stubborn")).to_contain_text("1 photograph is ready to search.")
    visitor.ask("a horse")
    visitor.expect_pictures(1)


def test_an_address_that_ran_out_is_replaced(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    with visitor.storage_trouble(403, "POST", times=1) as failed:
        card = visitor.upload([photos / "horse.png", photos / "coffee.png"], "Late")
    assert len(failed) == 1
    expect(card).to_contain_text("2 photographs are ready to search.")
    visitor.ask("anything")
    visitor.expect_pictures(2)


def test_pictures_whose_addresses_ran_out_get_new_ones_once(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    searches: list[str] = []

    def note(request: Request) -> None:
        if "/search?" in request.url:
            searches.append(request.url)

    visitor.page.on("request", note)
    with visitor.storage_trouble(403, "GET", times=2):
        visitor.ask("a horse")
        visitor.expect_pictures(3)
    assert len(searches) == 2

    searches.clear()
    with visitor.storage_trouble(403, "GET"):
        visitor.ask("a horse")
        expect(visitor.page.locator(".frame.broken")).to_have_count(3)
        expect(visitor.frames).to_have_count(3)
    assert len(searches) == 2


def test_an_upload_can_be_stopped(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    with visitor.storage_trouble(None, "POST"):
        visitor.choose([photos / "horse.png", photos / "coffee.png"])
        visitor.name_folder("Halfway")
        visitor.page.get_by_role("button", name="Stop").click()
        card = visitor.settled_upload("Halfway")
    expect(card).to_contain_text("Stopped.")
    expect(card).to_contain_text("2 photographs did not get through.")
    card.get_by_role("button", name="Send the 2 again").click()
    expect(visitor.settled_upload("Halfway")).to_contain_text("2 photographs are ready to search.")
    card.get_by_role("button", name="Close").click()
    expect(card).to_have_count(0)


def test_a_session_that_ends_during_an_upload_stops_it(visitor: Visitor, stocked: str, photos: Path) -> None:
    visitor.enter(stocked)
    with visitor.trouble("/api/uploads", 401, "POST"):
        visitor.choose([photos / "horse.png"])
        visitor.name_folder("Too late")
        visitor.expect_log_in_form()
    expect(visitor.alert).to_contain_text("Your session has ended.")
    expect(visitor.page.get_by_role("article")).to_have_count(0)


def test_polling_goes_on_after_an_interruption(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    with visitor.trouble("/api/images/job-status", 503) as failed:
        visitor.choose([photos / "horse.png"])
        visitor.name_folder("Patience")
        expect(visitor.alert).to_contain_text("could not answer (503)")
    assert failed
    expect(visitor.settled_upload("Patience")).to_contain_text("1 photograph is ready to search.")


def test_missing_settings_are_said(visitor: Visitor) -> None:
    visitor.page.route("**/config.json", lambda route: route.fulfill(status=404, body="none"))
    visitor.page.goto(visitor.web_url)
    expect(visitor.alert).to_contain_text("config.json")
