"""The page at /, seen through Chromium."""

import re

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.e2e.chromium import log_in
from tests.server_process import ADMIN_PASSWORD, ServerProcess

pytestmark = pytest.mark.xdist_group("page")

PLAYS_ON = """video => new Promise((resolve, reject) => {
  const look = () => { if (video.currentTime > 1) resolve(video.currentTime); };
  video.addEventListener("timeupdate", look);
  video.addEventListener("error", () => reject(new Error(video.error.message)));
  look();
})"""


def camera(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name, exact=True))


def recordings(page: Page) -> Locator:
    return page.locator("#recordings").get_by_role("listitem")


def address_of_an_open_camera(demo: ServerProcess) -> str:
    with demo.client() as client:
        streams = client.get("/api/streams").raise_for_status().json()["streams"]
    address: str = next(stream["url"] for stream in streams if stream["codec"] == "h264" and "@" not in stream["url"])
    return address


def wait_until_all_record(page: Page) -> None:
    expect(page.locator("#cameras .state")).to_have_text(["connected"] * 4)
    expect(page.locator("#cameras .recording-state")).to_have_text(["recording"] * 4)


def test_a_visitor_is_asked_to_log_in(anonymous: Page) -> None:
    anonymous.goto("/")

    expect(anonymous.get_by_label("Password")).to_be_visible()
    expect(anonymous.get_by_role("list")).to_have_count(0)


def test_a_wrong_password_is_told_in_words_and_can_be_corrected(anonymous: Page) -> None:
    anonymous.goto("/")
    anonymous.get_by_label("User name").fill("admin")
    anonymous.get_by_label("Password").fill("a wrong one")
    anonymous.get_by_role("button", name="Log in").click()
    expect(anonymous.get_by_role("alert")).to_have_text(re.compile(r"\w+ \w+"))

    log_in(anonymous)

    expect(anonymous.get_by_role("heading", name="Cameras")).to_be_visible()


def test_the_form_logs_in_before_its_script_has_loaded(browser: Browser, demo: ServerProcess) -> None:
    context = browser.new_context(base_url=demo.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login.html")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_label("Password").press("Enter")

    page.wait_for_url("**/index.html")

    assert context.request.get("/api/auth/verify").ok
    context.close()


def test_logging_out_ends_the_session(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login.html?logout=true")

    page.goto("/")

    expect(page.get_by_label("Password")).to_be_visible()


def test_all_demo_cameras_connect_and_record(page: Page) -> None:
    wait_until_all_record(page)

    facts = page.locator("#cameras .facts")
    for measured in ("H.264 · AAC · 1280 × 720", "H.264 · 1920 × 1080", "H.265 · AAC · 1280 × 720", "640 × 360"):
        expect(facts.filter(has_text=measured)).to_have_count(1)
    expect(facts).to_have_text([re.compile(r"\d fps · [\d.]+ [kM]bit/s")] * 4)


def test_chromium_can_play_h264(page: Page) -> None:
    assert (
        page.locator("video").evaluate("""video => video.canPlayType('video/mp4; codecs="avc1.42E01E"')""")
        == "probably"
    )


def test_a_recording_plays_in_the_browser(page: Page) -> None:
    wait_until_all_record(page)
    wanted = recordings(page).filter(has_text="H.264 · 1280 × 720").first
    wanted.get_by_role("button", name="Play").click()

    video = page.locator("video")

    assert video.evaluate(PLAYS_ON) > 1
    assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == [1280, 720]
    expect(page.locator("#player-trouble")).to_be_hidden()


def test_a_recording_that_is_being_made_says_so(page: Page) -> None:
    wait_until_all_record(page)

    expect(recordings(page).filter(has_text="recording now")).to_have_count(4)


def test_recordings_can_be_limited_to_one_camera(page: Page) -> None:
    wait_until_all_record(page)
    name = page.locator("#cameras h3").first.inner_text()
    expect(recordings(page).filter(has_not_text=name)).not_to_have_count(0)

    page.get_by_role("combobox", name="Camera").select_option(name)

    expect(recordings(page).filter(has_text=name)).not_to_have_count(0)
    expect(recordings(page).filter(has_not_text=name)).to_have_count(0)


def test_what_the_browser_cannot_play_can_be_downloaded(page: Page) -> None:
    wait_until_all_record(page)
    page.route("**/api/recordings/play/*", lambda route: route.fulfill(body=b"not a video", content_type="video/mp4"))
    recordings(page).filter(has_text="H.265").first.get_by_role("button", name="Play").click()
    expect(page.locator("#player").get_by_role("alert")).to_contain_text("H.265")

    with page.expect_download() as download:
        page.locator("#player").get_by_role("link", name="Download").click()

    assert download.value.path().stat().st_size > 0


def test_a_camera_is_tested_added_and_removed(page: Page, demo: ServerProcess) -> None:
    name = "Gate <b>3"
    page.get_by_text("Add a camera").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Address").fill(address_of_an_open_camera(demo))
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#camera-answer")).to_contain_text("It works: H.264")

    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#camera-answer")).to_contain_text("was added")
    expect(camera(page, name).locator(".state")).to_have_text("connected")

    camera(page, name).get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(camera(page, name)).to_have_count(0)


def test_removing_can_be_thought_better_of(page: Page) -> None:
    wait_until_all_record(page)
    page.get_by_role("button", name="Remove").first.click()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#cameras .camera")).to_have_count(4)


def test_a_camera_that_does_not_answer_is_told_in_words(page: Page) -> None:
    page.get_by_text("Add a camera").click()
    page.get_by_label("Address").fill("rtsp://127.0.0.1:9/nobody")
    page.get_by_role("button", name="Test").click()

    expect(page.locator("#camera-answer.trouble")).to_have_text(re.compile(r"\w+ \w+"))


def test_an_address_of_another_kind_is_refused_in_words(page: Page) -> None:
    page.get_by_text("Add a camera").click()
    page.get_by_label("Name").fill("A file")
    page.get_by_label("Address").fill("file:///etc/passwd")
    page.get_by_role("button", name="Add", exact=True).click()

    expect(page.locator("#camera-answer.trouble")).to_contain_text("rtsp")


def test_the_page_keeps_to_its_own_content_security_policy(anonymous: Page) -> None:
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    anonymous.on("console", listen)
    anonymous.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(anonymous)
    wait_until_all_record(anonymous)

    policy = anonymous.request.get("/").headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 740})
    wait_until_all_record(page)
    page.get_by_text("Add a camera").click()

    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360


def test_everything_can_be_reached_with_the_keyboard(page: Page) -> None:
    wait_until_all_record(page)
    recordings(page).first.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#player-title")).to_be_focused()

    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#player")).to_be_hidden()
    expect(recordings(page).first.get_by_role("button", name="Play")).to_be_focused()
