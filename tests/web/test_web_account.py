"""Accounts at the page: mistakes, the keyboard alone, sessions that end."""

import json
import urllib.request

from playwright.sync_api import expect

from tests.web.visitor import PASSWORD, Visitor


def test_a_wrong_password_gets_a_sentence(visitor: Visitor, stocked: str) -> None:
    visitor.open()
    visitor.log_in(stocked, "not " + PASSWORD)
    expect(visitor.alert).to_contain_text("password is wrong")
    expect(visitor.page.get_by_label("Password")).to_be_focused()
    visitor.log_in(stocked)
    visitor.expect_library()


def test_a_taken_name_gets_a_sentence(visitor: Visitor, stocked: str) -> None:
    visitor.open()
    visitor.page.get_by_role("button", name="Create an account").click()
    visitor.page.get_by_label("User name").fill(stocked)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Create account").click()
    expect(visitor.alert).to_contain_text("taken")


def test_the_keyboard_is_enough(visitor: Visitor, stocked: str) -> None:
    keyboard = visitor.page.keyboard
    visitor.open()
    expect(visitor.page.get_by_label("User name")).to_be_focused()
    keyboard.type(stocked)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    visitor.expect_library()
    expect(visitor.page.get_by_label("Describe the photograph in plain words")).to_be_focused()
    keyboard.type("a cat")
    keyboard.press("Enter")
    visitor.expect_pictures(3)
    keyboard.press("Shift+Tab")
    expect(visitor.page.get_by_role("button", name="Log out")).to_be_focused()
    keyboard.press("Enter")
    visitor.expect_log_in_form()


def test_a_session_that_ended_elsewhere_leads_back_to_the_log_in(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    request = urllib.request.Request(  # noqa: S310 - the API under test
        f"{visitor.api_url}/api/users/logout",
        data=json.dumps({"token": visitor.token()}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 200
    visitor.ask("a cat")
    visitor.expect_log_in_form()
    expect(visitor.alert).to_have_text("Your session has ended. Please log in again.")
    expect(visitor.page.get_by_role("button", name="Log out")).to_be_hidden()


def test_a_forged_token_leads_back_to_the_log_in(visitor: Visitor) -> None:
    visitor.open()
    forged = json.dumps({"token": "forged", "username": "mallory"})
    visitor.page.evaluate("session => sessionStorage.setItem('glimpse.session', session)", forged)
    visitor.page.reload()
    visitor.expect_log_in_form()
    expect(visitor.alert).to_contain_text("Your session has ended.")


def test_a_session_lasts_over_a_reload(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    visitor.page.reload()
    visitor.expect_library()
    expect(visitor.page.get_by_text(stocked)).to_be_visible()


def test_the_page_says_which_model_is_active_and_what_it_cannot_do(visitor: Visitor) -> None:
    visitor.open()
    with urllib.request.urlopen(f"{visitor.api_url}/health") as answer:  # noqa: S310 - the API under test
        model = json.load(answer)["model"]
    footer = visitor.page.get_by_role("contentinfo")
    expect(footer).to_contain_text(f"Active model: {model}")
    if model == "glimpse-demo":
        expect(footer).to_contain_text("doesn’t understand photographs as a real CLIP does")
