// What all pages use: their data, elements made safely, readiness.
const Page = (function () {
  "use strict";

  /** Return the data that the page was built with. */
  async function readData() {
    return JSON.parse(await unpack("data"));
  }

  /** Return the text that an element of the page holds, gzipped and in base64. */
  async function unpack(id) {
    if (!("DecompressionStream" in window)) {
      const notice = "This browser is too old to unpack the page: open it in one of 2023 or later.";
      document.getElementById("main").prepend(element("p", { class: "notice" }, notice));
      throw new Error(notice);
    }
    const packed = decodeBase64(document.getElementById(id).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  /** Tell tests and tools that the page is usable. */
  function markReady() {
    document.documentElement.dataset.ready = "true";
  }

  /**
   * Return a new element.
   *
   * Attributes named "on..." are listeners, "class" and "data-..." go in as they are, true stands
   * alone, false, null and undefined leave out. Children are nodes or text; text is never markup,
   * whatever a run folder was named.
   */
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** Return a table with a header row; numbers are set right. Cells are text, numbers or nodes. */
  function simpleTable(columns, rows, caption = null) {
    const cell = (value) =>
      element("td", { class: typeof value === "number" ? "number" : null }, showValue(value));
    return element(
      "table",
      {},
      caption ? element("caption", {}, caption) : null,
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          columns.map((name) => element("th", { scope: "col" }, name)),
        ),
      ),
      element(
        "tbody",
        {},
        rows.map((row) => element("tr", {}, row.map(cell))),
      ),
    );
  }

  /** Return a table in a box that scrolls, named for screen readers and reached by keyboard. */
  function scrollBox(label, table, className = "") {
    const attributes = { class: `scroll ${className}`, tabindex: 0, role: "group" };
    return element("div", { ...attributes, "aria-label": label }, table);
  }

  /** Return a value as a table shows it: five digits, or a dash for what is missing. */
  function showValue(value) {
    if (value === null || value === undefined) return "–";
    if (value instanceof Node) return value;
    if (typeof value !== "number") return String(value);
    return Number.isInteger(value)
      ? value.toLocaleString("en")
      : String(Number(value.toPrecision(5)));
  }

  /** Return the bytes of a base64 text. */
  function decodeBase64(text) {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    // a loop: Uint8Array.from with a function takes 50 times as long, and Plotly is 1.4 MB
    for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
    return bytes;
  }

  /** Return the float32 numbers, little-endian, of a base64 text. */
  function decodeFloats(text) {
    return new Float32Array(decodeBase64(text).buffer);
  }

  /** Return a color of the current theme, such as themeColor("--text"), as rgb(...). */
  function themeColor(name) {
    const probe = element("span", { hidden: true });
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  }

  /** Hand a file to the reader. */
  function download(name, url) {
    const link = element("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  /** Copy text, by the selection if the browser has no clipboard, and show that in the button. */
  async function copyText(text, button) {
    const copied = await navigator.clipboard
      ?.writeText(text)
      .then(() => true)
      .catch(() => false);
    if (!copied) copyBySelection(text);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1200);
  }

  // file:// is no secure context in every browser, and then has no clipboard
  function copyBySelection(text) {
    const area = element("textarea", { class: "visually-hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  return {
    readData,
    unpack,
    markReady,
    element,
    simpleTable,
    scrollBox,
    decodeBase64,
    decodeFloats,
    themeColor,
    download,
    copyText,
  };
})();
