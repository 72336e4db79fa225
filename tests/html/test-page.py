#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Opens pages of reports in a browser, most of them made by hand: test-page.py MAKE_PAGE SNG.  Prints TAP."""

import html.parser
import json
import pathlib
import subprocess
import sys
import tempfile
import traceback

import browser
import reports

VOID = {"meta", "path", "rect", "circle", "use", "br", "link", "img", "input"}

# How many pixels of a plot have about this colour.
COUNT_PIXELS = """
(canvas, name) => {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const wanted = [1, 3, 5].map((i) => parseInt(probe.fillStyle.substr(i, 2), 16));
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i + 3] > 200 && wanted.every((part, k) => Math.abs(part - pixels[i + k]) < 24))
      count++;
  return count;
}
"""

# The contrast of each text with what is behind it, where it is below what WCAG 2 asks for.
FIND_FAINT = """
(() => {
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element !== null; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0)
        return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("h1, h2, h3, p, th, td, small, li, summary, strong, span, code, footer, caption, figcaption")) {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5)
      faint.push(`${element.tagName}.${element.className}: ${ratio}`);
  }
  return faint;
})()
"""

# Labels of one axis that run into each other.
FIND_OVERLAPS = """
Array.from(document.querySelectorAll(".axis")).flatMap((axis) => {
  const boxes = Array.from(axis.querySelectorAll("text"), (text) => text.getBoundingClientRect());
  return boxes.slice(1).filter((box, i) => box.left < boxes[i].right + 2).map((box) => box.left);
})
"""


