// The convolution, walked through: for one pixel of a feature map all that makes it.
const ConvolutionWalk = (function () {
  "use strict";

  const { element } = Page;
  const { forward, argmax } = Forward;
  const { greatest } = Painting;
  const { whenInSight } = Sight;
  const { inputOf, shownLayer, explainPixel, followValue } = Explain;
  const { makeCursor, followPointer, makePicture, makeProduct, makeStep } = Walk;
  const { named, tinted, number, term } = Walk;

  const LISTED = 6; // input channels listed with their sums

  /**
   * Return the walk over the maps of the convolution at a place: an element and `update(image)`.
   *
   * `maps` are the small pictures of its maps, which choose a pixel, too; `order` says which
   * convolution of the network it is, from 1.
   */
  function makeConvolutionWalk(network, place, maps, order) {
    const layer = network[place];
    const [channels, height, width] = layer.shape;
    const [inputs, inputHeight, inputWidth] = layer.input;
    const [rows, columns] = layer.kernel;
    const shown = shownLayer(network, place);
    const from = makePicture(inputHeight, inputWidth);
    const map = makePicture(height, width);
    const mapName = element("span", {});
    const fromName = element("span", {});
    const target = element(
      "div",
      {
        class: "walk-target",
        tabindex: 0,
        role: "application",
        "aria-label":
          `Convolution ${order}: arrow keys move over the pixels of the map, ` +
          "Page Up and Page Down change the map",
      },
      map.canvas,
    );
    const sums = element("ul", { class: "walk-channels", hidden: inputs === 1 });
    const grids = element("div", { class: "walk-grids" });
    const steps = element("ol", { class: "walk-steps", "aria-live": "polite" });
    const cursor = makeCursor(target, layer.shape, "pixel", show);
    const node = element(
      "div",
      { class: "walk", "data-layer": place, role: "group", "aria-label": `Convolution ${order}` },
      element("div", { class: "controls" }, cursor.buttons),
      element(
        "div",
        { class: "walk-pictures" },
        named(fromName, from.canvas),
        named(mapName, target),
      ),
      sums,
      grids,
      steps,
    );
    let image = null;
    let started = false;
    const follow = whenInSight(node, () => (started ? show(cursor.at()) : start()));

    [...maps, map.canvas].forEach((canvas, i) => {
      followPointer(canvas, height, width, ([row, column]) => {
        cursor.moveTo([i < channels ? i : cursor.at()[0], row, column]);
      });
    });

    function show(position) {
      if (!image) return; // nothing to show before the first update
      const [channel, row, column] = position;
      started = true;
      forward(network, image); // other views may have run it on other images since
      const told = explainPixel(network, place, image, position);
      const strongest = told.parts.reduce((a, b) => (Math.abs(b.sum) > Math.abs(a.sum) ? b : a));
      const start = channel * height * width;
      map.show(shown.output.slice(start, start + height * width), [row, column, 1, 1]);
      mapName.textContent = `Map ${channel + 1}: row ${row + 1}, column ${column + 1}`;
      const area = inputHeight * inputWidth;
      const first = strongest.channel * area;
      from.show(
        inputOf(network, place, image).slice(first, first + area),
        [told.top, told.left, rows, columns],
      );
      fromName.textContent =
        inputs === 1 ? "Window in the input" : `Window in channel ${strongest.channel + 1}`;
      sums.replaceChildren(...channelSums(told.parts));
      const name = inputs === 1 ? "Window" : `Window, channel ${strongest.channel + 1}`;
      grids.replaceChildren(...makeProduct(name, strongest, columns));
      const count = told.parts.length * rows * columns;
      const products = told.sum - told.bias;
      const value =
        `Sum of ${count} products ${number(products)} ${term(told.bias)} (bias) = ` +
        number(told.sum);
      // a screen reader would not come to the end of what plays by itself
      steps.setAttribute("aria-live", cursor.isPlaying() ? "off" : "polite");
      steps.replaceChildren(
        element("li", { "data-step": "sum", "data-value": told.sum }, value),
        ...followValue(network, place, position).map(makeStep),
      );
      node.dataset.position = position.join(" ");
    }

    /** Begin where the activation is highest. */
    function start() {
      forward(network, image);
      const best = argmax(shown.output);
      const pixel = best % (height * width);
      cursor.moveTo([
        Math.floor(best / (height * width)),
        Math.floor(pixel / width),
        pixel % width,
      ]);
    }

    function update(next) {
      image = next;
      follow();
    }

    return { node, update };
  }

  /** Return what each input channel adds, the most first, and what the others add together. */
  function channelSums(parts) {
    const ranked = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
    const most = greatest(ranked.map((part) => part.sum));
    const items = ranked.slice(0, LISTED).map(({ channel, sum }) =>
      tinted(element("li", {}, `channel ${channel + 1}: ${number(sum)}`), sum / most),
    );
    const rest = ranked.slice(LISTED);
    if (rest.length) {
      const sum = rest.reduce((total, part) => total + part.sum, 0);
      const others = `the other ${rest.length}: ${number(sum)}`;
      items.push(tinted(element("li", {}, others), sum / most));
    }
    return items;
  }

  return { makeConvolutionWalk };
})();
