// The page of a study: its charts and the table of its best trials.
"use strict";

function start() {
  const { charts, best } = readData();
  for (const chart of charts) {
    const holder = element("figure", { class: "chart card", "data-chart": chart.name });
    document.getElementById("charts").append(holder);
    showChart(holder, chart);
  }
  document.getElementById("best").append(simpleTable(best.columns, best.rows));
  markReady();
}

start();
