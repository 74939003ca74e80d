// Plotly, gzipped within the page: unpacked once, when the first chart is wanted.
const PlotlyLoader = (function () {
  "use strict";

  const { decodeBase64 } = Page;

  let plotlyPromise = null;

  /** Return Plotly, or null in a browser that cannot unpack it: pages then show their tables. */
  function loadPlotly() {
    plotlyPromise ??= unpackPlotly();
    return plotlyPromise;
  }

  async function unpackPlotly() {
    if (!("DecompressionStream" in window)) return null;
    const packed = decodeBase64(document.getElementById("plotly-source").textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    // the page's policy lists the hash of exactly this text
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.Plotly ?? null;
  }

  return { loadPlotly };
})();
