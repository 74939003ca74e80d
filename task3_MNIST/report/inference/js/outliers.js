// How far an image is from all digits of the training set; the steps are those of outliers.py.
const Outliers = (function () {
  "use strict";

  const { decodeBase64, decodeFloats } = Page;
  const { SIDE } = Preprocessing;

  const DIRECTIONS = 8;
  const STEP = 4;
  const PLACES = SIDE / STEP;
  const RADIUS = 4;
  const FINE = gaussian(0.8);
  const COARSE = gaussian(2);

  /** Return `score(pixels)`, over 1 where an image of bytes is hardly a digit. */
  function makeScore({ mean, axes, scale, variance, rest, threshold }) {
    const clouds = {
      mean: decodeFloats(mean),
      axes: new Int8Array(decodeBase64(axes).buffer),
      scale: decodeFloats(scale),
      variance: decodeFloats(variance),
      rest: decodeFloats(rest),
    };
    return (pixels) => distance(clouds, edgeDirections(pixels)) / threshold;
  }

  /** Return the distance of features to the nearest digit's cloud. */
  function distance({ mean, axes, scale, variance, rest }, features) {
    const size = features.length;
    const axesOfOne = scale.length / rest.length;
    let least = Infinity;
    for (let digit = 0; digit < rest.length; digit++) {
      const difference = features.map((value, i) => value - mean[digit * size + i]);
      let left = difference.reduce((sum, value) => sum + value * value, 0);
      let found = 0;
      for (let axis = digit * axesOfOne; axis < (digit + 1) * axesOfOne; axis++) {
        let along = 0;
        for (let i = 0; i < size; i++) along += difference[i] * axes[axis * size + i];
        along *= scale[axis] / 127;
        found += (along * along) / (variance[axis] + rest[digit]);
        left -= along * along;
      }
      least = Math.min(least, found + left / rest[digit]);
    }
    return least;
  }

  /** Return how much edge of each direction is around each place, (8, 7, 7) flat, length 1. */
  function edgeDirections(pixels) {
    const smooth = blur(Float64Array.from(pixels, (level) => level / 255), FINE);
    const maps = Array.from({ length: DIRECTIONS }, () => new Float64Array(SIDE * SIDE));
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const i = y * SIDE + x;
        const inRows = y > 0 && y < SIDE - 1;
        const inColumns = x > 0 && x < SIDE - 1;
        const down = inRows ? smooth[i + SIDE] - smooth[i - SIDE] : 0;
        const right = inColumns ? smooth[i + 1] - smooth[i - 1] : 0;
        const angle = (Math.atan2(down, right) / (2 * Math.PI)) * DIRECTIONS + DIRECTIONS;
        const first = Math.floor(angle);
        // an edge between two directions counts for both, the nearer one more
        const share = angle - first;
        const strength = Math.hypot(down, right);
        maps[first % DIRECTIONS][i] += (1 - share) * strength;
        maps[(first + 1) % DIRECTIONS][i] += share * strength;
      }
    }
    const features = new Float64Array(DIRECTIONS * PLACES * PLACES);
    let next = 0;
    for (const map of maps) {
      const blurred = blur(map, COARSE);
      for (let y = STEP / 2; y < SIDE; y += STEP) {
        for (let x = STEP / 2; x < SIDE; x += STEP) {
          features[next++] = Math.sqrt(blurred[y * SIDE + x]);
        }
      }
    }
    const length = Math.hypot(...features);
    return features.map((value) => value / Math.max(length, 1e-6));
  }

  /** Return an image blurred in rows, then in columns; outside of it is nothing. */
  function blur(image, kernel) {
    return blurAlong(blurAlong(image, kernel, 1), kernel, SIDE);
  }

  function blurAlong(image, kernel, step) {
    return image.map((_, i) => {
      const place = step === 1 ? i % SIDE : Math.floor(i / SIDE);
      let sum = 0;
      for (let off = -RADIUS; off <= RADIUS; off++) {
        const at = place + off;
        if (at >= 0 && at < SIDE) sum += kernel[off + RADIUS] * image[i + off * step];
      }
      return sum;
    });
  }

  function gaussian(deviation) {
    const kernel = Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
      Math.exp(-((i - RADIUS) ** 2) / (2 * deviation ** 2)),
    );
    const sum = kernel.reduce((total, value) => total + value, 0);
    return kernel.map((value) => value / sum);
  }

  return { makeScore };
})();
