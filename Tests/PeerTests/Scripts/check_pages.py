"""check_pages.py BROWSER JOBS.json: opens pages in a browser and holds what they show against the JSON of the same command.

Each job names a page, its kind (`models` or `sweep`) and its JSON. Prints what is wrong, a line each.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from browser import Browser

problems = []


def check(page, condition, text):
    if not condition:
        problems.append(f"{os.path.basename(page)}: {text}")


def equal(page, what, found, wanted):
    check(page, found == wanted, f"{what} is {found!r} instead of {wanted!r}")


TABLE = """
(selector => [...document.querySelectorAll(selector)].map(table => ({
  head: [...[...table.tHead.rows].at(-1).cells].map(cell => cell.textContent),
  rows: [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.textContent)),
  titles: [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].title || row.cells[0].textContent),
})))
"""


def tables(browser, selector):
    return browser.value(f"{TABLE}({json.dumps(selector)})")


def number(text):
    found = re.match(r"^[<>]?\s*(-?\d+(?:\.\d+)?)", text)
    return float(found[1]) if found else None


def shown(value):
    return "–" if value is None else str(value)


def kind(data_type):
    if data_type is None:
        return "–"
    if data_type["bits"] == 1 and data_type["signed"]:
        return "BIPOLAR"
    zero = data_type.get("zero_point", 0)
    return ("INT" if data_type["signed"] else "UINT") + str(data_type["bits"]) + (f" z{zero}" if zero else "")


def check_sorting(browser, page, selector):
    """Every column of the first such table sorts both ways, with what is empty at the end."""
    columns = len(tables(browser, selector)[0]["head"])
    for column in range(columns):
        for way in ("ascending", "descending"):
            browser.value(
                f"[...document.querySelector({json.dumps(selector)}).tHead.rows].at(-1).cells[{column}].firstElementChild.click()")
            cells = [row[column] for row in tables(browser, selector)[0]["rows"]]
            filled = [cell for cell in cells if cell not in ("", "–")]
            check(page, cells[:len(filled)] == filled, f"column {column} has empty cells before others, {way}")
            numbers = [number(cell) for cell in filled]
            if all(value is not None for value in numbers):
                equal(page, f"column {column}, {way}", numbers, sorted(numbers, reverse=way == "descending"))
            state = browser.value(
                f"[...document.querySelector({json.dumps(selector)}).tHead.rows].at(-1).cells[{column}].ariaSort")
            equal(page, f"the state of column {column}", state, way)


def filtered(browser, selector, words):
    """The rows of the first such table that a filter leaves, which is then emptied again."""
    field = f"document.querySelector({json.dumps(selector)}).closest('.scroll').previousElementSibling.querySelector('input')"
    browser.value(f"{field}.focus()")
    browser.type(words)
    found = tables(browser, selector)[0]
    browser.value(f"{field}.value = ''; {field}.dispatchEvent(new Event('input'))")
    return found["titles"]


def check_layers(browser, page, model, report):
    """The table and the drawn data of one model against `inspect --json`."""
    table = tables(browser, "table.layers")[model]
    equal(page, "the layers", table["titles"], [layer["name"] for layer in report["layers"]])
    data = json.loads(browser.value("document.getElementById('data').textContent"))[model]["layers"]
    for row, drawn, layer in zip(table["rows"], data, report["layers"]):
        cells = dict(zip(table["head"], row))
        accumulator = layer["accumulator"]
        target, required = accumulator["target_bits"], accumulator["required_bits"]
        wanted = {
            "K": shown(layer["dot_length"]), "weight": kind(layer["weight"]), "input": kind(layer["input"]), "target": shown(target),
            "required": shown(required), "by type": shown(accumulator["data_type_bits"]),
            "headroom": shown(None if target is None or required is None else target - required),
            "channels": shown(len(layer["channels"]) or None),
        }
        for name, value in wanted.items():
            equal(page, f"{layer['name']}, {name}", cells[name], value)
        check(page, (cells["verdict"] == "certified") == accumulator["certified"], f"{layer['name']}: verdict")
        check_channels(page, drawn, layer)


def check_channels(page, drawn, layer):
    name, channels = layer["name"], layer["channels"]
    if not channels or accumulator_width(layer) is None:
        return
    register = drawn["registers"][-1]
    equal(page, f"{name}, channels", register["channels"], len(channels))
    for index, minimum, maximum, positive, negative, budget in register["bars"]:
        wanted = channels[index]
        equal(
            page, f"{name}, channel {index}", [minimum, maximum, positive, negative, budget],
            [wanted["minimum"], wanted["maximum"], wanted["positive_sum"], wanted["negative_sum"], wanted["budget"]])
    if len(channels) <= 64:
        equal(page, f"{name}, bars", [bar[0] for bar in register["bars"]], list(range(len(channels))))
    weights = drawn["weights"]
    if weights and weights["step"] == 1:
        counts = {weights["first"] + place: count for place, count in enumerate(weights["counts"])}
        equal(
            page, f"{name}, norm of the histogram", sum(abs(integer) * count for integer, count in counts.items()),
            sum(channel["l1_norm"] for channel in channels))
        share = counts.get(0, 0) / sum(counts.values())
        check(page, abs(share - layer["weight"]["zero_fraction"]) < 1e-6, f"{name}: {share} of the histogram are zeros")


def accumulator_width(layer):
    return layer["accumulator"]["target_bits"] or layer["accumulator"]["required_bits"]


def check_losses(browser, page, model, comparison):
    """The table of losses and the drawn activations against `compare --json`."""
    table = tables(browser, "table.losses")[model]
    data = {
        layer["name"]: layer
        for layer in json.loads(browser.value("document.getElementById('data').textContent"))[model]["layers"]}
    for row, layer in zip(table["rows"], comparison["layers"]):
        cells = dict(zip(table["head"], row))
        for title, key in (("alone, dB", "alone"), ("in place, dB", "in_place")):
            value = layer[f"{key}_snr_db"]
            wanted = "exact" if layer.get(f"{key}_exact") else "–" if value is None else value
            found = cells[title] if isinstance(wanted, str) else float(cells[title])
            check(page, found == wanted or abs(found - wanted) <= 0.0501, f"{layer['name']}, {title}: {found} for {wanted}")
        equal(page, f"{layer['name']}, activations", data[layer["name"]]["activations"], layer["activations"])
        found = layer["activations"]
        if found:
            equal(page, f"{layer['name']}, values", sum(found["bars"]) + found["below"] + found["above"], found["count"])
            check(page, abs(found["clipped"] / found["count"] - layer["clipped_share"]) < 1e-12, f"{layer['name']}: clipped")


CONTRAST = """
(selector => {
  const parse = text => { const v = text.match(/[\\d.]+/g).map(Number); return v.length < 4 || v[3] > 0 ? v.slice(0, 3) : null; };
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(selector)].slice(0, 400).map(element => {
    let back = null;
    for (let at = element; at && !back; at = at.parentElement) {
      if (getComputedStyle(at).backgroundImage !== 'none') return 21;
      back = parse(getComputedStyle(at).backgroundColor);
    }
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(back ?? [255, 255, 255])];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }).reduce((least, value) => Math.min(least, value), 21);
})
"""


def check_appearance(browser, page):
    """Legible in light and in dark, and no wider than a telephone."""
    for scheme in ("light", "dark"):
        browser.emulate(scheme)
        for selector in ("p", "td", "th button", ".badge", ".strip button", ".tile b", "dt", "dd", "pre", "output"):
            contrast = browser.value(f"{CONTRAST}({json.dumps(selector)})")
            check(page, contrast >= 4.5, f"a contrast of {contrast:.2f} in {scheme} of {selector}")
    browser.emulate("light")
    browser.resize(390, 800, mobile=True)
    width = browser.value("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    check(page, width <= 390, f"{width} pixels wide on a screen of 390")
    browser.resize(1200, 900)


def check_models(browser, page, document):
    """A page of `inspect` or of `compare`; the documents of all models, the first one's own and those beside it."""
    documents = [document] + document.get("beside", [])
    reports = [entry["report"] if "report" in entry else entry for entry in documents]
    for model, (entry, report) in enumerate(zip(documents, reports)):
        check_layers(browser, page, model, report)
        if "comparison" in entry:
            check_losses(browser, page, model, entry["comparison"])
    check_sorting(browser, page, "table.layers")
    names = [layer["name"] for layer in reports[0]["layers"]]
    tight = [
        layer["name"] for layer in reports[0]["layers"]
        if layer["accumulator"]["target_bits"] and layer["accumulator"]["target_bits"] - layer["accumulator"]["required_bits"] < 1]
    equal(page, "headroom<1", sorted(filtered(browser, "table.layers", "headroom<1")), sorted(tight))
    equal(page, "a filter by name", filtered(browser, "table.layers", names[-1].lower()), [names[-1]])
    # By keyboard: along the strip, then along the bars of the last figure of sums.
    browser.value("document.querySelector('.strip button').focus()")
    browser.press("End")
    equal(page, "the layer at the strip's end", browser.value("document.querySelector('#panels h3').textContent"), names[-1])
    browser.press("ArrowLeft")
    equal(
        page, "the layer before it", browser.value("document.querySelector('#panels h3').textContent"),
        names[max(len(names) - 2, 0)])
    browser.press("ArrowRight")
    figures = browser.value("[...document.querySelectorAll('#panels .card:first-child figcaption')].map(e => e.textContent)")
    sums = [place for place, title in enumerate(figures) if title.startswith("Sums of each channel")]
    if sums:
        figure = f"document.querySelectorAll('#panels .card:first-child figure')[{sums[-1]}]"
        browser.value(f"{figure}.querySelector('svg').focus()")
        browser.press("End")
        said = browser.value(f"{figure}.querySelector('output').textContent")
        channel = reports[0]["layers"][-1]["channels"][-1]
        for wanted in (channel["positive_sum"], channel["negative_sum"], channel["minimum"], channel["maximum"]):
            check(page, str(abs(wanted)) in said, f"{wanted} isn't in '{said}'")
    equal(
        page, "panels", browser.value("document.querySelectorAll('#panels .card').length"), len(documents))


