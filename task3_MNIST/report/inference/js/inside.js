// Inside a model: feature maps of its convolutions, weights of a first layer that sees the image.
const Inside = (function () {
  "use strict";

  const { element } = Page;
  const { SIDE } = Preprocessing;
  const { smallCanvas, paintGray, paintSigned, greatest } = Painting;
  const { networkOf } = Models;
  const { shownLayer } = Explain;
  const { makeConvolutionWalk } = ConvolutionWalk;
  const { makeUnitWalk } = UnitWalk;

  const UNITS = 40; // first-layer units shown

  /** Return the views of a model, an element and `update(image)`, of its last forward pass. */
  function makeInside(model) {
    const network = networkOf(model);
    const views = [];
    network.forEach((layer, i) => {
      if (layer.type === "conv") views.push(featureMaps(network, i));
    });
    if (network[0].type === "linear") views.push(firstWeights(network, model.classes));
    return {
      node: element(
        "div",
        {},
        views.map((view) => view.node),
      ),
      update: (image) => views.forEach((view) => view.update(image)),
    };
  }

  function featureMaps(network, place) {
    const layer = network[place];
    const number = network.slice(0, place + 1).filter(({ type }) => type === "conv").length;
    const shown = shownLayer(network, place);
    const [channels, height, width] = layer.shape;
    const maps = Array.from({ length: channels }, () => smallCanvas(width, height));
    const [rows, columns] = layer.kernel;
    const title = `Convolution ${number}: ${channels} maps of ${height} × ${width}`;
    const kernel = `kernels of ${rows} × ${columns}; bright: high activation`;
    const walk = makeConvolutionWalk(network, place, maps, number);
    function update(image) {
      const most = greatest(shown.output);
      maps.forEach((canvas, channel) => {
        const start = channel * height * width;
        const map = shown.output.subarray(start, start + height * width);
        paintGray(
          canvas,
          map.map((value) => Math.max(value, 0)),
          most,
        );
      });
      walk.update(image);
    }
    const node = viewNode(title, kernel, maps, width < 12 ? "small" : "large", walk.node);
    return { node, update };
  }

  function firstWeights(network, classes) {
    const layer = network[0];
    const units = layer.shape[0];
    const count = Math.min(units, UNITS);
    const canvases = Array.from({ length: count }, () => smallCanvas(SIDE, SIDE));
    const most = units !== classes;
    const which = most ? `${count} of ${units}` : units;
    const title = `First layer: weights of ${which} units, ${SIDE} × ${SIDE} each`;
    const order = most ? "the most active first" : "one for each class, in order";
    const legend = `orange: positive, blue: negative; ${order}`;
    const walk = makeUnitWalk(network, canvases);
    function update(image) {
      const ranked = Array.from({ length: units }, (_, unit) => unit);
      if (most) ranked.sort((a, b) => layer.output[b] - layer.output[a]);
      canvases.forEach((canvas, i) => {
        const start = ranked[i] * layer.length;
        const weights = layer.weight.subarray(start, start + layer.length);
        paintSigned(canvas, weights, greatest(weights));
      });
      walk.update(image, ranked);
    }
    return { node: viewNode(title, legend, canvases, "large", walk.node), update };
  }

  function viewNode(title, legend, canvases, size, walk) {
    return element(
      "figure",
      { class: "view" },
      element(
        "figcaption",
        {},
        element("strong", {}, title),
        element("span", { class: "muted" }, legend),
      ),
      element(
        "div",
        { class: `maps ${size}`, role: "img", "aria-label": `${title}; ${legend}` },
        canvases,
      ),
      walk,
    );
  }

  return { makeInside };
})();
