// Plotly, gzipped within the page: unpacked once, when the first chart is wanted.
const PlotlyLoader = (function () {
  "use strict";

  const { unpack } = Page;

  let plotlyPromise = null;

  /** Return Plotly. */
  function loadPlotly() {
    plotlyPromise ??= unpackPlotly();
    return plotlyPromise;
  }

  async function unpackPlotly() {
    const script = document.createElement("script");
    // the page's policy lists the hash of exactly this text
    script.textContent = await unpack("plotly-source");
    document.head.append(script);
    return window.Plotly;
  }

  return { loadPlotly };
})();
