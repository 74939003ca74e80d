// Tables as text for other programs: CSV with plain numbers, Markdown and LaTeX as they are shown.
const Copy = (function () {
  "use strict";

  const { element, simpleTable, scrollBox, copyText } = Page;

  /**
   * Return three buttons that copy a table.
   *
   * plain() and shown() return its heads and rows when a button is pressed: numbers as they are,
   * and cells as texts.
   */
  function copyTools(plain, shown = plain) {
    const kinds = {
      csv: ["CSV", () => toCsv(...plain())],
      markdown: ["Markdown", () => toMarkdown(...shown())],
      latex: ["LaTeX", () => toLatex(...shown())],
    };
    const button = ([kind, [name, text]]) => {
      const attributes = { type: "button", class: "quiet", "data-copy": kind };
      const onclick = ({ currentTarget }) => copyText(text(), currentTarget);
      return element("button", { ...attributes, onclick }, `Copy ${name}`);
    };
    return element("span", { class: "tools no-print" }, Object.entries(kinds).map(button));
  }

  /** Return a table in a box that scrolls, with buttons that copy it. Cells may be nodes. */
  function copyableTable(label, columns, rows, className = "") {
    const texts = () => [columns, rows.map((row) => row.map(plainCell))];
    return [scrollBox(label, simpleTable(columns, rows), className), copyTools(texts)];
  }

  function plainCell(value) {
    // of a command with its button, the command
    if (value instanceof Node) return (value.querySelector?.("code") ?? value).textContent;
    return value ?? "";
  }

  function toCsv(heads, rows) {
    return [heads, ...rows].map((line) => line.map(csvCell).join(",") + "\n").join("");
  }

  function csvCell(value) {
    if (typeof value === "number") return String(value);
    // a spreadsheet would compute a text that starts like a formula
    const text = /^[=+\-@\t]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function toMarkdown(heads, rows) {
    const line = (cells) => `| ${cells.join(" | ")} |\n`;
    const escape = (value) => String(value).replace(/[\\|<>*_`]/g, "\\$&");
    return (
      line(heads.map(escape)) +
      line(heads.map((_, place) => (isRight(rows, place) ? "---:" : "---"))) +
      rows.map((row) => line(row.map(escape))).join("")
    );
  }

  /** Return the rows as a LaTeX table that needs the package booktabs. */
  function toLatex(heads, rows) {
    const line = (cells) => `${cells.map((cell) => latexText(String(cell))).join(" & ")} \\\\\n`;
    const sides = heads.map((_, place) => (isRight(rows, place) ? "r" : "l")).join("");
    return (
      `\\begin{tabular}{${sides}}\n\\toprule\n` +
      line(heads) +
      "\\midrule\n" +
      rows.map(line).join("") +
      "\\bottomrule\n\\end{tabular}\n"
    );
  }

  /** Return whether a column is set right: its cells are numbers, or start or end like one. */
  function isRight(rows, place) {
    return rows.every((row) => /^([+−–\d]|n\s?=|$)/.test(String(row[place])));
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

  return { copyTools, copyableTable };
})();
