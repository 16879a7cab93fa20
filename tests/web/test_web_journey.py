"""The way through the page: account, upload, search, deleting, and out again."""

import re
import shutil
import urllib.request
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from deployment.settings import ROOT
from tests.web.visitor import Visitor


def test_register_upload_search_and_log_out(visitor: Visitor, photos: Path, not_an_image: Path) -> None:
    page = visitor.page
    visitor.register()

    card = visitor.upload([photos / "chelsea.png", photos / "coffee.png", not_an_image], "Kitchen")
    expect(card).to_contain_text("2 photographs are ready to search. 1 file can’t be used")
    problem = card.get_by_role("list", name="Photographs with a problem").get_by_role("listitem")
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text(re.compile(r"notes\.jpg.*Can’t be used: \w+", re.DOTALL))

    card.get_by_role("button", name="Search them").click()
    expect(page.get_by_text("Searching “Kitchen”.")).to_be_visible()
    visitor.ask("a cat")
    visitor.expect_pictures(2)
    expect(page.get_by_role("heading", name="Closest to")).to_contain_text("a cat")
    expect(page.get_by_role("checkbox", name="Kitchen 2 photographs")).to_be_visible()

    visitor.page.get_by_role("button", name="Log out").click()
    visitor.expect_log_in_form()
    expect(page.get_by_text("You are logged out.").first).to_be_visible()
    expect(visitor.frames).to_have_count(0)
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page.reload()
    visitor.expect_log_in_form()


def test_results_are_best_first_and_lead_to_the_originals(
    visitor: Visitor, photos: Path, stocked: str
) -> None:
    visitor.enter(stocked)
    visitor.ask("a horse")
    visitor.expect_pictures(3)

    texts = visitor.frames.locator(".frame-similarity").all_inner_texts()
    cosines = [float(re.sub(r"[^\d.\u2212]", "", text).replace("\u2212", "-")) for text in texts]
    assert cosines == sorted(cosines, reverse=True)
    for frame in visitor.frames.all():
        name = frame.locator(".frame-name").inner_text()
        address = frame.get_by_role("link").get_attribute("href")
        assert address is not None
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - an address of the stack under test
            assert answer.read() == (photos / name).read_bytes()


def test_a_whole_folder_is_uploaded_under_its_name(visitor: Visitor, photos: Path, tmp_path: Path) -> None:
    album = tmp_path / "Été à Łódź 夏"
    (album / "second day").mkdir(parents=True)
    shutil.copy(photos / "rocket.jpg", album / "ракета 🚀.jpg")
    shutil.copy(photos / "horse.png", album / "second day" / "馬 %41&amp;.png")
    (album / "notes.txt").write_text("not a photograph")
    (album / ".hidden.jpg").write_text("a system's own note")
    visitor.register()

    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(album)
    expect(visitor.page.get_by_role("heading", name="Add 2 photographs")).to_be_visible()
    expect(visitor.page.get_by_text("1 other file is no photograph and stays out.")).to_be_visible()
    expect(visitor.page.get_by_label("Folder", exact=True)).to_have_value(album.name)
    visitor.page.get_by_role("button", name="Add", exact=True).click()

    visitor.settled_upload(album.name)
    visitor.ask("anything")
    visitor.expect_pictures(2)
    names = visitor.frames.locator(".frame-name").all_inner_texts()
    assert set(names) == {"ракета 🚀.jpg", "馬 %41&amp;.png"}
    assert set(visitor.frames.locator(".frame-folder").all_inner_texts()) == {album.name}


def test_a_photograph_too_large_for_the_gateway_goes_through(
    limited_visitor: Visitor, tmp_path: Path
) -> None:
    visitor = limited_visitor
    pixels = np.random.default_rng(7).integers(0, 256, (1400, 1400, 3), np.uint8)
    picture = tmp_path / "noise.png"
    Image.fromarray(pixels).save(picture, compress_level=0)
    with picture.open("rb") as file:
        refused = httpx.post(f"{visitor.api_url}/api/images/upload", files={"files": file}, trust_env=False)
    assert refused.status_code == 413
    visitor.register()
    expect(visitor.upload([picture], "Large")).to_contain_text("1 photograph is ready to search.")
    visitor.ask("noise")
    visitor.expect_pictures(1)


