// Each model next to the best by validation: who is significantly worse, and who is not.
const Significance = (function () {
  "use strict";

  const { element, scrollBox } = Page;
  const { dataBehind } = Charts;
  const { swatch } = Table;

  /**
   * Return the content of the section.
   *
   * data: finding, columns, rows (place of a model, band, then cells) and table (of all pairs);
   * compare(place) is called when a model is chosen.
   */
  function significanceContent(data, entries, compare) {
    const head = data.columns.map((name) => element("th", { scope: "col" }, name));
    const row = ({ place, band, cells }) =>
      element(
        "tr",
        { class: band ? "band" : null },
        element("th", { scope: "row" }, nameOf(place, entries, data.best, compare)),
        cells.map((cell) => element("td", {}, cell)),
      );
    const table = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, data.rows.map(row)),
    );
    return [
      element("h3", {}, data.finding),
      element("p", { class: "muted" }, data.about),
      scrollBox(data.finding, table, "data"),
      dataBehind(data),
    ];
  }

  function nameOf(place, entries, best, compare) {
    const content = [swatch(entries[place]), entries[place].name];
    if (place === best) return content;
    return element("button", { type: "button", onclick: () => compare(place) }, content);
  }

  return { significanceContent };
})();
