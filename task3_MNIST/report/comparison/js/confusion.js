// Confusion matrices of the two models compared, their difference, and the images behind a cell.
const Confusion = (function () {
  "use strict";

  const { element } = Page;
  const { MINUS } = Format;
  const { escapeHtml } = Pictures;

  const LINE = 20; // pixels of a class in a matrix of many

  /** Return the class of an image in a text that has a letter for each, "0" for the first class. */
  function classAt(text, place) {
    return text ? text.charCodeAt(place) - "0".charCodeAt(0) : null;
  }

  /**
   * Return the chart of one model's confusion matrix; onCell(true, predicted) shows images.
   * `classes` are the names of the classes.
   */
  function confusionChart(frame, classes, name, entry, onCell) {
    const errors = withoutDiagonal(entry.confusion);
    const all = sum(errors);
    const most = largestCell(errors, (value) => value);
    const finding = most
      ? `${entry.name}: ${errorCount(all)}, most often a ${classes[most.row]} misclassified as ` +
        `${classes[most.column]} (${most.value === 1 ? "once" : `${most.value} times`})`
      : `${entry.name}: no errors`;
    return matrixChart({
      frame,
      classes,
      name,
      finding,
      about:
        "Errors only: the diagonal (correct predictions) is blank. Click a cell to see its images.",
      matrix: errors,
      scale: "errors",
      describe: (row, column, value) =>
        `${value} images of class ${classes[row]}\nare misclassified as ${classes[column]}\n` +
        `by ${entry.name}`,
      onCell,
    });
  }

  /** Return the chart of b's errors minus a's. */
  function differenceChart(frame, classes, a, b, onCell) {
    const matrix = withoutDiagonal(
      b.confusion.map((row, i) => row.map((value, j) => value - a.confusion[i][j])),
    );
    const total = sum(matrix);
    const most = largestCell(matrix, (value) => value * Math.sign(total || 1));
    const change =
      total === 0
        ? "as many errors as"
        : `${errorCount(Math.abs(total))} ${total < 0 ? "fewer" : "more"} than`;
    const where = most
      ? `; largest change: ${classes[most.row]} misclassified as ${classes[most.column]} ` +
        `(${signed(most.value)})`
      : "";
    return matrixChart({
      frame,
      classes,
      name: "confusion-difference",
      finding: `${b.name} makes ${change} ${a.name}${where}`,
      about:
        `Errors of ${b.name} minus errors of ${a.name}: ` +
        `green with ${MINUS} is fewer, red with + is more.`,
      matrix,
      scale: "difference",
      describe: (row, column, value) =>
        `class ${classes[row]} misclassified as ${classes[column]}:\n` +
        `${b.confusion[row][column]} by ${b.name},\n` +
        `${a.confusion[row][column]} by ${a.name},\ndifference ${signed(value)}`,
      onCell,
      show: signed,
    });
  }

  function matrixChart({
    frame,
    classes,
    name,
    finding,
    about,
    matrix,
    scale,
    describe,
    onCell,
    show = String,
  }) {
    const figure = structuredClone(frame);
    const [trace] = figure.data;
    const labels = classes.map((_, label) => String(label));
    const ticks = { tickvals: labels, ticktext: classes.map(escapeHtml), automargin: true };
    for (const axis of ["xaxis", "yaxis"]) Object.assign(figure.layout[axis], ticks);
    figure.layout.height = Math.max(figure.layout.height, 150 + LINE * classes.length);
    Object.assign(trace, { x: labels, y: labels });
    const largest = Math.max(1, ...matrix.flat().map((value) => Math.abs(value ?? 0)));
    trace.z = matrix;
    trace.zmin = scale === "difference" ? -largest : 0;
    trace.zmax = largest;
    trace.text = matrix.map((row) => row.map((value) => (value ? show(value) : "")));
    trace.hovertext = matrix.map((row, i) =>
      row.map((value, j) =>
        value === null ? "" : escapeHtml(describe(i, j, value)).replaceAll("\n", "<br>"),
      ),
    );
    trace.meta = { scale };
    const cell = (value, row, column) =>
      value === null || value === 0
        ? (value ?? "")
        : element(
            "button",
            {
              type: "button",
              class: "quiet",
              "aria-label": describe(row, column, value).replaceAll("\n", " "),
              onclick: () => onCell(row, column),
            },
            show(value),
          );
    return {
      name,
      finding,
      about,
      figure,
      table: {
        columns: ["true \\ predicted", ...classes],
        rows: matrix.map((row, i) => [classes[i], ...row.map((value, j) => cell(value, i, j))]),
      },
    };
  }

  /** Show the stored images of a true class that any of the entries takes for a predicted one. */
  function showImages(mistakes, classes, entries, trueClass, predictedClass, counts) {
    const title = document.getElementById("images-title");
    const note = document.getElementById("images-note");
    const names = entries.map((entry) => entry.name).join(" or ");
    const found = mistakes.index
      .map((index, place) => ({ index, place }))
      .filter(({ place }) => classAt(mistakes.labels, place) === trueClass)
      .filter(({ place }) =>
        entries.some(
          (entry) => classAt(mistakes.predicted[entry.place], place) === predictedClass,
        ),
      );
    title.textContent =
      `A ${classes[trueClass]} misclassified as ${classes[predictedClass]} by ${names}`;
    const kept = found.length < counts ? `${found.length} of them are stored in this page. ` : "";
    note.textContent = found.length
      ? `${kept}Below each image: its index in the test set, and the prediction of each model.`
      : "No image is stored for this cell.";
    const items = found.map(({ index, place }) => thumbnail(mistakes, classes, entries, index, place));
    document.getElementById("thumbnails").replaceChildren(...items);
  }

  function thumbnail(mistakes, classes, entries, index, place) {
    const answers = entries.map((entry) => ({
      name: entry.name,
      answer: classAt(mistakes.predicted[entry.place], place),
    }));
    const truth = classAt(mistakes.labels, place);
    const picture = element("span", {
      class: "digit",
      role: "img",
      "aria-label": `Test image ${index}, labeled ${classes[truth]}`,
    });
    const [column, row] = [place % mistakes.columns, Math.floor(place / mistakes.columns)];
    picture.style.backgroundPosition = `${-56 * column}px ${-56 * row}px`;
    picture.style.backgroundSize = `${56 * mistakes.columns}px auto`;
    picture.style.backgroundImage = `url("${mistakes.picture}")`;
    const lines = answers.map(({ name, answer }) =>
      element(
        "span",
        { class: answer === truth ? "correct" : "incorrect" },
        `${answer === truth ? "✓" : "✗"} ${classes[answer] ?? "–"} ${name}`,
      ),
    );
    return element("li", {}, picture, element("span", { class: "muted" }, `#${index}`), lines);
  }

  function errorCount(count) {
    return `${count} ${count === 1 ? "error" : "errors"}`;
  }

  function withoutDiagonal(matrix) {
    return matrix.map((row, i) => row.map((value, j) => (i === j ? null : value)));
  }

  function sum(matrix) {
    return matrix.flat().reduce((total, value) => total + (value ?? 0), 0);
  }

  // the cell of the largest weight above zero, or null
  function largestCell(matrix, weight) {
    let best = null;
    matrix.forEach((line, row) =>
      line.forEach((value, column) => {
        if (value !== null && weight(value) > (best ? weight(best.value) : 0))
          best = { row, column, value };
      }),
    );
    return best;
  }

  function signed(value) {
    return value < 0 ? `${MINUS}${-value}` : `+${value}`;
  }

  return { confusionChart, differenceChart, showImages };
})();