def check_sweep(browser, page, document):
    rows = tables(browser, "#settings")[0]
    measured = [point for point in document["points"] if "value" in point]
    found = {(row[0], row[1], row[2], row[3]): row[4] for row in rows["rows"]}
    for point in measured:
        key = (
            point["method"], str(point["weight_bits"]), str(point["activation_bits"]), shown(point["accumulator_bits"]))
        check(page, abs(float(found[key]) - point["value"]) <= 0.0051, f"{key} is {found[key]} for {point['value']}")
    check_sorting(browser, page, "#settings")
    widths = sorted(point["accumulator_bits"] for point in measured if point["accumulator_bits"])
    left = filtered(browser, "#settings", f"p<{widths[-1]}")
    equal(page, "p<", len(left), len({json.dumps([p[k] for k in ("method", "weight_bits", "activation_bits", "accumulator_bits")])
                                     for p in measured if p["accumulator_bits"] and p["accumulator_bits"] < widths[-1]}))
    # A pointer over a point says what it is, and a click or the Enter key shows the command that makes it.
    points = browser.value("document.querySelectorAll('.point').length")
    for place in range(points):
        browser.value(f"document.querySelectorAll('.point')[{place}].scrollIntoView({{block: 'center'}})")
        box = browser.value(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])(document.querySelectorAll('.point')[{place}].getBoundingClientRect())")
        browser.point(*box)
        said = browser.value("document.getElementById('which').textContent")
        check(page, said != "No point chosen", f"point {place} says nothing when pointed at")
        browser.value(f"document.querySelectorAll('.point')[{place}].focus()")
        browser.press("Enter")
        wanted = browser.value(
            f"document.querySelector(`#settings tr[data-index=\"${{document.querySelectorAll('.point')[{place}].dataset.index}}\"]`).dataset.command")
        equal(page, f"the command of point {place}", browser.value("document.getElementById('command').textContent"), wanted)
        check(page, wanted.startswith("snug convert "), f"the command {wanted}")


def main():
    program, jobs = sys.argv[1], json.load(open(sys.argv[2]))
    with Browser(program) as browser:
        for job in jobs:
            page = job["page"]
            browser.open(page)
            {"models": check_models, "sweep": check_sweep}[job["kind"]](browser, page, json.load(open(job["json"])))
            check_appearance(browser, page)
            equal(page, "what it logs", browser.messages, [])
            equal(page, "what it asks for", browser.requests, [f"file://{os.path.abspath(page)}"])
    print("\n".join(problems))


main()
