"""The page of `--format html` in a real browser: for eyes, keyboards and screen readers."""

import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.verify.browser import Browser, Page
from tests.verify.fake_alb import FakeAlb, balancer_error, hello
from tests.verify.outcomes import answer
from tests.verify.simulated_run import run, two_tasks
from tests.verify.simulated_watch import down, good_rollout, watch
from verify.exit_codes import ExitCode
from verify.formats import FORMATS
from verify.judging.report import Report
from verify.main import main
from verify.network.outcome import Answer

pytestmark = pytest.mark.slow  # a real browser

HOSTILE = '<script>document.title="run"</script>"><img src=x onerror=alert(1)>&amp;'


def hostile(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text=HOSTILE, headers={"server": HOSTILE, "x-served-by": HOSTILE})


def hostile_tasks(_now: float, _lane: str) -> Answer:
    return answer(body=f"Hello from {HOSTILE.replace('<', '').replace(' ', '/')}<".encode())


REPORTS: dict[str, Callable[[], list[Report]]] = {
    "a watch with an outage": lambda: [watch(down(8.0, 9.0), "--expect-change")],
    "a watch without a command": lambda: [
        watch(good_rollout, "--for", "6s", command_exit_code=None)
    ],
    "a watch of hostile tasks": lambda: [watch(hostile_tasks)],
    "a good check": lambda: [run(two_tasks, "--expect-tasks", "2")],
    "a check without an answer": lambda: [run(two_tasks, "--deadline", "5s", resolves_after=99)],
    "a check that was interrupted": lambda: [run(two_tasks, stop_after=0.001)],
    "a check of a hostile server": lambda: [run(hostile, "--identity", "header:X-Served-By")],
    "two checks": lambda: [
        run(two_tasks, "--expect-tasks", "2"),
        run(two_tasks, "--status", "404", target="https://b.example/x"),
    ],
}


