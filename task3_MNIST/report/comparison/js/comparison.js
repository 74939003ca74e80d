// The comparison page: which data set and which two models are shown.
(function () {
  "use strict";

  const { readData, markReady, element, simpleTable, copyText } = Page;
  const { percent, familyName, joinSentences } = Format;
  const { showChart, showTraces, tracesOf } = Charts;
  const { ModelTable, swatch } = Table;
  const { toCsv, toMarkdown, toLatex } = Copy;
  const { confusionChart, differenceChart, showImages } = Confusion;
  const { settingsContent, commandCell } = Settings;
  const { significanceContent } = Significance;

  const page = readData();
  const byId = (id) => document.getElementById(id);
  const modelTable = new ModelTable(byId("table"), byId("table-count"));
  const shown = { dataset: null, a: 0, b: 0, places: new Set() };

  // more models than this hide each other in a chart: at first it shows only the two compared
  const SHOWN_AT_ONCE = 4;

  function start() {
    const names = page.datasets.map((dataset) => dataset.name);
    fillSelect(
      byId("dataset"),
      names.map((name, place) => [place, name]),
    );
    byId("dataset-control").hidden = names.length < 2;
    byId("dataset").addEventListener("change", (event) =>
      showDataset(page.datasets[event.target.value]),
    );
    byId("pick-a").addEventListener("change", (event) => pick(Number(event.target.value), shown.b));
    byId("pick-b").addEventListener("change", (event) => pick(shown.a, Number(event.target.value)));
    byId("filter").addEventListener("input", (event) =>
      modelTable.setFilter({ text: event.target.value }),
    );
    byId("family").addEventListener("change", (event) =>
      modelTable.setFilter({ family: event.target.value }),
    );
    byId("with-size-study").addEventListener("change", showModelTable);
    byId("splits").addEventListener("change", showCurves);
    byId("shown-models").addEventListener("change", (event) => {
      shown.places[event.target.checked ? "add" : "delete"](Number(event.target.value));
      showModels();
    });
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
    const rows = problems.map(({ run, what, command }) => [
      run,
      what,
      command ? commandCell(command) : "–",
    ]);
    byId("problems")
      .querySelector(".scroll")
      .replaceChildren(simpleTable(["run", "problem", "how to fix it"], rows));
  }

  function showDataset(dataset) {
    dataset.entries.forEach((entry, place) => (entry.place = place));
    shown.dataset = dataset;
    const families = [
      ...new Set([...dataset.entries, ...dataset.size_study].map(({ family }) => family)),
    ];
    fillSelect(byId("family"), [["", "all"], ...families.map((name) => [name, familyName(name)])]);
    Object.assign(modelTable.filter, { text: "", family: "" });
    byId("filter").value = "";

    const tested = dataset.entries.filter((entry) => entry.accuracy);
    for (const id of ["pick-a", "pick-b"]) {
      fillSelect(
        byId(id),
        tested.map((entry) => [entry.place, entry.name]),
      );
    }
    byId("pick").hidden = dataset.pairs.length === 0;
    showVerdict(dataset, tested);
    showSignificance(dataset);
    showSize(dataset);
    showTable("ensembles", dataset.ensembles);
    showTable("selection", dataset.selection);
    byId("recipes").textContent = dataset.recipes;
    showTable(
      "published",
      dataset.published && { ...dataset.published, rows: linked(dataset.published.rows) },
    );
    byId("published-note").textContent = dataset.published?.note ?? "";
    byId("settings-content").replaceChildren(...settingsContent(dataset.settings));
    for (const holder of document.querySelectorAll("[data-chart]")) {
      const chart = dataset.charts.find(({ name }) => name === holder.dataset.chart);
      holder.hidden = !chart;
      if (chart) showChart(holder, chart);
    }
    const [a, b] = dataset.chosen ?? [tested[0]?.place ?? 0, tested[0]?.place ?? 0];
    pick(a, b);
  }

  /** Show the model-size study; its models are in the table only where that is asked for. */
  function showSize({ size, size_study: study, size_study_settings: settings }) {
    showSection("size", size !== null);
    byId("size-enough").textContent = size ?? "";
    byId("size-study-note").hidden = study.length === 0;
    byId("with-size-study").checked = false;
    byId("size-study-control").hidden = study.length === 0;
    byId("size-study-control").querySelector("span").textContent =
      `with the ${study.length} models of the model-size study`;
    byId("size-study-settings").hidden = settings === null;
    if (settings === null) return;
    byId("size-study-settings")
      .querySelector("div")
      .replaceChildren(...settingsContent(settings));
  }

  function showModelTable() {
    const { dataset, a } = shown;
    const study = byId("with-size-study").checked ? dataset.size_study : [];
    modelTable.show([...dataset.entries, ...study], dataset.pairs, a);
  }

  function showSignificance({ significance, entries, size_study: study }) {
    showSection("pairs", significance);
    [...entries, ...study].forEach((entry) => (entry.mark = null));
    if (!significance) return;
    significance.order.forEach((place, rank) => (entries[place].mark = significance.marks[rank]));
    byId("pairs-content").replaceChildren(
      ...significanceContent(significance, entries, findPair, pick),
    );
  }

  function showSection(id, shown) {
    for (const part of document.querySelectorAll(`#${id}, nav a[href='#${id}']`)) {
      part.hidden = !shown;
    }
  }

  /** Fill a section with its table, or hide it if there is none. */
  function showTable(id, table) {
    showSection(id, table);
    if (!table) return;
    byId(id).querySelector(".scroll").replaceChildren(simpleTable(table.columns, table.rows));
  }

  /** Return the rows with their first cell, a text and an address or "", as a link. */
  function linked(rows) {
    return rows.map(([[text, href], ...cells]) => [
      href ? element("a", { href, rel: "noreferrer" }, text) : text,
      ...cells,
    ]);
  }

  function showVerdict(dataset, tested) {
    const pair = dataset.chosen && findPair(...dataset.chosen);
    let sentence = `Nothing was evaluated on ${dataset.name} yet: there is no comparison.`;
    if (pair) {
      sentence = pair.verdict;
    } else if (tested.length) {
      const [{ name, accuracy, seeds }] = tested;
      const interval = `${percent(accuracy[1])} to ${percent(accuracy[2])}`;
      sentence =
        tested.length === 1
          ? `${name} reaches ${percent(accuracy[0])} on ${dataset.name} ` +
            `(95\u00a0% confidence interval ${interval}; n = ${seeds}); ` +
            "there is no second model to compare it with."
          : "The test images could not be read: there is no comparison.";
    }
    byId("verdict-sentence").textContent = sentence;
    byId("verdict-basis").textContent = pair
      ? joinSentences(dataset.how_chosen, pair.basis, pair.superiority)
      : "";
  }

  function findPair(a, b) {
    return shown.dataset.pairs.find(
      (pair) => (pair.a === a && pair.b === b) || (pair.a === b && pair.b === a),
    );
  }

  /** Compare two models, by their places, wherever the page shows two. */
  function pick(a, b) {
    Object.assign(shown, { a, b });
    byId("pick-a").value = a;
    byId("pick-b").value = b;
    const { dataset } = shown;
    const pair = findPair(a, b);
    byId("pick-sentence").textContent = pair
      ? joinSentences(pair.verdict, pair.correction, pair.basis, pair.superiority)
      : "";
    // the headline says the same of its own two
    byId("pick-sentence").hidden =
      Boolean(pair) && pair === (dataset.chosen && findPair(...dataset.chosen));
    showModelTable();
    showConfusions();
    const places = dataset.entries.map((entry) => entry.place);
    shown.places = new Set(places.length <= SHOWN_AT_ONCE ? places : [a, b]);
    byId("shown-models").hidden = places.length <= 2;
    byId("shown-models")
      .querySelector(".controls")
      .replaceChildren(...dataset.entries.map(modelBox));
    showModels();
  }

  function modelBox(entry) {
    const checked = shown.places.has(entry.place);
    const box = element("input", { type: "checkbox", value: entry.place, checked });
    return element("label", {}, box, element("span", {}, swatch(entry), entry.name));
  }

  /** Show the ticked models in the charts that would be too full with all of them. */
  function showModels() {
    showCurves();
    for (const name of ["reliability", "radar"]) {
      showTraces(plotOf(name), ({ place }) => shown.places.has(place));
    }
  }

  function showCurves() {
    const splits = [...byId("splits").querySelectorAll(":checked")].map((box) => box.value);
    for (const name of ["curves-accuracy", "curves-loss"]) {
      const plot = plotOf(name);
      const drawn = tracesOf(plot).map(({ meta }) => meta);
      // one line of each model stands for it in the legend, the most usual first
      const legend = (place) =>
        ["val", "train", "test"].find(
          (split) =>
            splits.includes(split) &&
            drawn.some((trace) => trace.place === place && trace.split === split),
        );
      showTraces(
        plot,
        ({ place, split }) => shown.places.has(place) && splits.includes(split),
        ({ place, split }) => split === legend(place),
      );
    }
  }

  function plotOf(name) {
    return document.querySelector(`[data-chart="${name}"]:not([hidden]) .plot`);
  }

  function showConfusions() {
    const { dataset, a, b } = shown;
    const [first, second] = [dataset.entries[a], dataset.entries[b]];
    const holder = (name) => document.querySelector(`[data-chart="confusion-${name}"]`);
    const onCell = (entries) => (row, column) => {
      if (!dataset.mistakes || row === column) return;
      const most = Math.max(...entries.map((entry) => entry.confusion[row][column]));
      showImages(dataset.mistakes, dataset.classes, entries, row, column, most);
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
    const frame = [page.confusion_frame, dataset.classes];
    show("a", (cell) => confusionChart(...frame, "confusion-a", first, cell), [first]);
    if (a === b || !second.confusion) return;
    show("b", (cell) => confusionChart(...frame, "confusion-b", second, cell), [second]);
    show("difference", (cell) => differenceChart(...frame, first, second, cell), [first, second]);
  }

  start();
})();
