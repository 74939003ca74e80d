// The page of a study: its charts.
(async function () {
  "use strict";

  const { readData, markReady, element } = Page;
  const { showChart } = Charts;

  for (const chart of (await readData()).charts) {
    const holder = element("figure", { class: "chart card", "data-chart": chart.name });
    document.getElementById("charts").append(holder);
    showChart(holder, chart);
  }
  markReady();
})();
