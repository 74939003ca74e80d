// The backward pass of a model down to its input, one image at a time, over flat Float32Arrays.
const Backward = (function () {
  "use strict";

  const { forward } = Forward;

  /**
   * Return the gradient with respect to a normalized image, (rows * columns,), of the sum of the
   * logits times `weights`, (classes,): with a 1 for one class and else 0, that of its logit.
   *
   * It stands until the network's next backward pass. Every layer keeps the gradient with respect
   * to its own input in `gradient`. The forward pass is part of it, since a layer's gradient
   * depends on its values, and other views run the same network.
   */
  function inputGradient(network, image, weights) {
    forward(network, image);
    let gradient = weights;
    for (let i = network.length - 1; i >= 0; i--) {
      const layer = network[i];
      const values = i ? network[i - 1].output : image;
      layer.gradient ??= new Float32Array(values.length);
      layer.gradient.fill(0);
      PASS_BACK[layer.type](layer, gradient, values);
      gradient = layer.gradient;
    }
    return gradient;
  }

  // each fills `gradient`, which is 0, from the gradient with respect to the output, `above`
  const PASS_BACK = {
    crop({ corner, input, shape, gradient }, above) {
      const [channels, rows, columns] = shape;
      for (let line = 0; line < channels * rows; line++) {
        const channel = Math.floor(line / rows);
        const start = (channel * input[1] + corner[0] + (line % rows)) * input[2] + corner[1];
        gradient.set(above.subarray(line * columns, (line + 1) * columns), start);
      }
    },

    linear(layer, above) {
      addRows(layer, above, 0, 1, layer.gradient);
    },

    conv(layer, above) {
      const places = layer.shape[1] * layer.shape[2];
      const patch = new Float32Array(layer.length);
      for (let place = 0; place < places; place++) {
        patch.fill(0);
        addRows(layer, above, place, places, patch);
        addPatch(layer, place, patch);
      }
    },

    scale({ weight, gradient }, above) {
      const size = gradient.length / weight.length;
      for (let i = 0; i < gradient.length; i++) {
        gradient[i] = above[i] * weight[Math.floor(i / size)];
      }
    },

    relu({ gradient }, above, values) {
      for (let i = 0; i < gradient.length; i++) gradient[i] = values[i] > 0 ? above[i] : 0;
    },

    pool({ input, kernel, stride, shape, gradient }, above, values) {
      const [channels, height, width] = shape;
      let next = 0;
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const corner = (channel * input[1] + y * stride[0]) * input[2] + x * stride[1];
            let most = corner;
            for (let row = 0; row < kernel[0]; row++) {
              for (let column = 0; column < kernel[1]; column++) {
                const place = corner + row * input[2] + column;
                // of equal values the first, as in PyTorch
                if (values[place] > values[most]) most = place;
              }
            }
            gradient[most] += above[next++];
          }
        }
      }
    },
  };

  /** Add to `sums`, (length,), each channel's weights times the channel's gradient at a place. */
  function addRows({ weight, bias, length }, above, place, places, sums) {
    for (let channel = 0; channel < bias.length; channel++) {
      const factor = above[channel * places + place];
      if (factor === 0) continue; // most are, behind a ReLU or pooling
      const start = channel * length;
      for (let i = 0; i < length; i++) sums[i] += factor * weight[start + i];
    }
  }

  /** Add a patch to the gradient where the kernel was at a place, but nothing to the padding. */
  function addPatch({ input, kernel, stride, padding, shape, gradient }, place, patch) {
    const [channels, rows, columns] = input;
    const top = Math.floor(place / shape[2]) * stride[0] - padding[0];
    const left = (place % shape[2]) * stride[1] - padding[1];
    let next = 0;
    for (let channel = 0; channel < channels; channel++) {
      for (let row = top; row < top + kernel[0]; row++) {
        const start = (channel * rows + row) * columns;
        const inside = row >= 0 && row < rows;
        for (let column = left; column < left + kernel[1]; column++) {
          const value = patch[next++];
          if (inside && column >= 0 && column < columns) gradient[start + column] += value;
        }
      }
    }
  }

  return { inputGradient };
})();
