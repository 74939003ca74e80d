// The forward pass of a model, one image at a time, over flat Float32Arrays.
const Forward = (function () {
  "use strict";

  /**
   * Return a network that `forward` runs.
   *
   * `layers` is what weights.py writes; `weights` holds the weight and the bias of each layer in
   * turn. Every layer keeps its last output in `output`, (channels, rows, columns) flat: feature
   * maps are read from there, and no pass makes an array of its own.
   */
  function buildNetwork(layers, weights) {
    let start = 0;
    const take = (count) => weights.subarray(start, (start += count));
    return layers.map((layer) => {
      const channels = layer.output[0];
      const network = {
        ...layer,
        output: new Float32Array(product(layer.output)),
        shape: layer.output,
      };
      if (layer.type === "linear") network.length = layer.input[0];
      if (layer.type === "conv") {
        network.length = layer.input[0] * product(layer.kernel);
        network.patches = new Float32Array((network.output.length / channels) * network.length);
      }
      if (layer.type === "scale") network.length = 1;
      if (network.length) {
        network.weight = take(channels * network.length);
        network.bias = take(channels);
      }
      return network;
    });
  }

  /** Return the logits of one normalized image; they stand until the network's next pass. */
  function forward(network, image) {
    let values = image;
    for (const layer of network) {
      RUN_LAYER[layer.type](layer, values);
      values = layer.output;
    }
    return values;
  }

  const RUN_LAYER = {
    crop({ corner, input, shape, output }, values) {
      const [channels, rows, columns] = shape;
      for (let line = 0; line < channels * rows; line++) {
        const channel = Math.floor(line / rows);
        const start = (channel * input[1] + corner[0] + (line % rows)) * input[2] + corner[1];
        output.set(values.subarray(start, start + columns), line * columns);
      }
    },

    linear(layer, values) {
      multiply(layer, values, 1);
    },

    conv(layer, values) {
      collectPatches(layer, values);
      multiply(layer, layer.patches, layer.shape[1] * layer.shape[2]);
    },

    scale({ weight, bias, output }, values) {
      const size = output.length / bias.length;
      for (let i = 0; i < output.length; i++) {
        const channel = Math.floor(i / size);
        output[i] = values[i] * weight[channel] + bias[channel];
      }
    },

    relu({ output }, values) {
      for (let i = 0; i < output.length; i++) output[i] = values[i] > 0 ? values[i] : 0;
    },

    pool({ input, kernel, stride, shape, output }, values) {
      const [channels, height, width] = shape;
      let next = 0;
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const corner = (channel * input[1] + y * stride[0]) * input[2] + x * stride[1];
            let most = -Infinity;
            for (let row = 0; row < kernel[0]; row++) {
              for (let column = 0; column < kernel[1]; column++) {
                const value = values[corner + row * input[2] + column];
                if (value > most) most = value;
              }
            }
            output[next++] = most;
          }
        }
      }
    },
  };

  /** Copy the input under each place of the kernel into a row of `patches`; padding is 0. */
  function collectPatches({ input, kernel, stride, padding, shape, patches }, values) {
    const [channels, rows, columns] = input;
    let next = 0;
    for (let y = 0; y < shape[1]; y++) {
      for (let x = 0; x < shape[2]; x++) {
        const top = y * stride[0] - padding[0];
        const left = x * stride[1] - padding[1];
        for (let channel = 0; channel < channels; channel++) {
          for (let row = top; row < top + kernel[0]; row++) {
            const start = (channel * rows + row) * columns;
            const inside = row >= 0 && row < rows;
            for (let column = left; column < left + kernel[1]; column++) {
              patches[next++] =
                inside && column >= 0 && column < columns ? values[start + column] : 0;
            }
          }
        }
      }
    }
  }

  /** Set output[channel, place] = bias[channel] + the dot product of weight's and patches' rows. */
  function multiply({ weight, bias, length, output }, patches, places) {
    const channels = bias.length;
    let channel = 0;
    // four channels at a time: each value read is used four times, which is twice as fast
    for (; channel + 4 <= channels; channel += 4) {
      const first = channel * length;
      const second = first + length;
      const third = second + length;
      const fourth = third + length;
      for (let place = 0; place < places; place++) {
        const start = place * length;
        let a = bias[channel];
        let b = bias[channel + 1];
        let c = bias[channel + 2];
        let d = bias[channel + 3];
        for (let i = 0; i < length; i++) {
          const value = patches[start + i];
          a += value * weight[first + i];
          b += value * weight[second + i];
          c += value * weight[third + i];
          d += value * weight[fourth + i];
        }
        output[channel * places + place] = a;
        output[(channel + 1) * places + place] = b;
        output[(channel + 2) * places + place] = c;
        output[(channel + 3) * places + place] = d;
      }
    }
    for (; channel < channels; channel++) {
      const first = channel * length;
      for (let place = 0; place < places; place++) {
        const start = place * length;
        let sum = bias[channel];
        for (let i = 0; i < length; i++) sum += patches[start + i] * weight[first + i];
        output[channel * places + place] = sum;
      }
    }
  }

  /** Return the probabilities that logits stand for. */
  function softmax(logits) {
    const most = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  /** Return the place of the greatest value, the first of equals. */
  function argmax(values) {
    let best = 0;
    for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
    return best;
  }

  function product(values) {
    return values.reduce((result, value) => result * value, 1);
  }

  return { buildNetwork, forward, softmax, argmax };
})();
