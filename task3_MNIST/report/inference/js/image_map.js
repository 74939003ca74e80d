// The map of the test images: a picture for each of the first models, and the drawing in it.
const ImageMap = (function () {
  "use strict";

  const { element, decodeBase64 } = Page;
  const { withCommas } = Format;
  const { SIDE } = Preprocessing;
  const { whenInSight } = Sight;
  const { smallCanvas, paintGray } = Painting;
  const { networkOf } = Models;
  const { answerMark } = Push;
  const { readSpace, featuresOf, project, nearest } = Neighbors;
  const { makeScatter, colorName, shapeNumber, KEYS } = Scatter;

  const NEIGHBORS = 8;

  /**
   * Make the section work and return `update(image)`, which places a normalized image, or none.
   *
   * `map` is what map.py packed, `models` the page's, `classes` the names of the classes. A model
   * that this page does not compute as PyTorch does is left out.
   */
  function makeImageMap(section, map, models, classes) {
    let bytes = null; // of the images, unpacked when the first is shown
    const tip = makeTip(section);
    const spaces = map.spaces.filter(({ model }) => !models[model].reason);
    const panels = spaces.map((space) => makePanel(space, models[space.model]));
    section.querySelector(".map-columns").append(...panels.map(({ node }) => node));
    section.querySelector(".map-classes").append(...classes.map(classItem));
    let chosen = null;

    /** Mark an image in all maps and say what it is, next to its point in one of them; or none. */
    function choose(place, scatter, canvas) {
      chosen = place;
      panels.forEach((panel) => panel.scatter.show({ chosen }));
      if (place === null) return tip.hide();
      const label = map.labels[place];
      const said = spaces.map(({ model, predicted }) => {
        const mark = answerMark(predicted[place], label, classes);
        return element("p", {}, `${models[model].name}: `, mark);
      });
      const title = `Test image ${map.index[place]}, labeled ${classes[label]}`;
      const content = [picture(place), element("strong", {}, title), ...said];
      return tip.show(content, canvas, scatter.spot(place));
    }

    function picture(place) {
      bytes ??= decodeBase64(map.images);
      const canvas = smallCanvas(SIDE, SIDE);
      paintGray(canvas, bytes.subarray(place * SIDE * SIDE, (place + 1) * SIDE * SIDE));
      return canvas;
    }

    function makePanel(packed, model) {
      let space = null; // unpacked when the first drawing is placed
      let drawn = null;
      const points = map.labels.map((label, i) => ({
        x: packed.x[i],
        y: packed.y[i],
        label,
        correct: packed.predicted[i] === label,
      }));
      const errors = points.filter((point) => !point.correct).length;
      const canvas = element("canvas", {
        class: "map-points",
        tabindex: 0,
        role: "application",
        "aria-label": `Map of ${model.name}: arrow keys move from image to image, Escape ends`,
      });
      const scatter = makeScatter(canvas, points, classes);
      const nearTitle = "Nearest neighbors of the drawing, with their labels";
      const near = element("ol", { class: "map-near", "aria-label": nearTitle });
      const node = element(
        "div",
        { class: "map-panel", "data-map": model.name, "data-errors": errors, "data-neighbors": "" },
        element("h3", {}, model.name),
        element("p", { class: "muted" }, `${errors} of ${withCommas(points.length)} misclassified`),
        canvas,
        element("p", { class: "muted map-heading" }, nearTitle),
        near,
      );

      for (const kind of ["pointermove", "pointerdown"]) {
        canvas.addEventListener(kind, (event) => choose(scatter.under(event), scatter, canvas));
      }
      for (const kind of ["pointerleave", "blur"]) {
        canvas.addEventListener(kind, (event) => {
          // a finger that is lifted leaves, too: what it chose stays
          if (event.pointerType !== "touch") choose(null);
        });
      }
      canvas.addEventListener("keydown", (event) => {
        if (event.key === "Escape") return choose(null);
        if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        choose(scatter.next(chosen, event.key), scatter, canvas);
      });

      const follow = whenInSight(node, () => place(drawn));

      /** Place an image at the mean of its neighbors, each weighted by 1 / distance. */
      function place(image) {
        space ??= readSpace(packed);
        const features = image && featuresOf(networkOf(model), image);
        const found = image ? nearest(space, project(space, features), NEIGHBORS) : [];
        near.replaceChildren(...found.map((neighbor) => neighborItem(neighbor.place)));
        node.dataset.neighbors = found.map((neighbor) => map.index[neighbor.place]).join(" ");
        if (!image) return scatter.show({ drawing: null });
        const weights = found.map(({ distance }) => 1 / (distance + 1e-6));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const mean = (axis) =>
          found.reduce((sum, each, i) => sum + weights[i] * points[each.place][axis], 0) / total;
        const neighbors = found.map((neighbor) => neighbor.place);
        return scatter.show({ drawing: { x: mean("x"), y: mean("y"), neighbors } });
      }

      function update(image) {
        drawn = image;
        follow();
      }

      return { node, scatter, update };
    }

    function neighborItem(place) {
      const name = classes[map.labels[place]];
      return element("li", { title: `Test image ${map.index[place]}` }, picture(place), name);
    }

    function classItem(name, label) {
      const swatch = element("span", { class: "swatch", "data-shape": shapeNumber(label) });
      swatch.style.background = `var(${colorName(label)})`;
      return element("li", {}, swatch, name);
    }

    return { update: (image) => panels.forEach((panel) => panel.update(image)) };
  }

  /** Return the box that says which image a point is, next to it. */
  function makeTip(section) {
    const node = element("div", { class: "tip map-tip", role: "status", hidden: true });
    section.append(node);

    function show(content, canvas, [x, y]) {
      node.replaceChildren(...content);
      node.hidden = false;
      const [box, frame] = [canvas.getBoundingClientRect(), section.getBoundingClientRect()];
      const left = box.left - frame.left + x + 14;
      const fits = left + node.offsetWidth < frame.width;
      node.style.left = `${Math.max(fits ? left : left - 28 - node.offsetWidth, 0)}px`;
      node.style.top = `${box.top - frame.top + y + 14}px`;
    }

    return { show, hide: () => (node.hidden = true) };
  }

  return { makeImageMap };
})();