def test_a_dropped_folder_is_walked(visitor: Visitor, photos: Path, tmp_path: Path) -> None:
    album = tmp_path / "Dropped"
    (album / "deeper").mkdir(parents=True)
    shutil.copy(photos / "horse.png", album / "horse.png")
    shutil.copy(photos / "coffee.png", album / "deeper" / "coffee.png")
    visitor.register()

    pointer = visitor.page.context.new_cdp_session(visitor.page)
    data = {"items": [], "files": [str(album)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        pointer.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 500, "data": data})

    expect(visitor.page.get_by_role("heading", name="Add 2 photographs")).to_be_visible()
    visitor.page.get_by_role("button", name="Add", exact=True).click()
    expect(visitor.settled_upload("Dropped")).to_contain_text("2 photographs are ready to search.")


def test_names_are_text_never_markup(visitor: Visitor, photos: Path, tmp_path: Path) -> None:
    attack = "<img src=x onerror=\"document.title='owned'\">"
    picture = tmp_path / f"{attack.replace('/', '')}.png"
    shutil.copy(photos / "horse.png", picture)
    visitor.register()
    visitor.upload([picture], attack)
    visitor.ask(f"{attack}<script>document.title='owned'</script>")
    visitor.expect_pictures(1)

    expect(visitor.frames.locator(".frame-folder")).to_have_text(attack)
    expect(visitor.page.get_by_label(attack).first).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Closest to")).to_contain_text("<script>")
    assert visitor.page.title() == "Glimpse"
    assert visitor.page.locator("[onerror]").count() == 0


def test_a_folder_is_deleted_only_after_a_yes(visitor: Visitor, photos: Path) -> None:
    page = visitor.page
    visitor.register()
    visitor.upload([photos / "horse.png"], "Stables")
    visitor.ask("a horse")
    visitor.expect_pictures(1)
    question = page.get_by_role("dialog", name="Delete “Stables”?")
    ask_to_delete = page.get_by_role("button", name="Delete the folder Stables")

    ask_to_delete.click()
    question.get_by_role("button", name="Keep it").click()
    ask_to_delete.click()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(visitor.frames).to_have_count(1)

    ask_to_delete.click()
    question.get_by_role("button", name="Delete").click()
    expect(ask_to_delete).to_have_count(0)
    expect(visitor.frames).to_have_count(0)
    page.reload()
    expect(page.get_by_text("None yet.")).to_be_visible()
    visitor.ask("a horse")
    expect(page.get_by_role("heading", name="Nothing found for")).to_be_visible()


def test_ticked_folders_narrow_the_search(visitor: Visitor, stocked: str) -> None:
    visitor.enter(stocked)
    visitor.ask("anything")
    visitor.expect_pictures(3)
    visitor.page.get_by_role("checkbox", name="Stables").check()
    visitor.ask("anything")
    visitor.expect_pictures(1)
    expect(visitor.frames.locator(".frame-folder")).to_have_text("Stables")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_of_the_window(visitor: Visitor, photos: Path, width: int) -> None:
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 740})
    visitor.register(f"{'w' * 60}-{width}-{id(visitor)}")
    visitor.upload([photos / "horse.png", photos / "page.png"], "A name " + "withoutanyspace" * 12)
    visitor.ask("x" * 200)
    visitor.expect_pictures(2)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_the_demo_account_is_offered_and_more_can_be_shown(visitor: Visitor) -> None:
    everything = len(list((ROOT / "local" / "gallery").rglob("*.jpg")))
    visitor.open()
    visitor.page.get_by_role("button", name="Use the demo account").click()
    visitor.expect_library()
    visitor.ask("something to eat")
    visitor.expect_pictures(24)
    visitor.page.get_by_role("button", name="Show more").click()
    visitor.expect_pictures(everything)
    expect(visitor.frames.nth(24).get_by_role("link")).to_be_focused()
    expect(visitor.page.get_by_role("button", name="Show more")).to_be_hidden()
