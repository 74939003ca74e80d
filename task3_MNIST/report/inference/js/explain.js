// What makes one value of a layer, as numbers: its products and their sum, and what follows it.
const Explain = (function () {
  "use strict";

  const { argmax } = Forward;

  const FOLLOWED = ["relu", "scale", "pool"]; // layers that work on each channel alone

  /** Return the values that a layer was given in the last forward pass, which was of `image`. */
  function inputOf(network, place, image) {
    return place ? network[place - 1].output : image;
  }

  /** Return the layer whose output the maps of a convolution show: the ReLU behind it, if any. */
  function shownLayer(network, place) {
    return network[place + 1]?.type === "relu" ? network[place + 1] : network[place];
  }

  /**
   * Return how a convolution computes the pixel [channel, row, column] of its output:
   * `parts`, for each input channel its window, kernel and products, (rows, columns) flat, and the
   * products' sum; `top` and `left` of the window, outside the input where that is padded; `bias`;
   * and `sum`, the value itself.
   */
  function explainPixel(network, place, image, [channel, row, column]) {
    const layer = network[place];
    const values = inputOf(network, place, image);
    const [channels, height, width] = layer.input;
    const [rows, columns] = layer.kernel;
    const top = row * layer.stride[0] - layer.padding[0];
    const left = column * layer.stride[1] - layer.padding[1];
    const parts = Array.from({ length: channels }, (_, from) => {
      const start = channel * layer.length + from * rows * columns;
      const kernel = Array.from(layer.weight.subarray(start, start + rows * columns));
      const window = kernel.map((_, i) => {
        const y = top + Math.floor(i / columns);
        const x = left + (i % columns);
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        return inside ? values[(from * height + y) * width + x] : 0;
      });
      return { channel: from, window, kernel, ...multiplied(window, kernel) };
    });
    const bias = layer.bias[channel];
    const sum = parts.reduce((total, part) => total + part.sum, bias);
    return { parts, top, left, bias, sum };
  }

  /** Return how a linear layer computes one unit: its window is all of the input. */
  function explainUnit(network, place, image, unit) {
    const layer = network[place];
    const window = Array.from(inputOf(network, place, image));
    const kernel = Array.from(
      layer.weight.subarray(unit * layer.length, (unit + 1) * layer.length),
    );
    const part = { window, kernel, ...multiplied(window, kernel) };
    const bias = layer.bias[unit];
    return { ...part, bias, total: part.sum + bias };
  }

  function multiplied(window, kernel) {
    const products = window.map((value, i) => value * kernel[i]);
    return { products, sum: products.reduce((total, product) => total + product, 0) };
  }

  /**
   * Return what the layers behind make of a value, step by step: { type, value }, of a `scale` its
   * weight and bias, of a `pool` its window, (rows, columns) flat, which of it is the `best`, and
   * which is `here`, the value that is followed. A pixel that no window of the pooling reaches
   * ends there, with a `value` of null.
   */
  function followValue(network, place, [channel, row, column]) {
    const steps = [];
    let at = [row, column];
    for (let i = place + 1; FOLLOWED.includes(network[i]?.type); i++) {
      const layer = network[i];
      if (layer.type === "pool") {
        const step = poolStep(layer, network[i - 1].output, channel, at);
        steps.push(step);
        if (step.value === null) break;
        at = step.at;
      } else {
        const [, height = 1, width = 1] = layer.shape;
        const value = layer.output[(channel * height + at[0]) * width + at[1]];
        const [weight, bias] = [layer.weight?.[channel], layer.bias?.[channel]];
        steps.push({ type: layer.type, value, weight, bias });
      }
    }
    return steps;
  }

  function poolStep(layer, values, channel, [row, column]) {
    const [, height, width] = layer.shape;
    const [rows, columns] = layer.kernel;
    // where windows overlap, the last of those that hold the pixel
    const y = Math.min(Math.floor(row / layer.stride[0]), height - 1);
    const x = Math.min(Math.floor(column / layer.stride[1]), width - 1);
    const [top, left] = [y * layer.stride[0], x * layer.stride[1]];
    if (row - top >= rows || column - left >= columns) return { type: "pool", value: null };
    const window = Array.from({ length: rows * columns }, (_, i) => {
      const line = channel * layer.input[1] + top + Math.floor(i / columns);
      return values[line * layer.input[2] + left + (i % columns)];
    });
    return {
      type: "pool",
      value: layer.output[(channel * height + y) * width + x],
      at: [y, x],
      window,
      columns,
      best: argmax(window),
      here: (row - top) * columns + column - left,
    };
  }

  return { inputOf, shownLayer, explainPixel, explainUnit, followValue };
})();
