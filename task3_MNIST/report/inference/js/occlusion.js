// Which parts of the image decide a model's answer: hide a patch, and see what its logit loses.
const Occlusion = (function () {
  "use strict";

  const { element } = Page;
  const { runInSlices } = Slices;
  const { forward, argmax } = Forward;
  const { SIDE } = Preprocessing;
  const { smallCanvas, signedColor, paint, greatest } = Painting;
  const { networkOf } = Models;

  const PATCH = 6; // pixels a side
  const STRIDE = 2;
  const PLACES = (SIDE - PATCH) / STRIDE + 1;

  /**
   * Return a view of the occlusion map (Zeiler and Fergus 2014): an element, `update(pixels)`, and
   * `stop()`, so that drawing need not wait for a map that is out of date.
   *
   * It is made from logits: where a model is sure, probabilities hardly move.
   */
  function makeOcclusion(model, normalize, { classes, background }) {
    const canvas = smallCanvas(SIDE, SIDE);
    const legend = element("span", { class: "muted" });
    const node = element(
      "figure",
      { class: "view occlusion" },
      element("figcaption", {}, element("strong", {}, "Occlusion map"), legend),
      element(
        "div",
        { class: "maps single", role: "img", "aria-label": `Occlusion map of ${model.name}` },
        canvas,
      ),
    );
    let stop = () => {};

    function update(pixels) {
      stop();
      if (!pixels) return show(new Float32Array(SIDE * SIDE), new Uint8Array(SIDE * SIDE), null);
      const network = networkOf(model);
      const logits = forward(network, normalize(pixels));
      const digit = argmax(logits);
      const before = logits[digit];
      const losses = new Float32Array(SIDE * SIDE);
      const counts = new Float32Array(SIDE * SIDE);
      stop = runInSlices(
        PLACES * PLACES,
        (place) => {
          const top = Math.floor(place / PLACES) * STRIDE;
          const left = (place % PLACES) * STRIDE;
          const hidden = normalize(hidePatch(pixels, top, left, background));
          const lost = before - forward(network, hidden)[digit];
          overPatch(top, left, (i) => {
            losses[i] += lost;
            counts[i]++;
          });
        },
        (done) => {
          if (done === PLACES * PLACES)
            show(
              losses.map((loss, i) => loss / counts[i]),
              pixels,
              digit,
            );
        },
      );
    }

    function show(losses, pixels, digit) {
      const most = greatest(losses);
      node.dataset.most = digit === null ? "" : most;
      legend.textContent =
        digit === null
          ? "draw first"
          : `the logit of ${classes[digit]} changes by up to ${most.toFixed(1)}: ` +
            "without an orange part it is lower, without a blue part higher";
      paint(canvas, (i) => {
        const ink = 0.28 * pixels[i];
        return signedColor(losses[i] / most).map((part) => Math.min(255, part * 0.85 + ink));
      });
    }

    return { node, update, stop: () => stop() };
  }

  function hidePatch(pixels, top, left, background) {
    const hidden = Uint8Array.from(pixels);
    overPatch(top, left, (i) => (hidden[i] = background));
    return hidden;
  }

  function overPatch(top, left, act) {
    for (let y = top; y < top + PATCH; y++) {
      for (let x = left; x < left + PATCH; x++) act(y * SIDE + x);
    }
  }

  return { makeOcclusion };
})();
