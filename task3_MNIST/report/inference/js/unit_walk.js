// A unit of a first linear layer, walked through: image times weights, summed.
const UnitWalk = (function () {
  "use strict";

  const { element } = Page;
  const { forward } = Forward;
  const { SIDE } = Preprocessing;
  const { whenInSight } = Sight;
  const { explainUnit, followValue } = Explain;
  const { makeCursor, followPointer, makePicture, makeStep, named, number, term } = Walk;

  /**
   * Return the walk over the units shown of the first layer: an element and `update(image, units)`.
   *
   * `canvases` are the pictures of their weights, which choose one, too; `units` says, in the order
   * of the pictures, which units they are of.
   */
  function makeUnitWalk(network, canvases) {
    const names = ["Input", "Weights", "Products"];
    const [image, weights, products] = names.map(() => makePicture(SIDE, SIDE));
    const target = element(
      "div",
      {
        class: "walk-target walk-pictures",
        tabindex: 0,
        role: "application",
        "aria-label": "A unit of the first layer: arrow keys to the left and right change the unit",
      },
      [image, weights, products].map(({ canvas }, i) => named(names[i], canvas)),
    );
    const title = element("p", { class: "walk-title" });
    const steps = element("ol", { class: "walk-steps", "aria-live": "polite" });
    const cursor = makeCursor(target, [1, 1, canvases.length], "unit", show);
    const node = element(
      "div",
      { class: "walk", "data-layer": 0, role: "group", "aria-label": "Units of the first layer" },
      element("div", { class: "controls" }, cursor.buttons),
      title,
      target,
      steps,
    );
    let input = null;
    let order = [];
    const follow = whenInSight(node, () => show(cursor.at()));

    canvases.forEach((canvas, i) => {
      followPointer(canvas, SIDE, SIDE, () => cursor.moveTo([0, 0, i]));
    });

    function show([, , place]) {
      if (!input) return; // nothing to show before the first update
      const unit = order[place];
      forward(network, input); // other views may have run it on other images since
      const told = explainUnit(network, 0, input, unit);
      title.textContent = `Unit ${unit + 1} of ${network[0].shape[0]}`;
      image.show(told.window);
      weights.show(told.kernel);
      products.show(told.products);
      canvases.forEach((canvas, i) => canvas.classList.toggle("chosen", i === place));
      steps.setAttribute("aria-live", cursor.isPlaying() ? "off" : "polite");
      const sum =
        `Sum of ${told.products.length} products ${number(told.sum)} ${term(told.bias)} (bias) ` +
        `= ${number(told.total)}`;
      steps.replaceChildren(
        element("li", { "data-step": "sum", "data-value": told.total }, sum),
        ...followValue(network, 0, [unit, 0, 0]).map(makeStep),
      );
      node.dataset.position = unit;
    }

    function update(next, units) {
      [input, order] = [next, units];
      follow();
    }

    return { node, update };
  }

  return { makeUnitWalk };
})();
