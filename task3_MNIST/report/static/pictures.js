// A chart as a picture for a paper or a slide: SVG or PNG, of a chosen width, on white.
const Pictures = (function () {
  "use strict";

  const { element, download } = Page;
  const { loadPlotly } = PlotlyLoader;

  // CSS pixels are 1/96 inch; text is as large as a paper's captions
  const WIDTHS = {
    column: { text: "one column, 85 mm", width: 321, font: 10.5 },
    page: { text: "two columns, 175 mm", width: 661, font: 11 },
    slide: { text: "slide, with title", width: 1000, font: 15 },
  };
  const SHAPE = 0.64; // height by width, of a chart without a height of its own
  const SCALE = { png: 4, svg: 1 }; // a PNG has 384 pixels an inch

  /** Return the controls that save a chart; themed() gives its data and layout in light colors. */
  function pictureTools(chart, themed) {
    const width = element(
      "select",
      { "aria-label": "Width of the picture" },
      Object.entries(WIDTHS).map(([value, { text }]) => element("option", { value }, text)),
    );
    width.value = "slide";
    const button = (format) =>
      element(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => save(chart, themed(), WIDTHS[width.value], format),
        },
        `Save as ${format.toUpperCase()}`,
      );
    return element("span", { class: "tools no-print" }, width, button("svg"), button("png"));
  }

  async function save({ name, finding }, { data, layout }, { width, font }, format) {
    const plotly = await loadPlotly();
    const titled = width === WIDTHS.slide.width;
    const height = Math.max(width * SHAPE, layout.height ?? 0) + (titled ? 90 : 0);
    const title = {
      text: wrapTitle(finding),
      x: 0.02,
      xanchor: "left",
      yref: "container",
      y: 0.97,
      yanchor: "top",
    };
    const size = { width, height };
    const picture = {
      ...layout,
      ...size,
      font: { ...layout.font, size: font },
      paper_bgcolor: "#ffffff",
      margin: { ...layout.margin, t: (layout.margin?.t ?? 0) + (titled ? 90 : 0) },
      ...(titled ? { title } : {}),
    };
    const options = { format, scale: SCALE[format], ...size };
    const url = await plotly.toImage({ data, layout: picture }, options);
    download(`${name}.${format}`, url);
  }

  function wrapTitle(text) {
    return escapeHtml(text).replace(/(.{60,90}?)\s/g, "$1<br>");
  }

  /** Return text for Plotly, whose labels are a kind of HTML. */
  function escapeHtml(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  return { pictureTools, escapeHtml };
})();
