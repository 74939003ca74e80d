// The page of a study: its charts.
"use strict";

for (const chart of readData().charts) {
  const holder = element("figure", { class: "chart card", "data-chart": chart.name });
  document.getElementById("charts").append(holder);
  showChart(holder, chart);
}
markReady();
