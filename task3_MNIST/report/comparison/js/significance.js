// All pairs of models as a matrix for pointers and arrow keys; each compared with the best.
const Significance = (function () {
  "use strict";

  const { element, simpleTable, scrollBox } = Page;
  const { percent, signedPoints, joinSentences } = Format;
  const { dataBehind } = Charts;
  const { swatch } = Table;

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  /**
   * Return the content of the section.
   *
   * data: order, marks, with_best, finding and table; pairOf(a, b) finds the pair of two places;
   * onPick(a, b) is told when a cell is chosen.
   */
  function significanceContent(data, entries, pairOf, onPick) {
    const ranked = data.order.map((place) => entries[place]);
    const detail = element(
      "p",
      { class: "pair-detail", "aria-live": "polite" },
      "Point at a cell, or move to it with the arrow keys, to read its test.",
    );
    return [
      ...comparisonWithBest(data.with_best),
      element("h3", {}, data.finding),
      element(
        "div",
        { class: "scroll" },
        significanceMatrix({ ranked, pairOf, onPick, detail }),
      ),
      detail,
      dataBehind(data),
    ];
  }

  function comparisonWithBest(table) {
    if (!table) return [];
    const title = "Each model compared with the best by validation";
    return [
      element("h3", {}, title),
      element("p", { class: "muted" }, table.about),
      scrollBox(title, simpleTable(table.columns, table.rows), "best-comparison"),
    ];
  }

  function significanceMatrix({ ranked, pairOf, onPick, detail }) {
    const cells = ranked.map((row) => ranked.map((column) => matrixCell(row, pairOf, column)));
    const describe = (row, column) => {
      const { name, accuracy, place } = ranked[row];
      const pair = pairOf(place, ranked[column].place);
      detail.textContent = pair
        ? joinSentences(pair.verdict, pair.correction, pair.superiority)
        : `${name}: ${percent(accuracy[0])} of the test images are correct.`;
    };
    // one stop for Tab, arrows from there: hundreds of stops would be in everybody's way
    let current = cells[0][1];
    const enter = (cell) => {
      current.tabIndex = -1;
      current = cell;
      current.tabIndex = 0;
    };
    const choose = (row, column) => {
      if (row !== column) onPick(ranked[row].place, ranked[column].place);
    };
    const placeOf = (event) => {
      const cell = event.target.closest("td[data-row]");
      return cell && [Number(cell.dataset.row), Number(cell.dataset.column)];
    };
    const onPlace = (action) => (event) => {
      const place = placeOf(event);
      if (place) action(...place);
    };
    const onKey = (event) => {
      const place = placeOf(event);
      if (!place) return;
      if (event.key === "Enter" || event.key === " ") choose(...place);
      else if (event.key in STEPS) {
        const [row, column] = place.map((at, axis) => at + STEPS[event.key][axis]);
        cells[row]?.[column]?.focus();
      } else return;
      event.preventDefault(); // the page must not scroll as well
    };
    cells.forEach((line, row) =>
      line.forEach((cell, column) => Object.assign(cell.dataset, { row, column })),
    );
    enter(current);
    const head = (entry, number) =>
      element("th", { scope: "col", title: entry.name, "aria-label": entry.name }, number + 1);
    return element(
      "table",
      {
        class: "matrix",
        role: "grid",
        "aria-label":
          "Differences of all pairs in percentage points: the row's model minus the column's",
        onmouseover: onPlace(describe),
        onfocusin: onPlace((row, column) => {
          enter(cells[row][column]);
          describe(row, column);
        }),
        onclick: onPlace(choose),
        onkeydown: onKey,
      },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "model"),
          ranked.map(head),
        ),
      ),
      element(
        "tbody",
        {},
        cells.map((line, row) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, `${row + 1} `, swatch(ranked[row]), ranked[row].name),
            line,
          ),
        ),
      ),
    );
  }

  function matrixCell(row, pairOf, column) {
    if (row === column) return element("td", { class: "same", tabindex: -1 });
    const pair = pairOf(row.place, column.place);
    const difference = pair.a === row.place ? pair.difference : -pair.difference;
    if (!pair.models)
      return element("td", { class: "one-seed", tabindex: -1 }, signedPoints(difference));
    const star = pair.planned ? "*" : "";
    if (!(pair.planned ? pair.significant : pair.significant_among_all)) {
      return element("td", { class: "not-significant", tabindex: -1 }, `n.s.${star}`);
    }
    const kind = difference > 0 ? "better" : "worse";
    return element("td", { class: kind, tabindex: -1 }, signedPoints(difference) + star);
  }

  return { significanceContent };
})();