@pytest.fixture(scope="module", params=REPORTS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(FORMATS["html"](REPORTS[request.param]()), encoding="ascii")
    return file


@pytest.fixture(scope="module")
def outage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Page:
    file = tmp_path_factory.mktemp("page") / "outage.html"
    file.write_text(FORMATS["html"](REPORTS["a watch with an outage"]()), encoding="ascii")
    return browser.open(file)


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    """Where marks are: left and right edges and height, as the browser has laid them out."""
    found: list[dict[str, float]] = page.evaluate(
        f"[...document.querySelectorAll({selector!r})].map(e => e.getBoundingClientRect())"
        ".map(r => ({left: r.left, right: r.right, height: r.height}))"
    )
    return found


def at(page: Page, chart: str) -> Callable[[float], float]:
    """Where the chart's own axis shows a time, by the labels of two of its ticks."""
    labels: dict[str, float] = page.evaluate(
        f"Object.fromEntries([...document.querySelectorAll('#{chart} > text')].map(e => "
        "[e.textContent, (e.getBoundingClientRect().left + e.getBoundingClientRect().right) / 2]))"
    )
    first, last = labels["0 s"], labels["15 s"]
    return lambda seconds: first + (last - first) * seconds / 15


def test_the_outage_is_shown_where_and_as_long_as_it_was(outage: Page) -> None:
    for chart in ("r1-answers", "r1-latency", "r1-tasks"):
        x = at(outage, chart)
        bands = boxes(outage, f"#{chart} .outage")
        assert len(bands) == 2, "one for each lane"
        assert min(band["left"] for band in bands) == pytest.approx(x(8.0), abs=1.5)
        assert max(band["right"] for band in bands) == pytest.approx(x(9.05), abs=1.5)


def test_failed_answers_are_shown_during_the_outage_and_good_ones_otherwise(outage: Page) -> None:
    x = at(outage, "r1-answers")
    slots = 85
    good = boxes(outage, "#r1-answers .row.good rect")
    bad = boxes(outage, "#r1-answers .row.bad rect")
    assert (len(good), len(bad)) == (slots - 5, 5), "of 17 s in slots of 0.2 s, one second"
    for bar in bad:
        assert x(8.0) - 1.5 <= bar["left"] < bar["right"] <= x(9.2)
        assert bar["height"] > 5
    for bar in good:
        assert bar["right"] <= x(8.0) + 1.5 or bar["left"] >= x(9.0) - 1.5
        assert bar["height"] > 5


def test_old_tasks_leave_and_new_ones_come_where_they_did(outage: Page) -> None:
    x = at(outage, "r1-tasks")
    old, new = boxes(outage, "#r1-tasks .row.old rect"), boxes(outage, "#r1-tasks .row.new rect")
    assert old[0]["left"] == pytest.approx(x(0.0), abs=1.5)
    assert old[-1]["right"] == pytest.approx(x(12.2), abs=1.5)
    assert new[0]["left"] == pytest.approx(x(9.0), abs=1.5)
    assert new[-1]["right"] == pytest.approx(x(17.0), abs=1.5)
    labels = outage.evaluate(
        "[...document.querySelectorAll('#r1-tasks g text')].map(e => e.firstChild.data)"
    )
    assert labels == ["old: old-1", "new: new-1"]


def test_the_commands_start_and_end_are_marked(outage: Page) -> None:
    for chart in ("r1-answers", "r1-latency", "r1-tasks"):
        x = at(outage, chart)
        marks = [box["left"] for box in boxes(outage, f"#{chart} path.moment")]
        assert marks == [pytest.approx(x(5.0), abs=1.5), pytest.approx(x(15.0), abs=1.5)]
        labels = outage.evaluate(
            f"[...document.querySelectorAll('#{chart} text.moment')].map(e => e.textContent)"
        )
        assert labels == ["deploy starts", "deploy ends with 0"]


@pytest.mark.parametrize("took", [0.0, 0.5])
def test_the_labels_of_a_short_command_are_apart(
    took: float, browser: Browser, tmp_path: Path
) -> None:
    report = watch(good_rollout)
    assert report.watched
    short = report.watched._replace(command_ended=report.watched.changed + took)
    (tmp_path / "page.html").write_text(
        FORMATS["html"]([report._replace(watched=short)]), encoding="ascii"
    )
    page = browser.open(tmp_path / "page.html")
    heights = page.evaluate(
        "[...document.querySelectorAll('#r1-answers text.moment')].map(e => "
        "e.getBoundingClientRect())"
        ".map(r => [r.top, r.bottom])"
    )
    (_, above), (below, _) = sorted(heights)
    assert above <= below + 2, (
        "the space below a line's letters may meet the one above the next line's"
    )


def test_the_latency_is_drawn_at_its_height(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    slow = run(two_tasks, "--samples", "20", takes=lambda number: 0.2 if number >= 13 else 0.05)
    file.write_text(FORMATS["html"]([slow]), encoding="ascii")
    page = browser.open(file)
    places: dict[str, float] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#r1-latency > text')].map(e "
        "=> [e.textContent, "
        "e.getBoundingClientRect().top + e.getBoundingClientRect().height / 2]))"
    )
    scale = (places["0 ms"] - places["200 ms"]) / 200
    points = page.evaluate(
        "document.querySelector('#r1-latency path.p50').getBoundingClientRect().toJSON()"
    )
    assert (places["0 ms"] - points["bottom"]) / scale == pytest.approx(56, rel=0.1), (
        "10 quick answers"
    )
    assert (places["0 ms"] - points["top"]) / scale == pytest.approx(206, rel=0.1), "10 slow ones"
    assert len(boxes(page, "#r1-latency path.line")) == 3


def test_the_charts_content_is_also_in_text(outage: Page) -> None:
    text = outage.evaluate("document.body.innerText")
    for words in (
        "verify: failed",
        "Exit code 34",
        "20 of 340 requests failed: 20 x 503 from the load balancer",
        "at most 0 failed",
        "94.117 % of the requests were answered well (not judged)",
        "deploy starts at 5.0 s. deploy ends with 0 at 15.0 s.",
        "Outages: 2, the longest 1 s, from 8 s on.",
        "old-1\told\t191\t0.0 s\t12.0 s",
        "new-1\tnew\t129\t9.1 s\t17.0 s",
        "8.00 s\t1 s\tfresh",
    ):
        assert words in text


def test_a_screen_reader_finds_headings_named_pictures_and_tables(outage: Page) -> None:
    nodes = outage.accessible()
    by_role: dict[str, list[dict[str, str]]] = defaultdict(list)
    for node in nodes:
        by_role[node["role"]].append(node)
    assert [(node["level"], node["name"]) for node in by_role["heading"]] == [
        ("1", "verify: failed"),
        ("2", "http://a.example/"),
        ("3", "Phases and checks"),
        ("3", "Answers over time"),
        ("3", "Latency"),
        ("3", "Tasks"),
        ("3", "Outages"),
    ]
    images = (*by_role["image"], *by_role["img"])
    pictures = {node["name"]: node["description"] for node in images}
    assert pictures["Answers over time, by status"] == "320 x 200, 20 x 503"
    assert pictures["Answers over time, by task"] == "old: old-1: 191, new: new-1: 129"
    assert pictures["Latency over time"].startswith("Of all answers: min ")
    tables = [node["name"] for node in by_role["table"]]
    assert tables == ["What was found", "Answers by task", "2 in all"]
    assert {"main", "region"} <= by_role.keys()
    cells = [node["name"] for node in by_role["columnheader"][:5]]
    assert cells == ["Check", "Result", "Found", "Expected", "What to do"]


def test_the_keyboard_reaches_everything_and_opens_the_table(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(FORMATS["html"](REPORTS["a watch with an outage"]()), encoding="ascii")
    page = browser.open(file)
    page.press("Tab")
    first = page.evaluate(
        "[document.activeElement.innerText, "
        "document.activeElement.getBoundingClientRect().left >= 0]"
    )
    assert first == ["Skip to the results", True], "it is seen once it is reached"
    reached = []
    for _ in range(20):
        page.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.innerText")
        )
        if reached[-1].startswith("SUMMARY"):
            break
    assert reached[-1] == "SUMMARY All numbers of the charts, as a table"
    assert page.evaluate("document.querySelector('#r1-numbers').checkVisibility()") is False
    page.press("Enter")
    assert page.evaluate("document.querySelector('#r1-numbers').checkVisibility()") is True
    rows = page.evaluate(
        "[...document.querySelectorAll('#r1-numbers tbody tr')].map(r => r.innerText)"
    )
    assert len(rows) == 85
    counts = [row.split("\t") for row in rows]
    assert sum(int(row[1]) for row in counts) == 320
    assert sum(int(row[2]) for row in counts) == 20


def test_the_page_loads_no_resource_runs_no_script_and_logs_no_error(
    written: Path, browser: Browser
) -> None:
    page = browser.open(written)
    requested = [
        request["request"]["url"] for request in page.happened("Network.requestWillBeSent")
    ]
    assert [url for url in requested if not url.startswith("data:")] == [written.as_uri()]
    assert page.happened("Runtime.exceptionThrown") == []
    assert page.happened("Log.entryAdded") == [], (
        "neither errors nor what the page's own policy refuses"
    )
    loaded = page.evaluate(
        "document.scripts.length + document.images.length + document.styleSheets.length"
    )
    assert loaded == 1, "its own style sheet"
    assert page.evaluate("document.title").startswith("verify: ")
    assert page.evaluate("document.compatMode") == "CSS1Compat"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.evaluate(
        "[...document.querySelectorAll('[aria-labelledby],[aria-describedby]')].every(e => "
        "['aria-labelledby', 'aria-describedby'].every(a => (e.getAttribute(a) ?? "
        "'results').split(' ')"
        ".every(id => document.getElementById(id))))"
    )


def test_every_row_of_every_open_table_is_within_the_page(written: Path, browser: Browser) -> None:
    rows = boxes(browser.open(written), "#results > section > div tr")
    assert rows
    assert all(row["left"] >= 0 and row["height"] > 10 for row in rows)


def test_a_hostile_servers_text_stays_text(browser: Browser, tmp_path: Path) -> None:
    for number, name in enumerate(("a check of a hostile server", "a watch of hostile tasks")):
        file = tmp_path / f"{number}.html"
        file.write_text(FORMATS["html"](REPORTS[name]()), encoding="ascii")
        page = browser.open(file)
        elements = page.evaluate(
            "document.querySelectorAll('script, img, iframe, [onerror]').length"
        )
        assert elements == 0
        assert "onerror=alert(1)" in page.evaluate("document.body.textContent")
        assert page.evaluate("document.title").startswith("verify: ")


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    total = 0.0
    for part, weight in zip(re.findall(r"\d+", colour), (0.2126, 0.7152, 0.0722), strict=False):
        value = int(part) / 255
        linear = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        total += weight * linear
    return total


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_sufficient_in_light_and_in_dark(
    scheme: str, written: Path, browser: Browser
) -> None:
    page = browser.open(written, dark=scheme == "dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(background) < 0.1) == (scheme == "dark")
    texts: list[str] = page.evaluate(
        "[...document.querySelectorAll('body *:not(title, desc)')]"
        ".filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))"
        ".map(e => getComputedStyle(e)[e instanceof SVGElement ? 'fill' : 'color'])"
    )
    assert texts
    for colour in texts:
        assert contrast(colour, background) >= 4.5
    marks: list[str] = page.evaluate(
        "[...document.querySelectorAll('.row rect')].map(e => getComputedStyle(e).fill)"
        ".concat([...document.querySelectorAll('.line, .moment')].map(e => "
        "getComputedStyle(e).stroke))"
        ".filter(c => c != 'none')"
    )
    bands: list[str] = page.evaluate(
        "[...document.querySelectorAll('rect.outage')].map(e => getComputedStyle(e).fill)"
    )
    for mark in marks:
        for behind in (background, *bands):
            assert contrast(mark, behind) >= 3


def test_a_narrow_screen_scrolls_the_pictures_and_not_the_page(
    written: Path, browser: Browser
) -> None:
    page = browser.open(written, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def run_main(*arguments: str) -> int:
    return main([*arguments, "--quiet"])


def test_a_check_writes_its_page(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "check.html"
    with FakeAlb(lambda number, _request: [hello(f"task-{number % 2}")]) as alb:
        options = ["--expect-tasks", "2", "--interval", "1ms", "--format", f"html={file}"]
        assert run_main(alb.authority, *options) == ExitCode.PASSED
    page = browser.open(file)
    text = page.evaluate("document.body.innerText")
    assert "verify: passed" in text
    assert "11 of 11 requests answered" in text
    assert len(boxes(page, "#r1-tasks .row.task")) == 2
    answers = page.evaluate(
        "[...document.querySelectorAll('#r1-task-table td')].map(e => +e.innerText)"
    )
    assert sum(answers) == 11
    assert "passed after" in capsys.readouterr().out, (
        "a person's report goes to stdout all the same"
    )


def test_a_watch_writes_its_page(
    browser: Browser, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, changed, good = tmp_path / "watch.html", tmp_path / "changed", tmp_path / "good"

    def service(_number: int, _request: bytes) -> list[bytes]:
        if good.exists() or not changed.exists():
            return [hello("new-1" if good.exists() else "old-1")]
        return [balancer_error(503)]

    deploy = (
        "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(0.5);"
        "pathlib.Path(sys.argv[2]).touch(); time.sleep(0.3)"
    )
    options = ["--rate", "20", "--before", "400ms", "--after", "400ms", "--expect-change"]
    options += ["--format", f"html={file}"]
    command = [sys.executable, "-c", deploy, str(changed), str(good)]
    with FakeAlb(service) as alb:
        began = time.monotonic()
        code = run_main("watch", alb.authority, *options, "--", *command)
        assert time.monotonic() - began < 30
    assert code == ExitCode.BALANCER_ERROR
    page = browser.open(file)
    assert "failed" in page.evaluate("document.querySelector('h1').innerText")
    bands: list[Any] = boxes(page, "#r1-answers .outage")
    failed = boxes(page, "#r1-answers .row.bad rect")
    start, end = (box["left"] for box in boxes(page, "#r1-answers path.moment"))
    assert bands
    assert failed
    for bar in failed:
        assert start - 60 <= bar["left"] <= end, "it failed while the command ran"
    assert boxes(page, "#r1-tasks .row.old rect")[0]["left"] < start
    assert boxes(page, "#r1-tasks .row.new rect")[-1]["right"] > end
    assert "503" in capfd.readouterr().out
