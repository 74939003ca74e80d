// Walking over the values of a layer: by keys, step by step, or by itself; and the numbers shown.
const Walk = (function () {
  "use strict";

  const { element } = Page;
  const { MINUS } = Format;
  const { smallCanvas, paintGray, paintSigned, signedColor, greatest } = Painting;

  const PACE = 300; // milliseconds from one position to the next
  const STRONGEST = 45; // percent of color behind a number: text stays readable on it
  const MOST_NUMBERS = 25; // a larger window is a picture

  const KEYS = {
    ArrowLeft: [0, 0, -1],
    ArrowRight: [0, 0, 1],
    ArrowUp: [0, -1, 0],
    ArrowDown: [0, 1, 0],
    PageUp: [-1, 0, 0],
    PageDown: [1, 0, 0],
  };

  const still = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * Return a position [map, row, column] within `limits` that moves, and the buttons for it.
   *
   * `target` is the node whose keys move it; `onMove(position)` is called when it has moved.
   * "Play" goes on line by line to the end of the map. Who wants less motion has "Next" alone.
   */
  function makeCursor(target, limits, what, onMove) {
    let position = [0, 0, 0];
    let timer = null;
    const play = element("button", { type: "button", class: "play", onclick: toggle }, "Play");
    const onclick = () => (stop(), step());
    const next = element("button", { type: "button", onclick }, `Next ${what}`);

    function moveTo(wanted) {
      position = wanted.map((value, i) => Math.min(Math.max(value, 0), limits[i] - 1));
      onMove(position);
    }

    function step() {
      const [map, row, column] = position;
      if (column + 1 < limits[2]) moveTo([map, row, column + 1]);
      else if (row + 1 < limits[1]) moveTo([map, row + 1, 0]);
      else return false;
      return true;
    }

    function toggle() {
      if (timer !== null) return stop();
      const [map, row, column] = position;
      if (row === limits[1] - 1 && column === limits[2] - 1) moveTo([map, 0, 0]);
      timer = setInterval(() => {
        if (!play.isConnected || still.matches || !step()) stop();
      }, PACE);
      play.textContent = "Pause";
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    target.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      stop();
      moveTo(position.map((value, i) => value + KEYS[event.key][i]));
    });
    return {
      buttons: [play, next],
      at: () => position,
      isPlaying: () => timer !== null,
      moveTo: (wanted) => (stop(), moveTo(wanted)),
    };
  }

  /** Call onPoint([row, column]) for the pixel of a picture under the pointer, or tapped. */
  function followPointer(canvas, rows, columns, onPoint) {
    for (const kind of ["pointermove", "pointerdown"]) {
      canvas.addEventListener(kind, (event) => {
        const box = canvas.getBoundingClientRect();
        onPoint([
          Math.floor(((event.clientY - box.top) / box.height) * rows),
          Math.floor(((event.clientX - box.left) / box.width) * columns),
        ]);
      });
    }
  }

  /** Paint values: gray where none is negative, else orange and blue as all weights here. */
  function paintValues(canvas, values) {
    const most = greatest(values);
    if (values.some((value) => value < 0)) paintSigned(canvas, values, most);
    else paintGray(canvas, values, most);
  }

  const WIDE = 336; // pixels of an enlarged picture: a frame around one value is thin in it

  /** Return a picture of (rows, columns) values and `show(values, frame)`, which frames a part. */
  function makePicture(rows, columns) {
    const zoom = WIDE / columns;
    const small = smallCanvas(columns, rows);
    const canvas = smallCanvas(WIDE, Math.round(rows * zoom), "walk-picture");
    function show(values, frame = null) {
      paintValues(small, values);
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      if (!frame) return;
      const [top, left, height, width] = frame.map((value) => value * zoom);
      for (const [color, line] of [["#000", 6], ["#fff", 3]]) {
        context.strokeStyle = color;
        context.lineWidth = line;
        context.strokeRect(left, top, width, height);
      }
    }
    return { canvas, show };
  }

  function named(title, ...nodes) {
    return element("figure", {}, element("figcaption", {}, title), ...nodes);
  }

  /** Return values, (rows, columns) flat, as a table of numbers, or as a picture if many. */
  function makeGrid(title, values, columns) {
    const most = greatest(values);
    if (values.length > MOST_NUMBERS) {
      const canvas = smallCanvas(columns, values.length / columns, "walk-picture");
      paintSigned(canvas, values, most);
      return named(title, canvas);
    }
    const rows = Array.from({ length: values.length / columns }, (_, row) =>
      values.slice(row * columns, (row + 1) * columns),
    );
    const cell = (value) => tinted(element("td", {}, number(value, 2)), value / most);
    return element(
      "table",
      { class: "numbers" },
      title && element("caption", {}, title),
      rows.map((row) => element("tr", {}, row.map(cell))),
    );
  }

  /** Color a node by a value from -1 to 1, lightly. */
  function tinted(node, value) {
    const color = `rgb(${signedColor(Math.sign(value)).join(" ")})`;
    const strength = Math.round(STRONGEST * Math.min(Math.abs(value), 1));
    node.style.background = `color-mix(in srgb, ${color} ${strength}%, var(--surface))`;
    return node;
  }

  function number(value, digits = 3) {
    const text = Math.abs(value).toFixed(digits);
    return Number(text) !== 0 && value < 0 ? MINUS + text : text;
  }

  /** Return "+ 0.123" or "− 0.123": a term of a sum. */
  function term(value) {
    return `${value < 0 ? MINUS : "+"} ${Math.abs(value).toFixed(3)}`;
  }

  const SAY = {
    relu: ({ value }) => `ReLU, max(0, value) = ${number(value)}`,
    scale: ({ weight, bias, value }) =>
      `Batch norm, × ${number(weight)} ${term(bias)} = ${number(value)}`,
    pool: ({ value, window, best, here }) => {
      if (value === null) return "Max pooling leaves out this pixel at the edge.";
      const wins = window[here] === window[best] ? "this pixel wins" : "another pixel wins";
      return `Max pooling, the greatest of ${window.length} values = ${number(value)}: ${wins}`;
    },
  };

  /** Return one step behind a value, as `Explain.followValue` gives it, as an item of a list. */
  function makeStep(step) {
    const item = element("li", { "data-step": step.type }, SAY[step.type](step));
    if (step.value !== null) item.dataset.value = step.value;
    if (step.type !== "pool" || !step.window || step.window.length > MOST_NUMBERS) return item;
    const grid = makeGrid(null, step.window, step.columns);
    const cells = grid.querySelectorAll("td");
    cells[step.here].classList.add("here");
    cells[step.best].classList.add("best");
    item.append(grid);
    return item;
  }

  /** Return "window × kernel = products" of a part that `Explain` gives, of so many columns. */
  function makeProduct(name, { window, kernel, products }, columns) {
    const grids = [["", name, window], ["×", "Kernel", kernel], ["=", "Products", products]];
    return grids.map(([sign, title, values]) =>
      element("div", {}, sign ? element("span", {}, sign) : null, makeGrid(title, values, columns)),
    );
  }

  return {
    makeCursor,
    followPointer,
    makePicture,
    makeProduct,
    makeStep,
    named,
    tinted,
    number,
    term,
  };
})();
