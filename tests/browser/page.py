"""A person with a report in a real browser: what can be clicked and typed, and what the page must never do.

    page.py REPORT.html SCREENSHOTS

Drives Debian's Chromium by Selenium. Ends with 0 and `passed`, or with the first thing that is wrong.
"""

import json
import pathlib
import shutil
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

WIDTH, HEIGHT = 1280, 900
# rows that a table shows before all are asked for
ROWS = 200


def browser(dark):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        f"--window-size={WIDTH},{HEIGHT}",
    ]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    scheme = "dark" if dark else "light"
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    # whoever asks for more than the file fails, and is seen to ask
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["http://*", "https://*", "ws://*", "wss://*"]})
    return driver


def requested(driver):
    """Addresses that were asked for, of the performance log."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return {parameters["request"]["url"].split("#")[0] for parameters in sent}


class Reader:
    """Somebody who reads the page."""

    def __init__(self, driver, address, screenshots, suffix):
        self.driver, self.address = driver, address
        self.screenshots, self.suffix = screenshots, suffix
        driver.get(address)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())"
        return self.driver.execute_script(script, selector)

    def heading(self):
        return self.texts("main > section:not([hidden]) > h1")[0]

    def shows(self, heading):
        """Waits for a page with this heading: addresses change first, and pages after them."""
        is_there = lambda _: self.heading() == heading
        WebDriverWait(self.driver, 10).until(is_there, f"no '{heading}', but '{self.heading()}'")

    def focused(self):
        return self.driver.switch_to.active_element

    def keep(self, name):
        """Takes a picture of the whole page that is open."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.set_window_size(WIDTH, min(height + 150, 3000))
        self.driver.execute_script("window.scrollTo(0, 0)")
        self.driver.save_screenshot(str(self.screenshots / f"{name}{self.suffix}.png"))
        self.driver.set_window_size(WIDTH, HEIGHT)


def check_overview(reader):
    reader.shows("Overview")
    assert len(reader.all("#overview .lead p")) >= 2, "sentences"
    assert reader.all("#overview svg[role=img][aria-label]"), "curves with names"
    reader.keep("overview")


def shown(reader):
    """How many rows of how many are said to be shown."""
    found, _, total, _ = reader.one("output").text.replace(",", "").split()
    return int(found), int(total)


def check_table(reader):
    reader.one("nav a[href='#concepts']").click()
    reader.shows("Concepts")
    assert reader.focused().text == "Concepts", "the heading has the focus"
    everything = shown(reader)
    assert everything[0] == everything[1] > 5
    names = lambda: [row.split("\n")[0] for row in reader.texts("#view tbody td:first-child a")]
    reader.one("#view thead th:first-child button").click()
    assert names() == sorted(names(), key=str.lower), "ascending"
    assert reader.one("#view thead th:first-child").get_attribute("aria-sort") == "ascending"
    # by the keyboard, the other way round
    reader.one("#view thead th:first-child button").send_keys(Keys.ENTER)
    assert reader.one("#view thead th:first-child").get_attribute("aria-sort") == "descending"
    assert names() == sorted(names(), key=str.lower, reverse=True), "descending"
    kinds = Select(reader.all(".controls select")[0])
    kinds.select_by_value("go")
    kept = set(reader.texts("#view tbody td:nth-child(2)"))
    assert kept == {"go"}, kept
    found, total = shown(reader)
    assert found < total == everything[1]
    assert len(reader.all("#view tbody tr")) == min(found, ROWS)
    kinds.select_by_value("")
    reader.keep("concepts")


def check_search(reader):
    word = reader.texts("#view tbody td:first-child a")[0].split()[0]
    # a slash goes to the search, wherever one is
    reader.one("body").send_keys("/")
    assert reader.focused().get_attribute("type") == "search"
    reader.focused().send_keys(word)
    found = reader.texts("#view tbody td:first-child")
    assert found and all(word.lower() in text.lower() for text in found), found
    reader.focused().send_keys("no such thing")
    assert not reader.all("#view tbody tr")
    reader.driver.execute_script("arguments[0].value = ''", reader.focused())
    reader.focused().send_keys(" ")


def open_with_examples(reader):
    """Opens the first concept that has examples of ranges."""
    data = reader.driver.execute_script("return data")
    concepts = [c for c in data["concepts"] if any(e["range"] for e in c["examples"])]
    concept = max(concepts, key=lambda c: (c["written"] or 0, len(c["examples"])))
    reader.driver.execute_script("location.hash = '#concepts'")
    reader.shows("Concepts")
    search = reader.one("input[type=search]")
    search.send_keys(concept["id"])
    link = next(link for link in reader.all("#view tbody td:first-child a") if link.text == concept["name"])
    link.send_keys(Keys.ENTER)
    return concept


def check_concept(reader):
    concept = open_with_examples(reader)
    reader.shows(concept["name"])
    assert reader.driver.title.startswith(concept["name"])
    tracks = reader.all("#view article svg.track")
    assert len(tracks) == len(concept["examples"])
    name = tracks[0].get_attribute("aria-label")
    assert "written ranges" in name and "labels" in name, name
    assert all(track.size["width"] > 300 and track.size["height"] > 20 for track in tracks)
    assert reader.all(".window .residue.in-label") or reader.all(".window .residue.in-range")
    assert reader.all("figure svg[role=img]"), "plots"
    reader.one("details summary").click()
    assert reader.all("#view details table")
    reader.keep("concept")
    return concept


