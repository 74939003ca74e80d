// The comparison page: which data set, which models and which two of them are shown.
(async function () {
  "use strict";

  const { readData, markReady, element, simpleTable, copyText } = Page;
  const { familyName } = Format;
  const { showChart, editTraces, showPlaces, showTraces, tracesOf, setEpochTicks } = Charts;
  const { ModelTable } = Table;
  const { copyTools, copyableTable } = Copy;
  const { confusionChart, differenceChart, showImages } = Confusion;
  const { settingsContent, commandCell } = Settings;
  const { significanceContent } = Significance;
  const { setSwitches } = Switches;
  const { filtered, fromAddress, toAddress } = Selection;
  const { showVerdict } = Verdict;

  const page = await readData();
  const byId = (id) => document.getElementById(id);
  const modelTable = new ModelTable(byId("table"), byId("table-count"));
  // a and b: places of the two compared; models: places of those in the charts; own: whether they
  // were ticked by hand, or are those of the filter
  const shown = { dataset: null, a: 0, b: 0, models: new Set(), own: false };
  const FILTER = ["preset", "family", "recipe", "filter"];
  const SPLITS = { train: "training", val: "validation", test: "test" };

  // more lines than this hide each other: then there are only those of the two compared
  const MOST_LINES = 6;

  function start() {
    fillSelect(
      byId("dataset"),
      page.datasets.map(({ name }, place) => [place, name]),
    );
    byId("dataset-control").hidden = page.datasets.length < 2;
    byId("dataset").addEventListener("change", ({ target }) =>
      showDataset(page.datasets[target.value]),
    );
    byId("pick-a").addEventListener("change", ({ target }) => pick(Number(target.value), shown.b));
    byId("pick-b").addEventListener("change", ({ target }) => pick(shown.a, Number(target.value)));
    byId("pick-best").addEventListener("click", () => pick(...shown.dataset.chosen));
    for (const id of FILTER) byId(id).addEventListener("input", applyFilter);
    byId("with-size-study").addEventListener("change", showModelTable);
    byId("splits").addEventListener("change", showCurves);
    byId("table-tools").replaceChildren(
      copyTools(
        () => modelTable.plain(),
        () => modelTable.asShown(),
      ),
    );
    byId("citation").textContent = page.citation;
    byId("copy-citation").addEventListener("click", ({ currentTarget }) =>
      copyText(page.citation, currentTarget),
    );
    showProblems();
    const wanted = fromAddress();
    showDataset(page.datasets.find(({ name }) => name === wanted.data) ?? page.datasets[0], wanted);
    markReady();
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

  /** Show a data set; `wanted` names models, a and b where the address does. */
  function showDataset(dataset, wanted = {}) {
    dataset.entries.forEach((entry, place) => (entry.place = place));
    shown.dataset = dataset;
    const { entries } = dataset;
    const option = (name) => [name, name];
    const families = unique(entries.map(({ family }) => family));
    fillSelect(byId("family"), [["", "all"], ...families.map((name) => [name, familyName(name)])]);
    const recipes = unique(entries.map(({ recipe }) => recipe));
    fillSelect(byId("recipe"), [["", "all"], ...recipes.map(option)]);
    byId("preset").value = "few";
    byId("filter").value = "";

    const tested = entries.filter((entry) => entry.accuracy);
    for (const id of ["pick-a", "pick-b"]) {
      fillSelect(
        byId(id),
        tested.map((entry) => [entry.place, entry.name]),
      );
    }
    byId("pick").hidden = dataset.pairs.length === 0;
    showSection("pairs", dataset.significance);
    for (const entry of [...entries, ...dataset.size_study]) entry.mark = null;
    for (const { place, mark } of dataset.significance?.rows ?? []) entries[place].mark = mark;
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
    setSwitches(dataset.charts, showModels);
    for (const holder of document.querySelectorAll("[data-chart]")) {
      const chart = dataset.charts.find(({ name }) => name === holder.dataset.chart);
      holder.hidden = !chart;
      if (chart) showChart(holder, chart);
    }
    offerSplits();
    const [a, b] = dataset.chosen ?? [tested[0]?.place ?? 0, tested[0]?.place ?? 0];
    const placeOf = (name) => tested.find((entry) => entry.name === name)?.place;
    Object.assign(shown, { a: placeOf(wanted.a) ?? a, b: placeOf(wanted.b) ?? b });
    const named = (wanted.models ?? []).map((name) => entries.find((one) => one.name === name));
    shown.own = named.some(Boolean);
    shown.models = new Set(named.filter(Boolean).map(({ place }) => place));
    if (shown.own) byId("preset").value = "all";
    else takeFiltered();
    pick(shown.a, shown.b);
  }

  const unique = (values) => [...new Set(values)];

  function rowsOfFilter(preset, entries = shown.dataset.entries) {
    const [family, recipe, text] = FILTER.slice(1).map((id) => byId(id).value);
    const { chosen } = shown.dataset;
    return filtered(entries, chosen ?? [], { preset, family, recipe, text });
  }

  function takeFiltered() {
    shown.models = new Set(rowsOfFilter(byId("preset").value).map(({ place }) => place));
  }

  function applyFilter() {
    shown.own = false;
    takeFiltered();
    showModels();
  }

  function toggle({ place }) {
    shown.own = true;
    if (!shown.models.delete(place)) shown.models.add(place);
    showModels();
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
    const { dataset, a, models } = shown;
    const study = byId("with-size-study").checked ? dataset.size_study : [];
    const all = [...dataset.entries, ...study];
    // all rows can be ticked, whatever the preset took; family, recipe and name leave rows out
    modelTable.show(rowsOfFilter("all", all), {
      all,
      pairs: dataset.pairs,
      reference: a,
      shown: (entry) => (entry.place === undefined ? null : models.has(entry.place)),
      toggle,
    });
  }

  function showSignificance({ significance, entries }) {
    if (!significance) return;
    const rows = significance.rows.filter(({ place }) => inCharts().has(place));
    const compare = (place) => {
      pick(significance.best ?? shown.a, place); // one seed each: none is the best
      byId("verdict").scrollIntoView();
    };
    byId("pairs-content").replaceChildren(
      ...significanceContent({ ...significance, rows }, entries, compare),
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
    const title = byId(`${id}-title`).textContent;
    byId(id)
      .querySelector(".table")
      .replaceChildren(...copyableTable(title, table.columns, table.rows));
  }

  /** Return the rows with their first cell, a text and an address or "", as a link. */
  function linked(rows) {
    return rows.map(([[text, href], ...cells]) => [
      href ? element("a", { href, rel: "noreferrer" }, text) : text,
      ...cells,
    ]);
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
    const two = [b, a].map((place) => dataset.entries[place]);
    showVerdict(byId("verdict"), dataset, pair, two);
    byId("pick-best").hidden = !dataset.chosen || pair?.planned === true;
    showConfusions();
    showModels();
  }

  /** Return the places of the models in the charts: the two compared always are. */
  function inCharts() {
    return new Set([...shown.models, shown.a, shown.b]);
  }

  /** Show the chosen models in the table, the pairs and all charts, and keep them in the address. */
  function showModels() {
    const { dataset, a, b } = shown;
    showModelTable();
    showSignificance(dataset);
    const places = inCharts();
    const switched = [...document.querySelectorAll("#cost [data-chart]")];
    for (const name of ["families", "classes", ...switched.map(({ dataset: { chart } }) => chart)]) {
      showPlaces(plotOf(name), places);
    }
    editTraces(plotOf("families"), (trace) => {
      const compared = trace.meta.place === a || trace.meta.place === b;
      trace.opacity = compared ? 1 : 0.4;
      trace.mode = compared ? "markers+text" : "markers";
    });
    showCurves();
    for (const name of ["reliability", "radar"]) showPlaces(plotOf(name), lines());
    const few = places.size <= MOST_LINES;
    byId("lines-note").textContent = few
      ? ""
      : `Curves, reliability and radar show the two compared: of ${places.size} models, the lines ` +
        `would hide each other. Tick at most ${MOST_LINES} in the table to see them all.`;
    keepAddress();
  }

  /** Return the places of the models in charts of lines. */
  function lines() {
    const places = inCharts();
    return places.size <= MOST_LINES ? places : new Set([shown.a, shown.b]);
  }

  function keepAddress() {
    const { dataset, models, own, a, b } = shown;
    const name = (place) => dataset.entries[place].name;
    const led = (dataset.chosen ?? []).every((place) => place === a || place === b);
    const changed = own || FILTER.some((id) => !["", "few"].includes(byId(id).value));
    toAddress({
      data: dataset === page.datasets[0] ? null : dataset.name,
      models: changed ? [...models].map(name) : null,
      a: led ? null : name(a),
      b: led ? null : name(b),
    });
  }

  /** Offer the splits of which there are curves. */
  function offerSplits() {
    const drawn = new Set(tracesOf(plotOf("curves-accuracy")).map(({ meta }) => meta.split));
    const boxes = Object.entries(SPLITS).filter(([split]) => drawn.has(split));
    byId("splits").replaceChildren(
      ...boxes.map(([value, text]) =>
        element("label", {}, element("input", { type: "checkbox", value, checked: true }), text),
      ),
    );
  }

  function showCurves() {
    const splits = [...byId("splits").querySelectorAll(":checked")].map((box) => box.value);
    const places = lines();
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
        ({ place, split }) => places.has(place) && splits.includes(split),
        ({ place, split }) => split === legend(place),
      );
      setEpochTicks(plot);
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
