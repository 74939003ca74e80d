// The space of a model's features: where an image lies in it, and which stored ones are near.
const Neighbors = (function () {
  "use strict";

  const { decodeBase64, decodeFloats } = Page;
  const { forward } = Forward;

  /**
   * Return the space that map.py packed: `mean` (D), `directions` (K × D flat), `components`
   * (N × K flat, in units of `unit`), and `size`, which is K.
   */
  function readSpace({ mean, directions, components, unit }) {
    const space = {
      mean: decodeFloats(mean),
      directions: decodeFloats(directions),
      components: new Int8Array(decodeBase64(components).buffer),
      unit,
    };
    return { ...space, size: space.directions.length / space.mean.length };
  }

  /** Return the features of a normalized image: what the last linear layer reads. */
  function featuresOf(network, image) {
    forward(network, image);
    const last = network.findLastIndex((layer) => layer.type === "linear");
    return last ? network[last - 1].output : image;
  }

  /** Return features as a point of the space, in units of `unit`. */
  function project({ mean, directions, unit, size }, features) {
    return Float64Array.from({ length: size }, (_, component) => {
      let sum = 0;
      for (let i = 0; i < mean.length; i++) {
        sum += (features[i] - mean[i]) * directions[component * mean.length + i];
      }
      return sum / unit;
    });
  }

  /** Return the nearest stored images as { place, distance }, the nearest first. */
  function nearest({ components, size }, point, count) {
    const found = Array.from({ length: components.length / size }, (_, place) => {
      let square = 0;
      for (let i = 0; i < size; i++) square += (components[place * size + i] - point[i]) ** 2;
      return { place, distance: Math.sqrt(square) };
    });
    return found.sort((a, b) => a.distance - b.distance).slice(0, count);
  }

  return { readSpace, featuresOf, project, nearest };
})();
