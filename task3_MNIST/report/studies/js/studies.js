// The page of studies: each section's charts and extra tables.
(async function () {
  "use strict";

  const { readData, markReady, element } = Page;
  const { showChart } = Charts;
  const { copyableTable } = Copy;

  for (const study of (await readData()).studies) {
    const charts = document.querySelector(`[data-study="${study.name}"]`);
    for (const chart of study.charts) {
      const holder = element("figure", { class: "chart card", "data-chart": chart.name });
      charts.append(holder);
      showChart(holder, chart);
    }
    const tables = document.querySelector(`[data-tables="${study.name}"]`);
    for (const table of study.tables.toReversed()) {
      tables.prepend(
        element("h3", {}, table.title),
        ...copyableTable(table.title, table.columns, table.rows),
      );
    }
  }
  markReady();
})();