class Outline(html.parser.HTMLParser):
    """The elements of a page, with their attributes; whether each is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.wrong = [], [], []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is left open" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()} closes another element")

    def find(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


class Pages:
    def __init__(self, make_page, sng, directory, tab):
        self.make_page, self.sng, self.directory, self.tab = make_page, sng, pathlib.Path(directory), tab
        self.made = {}

    def make(self, name):
        if name not in self.made:
            data, page = self.directory / f"{name}.json", self.directory / f"{name}.html"
            data.write_text(json.dumps(getattr(reports, "make_" + name)()), encoding="utf-8")
            subprocess.run([self.make_page, data, page], check=True)
            self.made[name] = page
        return self.made[name]

    def open(self, name, width=1280, **how):
        self.tab.resize(width)
        wrong = self.tab.open(self.make(name), **how)
        assert not wrong, wrong

    def get(self, expression):
        return self.tab.evaluate(expression)

    def get_text(self, selector):
        return self.get(f"document.querySelector({json.dumps(selector)}).textContent")

    def count(self, selector):
        return self.get(f"document.querySelectorAll({json.dumps(selector)}).length")

    def count_pixels(self, selector, colour):
        return self.get(f"({COUNT_PIXELS})(document.querySelector({json.dumps(selector)}), {json.dumps(colour)})")


ALL = ("pass", "diverged", "sweep", "faults", "hostile", "empty", "large")


def test_outline(pages):
    """Elements are closed, identifiers are told apart, and who sees no pictures is told what they show."""
    for name in ALL:
        outline = Outline(pages.make(name).read_text(encoding="utf-8"))
        assert not outline.wrong, (name, outline.wrong[:5])
        names = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
        assert len(names) == len(set(names)), (name, names)
        for attributes in outline.find("svg") + outline.find("canvas"):
            assert "aria-hidden" in attributes or attributes.get("role") == "img" and attributes.get("aria-label"), attributes
        for attributes in outline.find("th"):
            assert attributes.get("scope") in ("row", "col"), (name, attributes)
    assert Outline("<p><b></p></b><i>").wrong, "the planted fault was not found"


def test_licences(pages):
    text = pages.make("pass").read_text(encoding="utf-8")
    for needed in ("(c) 2022 Chart.js Contributors", "Released under the MIT License", "The above copyright notice and this permission",
                   "SPDX-License-Identifier: LGPL-2.1-or-later"):
        assert needed in text, needed


def test_pass(pages):
    pages.open("pass")
    assert pages.get("document.title") == "PASS – demo"
    assert pages.get_text("#verdict strong") == "PASS"
    assert pages.get_text("#summary").startswith("PASS: 20 metrics")
    assert pages.count("#divergence, #parts, #faults, .strip .different") == 0
    assert pages.count("#runs tbody tr") == 6 and pages.count("#metrics tbody tr") == 20
    assert pages.count("#metrics tbody tr:first-child .equal") == 21
    shapes = pages.get("Array.from(document.querySelectorAll('#runs td use.stop'), (use) => use.getAttribute('href'))")
    assert shapes == ["#mark-preempt", "#mark-kill", "#mark-kill-in-save"], shapes
    titles = pages.get("Array.from(document.querySelectorAll('#runs td use.stop title'), (title) => title.textContent)")
    assert titles == ["signalled at step 7 (usr1)", "killed at step 13, backward.1", "killed in a save at step 16 (3)"], titles
    assert pages.count("#runs td use.restore") == 3


def test_plots(pages):
    pages.open("pass")
    assert pages.count("canvas") == pages.count("canvas[data-drawn]") == 4
    for name in ("TrainLoss", "LearningRate", "GradientNorm", "ValidLoss"):
        selector = f'canvas[data-chart="{name}"]'
        assert pages.count_pixels(selector, "continuous") > 300, (name, pages.count_pixels(selector, "continuous"))
        # The planted fault: a plot that was cleared.
        pages.get(f"(({{width, height}}) => document.querySelector('{selector}').getContext('2d').clearRect(0, 0, width, height))"
                  f"(document.querySelector('{selector}'))")
        assert pages.count_pixels(selector, "continuous") == 0, name
    assert "continuous from" in pages.get("document.querySelector('canvas').getAttribute('aria-label')")


def test_empty_series(pages):
    pages.open("empty")
    assert pages.count('canvas[data-chart="GradientNorm"]') == 0
    text = pages.get("Array.from(document.querySelectorAll('#curves figure'), (figure) => figure.textContent)"
                     ".find((text) => text.includes('GradientNorm'))")
    assert "No run recorded anything of it." in text, text
    assert pages.count("canvas[data-drawn]") == 3


def test_diverged(pages):
    pages.open("diverged")
    assert pages.get_text("#verdict strong") == "DIVERGED"
    text = pages.get_text("#divergence")
    for needed in ("SchedulerState", 'step 7, train, "last_step" of resume', "the schedule is one step behind", "right after the restore",
                   "LearningRate at steps 8 to 20", "15990 of 16384", "[17, 93]", "0xbc5c0000", "0xbc5c0a00", "2560 ULP"):
        assert needed in text, needed
    assert pages.count_pixels("#histogram", "stop") > 1000
    assert pages.get_text("#divergence details tbody") .split() == [
        "1–9394", "10–991212", "100–9993131", "≥", "10³8222", "≥", "10⁴3001", "≥", "10⁵30", "not", "a", "number2"]
    titles = pages.get("Array.from(document.querySelectorAll('#metrics tr.diverged'),"
                       "  (line) => line.querySelector('.different title').textContent)")
    assert [title.split(":")[0] for title in titles[:3]] == ["step 8", "step 7", "step 9"], titles
    assert pages.count_pixels('canvas[data-chart="TrainLoss"]', "different") > 50
    assert pages.count_pixels('canvas[data-chart="GradientNorm"]', "different") == 0
    assert "the continuous run recorded nothing of it" in pages.get_text("#metrics tr.inconclusive")


def test_environment(pages):
    pages.open("diverged")
    lines = pages.get("Array.from(document.querySelectorAll('#environment > table tbody tr'), (line) => line.innerText)")
    assert lines == ["threads\t2\tcontinuous, stop-000007", "threads\t4\tresume-000007",
                     "host\ttrainer-01\tcontinuous, stop-000007", "host\ttrainer-02\tresume-000007",
                     "cublaslt 3x64x32 nn f32\talgorithm 66 tile 20 stages 8 split 1\tcontinuous",
                     "cublaslt 3x64x32 nn f32\talgorithm 21 tile 18 stages 8 split 4 reduction 2\tresume-000007"], lines
    assert "AMD EPYC 9654" in pages.get_text("#environment details")


def test_sweep(pages):
    pages.open("sweep")
    parts = reports.make_sweep()["parts"]
    assert pages.count("#parts .strip rect") == sum(len(part["metrics"]) for part in parts) >= 190
    assert pages.count("#parts .strip .different") == 4 and pages.count("#parts .strip .unsure") == 1
    title = pages.get_text("#parts .strip .different title")
    assert title.startswith("9, stop after step 9: DIVERGED, 3 of "), title
    numbers = pages.get("Array.from(document.querySelectorAll('#parts h3 + table tbody tr'), (line) => line.cells[0].textContent)")
    assert numbers == ["1", "9", "14"], numbers
    assert pages.count("#parts details tbody tr") == 16
    assert "2.1 times" in pages.get_text("#notes")


def test_faults(pages):
    pages.open("faults")
    assert "7 found, 1 missed, 2 not planted." in pages.get_text("#faults")
    results = pages.get("Array.from(document.querySelectorAll('#faults tbody tr'), (line) => line.cells[1].innerText)")
    assert results == ["✓ found", "✓ found", "– not planted", "✓ found", "✓ found", "✓ found", "✓ found", "✗ missed",
                       "– not planted", "✓ found"], results
    original = pages.get("Array.from(document.querySelectorAll('#faults tbody tr'), (line) => line.cells[4].innerText)")
    assert original == ["missed", "found", "", "missed", "found", "missed", "missed", "missed", "", "found"], original
    assert "the state is that of a fresh start" in pages.get_text("#faults tbody tr:nth-child(3)")
    assert "expected: weights" in pages.get_text("#faults tbody tr:nth-child(7)")


def test_hostile(pages):
    pages.open("hostile")
    assert pages.get("document.title") == "INCONCLUSIVE – demo, all faults" + reports.HOSTILE
    assert pages.get_text("h1") == "demo, all faults" + reports.HOSTILE
    assert pages.count("img") == 0 and pages.count("script") == 3
    for selector in ("#summary", "#divergence .diagnosis strong", "#divergence code", "#runs th[scope=row]", "#metrics th[scope=row]",
                     "#parts th[scope=row]", "#faults th[scope=row] code", "#environment details code", "#notes li", "#curves figure:last-child figcaption"):
        assert reports.HOSTILE in pages.get_text(selector), (selector, pages.get_text(selector))
    assert pages.count("canvas") == pages.count("canvas[data-drawn]") > 0


def test_policy(pages):
    """Whatever got in all the same does not run and fetches nothing."""
    page = pages.make("pass").read_text(encoding="utf-8")
    for number, planted in enumerate(("<script>document.title = 'broken'</script>", "<img src='http://127.0.0.1:9/x.png'>",
                                      "<p onclick=''><style>p { display: none }</style></p>",
                                      "<img src='data:,' onerror=\"document.title = 'broken'\">")):
        path = pages.directory / f"planted-{number}.html"
        path.write_text(page.replace("</main>", planted + "</main>"), encoding="utf-8")
        pages.tab.resize(1280)
        wrong = pages.tab.open(path)
        assert any("Content Security Policy" in text or "fetches" in text for text in wrong), (planted, wrong)
        assert pages.get("document.title") == "PASS – demo", planted


def test_large(pages):
    assert pages.make("large").stat().st_size < 5_000_000
    pages.tab.call("Performance.enable", timeDomain="threadTicks")
    pages.open("large")
    metrics = {metric["name"]: metric["value"] for metric in pages.tab.call("Performance.getMetrics")["metrics"]}
    assert metrics["TaskDuration"] < 5, metrics["TaskDuration"]
    assert pages.count("canvas") == pages.count("canvas[data-drawn]") == 5
    assert pages.get_text("#metrics tbody tr:nth-child(3) .different title").startswith("steps 8 to 1000: ")


def test_without_script(pages):
    pages.open("diverged", script=False)
    # What is asked here runs all the same.
    assert pages.get_text("#verdict strong") == "DIVERGED"
    assert pages.count("#metrics .different") > 0 and pages.count("#runs use.restore") > 0
    assert pages.count("canvas[data-drawn]") == 0
    assert "drawn by a script" in pages.get("document.querySelector('noscript').innerText")


def test_widths(pages):
    for name in ALL:
        for width in (1280, 700, 400):
            pages.open(name, width=width)
            assert pages.get("document.documentElement.scrollWidth") <= width, (name, width)
            assert pages.get(FIND_OVERLAPS) == [], (name, width, pages.get(FIND_OVERLAPS))
    pages.get("document.querySelector('.axis').innerHTML = '<text x=\"10%\">1000</text><text x=\"10.1%\">1001</text>'")
    assert pages.get(FIND_OVERLAPS) != [], "the planted fault was not found"


def test_colours(pages):
    for scheme in ("light", "dark"):
        for name in ("pass", "diverged", "sweep", "faults"):
            pages.open(name, scheme=scheme)
            assert pages.get(FIND_FAINT) == [], (scheme, name, pages.get(FIND_FAINT))
    pages.get("document.querySelector('h1').style.color = '#777777'")
    assert len(pages.get(FIND_FAINT)) == 1, "the planted fault was not found"


def test_scheme_changes(pages):
    pages.open("pass")
    light = pages.get("getComputedStyle(document.body).backgroundColor")
    pages.get("document.querySelectorAll('canvas').forEach((canvas) => delete canvas.dataset.drawn)")
    pages.tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    pages.get("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert pages.get("getComputedStyle(document.body).backgroundColor") != light
    assert pages.count("canvas[data-drawn]") == 4
    assert pages.count_pixels("canvas", "continuous") > 300


def test_print(pages):
    pages.open("sweep")
    pages.tab.call("Emulation.setEmulatedMedia", media="print")
    hidden = pages.get("Array.from(document.querySelectorAll('.long')).filter((box) => box.scrollHeight > box.clientHeight + 1).length")
    pages.tab.call("Emulation.setEmulatedMedia", media="")
    assert hidden == 0


def test_demo(pages):
    """The page that a check leaves in its directory."""
    directory = pages.directory / "demo"
    subprocess.run([pages.sng, "demo", "--steps", "6", "--stop-at", "3", "--repeat", "--output", directory], check=True,
                   stdout=subprocess.DEVNULL)
    pages.made["demo"] = directory / "report.html"
    pages.open("demo")
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    assert pages.get_text("#verdict strong") == report["verdict"] == "PASS"
    assert pages.get_text("#summary") == report["summary"]
    names = pages.get("Array.from(document.querySelectorAll('#runs tbody th'), (cell) => cell.firstChild.textContent)")
    assert names == ["continuous", "stop-000003", "resume-000003", "repeat"], names
    assert pages.get_text("#runs use.stop title") == "stopped at step 3"
    assert pages.get_text("#runs use.restore title") == "restored after step 3"
    weights = [metric["name"] for metric in report["metrics"]].index("ModelWeights") + 1
    # Each step from the first state to the last, and the one that was restored in both runs.
    titles = pages.get("Array.from(document.querySelectorAll("
                       f"'#metrics tbody tr:nth-child({weights}) .equal title'), (title) => title.textContent)")
    assert [title.split(":")[0] for title in titles] == [f"step {step}" for step in range(7)], titles
    assert pages.count("canvas") == pages.count("canvas[data-drawn]") >= 3
    assert pages.count_pixels('canvas[data-chart="TrainLoss"]', "continuous") > 300
    assert pages.count("#environment details tbody tr") > 3


def main():
    tests = [(name[5:].replace("_", "-"), test) for name, test in globals().items() if name.startswith("test_")]
    program = browser.find()
    failed = False

    print(f"1..{len(tests)}")
    if program is None:
        for number, (name, _) in enumerate(tests, 1):
            print(f"ok {number} /sng/html/{name} # SKIP needs the package chromium")
        return 0

    with tempfile.TemporaryDirectory() as directory, browser.Browser(program) as tab:
        pages = Pages(sys.argv[1], sys.argv[2], directory, tab)
        for number, (name, test) in enumerate(tests, 1):
            try:
                test(pages)
            except Exception:
                # meson shows the standard error of a failed TAP test only.
                traceback.print_exc()
                print(f"not ok {number} /sng/html/{name}", flush=True)
                failed = True
            else:
                print(f"ok {number} /sng/html/{name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
