// Layers that learn: forward and backward of minibatches; runs in the worker, too.
//
// A layer has { outputs, parameters, forward(values, count), backward(gradient, count) }: how many
// values it gives for an image, a list of { values, gradient }, and two functions of minibatches of
// `count` images. backward() follows the forward() of the same minibatch, sets the parameters'
// gradients and returns that of the layer's input. Images are (height, width, channels): with the
// channels last, a convolution is a linear layer on patches. Each array is made once, for `most`
// images, the largest minibatch.
const TrainLayers = (function () {
  "use strict";

  const { matrix, transposed, addProduct } = TrainMatrix;

  /**
   * Return a linear layer: outputs = weight (outputs, inputs) · values + bias.
   *
   * `places` is how often it is applied to each image: once, or by a convolution at each place.
   * The first layer of a network has no use for the gradient of its input: `first` leaves it out.
   */
  function linear(inputs, outputs, most, random, { places = 1, first = false } = {}) {
    const limit = inputs ** -0.5; // as PyTorch initializes
    const uniform = (length) => Float32Array.from({ length }, () => limit * (2 * random() - 1));
    const weight = parameter(uniform(outputs * inputs));
    const bias = parameter(uniform(outputs));
    const output = new Float32Array(most * places * outputs);
    const back = first ? null : new Float32Array(most * places * inputs);
    let input = null;

    function forward(values, count) {
      input = values;
      const rows = count * places;
      for (let i = 0; i < rows * outputs; ) {
        for (let unit = 0; unit < outputs; unit++) output[i++] = bias.values[unit];
      }
      const turned = transposed(matrix(weight.values, inputs));
      addProduct(matrix(output, outputs), matrix(values, inputs), turned, rows, outputs, inputs);
      return output;
    }

    function backward(gradient, count) {
      const rows = count * places;
      const given = matrix(gradient, outputs); // (rows, outputs)
      weight.gradient.fill(0);
      const sum = matrix(weight.gradient, inputs);
      addProduct(sum, transposed(given), matrix(input, inputs), outputs, inputs, rows);
      bias.gradient.fill(0);
      for (let i = 0; i < rows * outputs; ) {
        for (let unit = 0; unit < outputs; unit++) bias.gradient[unit] += gradient[i++];
      }
      if (first) return null;
      back.fill(0, 0, rows * inputs);
      const weights = matrix(weight.values, inputs);
      addProduct(matrix(back, inputs), given, weights, rows, inputs, outputs);
      return back;
    }

    const parameters = [weight, bias];
    return { outputs: places * outputs, parameters, forward, backward };
  }

  function parameter(values) {
    return { values, gradient: new Float32Array(values.length) };
  }

  /** Return a convolution of stride 1 without padding; `shape` is [height, width, channels]. */
  function conv([height, width, channels], kernels, side, most, random, first = false) {
    const [rows, columns] = [height - side + 1, width - side + 1];
    const places = rows * columns;
    const run = side * channels; // values of a patch that follow each other in the image
    const length = side * run;
    const image = height * width * channels;
    const patches = new Float32Array(most * places * length); // (count * places, length)
    const product = linear(length, kernels, most, random, { places, first });
    const back = first ? null : new Float32Array(most * image);

    /** Call visit(place in the images, place in the patches) for each run of values. */
    function eachRun(count, visit) {
      let next = 0;
      for (let start = 0; start < count * image; start += image) {
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) {
            for (let row = y; row < y + side; row++) {
              visit(start + (row * width + x) * channels, next);
              next += run;
            }
          }
        }
      }
    }

    function forward(values, count) {
      eachRun(count, (from, to) => {
        for (let i = 0; i < run; i++) patches[to + i] = values[from + i];
      });
      return product.forward(patches, count);
    }

    function backward(gradient, count) {
      const ofPatches = product.backward(gradient, count);
      if (first) return null;
      back.fill(0, 0, count * image);
      // a value is in several patches: its gradient is their sum
      eachRun(count, (to, from) => {
        for (let i = 0; i < run; i++) back[to + i] += ofPatches[from + i];
      });
      return back;
    }

    const shape = [rows, columns, kernels];
    return { ...product, shape, forward, backward };
  }

  /** Return the layer that replaces negative values by 0. */
  function relu(size, most) {
    const output = new Float32Array(most * size);
    const back = new Float32Array(most * size);

    function forward(values, count) {
      for (let i = 0; i < count * size; i++) output[i] = values[i] > 0 ? values[i] : 0;
      return output;
    }

    function backward(gradient, count) {
      for (let i = 0; i < count * size; i++) back[i] = output[i] > 0 ? gradient[i] : 0;
      return back;
    }

    return { outputs: size, parameters: [], forward, backward };
  }

  /** Return the layer that keeps the greatest of each 2 x 2 values; `shape` has even sides. */
  function pool([height, width, channels], most) {
    const shape = [height / 2, width / 2, channels];
    const [inputs, outputs] = [height * width * channels, (height * width * channels) / 4];
    const output = new Float32Array(most * outputs);
    const back = new Float32Array(most * inputs);
    const from = new Int32Array(most * outputs); // where each output was in the input

    function forward(values, count) {
      let next = 0;
      for (let row = 0; row < count * shape[0]; row++) {
        for (let x = 0; x < shape[1]; x++) {
          for (let channel = 0; channel < channels; channel++) {
            const above = (2 * row * width + 2 * x) * channels + channel;
            const below = above + width * channels;
            let best = above;
            if (values[above + channels] > values[best]) best = above + channels;
            if (values[below] > values[best]) best = below;
            if (values[below + channels] > values[best]) best = below + channels;
            from[next] = best;
            output[next++] = values[best];
          }
        }
      }
      return output;
    }

    function backward(gradient, count) {
      back.fill(0, 0, count * inputs);
      for (let i = 0; i < count * outputs; i++) back[from[i]] = gradient[i];
      return back;
    }

    return { outputs, shape, parameters: [], forward, backward };
  }

  /** Return the mean softmax cross-entropy of logits (count, classes) and set its gradient. */
  function crossEntropy(logits, labels, count, classes, gradient) {
    let total = 0;
    for (let image = 0; image < count; image++) {
      const start = image * classes;
      let most = -Infinity;
      for (let i = start; i < start + classes; i++) most = Math.max(most, logits[i]);
      let sum = 0;
      for (let i = start; i < start + classes; i++) sum += Math.exp(logits[i] - most);
      for (let i = start; i < start + classes; i++) {
        gradient[i] = Math.exp(logits[i] - most) / sum / count;
      }
      gradient[start + labels[image]] -= 1 / count;
      total += Math.log(sum) + most - logits[start + labels[image]];
    }
    return total / count;
  }

  /** Return an optimizer, SGD with momentum: step(rate) changes the values by their gradients. */
  function makeOptimizer(parameters, momentum) {
    const velocities = parameters.map(({ values }) => new Float32Array(values.length));
    return function step(rate) {
      parameters.forEach(({ values, gradient }, number) => {
        const velocity = velocities[number];
        for (let i = 0; i < values.length; i++) {
          velocity[i] = momentum * velocity[i] + gradient[i];
          values[i] -= rate * velocity[i];
        }
      });
    };
  }

  /** Return layers as one: a network, which a minibatch goes through forward and backward. */
  function chain(layers) {
    return {
      parameters: layers.flatMap(({ parameters }) => parameters),
      forward: (values, count) => layers.reduce((out, layer) => layer.forward(out, count), values),
      backward: (gradient, count) =>
        layers.reduceRight((back, layer) => layer.backward(back, count), gradient),
    };
  }

  function parameterCount({ parameters }) {
    return parameters.reduce((sum, { values }) => sum + values.length, 0);
  }

  const source = globalThis.document?.currentScript?.textContent; // for the worker
  return {
    linear,
    conv,
    relu,
    pool,
    chain,
    crossEntropy,
    makeOptimizer,
    parameterCount,
    source,
  };
})();
