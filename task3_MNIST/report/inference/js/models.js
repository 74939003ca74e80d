// The models of the page: what they are, running them, and proof that they run correctly.
const Models = (function () {
  "use strict";

  const { decodeFloats } = Page;
  const { percent } = Format;
  const { buildNetwork, forward, argmax } = Forward;
  const { inputGradient } = Backward;

  const TOLERANCE = 1e-4; // between this page's logits and gradients and PyTorch's

  /** Return the page's models in order; those that cannot run here have a `reason`. */
  function readModels(data) {
    return data.models.map((model) => ({
      ...model,
      logits: decodeFloats(model.logits), // of the page's images, by PyTorch
      classes: data.classes.length,
      network: null,
      difference: null,
      gradientDifference: null,
    }));
  }

  /** Return the network of a model, unpacked when it is first wanted. */
  function networkOf(model) {
    model.network ??= buildNetwork(model.layers, decodeFloats(model.weights));
    return model.network;
  }

  /** Return a function that turns bytes into the numbers that models were trained on. */
  function normalizer(data) {
    const fractions = Float32Array.from({ length: 256 }, (_, level) => level / 255);
    const table = fractionNormalizer(data)(fractions);
    return (pixels) => Float32Array.from(pixels, (level) => table[level]);
  }

  /** Return the same for pixels between the bytes: fractions, from 0 to 1, in a Float32Array. */
  function fractionNormalizer({ mean, std }) {
    // rounded after each step, as PyTorch does
    const normalize = (fraction) =>
      Math.fround(Math.fround(fraction - Math.fround(mean)) / Math.fround(std));
    return (fractions) => fractions.map(normalize);
  }

  /**
   * Run the stored images and compare with PyTorch's logits; a model that differs gets a reason and
   * is no longer offered. Returns the largest difference.
   */
  function checkModel(model, images) {
    const network = networkOf(model);
    model.difference = 0;
    images.forEach((image, i) => {
      forward(network, image).forEach((logit, digit) => {
        model.difference = Math.max(model.difference, Math.abs(logit - model.expected[i][digit]));
      });
    });
    // not "greater": NaN must fail, too
    if (!(model.difference < TOLERANCE)) {
      model.reason = `its logits differ from PyTorch's by ${model.difference}`;
    }
    return model.difference;
  }

  /** Compare the gradients of the first images' greatest logits with PyTorch's. */
  function checkGradients(model, images) {
    const network = networkOf(model);
    const expected = decodeFloats(model.gradients); // (images, pixels) flat
    const pixels = images[0].length;
    model.gradientDifference = 0;
    images.slice(0, expected.length / pixels).forEach((image, i) => {
      const weights = new Float32Array(model.classes);
      weights[argmax(forward(network, image))] = 1;
      inputGradient(network, image, weights).forEach((value, pixel) => {
        const difference = Math.abs(value - expected[i * pixels + pixel]);
        model.gradientDifference = Math.max(model.gradientDifference, difference);
      });
    });
    // its answers are correct all the same: only what needs gradients is not offered
    model.exactGradients = model.gradientDifference < TOLERANCE;
  }

  /** Return the mean milliseconds of a pass over about 20 ms: the clock is too coarse for one. */
  function measureLatency(model, image) {
    const network = networkOf(model);
    const start = performance.now();
    let elapsed = 0;
    let passes = 0;
    while (elapsed < 20) {
      forward(network, image);
      passes++;
      elapsed = performance.now() - start;
    }
    return elapsed / passes;
  }

  /** Return "98.12 % (95 % confidence interval 96.3 to 99.0, 400 images)": Wilson 1927. */
  function accuracyText(correct, count) {
    const [low, high] = wilson(correct, count);
    return (
      `${percent(correct / count)} (95\u00a0% confidence interval ${(100 * low).toFixed(1)} to ` +
      `${(100 * high).toFixed(1)}, ${count.toLocaleString("en")} images)`
    );
  }

  function wilson(correct, count) {
    const z = 1.96;
    const share = correct / count;
    const square = (z * z) / count;
    const middle = (share + square / 2) / (1 + square);
    const variance = (share * (1 - share) + square / 4) / count;
    const half = (z * Math.sqrt(variance)) / (1 + square);
    return [middle - half, middle + half];
  }

  /** Return a probability as text: never 100 %, which no softmax gives. */
  function probabilityText(probability) {
    return probability >= 0.9995 ? "> 99.9\u00a0%" : percent(probability, 1);
  }

  return {
    readModels,
    networkOf,
    normalizer,
    fractionNormalizer,
    checkModel,
    checkGradients,
    measureLatency,
    accuracyText,
    probabilityText,
  };
})();
