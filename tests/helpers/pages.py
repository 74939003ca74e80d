"""Open a page as a reader does, offline, and watch what it does."""

import base64
import gzip
import re
from contextlib import contextmanager

# contrast of every visible text with what lies behind it (WCAG 2.2, relative luminance)
CONTRASTS = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { rgb: text.startsWith("color(") ? [r * 255, g * 255, b * 255] : [r, g, b], a };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const { rgb, a } = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (node.closest("script, style, .visually-hidden, .skip-link, .heatmaplayer")) continue;
    const style = getComputedStyle(node);
    const svg = node.namespaceURI.endsWith("svg");
    const text = luminance(parse(svg ? style.fill : style.color).rgb);
    const behind = luminance(ground(node));
    const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    found.push([ratio, walker.currentNode.data.trim().slice(0, 60)]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}"""

# what a keyboard must reach: everything that can be clicked or edited, and is shown
CONTROLS = """() => [...document.querySelectorAll(
  "a[href], button, select, input, summary, textarea, [tabindex='0']")]
  .filter((node) => node.checkVisibility() && !node.disabled).length"""


@contextmanager
def opened(browser, path, *, charts=False, script="", **options):
    """Open a file in a fresh offline context; at the end nothing was asked for or complained of.

    Yields the page once it says that it is ready and, if `charts`, that all of them are drawn. A
    `script` runs before those of the page.
    """
    context = browser.new_context(offline=True, **options)
    context.set_default_timeout(120_000)  # other programs may have the processor
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    page.on("request", lambda request: requests.append(request.url))
    page.add_init_script(script)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    if charts:
        page.wait_for_selector("html[data-charts]")
    yield page
    assert complaints == []
    own = ("data:", "blob:")
    assert [url for url in requests if url != path.as_uri() and not url.startswith(own)] == []
    context.close()


def seconds_until_ready(browser, path):
    """Return how long a page computes until it is ready, before it draws any chart."""
    # charts wait for a frame, which here never comes
    with opened(browser, path, script="requestAnimationFrame = () => 0") as page:
        return processor_seconds(page)


def processor_seconds(page):
    """Return how long a page's process has computed: a busy machine does not add to it."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    return {metric["name"]: metric["value"] for metric in metrics}["ProcessTime"]


def open_table(chart):
    """Open the data behind a chart and return its table, which the page makes a moment later."""
    chart.locator("summary").click()
    chart.locator("details tbody tr").first.wait_for()
    return chart.locator("details table")


def lowest_contrast(page):
    """Return the lowest contrast of a text that shows, and the text."""
    return page.evaluate(CONTRASTS)[0]


def tabbed_controls(page):
    """Press Tab until it comes round and return how many different controls had the focus."""
    page.evaluate("window.seen = new Set()")
    count = page.evaluate(CONTROLS)
    for _ in range(count + 5):
        page.keyboard.press("Tab")
        page.evaluate(
            "document.activeElement === document.body || window.seen.add(document.activeElement)"
        )
    return page.evaluate("window.seen.size"), count


def data_of_file(path):
    """Return the data that a page's file holds, as JSON text."""
    packed = re.search(r'id="data">([^<]+)<', path.read_text(encoding="utf-8"))[1]
    return gzip.decompress(base64.b64decode(packed)).decode()


def text_of(page, selector):
    """Return what an element says, with plain spaces."""
    return page.locator(selector).inner_text().replace("\u00a0", " ")


def unfold(page):
    """Open everything that the comparison page folds."""
    page.evaluate(
        """for (const fold of document.querySelectorAll("details.folded, #verdict-basis"))
          fold.open = true"""
    )


def evidence_of(page):
    """Return what the comparison page's headline rests on."""
    unfold(page)
    return text_of(page, "#verdict-basis")
