// Charts: drawn one after the other once Plotly is unpacked, in the colors of the theme.
const Charts = (function () {
  "use strict";

  const { element, themeColor } = Page;
  const { loadPlotly } = PlotlyLoader;

  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
  const { pictureTools } = Pictures;
  const { copyableTable } = Copy;

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
        pictureTools(chart, () => inLight(() => themed(drawnCharts.get(plot).figure))),
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
        const { columns, rows } = chart.table;
        details.append(...copyableTable(`Data: ${chart.finding}`, columns, rows, "data"));
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
    const { data, layout } = themed(chart.figure);
    await plotly.react(plot, data, layout, { displayModeBar: false, responsive: true });
    plot.removeAllListeners("plotly_click");
    if (chart.onClick) plot.on("plotly_click", (event) => chart.onClick(event.points[0]));
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
      for (const bars of ["error_x", "error_y"]) {
        if (trace[bars]) copy[bars] = { color: muted, ...trace[bars] };
      }
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

  /** Change the traces that have a meta, and draw again. */
  function editTraces(plot, edit) {
    if (!plot) return;
    tracesOf(plot).forEach(edit);
    queueDrawing(plot);
  }

  /** Change which traces show, and which stand in the legend, by their meta. */
  function showTraces(plot, visible, inLegend = () => true) {
    editTraces(plot, (trace) => {
      trace.visible = visible(trace.meta);
      if (trace.name) trace.showlegend = inLegend(trace.meta);
    });
  }

  /** Show only the models of some places: their traces, or rows where one trace has many models. */
  function showPlaces(plot, shown) {
    editTraces(plot, (trace) => {
      const { place, places } = trace.meta;
      if (places) keepRows(plot, trace, (row) => shown.has(places[row]));
      else trace.visible = shown.has(place);
    });
  }

  const allRows = new WeakMap(); // a trace of many models -> its arrays with all rows

  function keepRows(plot, trace, kept) {
    if (!allRows.has(trace)) allRows.set(trace, { ...trace, marker: { ...trace.marker } });
    const all = allRows.get(trace);
    const keys = trace.type === "heatmap" ? ["y", "z"] : ["x", "y"];
    for (const key of [...keys, "text", "hovertext"]) trace[key] = all[key].filter(rowKept);
    if (Array.isArray(all.marker.color)) {
      const [color, symbol] = [all.marker.color, all.marker.symbol];
      trace.marker = { ...all.marker, color: color.filter(rowKept), symbol: symbol.filter(rowKept) };
    }
    const { layout } = drawnCharts.get(plot).figure;
    layout.meta.height ??= layout.height;
    layout.height = layout.meta.height - (all.y.length - trace.y.length) * layout.meta.row;
    plot.style.height = `${layout.height}px`;

    function rowKept(_, row) {
      return kept(row);
    }
  }

  /** Give an axis of epochs ticks at whole epochs, by the longest curve that shows. */
  function setEpochTicks(plot) {
    if (!plot) return;
    const last = Math.max(
      1,
      ...tracesOf(plot)
        .filter((trace) => trace.visible !== false)
        .flatMap((trace) => trace.x),
    );
    const step = [1, 2, 5, 10, 20, 50, 100].find((step) => last / step <= 10) ?? 200;
    drawnCharts.get(plot).figure.layout.xaxis.dtick = step;
  }

  function redrawAll() {
    for (const plot of drawnCharts.keys()) queueDrawing(plot);
  }

  /** Return what a function returns while the page has its light theme: paper is white. */
  function inLight(make) {
    const chosen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    try {
      return make();
    } finally {
      if (chosen) document.documentElement.dataset.theme = chosen;
      else delete document.documentElement.dataset.theme;
    }
  }

  // paper is as wide as it is: draw for it, then for the screen again
  function drawForPrint() {
    for (const [plot, chart] of drawnCharts) {
      if (!plot.data) continue; // not drawn yet
      const { data, layout } = inLight(() => themed(chart.figure));
      const wide = plot.closest(".grid") ? 330 : 680;
      window.Plotly.react(plot, data, { ...layout, width: wide });
    }
  }

  document.addEventListener("themechange", redrawAll);
  addEventListener("beforeprint", drawForPrint);
  addEventListener("afterprint", redrawAll);

  return {
    showChart,
    dataBehind,
    editTraces,
    showPlaces,
    showTraces,
    setEpochTicks,
    tracesOf,
  };
})();
