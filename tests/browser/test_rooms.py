"""Transcribe, Live and System in Chromium; words for a missing microphone; languages, themes, phones, axe."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from huiyin.configs import messages
from tests.browser.axe import require, violations
from tests.browser.conftest import Speaks, launch, until, watched, write_wav
from tests.browser.fake_door import PAGE, SEGMENTS, Door
from tests.web.door import KEY, open_door

pytestmark = pytest.mark.browser

TABS = ("talk", "transcribe", "live", "system")
KINDS = ("txt", "srt", "vtt", "csv", "json", "html")
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
PAPER = {"light": "rgb(243, 245, 243)", "dark": "rgb(14, 20, 18)"}


def recording(path: Path, seconds: float = 14.4, rate: int = 16_000, channels: int = 1) -> Path:
    """A tone."""
    write_wav(path, 0.3 * np.sin(np.arange(round(seconds * rate)) / 9), rate, channels)
    return path


def broken(path: Path) -> Path:
    path.write_bytes(b"no sound at all")
    return path


def test_three_files_of_which_one_is_broken(quiet: Speaks, door: Door, tmp_path: Path) -> None:
    page = quiet("transcribe")
    page.fill("#asr-hotwords", "张伟, PyTorch")
    page.uncheck("#asr-itn")
    files = [recording(tmp_path / "会议.wav"), broken(tmp_path / "broken.m4a"), recording(tmp_path / "call.wav")]
    page.set_input_files("#choose", files)
    until(page, "document.querySelectorAll('tr[data-state=done]').length === 2")
    failed = page.text_content("tr[data-state=failed] .bad")
    assert "this is no recording; send WAV" in failed
    assert door.asr_forms[0]["hotwords"] == "张伟, PyTorch"
    assert door.asr_forms[0]["itn"] == "false"
    row = page.text_content("tr[data-state=done] >> nth=0")
    assert ("0:14" in row, "93 %" in row, "24 ×" in row) == (True, True, True)
    assert page.text_content(".segments .text >> nth=2") == SEGMENTS[2]["text"]
    assert page.locator(".plot rect.happy").count() == 1
    page.click("tr[data-state=failed] .link")  # once more, and it fails once more
    page.wait_for_selector("tr[data-state=failed]")
    assert page.errors == []


def test_a_click_on_a_word_plays_from_there(quiet: Speaks, tmp_path: Path) -> None:
    page = quiet("transcribe")
    page.set_input_files("#choose", [recording(tmp_path / "a.wav")])
    page.wait_for_selector(".segments")
    box = page.locator(".segments .text >> nth=2").bounding_box()
    width = page.evaluate(
        """() => { const range = document.createRange();
        range.selectNodeContents(document.querySelectorAll('.segments .text')[2]);
        return range.getBoundingClientRect().width }"""
    )
    page.mouse.click(box["x"] + 0.5 * width, box["y"] + box["height"] / 2)
    page.wait_for_selector(".segments li.on .word.on")
    at = page.evaluate("document.querySelector('audio').currentTime")
    word = SEGMENTS[2]["words"][3]
    assert abs(at - word["start_s"]) < 1
    page.evaluate("document.querySelector('audio').pause()")
    page.focus(".segments li:nth-child(1) .time")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('audio').currentTime < 2")


def test_transcripts_are_downloaded_one_by_one_and_as_a_zip(quiet: Speaks, tmp_path: Path) -> None:
    page = quiet("transcribe")
    page.set_input_files("#choose", [recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav")])
    until(page, "document.querySelectorAll('tr[data-state=done]').length === 2")
    page.click("tr .link >> text=a.wav")
    for kind in KINDS:
        with page.expect_download() as download:
            page.click(f".chip >> text={kind}")
        assert download.value.suggested_filename == f"a.{kind}"
        assert len(Path(download.value.path()).read_bytes()) > 20
    with page.expect_download() as download:
        page.click("#save-all")
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(f"{name}.{kind}" for name in "ab" for kind in KINDS)
        assert SEGMENTS[0]["text"] in archive.read("a.txt").decode()


def test_an_upload_that_breaks_off_is_sent_again_when_the_server_is_back(
    quiet: Speaks, door: Door, tmp_path: Path
) -> None:
    page = quiet("transcribe")
    page.wait_for_selector("#file-kept >> text=at most 7 days")
    door.down = True
    page.set_input_files("#choose", [recording(tmp_path / "a.wav")])
    page.wait_for_selector("tr[data-state=lost] >> text=it will be sent again")
    door.down = False
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_selector("tr[data-state=done]")


def test_where_nothing_may_be_kept_nothing_is(quiet: Speaks, door: Door, tmp_path: Path) -> None:
    door.setup = {**door.setup, "private": True}
    page = quiet("transcribe")
    page.wait_for_selector("#file-limit >> text=up to 1 MB")
    page.set_input_files("#choose", [recording(tmp_path / "a.wav")])
    page.wait_for_selector(".segments")
    assert door.jobs.jobs == {} and page.evaluate("localStorage.length") == 0
    with page.expect_download() as download:
        page.click(".chip >> text=html")
    assert "report" in Path(download.value.path()).read_text()


def test_a_file_beyond_the_limit_is_known_before_it_is_sent_and_can_be_sent_compressed(
    quiet: Speaks, door: Door, tmp_path: Path
) -> None:
    page = quiet("transcribe")
    assert "up to 1 MB" in page.text_content("#file-limit")
    large = recording(tmp_path / "large.wav", 60, 24_000, 2)
    (tmp_path / "large.mp4").write_bytes(bytes(2**21))
    page.set_input_files("#choose", [large, tmp_path / "large.mp4"])
    until(page, "document.querySelectorAll('tr[data-state=too-large]').length === 2")
    assert door.asr_forms == []
    assert "huiyin transcribe" in page.text_content("tr[data-state=too-large] >> nth=1")
    page.click("tr[data-state=too-large] .link")
    page.wait_for_selector("tr[data-state=done]")
    name, sound = door.uploads[0]
    assert name == "large.opus"
    with av.open(io.BytesIO(sound)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert abs(len(samples) / 48_000 - 60) < 0.1
    assert 0.15 < float(np.sqrt(np.mean(samples[48_000:-48_000] ** 2))) < 0.3  # as loud as it was
    assert len(sound) < 400_000


def test_dictation_grows_and_keeps_what_was_written(speaks: Speaks, door: Door) -> None:
    page = speaks(0.2, 30.0)
    page.click("#tab-live")
    page.click("#dictate")
    page.wait_for_selector(".dictated .partial")
    page.wait_for_selector(f".dictated >> text={SEGMENTS[0]['text']}")
    page.wait_for_selector(f".dictated >> text={SEGMENTS[1]['text']}")
    page.click("#dictate")
    page.wait_for_selector("#dictate >> text=Start dictation")
    assert page.locator(".dictated p").count() >= 2
    assert page.errors == []


def test_the_system_shows_models_machine_latency_and_what_doctor_says(quiet: Speaks) -> None:
    page = quiet("system")
    page.wait_for_selector(".checks .fail")
    text = page.text_content("#system")
    for fact in (
        "sensevoice-small",
        "NVIDIA RTX 4070, 12 GB",
        "1 of at most 8",
        "690 ms",
        "port 7872 is taken",
        "3.12.3",
    ):
        assert fact in text
    assert page.locator(".histogram rect").count() == 8
    page.click("#switch-language")
    page.wait_for_selector(".checks >> text=端口 7872 被别的程序占用")
    page.click("#switch-language")
    page.wait_for_selector(".checks >> text=port 7872 is taken")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "https pages or localhost"),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }",
            "refused",
        ),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError') }",
            "plugged in",
        ),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotReadableError') }",
            "in use",
        ),
    ],
)
def test_why_there_is_no_microphone(quiet: Speaks, door: Door, script: str, sentence: str) -> None:
    page = quiet("live")
    page.context.add_init_script(script)
    page.goto("about:blank")
    page.goto(page.address)
    page.click("#orb-button")
    until(page, f"document.querySelector('#hint').textContent.includes({sentence!r})")
    page.fill("#typed", "Hello")  # and yet one can talk by typing
    page.press("#typed", "Enter")
    page.wait_for_selector(".assistant .bubble")


def test_exact_zeros_from_the_microphone_are_told(playwright: Any, address: str, tmp_path: Path) -> None:
    write_wav(tmp_path / "zeros.wav", np.zeros(48_000 * 30), 48_000)
    chromium = launch(playwright, heard=tmp_path / "zeros.wav")
    page = watched(chromium.new_context(locale="en-US").new_page())
    page.goto(address)
    page.click("#orb-button")
    until(page, "document.querySelector('#hint').textContent.includes('exact silence')")
    chromium.close()


@pytest.mark.parametrize("tab", TABS)
def test_a_service_that_stops_is_named_in_every_view_until_it_is_back(quiet: Speaks, door: Door, tab: str) -> None:
    def state(llm: str) -> dict[str, Any]:
        return {**door.setup, "services": {"asr": "ready", "llm": llm, "tts": "ready"}}

    door.setup = state("loading")
    page = quiet(tab)
    page.wait_for_selector("#banner >> text=Language model is loading.")
    door.setup = state("ready")
    page.wait_for_selector("#banner.good >> text=Language model is ready.")
    page.wait_for_selector("#banner", state="hidden")
    door.setup = state("restarting")
    page.wait_for_selector("#banner >> text=Language model has stopped and is being restarted.")
    door.setup = state("given_up")
    page.wait_for_selector("#banner >> text=the terminal of “huiyin web” says why")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    door.setup = state("ready")
    page.wait_for_selector("#banner.good >> text=Language model is ready.")


def test_a_server_that_is_gone_is_missed_and_its_return_is_told(quiet: Speaks, door: Door) -> None:
    page = quiet(locale="zh-CN")
    page.wait_for_selector("#banner", state="hidden")
    door.down = True
    page.wait_for_selector("#banner >> text=服务器没有回应")
    door.down = False
    page.wait_for_selector("#banner.good >> text=服务器恢复了。")


def test_what_the_servers_say_is_wrong_is_chinese_on_the_chinese_page(
    quiet: Speaks, door: Door, tmp_path: Path
) -> None:
    page = quiet("transcribe", locale="zh-CN")
    page.set_input_files("#choose", [broken(tmp_path / "broken.m4a")])
    page.wait_for_selector("tr[data-state=failed] .bad >> text=这不是能读的声音文件")
    page.click("#tab-talk")
    page.click("#orb-button")
    page.wait_for_selector("#orb[data-state=listening]")
    door.tell({"type": "huiyin.notice", "text": "llm gave no answer within 10 s", "stage": "llm"})
    page.wait_for_selector(".notice >> text=大模型出了问题")
    door.tell({"type": "error", "error": {"code": "session_expired", "message": "the session has lasted"}})
    page.wait_for_selector(".notice >> text=这次对话到了时长上限")
    page.click("#switch-language")
    page.wait_for_selector(".notice >> text=llm gave no answer within 10 s")


def test_every_code_that_has_chinese_words_is_one_of_the_servers() -> None:
    listed = (PAGE / "errors.js").read_text(encoding="utf-8").partition("CHINESE = {")[2].partition("};")[0]
    words = {name for room in messages.rooms() for name in messages.table(room)} | {"input_audio_buffer_full"}
    codes = re.findall(r"^  (\w+):", listed, re.MULTILINE)
    assert len(codes) > 30 and set(codes) <= words


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_the_form_for_the_key_has_the_look_of_the_page(
    browser: Any, size: dict[str, int], scheme: str, tmp_path: Path
) -> None:
    pictures = Path(os.environ.get("PAGE_SCREENSHOTS", tmp_path))
    with open_door(PAGE, key=KEY) as url:
        context = browser.new_context(viewport=size, color_scheme=scheme, locale="zh-CN")
        page = watched(context.new_page())
        page.goto(url)
        page.wait_for_selector("h1 >> text=请输入密钥")
        page.fill("input", "wrong-key")
        page.click("form button")
        page.wait_for_selector("[role=alert] >> text=密钥不对。")
        page.screenshot(path=pictures / f"login-{size['width']}-{scheme}.png")
        assert violations(page) == []
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[scheme]
        page.click("#switch-language")
        page.wait_for_selector("[role=alert] >> text=That is not the key.")
        page.fill("input", KEY)
        page.click("form button")
        page.wait_for_selector("#state >> text=Tap to talk")
        assert page.errors == []
        context.close()
    require()


def test_language_and_theme_follow_the_browser_until_they_are_chosen(quiet: Speaks) -> None:
    page = quiet(locale="zh-CN", color_scheme="dark")
    assert page.text_content("#state") == "点一下，开始说话"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#switch-language")
    page.click("#switch-theme")
    page.reload()
    assert page.text_content("#state") == "Tap to talk"
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme].join()") == "en,light"


def test_tabs_by_keyboard(quiet: Speaks) -> None:
    page = quiet()
    page.focus("#tab-talk")
    for name in TABS[1:]:
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f"#{name}:not([hidden])")
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
    page.go_back()
    page.wait_for_selector("#live:not([hidden])")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_all_tabs_fit_and_axe_finds_nothing_serious(
    speaks: Speaks, size: dict[str, int], scheme: str, tmp_path: Path
) -> None:
    """Screenshots are kept in the folder PAGE_SCREENSHOTS; they have been looked at."""
    page = speaks(0.5, 1.4, 4.5, 1.2, viewport=size, color_scheme=scheme, locale="zh-CN")
    pictures = Path(os.environ.get("PAGE_SCREENSHOTS", tmp_path))
    findings = []

    def check(name: str) -> None:
        page.screenshot(path=pictures / f"{name}-{size['width']}-{scheme}.png")
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, name
        findings.extend((name, *found) for found in violations(page))

    check("start")
    page.click("#orb-button")
    until(page, "document.querySelectorAll('.assistant .said')[1]?.textContent.length > 6")
    check("talk")
    page.click("#end")
    page.click("#tab-transcribe")
    files = [recording(tmp_path / "周会.wav"), broken(tmp_path / "broken.m4a"), recording(tmp_path / "interview.wav")]
    page.set_input_files("#choose", files)
    until(page, "document.querySelectorAll('tr[data-state=done]').length === 2")
    page.click(".segments li:nth-child(2) .time")
    page.wait_for_selector(".segments li.on")
    page.evaluate("document.querySelector('audio').pause()")
    check("transcribe")
    page.click("#tab-live")
    page.click("#dictate")
    page.wait_for_selector(f".dictated >> text={SEGMENTS[1]['text']}")
    check("live")
    page.click("#tab-system")
    page.wait_for_selector(".checks .fail")
    check("system")
    assert findings == []
    assert page.errors == []
    require()
