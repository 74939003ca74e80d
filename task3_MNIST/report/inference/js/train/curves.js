// The curves of two networks in training: validation accuracy above, training loss below.
const TrainCurves = (function () {
  "use strict";

  const { withCommas, percent } = Format;

  const FAMILIES = ["mlp", "cnn"];
  const HEIGHT = 330;
  const MARGIN = { left: 48, right: 14 };
  const PANELS = {
    accuracy: { title: "Validation accuracy", top: 24, bottom: 150 },
    loss: { title: "Training loss (cross-entropy, logarithmic)", top: 190, bottom: 290 },
  };
  const POINTS = 60; // of a line of the loss, each a mean over minibatches

  function svg(tag, attributes, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  /**
   * Return a picture of both curves, an element and a function that draws them again.
   *
   * draw(accuracies, losses) takes lists of [images seen, of the MLP, of the CNN].
   */
  function makeCurves() {
    const picture = svg("svg", { role: "img", "aria-label": inWords([]), height: HEIGHT });
    let last = [[], []];

    function draw(accuracies, losses) {
      last = [accuracies, losses];
      const width = picture.clientWidth;
      if (!width) return;
      const most = Math.max(1000, accuracies.at(-1)?.[0] ?? 0, losses.at(-1)?.[0] ?? 0);
      const across = scale([0, most], [MARGIN.left, width - MARGIN.right]);
      const means = inGroups(losses);
      picture.replaceChildren(
        ...imagesAxis(across, most, width),
        ...panel(PANELS.accuracy, accuracies, accuracyAxis(accuracies), across, width),
        ...panel(PANELS.loss, means, lossAxis(means), across, width),
      );
      picture.setAttribute("aria-label", inWords(accuracies));
    }

    new ResizeObserver(() => draw(...last)).observe(picture);
    return { node: picture, draw };
  }

  function inWords(accuracies) {
    if (!accuracies.length) return "Curves of validation accuracy and training loss, still empty";
    const [seen, mlp, cnn] = accuracies.at(-1);
    return (
      `Validation accuracy and training loss over ${withCommas(seen)} images; accuracy now: ` +
      `MLP (orange, square) ${percent(mlp, 1)}, CNN (blue, circle) ${percent(cnn, 1)}`
    );
  }

  /** Return a function that maps a range of numbers to a range of places. */
  function scale([low, high], [start, end]) {
    return (value) => start + ((value - low) / (high - low)) * (end - start);
  }

  function imagesAxis(across, most, width) {
    const step = niceStep(most / Math.max(2, Math.floor(width / 80)));
    const marks = [];
    for (let value = 0; value <= most; value += step) marks.push(value);
    const { bottom } = PANELS.loss;
    return [
      ...marks.map((value) =>
        svg(
          "text",
          { x: across(value), y: bottom + 16, "text-anchor": value ? "middle" : "start" },
          withCommas(value),
        ),
      ),
      svg("text", { x: width / 2, y: bottom + 34, "text-anchor": "middle" }, "Images seen"),
    ];
  }

  /** Return 1, 2 or 5 times a power of ten, at least the step given. */
  function niceStep(step) {
    const power = 10 ** Math.floor(Math.log10(step));
    return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= step);
  }

  /** Return an axis that ends at 100 % and leaves out the steep start once there is more to see. */
  function accuracyAxis(accuracies) {
    const later = accuracies.slice(Math.floor(accuracies.length / 3));
    const least = Math.min(0.8, ...later.flatMap(([, ...shares]) => shares));
    const low = accuracies.length < 4 ? 0 : Math.floor(10 * least) / 10;
    const step = low < 0.5 ? 0.25 : low < 0.75 ? 0.1 : 0.05;
    const ticks = [];
    for (let value = 1; value > low - 1e-6; value -= step) ticks.push(value);
    return { low, high: 1, ticks, text: (value) => percent(value, 0), of: (v) => v };
  }

  function lossAxis(losses) {
    const values = losses.flatMap(([, ...each]) => each).filter((value) => value > 0);
    const least = Math.max(Math.min(1, ...values), 1e-4);
    const most = Math.min(Math.max(3, ...values), 1e3);
    const ticks = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1e3];
    const shown = ticks.filter((value) => value >= least && value <= most);
    const [low, high] = [Math.log(least * 0.8), Math.log(most)];
    return { low, high, ticks: shown, text: String, of: Math.log };
  }

  /** Return one panel: its title, grid, two lines, and a mark at the end of each. */
  function panel({ title, top, bottom }, points, axis, across, width) {
    const up = scale([axis.low, axis.high], [bottom, top]);
    const y = (value) => up(axis.of(value));
    const grid = axis.ticks.flatMap((value) => {
      const ends = { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) };
      const label = { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" };
      return [svg("line", { class: "grid", ...ends }), svg("text", label, axis.text(value))];
    });
    const places = FAMILIES.map((_, m) =>
      points
        .filter((point) => Number.isFinite(point[m + 1]))
        .map((point) => [across(point[0]), y(point[m + 1])]),
    );
    const lines = places.map((line, m) => {
      const drawn = line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
      return svg("polyline", { class: FAMILIES[m], points: drawn });
    });
    // a picture in the picture cuts off what is not on the axis
    const box = { x: MARGIN.left, y: top, width: width - MARGIN.left, height: bottom - top };
    const inside = svg("svg", { ...box, viewBox: Object.values(box).join(" ") }, ...lines);
    const marks = places.flatMap((line, m) => {
      const [x, y] = line.at(-1) ?? [0, Infinity];
      return y <= bottom + 1 && y >= top - 1 ? [markAt(FAMILIES[m], x, y)] : [];
    });
    const heading = svg("text", { class: "title", x: 0, y: top - 10 }, title);
    return [heading, ...grid, inside, ...marks];
  }

  /** Return the mark of a family: MLPs are squares, CNNs circles. */
  function markAt(family, x, y) {
    return family === "mlp"
      ? svg("rect", { class: family, x: x - 4, y: y - 4, width: 8, height: 8 })
      : svg("circle", { class: family, cx: x, cy: y, r: 4.5 });
  }

  /** Return a family's mark as a picture of its own. */
  function mark(family) {
    return svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, markAt(family, 6, 6));
  }

  /** Return the means of groups of minibatches, at most `POINTS`; the last is complete, too. */
  function inGroups(losses) {
    const size = Math.ceil(losses.length / POINTS) || 1;
    const means = [];
    for (let start = 0; start + size <= losses.length; start += size) {
      const group = losses.slice(start, start + size);
      const mean = (column) => group.reduce((sum, row) => sum + row[column], 0) / group.length;
      means.push([group.at(-1)[0], mean(1), mean(2)]);
    }
    return means;
  }

  return { makeCurves, mark };
})();
