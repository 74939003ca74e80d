// Charts: drawn one after the other once Plotly is unpacked, in the colors of the theme.
const Charts = (function () {
  "use strict";

  const { element, simpleTable, scrollBox, themeColor, download } = Page;
  const { loadPlotly } = PlotlyLoader;

  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
  const PICTURE = { width: 1000, height: 640 };

  const drawnCharts = new Map(); // plot element -> its chart, the last one asked for

  /**
   * Put a chart into a figure element: title, plot, picture button and the table behind it.
   *
   * chart: name, finding, about, figure {data, layout} and table {columns, rows}; a table cell may
   * be a node. onClick gets Plotly's points.
   */
  function showChart(holder, chart, onClick = null) {
    const plot = element("div", {
      class: "plot",
      role: "img",
      "aria-label": `${chart.finding}. ${chart.about}`,
    });
    plot.style.height = `${chart.figure.layout.height ?? 360}px`;
    holder.replaceChildren(
      element(
        "figcaption",
        {},
        element("h3", {}, chart.finding),
        element("p", { class: "muted small" }, chart.about),
      ),
      plot,
      element(
        "div",
        { class: "chart-tools" },
        dataBehind(chart),
        element(
          "button",
          { type: "button", class: "quiet no-print", onclick: () => savePicture(plot) },
          "Save as PNG",
        ),
      ),
    );
    for (const old of drawnCharts.keys()) if (!old.isConnected) drawnCharts.delete(old);
    drawnCharts.set(plot, { ...chart, onClick });
    queueDrawing(plot);
  }

  // the table is made when it is opened: there are thousands of cells in all
  function dataBehind(chart) {
    const details = element("details", {}, element("summary", {}, "Show data"));
    details.addEventListener("toggle", () => {
      if (details.open && !details.querySelector("table")) {
        const table = simpleTable(chart.table.columns, chart.table.rows);
        details.append(scrollBox(`Data: ${chart.finding}`, table, "data"));
      }
    });
    return details;
  }

  const waiting = new Set(); // plot elements to draw
  let drawing = Promise.resolve(); // until none is left

  function queueDrawing(plot) {
    if (waiting.size === 0) drawing = drawing.then(drawWaiting);
    waiting.add(plot);
    delete document.documentElement.dataset.charts;
  }

  // one at a time, when the browser is idle: the page answers while its charts appear
  async function drawWaiting() {
    while (waiting.size > 0) {
      await nextIdle();
      const [plot] = waiting;
      waiting.delete(plot);
      await draw(plot);
    }
    document.documentElement.dataset.charts = "drawn"; // for tests, and for those who print
  }

  function nextIdle() {
    const wait = window.requestIdleCallback ?? ((callback) => setTimeout(callback, 20));
    return new Promise((resolve) => requestAnimationFrame(() => wait(resolve, { timeout: 300 })));
  }

  async function draw(plot) {
    const chart = drawnCharts.get(plot);
    if (!chart || !plot.isConnected || !plot.offsetParent) return;
    const plotly = await loadPlotly();
    if (!plotly) {
      showWithoutPlotly(plot);
      return;
    }
    const { data, layout } = themed(chart.figure);
    await plotly.react(plot, data, layout, { displayModeBar: false, responsive: true });
    plot.removeAllListeners("plotly_click");
    if (chart.onClick) plot.on("plotly_click", (event) => chart.onClick(event.points[0]));
  }

  function showWithoutPlotly(plot) {
    plot.style.height = "auto";
    plot.removeAttribute("role");
    plot.textContent =
      "This browser cannot unpack the charts (it lacks DecompressionStream): here is the table.";
    plot.parentElement.querySelector("details").open = true;
  }

  /** Return a copy of a figure in the colors of the current theme. */
  function themed(figure) {
    const [text, muted, line, surface, bad, good] = [
      "--text",
      "--muted",
      "--line",
      "--surface",
      "--heat-bad",
      "--heat-good",
    ].map(themeColor);
    const scales = {
      errors: [
        [0, surface],
        [1, bad],
      ],
      difference: [
        [0, good],
        [0.5, surface],
        [1, bad],
      ],
    };
    const data = figure.data.map((trace) => {
      const copy = { ...trace };
      if (trace.meta?.scale) copy.colorscale = scales[trace.meta.scale];
      if (trace.text) copy.textfont = { ...trace.textfont, color: text };
      if (trace.error_y) copy.error_y = { color: muted, ...trace.error_y };
      return copy;
    });
    const lines = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line };
    const layout = {
      ...figure.layout,
      font: { family: FONT, size: 12, color: text },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: surface, bordercolor: line, font: { color: text, family: FONT } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...figure.layout.legend },
      dragmode: false, // a finger on a chart scrolls the page
    };
    for (const key of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      layout[key] = { ...lines, automargin: true, ...layout[key] };
    }
    if (layout.polar) {
      layout.polar = {
        ...layout.polar,
        bgcolor: "rgba(0,0,0,0)",
        radialaxis: { ...layout.polar.radialaxis, ...lines },
        angularaxis: { ...layout.polar.angularaxis, ...lines },
      };
    }
    return { data, layout };
  }

  /** Return the traces of a plot, if there is one, that have a meta. */
  function tracesOf(plot) {
    return plot ? drawnCharts.get(plot).figure.data.filter((trace) => trace.meta) : [];
  }

  /** Change which traces show, and which stand in the legend, by their meta; then draw again. */
  function showTraces(plot, visible, inLegend = () => true) {
    if (!plot) return;
    for (const trace of tracesOf(plot)) {
      trace.visible = visible(trace.meta);
      if (trace.name) trace.showlegend = inLegend(trace.meta);
    }
    queueDrawing(plot);
  }

  function redrawAll() {
    for (const plot of drawnCharts.keys()) queueDrawing(plot);
  }

  async function savePicture(plot) {
    const plotly = await loadPlotly();
    if (!plotly) return;
    const { finding, name, figure } = drawnCharts.get(plot);
    const { data, layout } = themed(figure);
    const height = Math.max(PICTURE.height, (figure.layout.height ?? 0) + 90);
    const titled = {
      ...layout,
      width: PICTURE.width,
      height,
      paper_bgcolor: themeColor("--surface"),
      title: {
        text: wrapTitle(finding),
        x: 0.02,
        xanchor: "left",
        yref: "container",
        y: 0.97,
        yanchor: "top",
      },
      margin: { ...layout.margin, t: (layout.margin?.t ?? 0) + 90 },
    };
    const url = await plotly.toImage(
      { data, layout: titled },
      { format: "png", scale: 2, ...PICTURE, height },
    );
    download(`${name}.png`, url);
  }

  function wrapTitle(text) {
    return escapeHtml(text).replace(/(.{60,90}?)\s/g, "$1<br>");
  }

  /** Return text for Plotly, whose labels are a kind of HTML. */
  function escapeHtml(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  // paper is white and as wide as it is: draw for it, then for the screen again
  function drawForPrint() {
    const chosen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    for (const [plot, chart] of drawnCharts) {
      if (!plot.data) continue; // not drawn yet
      const { data, layout } = themed(chart.figure);
      const wide = plot.closest(".grid") ? 330 : 680;
      window.Plotly.react(plot, data, { ...layout, width: wide });
    }
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
  }

  document.addEventListener("themechange", redrawAll);
  addEventListener("beforeprint", drawForPrint);
  addEventListener("afterprint", redrawAll);

  return { showChart, dataBehind, showTraces, tracesOf, escapeHtml };
})();
