// The comparison page: which data set and which two models are shown, and who is told of it.
"use strict";

const page = readData();
const byId = (id) => document.getElementById(id);
const modelTable = new ModelTable(byId("table"), byId("table-count"));
const shown = { dataset: null, a: 0, b: 0 };

// more curves than this hide each other: the two compared show, the legend adds others
const CURVES_AT_ONCE = 4;

function start() {
  const names = page.datasets.map((dataset) => dataset.name);
  fillSelect(byId("dataset"), names.map((name, place) => [place, name]));
  byId("dataset-control").hidden = names.length < 2;
  byId("dataset").addEventListener("change", (event) => showDataset(page.datasets[event.target.value]));
  byId("pick-a").addEventListener("change", (event) => pick(Number(event.target.value), shown.b));
  byId("pick-b").addEventListener("change", (event) => pick(shown.a, Number(event.target.value)));
  byId("filter").addEventListener("input", (event) => modelTable.setFilter({ text: event.target.value }));
  byId("family").addEventListener("change", (event) => modelTable.setFilter({ family: event.target.value }));
  byId("curve-controls").addEventListener("change", showCurves);
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copyTable(button));
  }
  showProblems();
  showDataset(page.datasets[0]);
  markReady();
}

function copyTable(button) {
  const writers = { csv: toCsv, markdown: toMarkdown, latex: toLatex };
  copyText(writers[button.dataset.copy](modelTable.columns, modelTable.rows()), button);
}

function fillSelect(select, options) {
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
}

function showProblems() {
  const { problems } = page;
  byId("problems").hidden = problems.length === 0;
  const rows = problems.map(({ run, what, command }) => [run, what, command ? commandCell(command) : "–"]);
  byId("problems").querySelector(".scroll").replaceChildren(simpleTable(["run", "what is wrong", "to mend it"], rows));
}

function showDataset(dataset) {
  dataset.entries.forEach((entry, place) => (entry.place = place));
  shown.dataset = dataset;
  const families = [...new Set(dataset.entries.map((entry) => entry.family))];
  fillSelect(byId("family"), [["", "all"], ...families.map((name) => [name, name.toUpperCase()])]);
  Object.assign(modelTable.filter, { text: "", family: "" });
  byId("filter").value = "";

  const tested = dataset.entries.filter((entry) => entry.accuracy);
  for (const id of ["pick-a", "pick-b"]) {
    fillSelect(byId(id), tested.map((entry) => [entry.place, entry.name]));
  }
  byId("pick").hidden = dataset.pairs.length === 0;
  showVerdict(dataset, tested);
  byId("settings-content").replaceChildren(...settingsContent(dataset.settings));
  for (const holder of document.querySelectorAll("[data-chart]")) {
    const chart = dataset.charts.find(({ name }) => name === holder.dataset.chart);
    holder.hidden = !chart;
    if (chart) showChart(holder, chart);
  }
  const [a, b] = dataset.chosen ?? [tested[0]?.place ?? 0, tested[0]?.place ?? 0];
  pick(a, b);
}

function showVerdict(dataset, tested) {
  const pair = dataset.chosen && findPair(...dataset.chosen);
  let sentence = `Nothing was evaluated on ${dataset.name} yet: there is no verdict.`;
  if (pair) {
    sentence = pair.verdict;
  } else if (tested.length) {
    const [{ name, accuracy, seeds }] = tested;
    const interval = `${percent(accuracy[1])} to ${percent(accuracy[2])}`;
    sentence =
      tested.length === 1
        ? `${name} reaches ${percent(accuracy[0])} on ${dataset.name} (95\u00a0% interval ${interval}; ` +
          `n = ${seeds}); there is no second model to compare it with.`
        : "The test images could not be read: there is no verdict.";
  }
  byId("verdict-sentence").textContent = sentence;
  byId("verdict-basis").textContent = pair ? `${dataset.how_chosen} ${pair.basis}` : "";
}

function findPair(a, b) {
  return shown.dataset.pairs.find((pair) => (pair.a === a && pair.b === b) || (pair.a === b && pair.b === a));
}

/** Compare two models, by their places, wherever the page shows two. */
function pick(a, b) {
  Object.assign(shown, { a, b });
  byId("pick-a").value = a;
  byId("pick-b").value = b;
  const { dataset } = shown;
  const pair = findPair(a, b);
  byId("pick-sentence").textContent = pair ? `${pair.verdict} ${pair.basis}` : "";
  // the headline says the same of its own two
  byId("pick-sentence").hidden = Boolean(pair) && pair === (dataset.chosen && findPair(...dataset.chosen));
  modelTable.show(dataset.entries, dataset.pairs, a);
  showConfusions();
  showCurves();
  for (const name of ["reliability", "radar"]) {
    updateTraces(name, ({ place }) => (isPicked(place) ? true : "legendonly"));
  }
}

function isPicked(place) {
  return place === undefined || place === shown.a || place === shown.b;
}

function updateTraces(name, visible) {
  const plot = document.querySelector(`[data-chart="${name}"] .plot`);
  if (plot && !plot.parentElement.hidden) showTraces(plot, visible);
}

function showCurves() {
  const splits = [...document.querySelectorAll("[data-split]:checked")].map((box) => box.dataset.split);
  const few = shown.dataset.entries.length <= CURVES_AT_ONCE;
  for (const name of ["curves-accuracy", "curves-loss"]) {
    const plot = document.querySelector(`[data-chart="${name}"] .plot`);
    if (!plot) continue;
    // one line of each model stands for it in the legend
    const named = new Set();
    for (const trace of drawnCharts.get(plot).figure.data) {
      if (!trace.name) continue;
      const { place, split } = trace.meta;
      trace.showlegend = splits.includes(split) && !named.has(place);
      if (trace.showlegend) named.add(place);
    }
    showTraces(plot, ({ place, split }) => {
      if (!splits.includes(split)) return false;
      return few || isPicked(place) ? true : "legendonly";
    });
  }
}

function showConfusions() {
  const { dataset, a, b } = shown;
  const [first, second] = [dataset.entries[a], dataset.entries[b]];
  const holder = (name) => document.querySelector(`[data-chart="confusion-${name}"]`);
  const onCell = (entries) => (row, column) => {
    if (!dataset.mistakes || row === column) return;
    const most = Math.max(...entries.map((entry) => entry.confusion[row][column]));
    showImages(dataset.mistakes, entries, row, column, most);
    byId("images").scrollIntoView({ block: "nearest" });
  };
  const show = (name, chart, entries) => {
    holder(name).hidden = false;
    const cell = onCell(entries);
    showChart(holder(name), chart(cell), (point) => cell(Number(point.y), Number(point.x)));
  };
  for (const name of ["a", "b", "difference"]) holder(name).hidden = true;
  byId("images").hidden = !dataset.mistakes;
  byId("thumbnails").replaceChildren();
  if (!first.confusion) return;
  show("a", (cell) => confusionChart(page.confusion_frame, "confusion-a", first, cell), [first]);
  if (a === b || !second.confusion) return;
  show("b", (cell) => confusionChart(page.confusion_frame, "confusion-b", second, cell), [second]);
  show("difference", (cell) => differenceChart(page.confusion_frame, first, second, cell), [first, second]);
}

start();
