// The table as text: CSV with plain numbers, Markdown and LaTeX as the page shows them.
const Copy = (function () {
  "use strict";

  /** Return the rows as CSV: fractions, seconds and bytes, the interval in columns of its own. */
  function toCsv(columns, entries) {
    const heads = [];
    for (const column of columns) {
      heads.push(column.key === "difference" ? column.head : column.key);
      if (column.key === "accuracy") heads.push("accuracy_low", "accuracy_high");
    }
    const lines = entries.map((entry) =>
      columns.flatMap((column) => {
        if (column.key === "accuracy") return entry.accuracy ?? ["", "", ""];
        const value = column.value(entry);
        return [
          column.key === "difference" && value !== null ? column.show(value, entry) : (value ?? ""),
        ];
      }),
    );
    return [heads, ...lines].map((line) => line.map(csvCell).join(",") + "\n").join("");
  }

  function csvCell(value) {
    if (typeof value === "number") return String(value);
    // a spreadsheet would compute a text that starts like a formula
    const text = /^[=+\-@\t]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  /** Return the rows as a Markdown table. */
  function toMarkdown(columns, entries) {
    const line = (cells) => `| ${cells.join(" | ")} |\n`;
    const escape = (text) => text.replace(/[\\|<>*_`]/g, "\\$&");
    return (
      line(columns.map((column) => escape(column.head))) +
      line(columns.map((_, place) => (place < 2 ? "---" : "---:"))) +
      shownCells(columns, entries)
        .map((cells) => line(cells.map(escape)))
        .join("")
    );
  }

  /** Return the rows as a LaTeX table that needs the package booktabs. */
  function toLatex(columns, entries) {
    const line = (cells) => `${cells.map(latexText).join(" & ")} \\\\\n`;
    return (
      `\\begin{tabular}{ll${"r".repeat(columns.length - 2)}}\n\\toprule\n` +
      line(columns.map((column) => column.head)) +
      "\\midrule\n" +
      shownCells(columns, entries).map(line).join("") +
      "\\bottomrule\n\\end{tabular}\n"
    );
  }

  function shownCells(columns, entries) {
    return entries.map((entry) =>
      columns.map((column) => {
        const value = column.value(entry);
        return value === null ? "–" : String(column.show(value, entry)).replaceAll("\u00a0", " ");
      }),
    );
  }

  const LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "–": "--",
    "−": "$-$",
    µ: "\\textmu{}",
    "·": "\\textperiodcentered{}",
  };

  function latexText(text) {
    return text.replace(/[\\~^<>–−µ·]|[&%$#_{}]/g, (sign) => LATEX[sign] ?? `\\${sign}`);
  }

  return { toCsv, toMarkdown, toLatex };
})();
