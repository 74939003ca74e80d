// Adversarial examples: images that a model answers differently, changed as little as possible.
//
// Pixels are fractions from 0 to 1. Both searches are generators, since they need hundreds of
// passes: after each pass they yield, null or a step, so that the page can answer in between. A
// step is { image, answer, margin }. The return value says how the search ended: "changed",
// "stuck" (nothing lowers the margin) or "limit".
const Attacks = (function () {
  "use strict";

  const { forward, argmax } = Forward;
  const { inputGradient } = Backward;

  // An answer has changed when the margin is this far below 0, ten times what the logits of two
  // implementations may differ by: PyTorch gives the new answer, too.
  const CLEAR = 1e-3;
  const MOST_PIXELS = 60;
  const STRIDE = 0.1; // L2 norm of a gradient step
  const MOST_STEPS = 300;
  const ROUNDS = 10; // how often the image is pulled back and pushed again
  const KEPT = 0.8; // part of the change that pulling back keeps
  const HALVINGS = 20; // of the line to the original

  /** Return by how much the logit of `from` exceeds the greatest other one. */
  function marginOf(logits, from) {
    return logits[from] - logits[rivalOf(logits, from)];
  }

  /** Return the class with the greatest logit other than `from`. */
  function rivalOf(logits, from) {
    let best = from === 0 ? 1 : 0;
    for (let i = best; i < logits.length; i++) {
      if (i !== from && logits[i] > logits[best]) best = i;
    }
    return best;
  }

  function isChanged(logits, from) {
    return marginOf(logits, from) < -CLEAR;
  }

  function stepOf(image, logits, from) {
    return { image: image.slice(), answer: argmax(logits), margin: marginOf(logits, from) };
  }

  /**
   * Flip one pixel after the other: dark ones to 1, bright ones to 0, each at most once. Each is
   * the one that lowers the margin most, of all that are left.
   */
  function* fewestPixels(network, original, normalize) {
    const image = original.slice();
    const input = normalize(image);
    const [dark, bright] = normalize(Float32Array.of(0, 1));
    const flipped = new Set();
    const from = argmax(forward(network, input));
    let step = stepOf(image, forward(network, input), from);
    yield step;
    while (step.margin >= -CLEAR) {
      if (flipped.size === MOST_PIXELS) return "limit";
      let lowest = step.margin;
      let best = null;
      for (let pixel = 0; pixel < image.length; pixel++) {
        if (flipped.has(pixel)) continue;
        const before = input[pixel];
        input[pixel] = image[pixel] < 0.5 ? bright : dark;
        const margin = marginOf(forward(network, input), from);
        input[pixel] = before;
        if (margin < lowest) {
          lowest = margin;
          best = pixel;
        }
        yield null;
      }
      if (best === null) return "stuck";
      flipped.add(best);
      image[best] = image[best] < 0.5 ? 1 : 0;
      input[best] = image[best] ? bright : dark;
      step = stepOf(image, forward(network, input), from);
      yield step;
    }
    return "changed";
  }

  /**
   * Find a near image with another answer, by L2 distance.
   *
   * Gradient steps of one length lead from the original to the nearest rival's side; then the line
   * back to the original is halved again and again, to end just behind the boundary. Pulled back
   * by a fifth and pushed again, the image slides along the boundary to where that is nearer (the
   * idea of Rony et al. 2019). Only a step with a new answer that is nearer than all before counts.
   */
  function* smallestChange(network, original, normalize) {
    const logitsOf = (image) => forward(network, normalize(image));
    const from = argmax(logitsOf(original));
    const first = original.slice();
    yield stepOf(first, logitsOf(first), from);
    const end = yield* push(network, first, normalize, from, true);
    if (end !== "changed") return end;
    let image = first;
    let nearest = Infinity;
    for (let round = 0; round <= ROUNDS; round++) {
      image = yield* approach(original, image, (candidate) => isChanged(logitsOf(candidate), from));
      const { norm } = measureChange(original, image);
      if (norm < nearest) {
        nearest = norm;
        yield stepOf(image, logitsOf(image), from);
      }
      if (round === ROUNDS) break;
      image = between(original, image, KEPT);
      if ((yield* push(network, image, normalize, from, false)) !== "changed") break;
    }
    return "changed";
  }

  /** Move an image, in place, by steps that raise the rival's logit over that of `from`. */
  function* push(network, image, normalize, from, shown) {
    for (let count = 0; ; count++) {
      const input = normalize(image);
      const logits = forward(network, input);
      if (isChanged(logits, from)) return "changed";
      if (count === MOST_STEPS) return "limit";
      const weights = new Float32Array(logits.length);
      weights[rivalOf(logits, from)] = 1;
      weights[from] = -1;
      yield null;
      const gradient = inputGradient(network, input, weights);
      // a pixel that is 0 or 1 already cannot go further
      const free = gradient.map((slope, i) => (image[i] === (slope > 0 ? 1 : 0) ? 0 : slope));
      const length = Math.hypot(...free);
      if (length === 0) return "stuck";
      free.forEach((slope, i) => {
        image[i] = Math.min(1, Math.max(0, image[i] + (STRIDE * slope) / length));
      });
      yield null;
      if (shown) yield stepOf(image, forward(network, normalize(image)), from);
    }
  }

  /** Return the nearest image for which `holds`, on the line from the original to a changed one. */
  function* approach(original, changed, holds) {
    let [low, high] = [0, 1];
    let nearest = changed;
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      const image = between(original, changed, middle);
      if (holds(image)) {
        high = middle;
        nearest = image;
      } else {
        low = middle;
      }
      yield null;
    }
    return nearest;
  }

  /** Return the image at a part of the line: 0 is `start`, 1 is `end`. */
  function between(start, end, part) {
    return start.map((value, i) => value + part * (end[i] - value));
  }

  /** Return the changes, how many pixels changed, their L2 norm and greatest absolute value. */
  function measureChange(original, image) {
    const changes = image.map((value, i) => value - original[i]);
    return {
      changes,
      count: changes.filter((change) => change !== 0).length,
      norm: Math.hypot(...changes),
      most: changes.reduce((most, change) => Math.max(most, Math.abs(change)), 0),
    };
  }

  return { fewestPixels, smallestChange, measureChange, MOST_PIXELS, MOST_STEPS };
})();
