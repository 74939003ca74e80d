// The table of models: sorted, with a box for each that takes it into the charts; and its rows.
const Table = (function () {
  "use strict";

  const { element } = Page;
  const { percent, familyName, signedPoints, withCommas, withPrefix, duration } = Format;

  const bareNumber = (fraction) => (fraction * 100).toFixed(2);
  const figure = (key) => (entry) => entry.figures[key] ?? null;

  // what a column shows, what it sorts by, and whether it starts with its highest value
  const COLUMNS = [
    { key: "model", head: "Model", value: (entry) => entry.name, show: (value) => value },
    {
      key: "family",
      head: "Family",
      value: (entry) => familyName(entry.family),
      show: (value) => value,
    },
    {
      key: "accuracy",
      term: "accuracy",
      head: "Test accuracy",
      descending: true,
      value: (entry) => entry.accuracy?.[0] ?? null,
      show: (value, entry) =>
        `${percent(value)} [${entry.accuracy.slice(1).map(bareNumber).join(", ")}]`,
    },
    {
      key: "mark",
      head: "Compared with the best",
      value: (entry) => entry.mark,
      show: (value) => value,
    },
    {
      key: "difference",
      term: "points",
      head: "Difference",
      descending: true,
      value: () => null,
      show: (value) => value,
    },
    {
      key: "seeds",
      term: "seed",
      head: "Seeds",
      descending: true,
      value: (entry) => entry.seeds,
      show: (value) => `n\u00a0=\u00a0${value}`,
    },
    {
      key: "loss",
      term: "loss",
      head: "Test loss",
      value: figure("test_loss"),
      show: (value) => value.toFixed(4),
    },
    {
      key: "ece",
      term: "calibration",
      head: "Calibration error",
      value: figure("ece"),
      show: (value) => percent(value),
    },
    { key: "parameters", term: "parameters", head: "Parameters", value: figure("parameters"), show: withCommas },
    { key: "flops", term: "flops", head: "FLOPs", value: figure("flops"), show: (value) => withPrefix(value) },
    {
      key: "bytes",
      head: "Size",
      value: figure("model_bytes"),
      show: (value) => withPrefix(value, "B"),
    },
    { key: "train_seconds", term: "training", head: "Training", value: figure("train_seconds"), show: duration },
    { key: "latency_seconds", term: "latency", head: "Latency", value: figure("latency_seconds"), show: duration },
    {
      key: "val_accuracy",
      term: "validation",
      head: "Validation accuracy",
      descending: true,
      value: figure("val_accuracy"),
      show: (value) => percent(value),
    },
  ];

  /** Keep the table of a data set's entries in the given elements. */
  class ModelTable {
    constructor(table, count) {
      this.table = table;
      this.count = count;
      this.sort = { key: "accuracy", descending: true };
    }

    /**
     * Show entries, and how far each is from the one whose place is reference.
     *
     * all: these and those that the filter left out, by their places; shown(entry) tells whether the charts show it, or null where
     * there are none of it; toggle(entry) is called when its box is ticked.
     */
    show(entries, { all, pairs, reference, shown, toggle }) {
      Object.assign(this, { entries, all, shown, toggle });
      this.differences = differencesFrom(all, pairs, reference);
      this.columns = COLUMNS.map((column) =>
        column.key === "difference"
          ? {
              ...column,
              head: `Points more than ${all[reference].name}`,
              value: (entry) => this.differences.get(entry)?.difference ?? null,
              show: (value, entry) => this.differences.get(entry).text,
            }
          : column,
      )
        .filter((column) => column.key !== "difference" || this.differences.size > 0)
        .filter((column) => column.key !== "mark" || entries.some((entry) => entry.mark));
      this.draw();
    }

    sortBy(column) {
      const again = this.sort.key === column.key;
      const descending = again ? !this.sort.descending : Boolean(column.descending);
      this.sort = { key: column.key, descending };
      this.draw();
      this.table.querySelector(`th[data-key="${column.key}"] button`).focus();
    }

    /** Return the entries shown, in the order shown; what has no value comes last. */
    rows() {
      const column = this.columns.find((column) => column.key === this.sort.key) ?? this.columns[0];
      const sign = this.sort.descending ? -1 : 1;
      return [...this.entries].sort((first, second) => {
        const [a, b] = [column.value(first), column.value(second)];
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
      });
    }

    /** Return heads and rows as plain values: fractions and seconds, intervals in columns. */
    plain() {
      const heads = this.columns.flatMap(({ key, head }) =>
        key === "accuracy" ? [key, "accuracy_low", "accuracy_high"] : key === "difference" ? head : key,
      );
      const cells = (entry) =>
        this.columns.flatMap((column) => {
          if (column.key === "accuracy") return entry.accuracy ?? ["", "", ""];
          const value = column.value(entry);
          return column.key === "difference" && value !== null
            ? column.show(value, entry)
            : (value ?? "");
        });
      return [heads, this.rows().map(cells)];
    }

    /** Return heads and rows as the page shows them. */
    asShown() {
      const cell = (entry) => (column) => {
        const value = column.value(entry);
        return value === null ? "–" : String(column.show(value, entry)).replaceAll("\u00a0", " ");
      };
      return [
        this.columns.map(({ head }) => head),
        this.rows().map((entry) => this.columns.map(cell(entry))),
      ];
    }

    draw() {
      const rows = this.rows();
      this.table.replaceChildren(
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            this.columns.map((column) => this.head(column)),
          ),
        ),
        element(
          "tbody",
          {},
          rows.map((entry) => this.row(entry)),
        ),
      );
      const all = this.all.length;
      this.count.textContent = rows.length < all ? `${rows.length} of ${all} models` : "";
    }

    head(column) {
      const sorted = this.sort.key === column.key;
      const order = this.sort.descending ? "descending" : "ascending";
      const mark = sorted ? (this.sort.descending ? " ▾" : " ▴") : "";
      return element(
        "th",
        { scope: "col", "data-key": column.key, "aria-sort": sorted ? order : null },
        element(
          "button",
          { type: "button", "data-term": column.term, onclick: () => this.sortBy(column) },
          column.head + mark,
        ),
      );
    }

    row(entry) {
      const cells = this.columns.map((column, place) => {
        const value = column.value(entry);
        const numeric = this.entries.some((other) => typeof column.value(other) === "number");
        const text = value === null ? "–" : column.show(value, entry);
        if (place === 0) return element("th", { scope: "row" }, this.box(entry, text));
        return element("td", { class: numeric ? "number" : null }, text);
      });
      return element("tr", { "data-model": entry.name }, cells);
    }

    /** Return an entry's name, with a box that takes it into the charts where there are any. */
    box(entry, name) {
      const shown = this.shown(entry);
      if (shown === null) return [swatch(entry), name];
      const attributes = { type: "checkbox", class: "no-print", checked: shown };
      const box = element("input", { ...attributes, onchange: () => this.toggle(entry) });
      return [element("label", {}, box, swatch(entry), name)];
    }
  }

  function differencesFrom(entries, pairs, reference) {
    const differences = new Map();
    for (const pair of pairs) {
      if (pair.a !== reference && pair.b !== reference) continue;
      const other = entries[pair.a === reference ? pair.b : pair.a];
      const difference = pair.b === reference ? pair.difference : -pair.difference;
      const known = pair.planned ? pair.significant : pair.significant_among_all;
      const rest = pair.models ? ", n.s." : ", one seed";
      const text = signedPoints(difference) + (pair.planned ? "*" : "") + (known ? "" : rest);
      // those that are not significantly different are not ranked among themselves
      differences.set(other, { difference: known ? difference : 0, text });
    }
    return differences;
  }

  function swatch(entry) {
    const mark = element("span", { class: "swatch", "aria-hidden": "true" });
    mark.style.background = entry.color;
    return mark;
  }

  return { ModelTable, swatch };
})();