def check_protein(reader, concept):
    reader.all("#view article h3 a")[0].click()
    protein = concept["examples"][0]["protein"]
    reader.shows(protein)
    data = reader.driver.execute_script("return proteinOf.get(arguments[0])", protein)
    letters = "".join(reader.texts(".sequence .residue"))
    assert letters == data["sequence"], "the whole sequence"
    assert reader.all("#view svg.track")
    if data["calls"]:
        assert reader.texts("#view table tbody td:first-child a"), "calls link to their concepts"
    if data.get("structure"):
        check_structure(reader)
    reader.keep("protein")
    reader.driver.back()
    reader.shows(concept["name"])
    reader.driver.back()
    reader.shows("Concepts")
    assert reader.one("input[type=search]").get_attribute("value").strip(), "what was searched is there still"
    reader.driver.forward()
    reader.shows(concept["name"])


def check_structure(reader):
    """The chain is drawn in several colours, and turns by the keyboard."""
    picture = "return document.querySelector('canvas').toDataURL()"
    before = reader.driver.execute_script(picture)
    colors = reader.driver.execute_script("""
      const canvas = document.querySelector('canvas');
      const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return new Set(new Uint32Array(pixels.buffer)).size;
    """)
    assert colors > 20, colors
    reader.one("canvas").send_keys(Keys.ARROW_LEFT)
    turned = lambda driver: driver.execute_script(picture) != before
    WebDriverWait(reader.driver, 5).until(turned)
    Select(reader.one("#view select")).select_by_index(0)
    assert len(reader.all(".structure-status")) == 1


def check_others(reader):
    for name, heading in [("latents", "Named latents"), ("proteins", "Proteins"), ("missing", "What labels lack")]:
        reader.one(f"nav a[href='#{name}']").click()
        reader.shows(heading)
        assert reader.one(f"nav a[href='#{name}']").get_attribute("aria-current") == "page"
        reader.keep(name)
    for address in ["#concept/no%20such", "#protein/%E0%A4%A", "#latent/x", "#elsewhere", "#"]:
        reader.driver.execute_script(f"location.hash = '{address}'")
        is_known = lambda _: reader.heading() in ["Not here", "Overview"]
        WebDriverWait(reader.driver, 10).until(is_known, address)


def check_keyboard(reader):
    reader.driver.get("about:blank")
    reader.driver.get(reader.address)
    body = reader.one("body")
    body.send_keys(Keys.TAB)
    assert reader.focused().text == "Skip to the content"
    reader.focused().send_keys(Keys.ENTER)
    assert reader.focused().tag_name == "h1"
    reader.driver.get("about:blank")
    reader.driver.get(reader.address)
    reader.one("body").send_keys(Keys.TAB)
    for _ in range(2):
        reader.focused().send_keys(Keys.TAB)
    assert reader.focused().text.startswith("Concepts"), reader.focused().text
    reader.focused().send_keys(Keys.ENTER)
    reader.shows("Concepts")


def check_names(reader):
    """Everything that can be operated has a name, and no id occurs twice."""
    script = """
      const named = (e) => (e.labels && e.labels.length) || e.textContent.trim() || e.getAttribute('aria-label');
      return [...document.querySelectorAll('a, button, input, select')].filter((e) => !named(e)).map((e) => e.outerHTML);
    """
    assert reader.driver.execute_script(script) == []
    ids = reader.driver.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids)), ids


def contrast(reader, selector):
    """The contrast of an element's text with the page, as WCAG 2 has it."""
    colors = reader.driver.execute_script(
        "const style = getComputedStyle(document.querySelector(arguments[0]));"
        "return [style.color, getComputedStyle(document.body).backgroundColor]", selector)

    def luminance(color):
        channels = [int(part) / 255 for part in color[color.index("(") + 1:-1].split(",")[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(luminance(color) for color in colors)
    return (high + 0.05) / (low + 0.05)


def check_colors(reader, dark):
    reader.driver.execute_script("location.hash = '#concepts'")
    reader.shows("Concepts")
    back = reader.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back != "rgb(255, 255, 255)") == dark, back
    for selector in ["h1", "tbody td", "tbody a", ".badge", "output"]:
        assert contrast(reader, f"#view {selector}") >= 4.5 or selector == ".badge", selector
    assert contrast(reader, "#view .badge") >= 3


def check_print(reader):
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not reader.one("header").is_displayed() and not reader.one(".controls").is_displayed()
    assert reader.one("#view table").is_displayed()
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def read(address, screenshots, dark):
    driver = browser(dark)
    try:
        reader = Reader(driver, address, screenshots, "-dark" if dark else "")
        check_overview(reader)
        check_table(reader)
        check_search(reader)
        concept = check_concept(reader)
        check_protein(reader, concept)
        check_names(reader)
        check_others(reader)
        check_names(reader)
        check_keyboard(reader)
        check_colors(reader, dark)
        check_print(reader)
        said = [entry for entry in driver.get_log("browser")]
        assert said == [], said
        asked = {url for url in requested(driver) if not url.startswith(("about:", "chrome:", "data:"))}
        assert asked == {address}, asked
    finally:
        driver.quit()


def main():
    report, screenshots = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    screenshots.mkdir(parents=True, exist_ok=True)
    for dark in [False, True]:
        read(report.as_uri(), screenshots, dark)
    print("passed")


if __name__ == "__main__":
    main()
