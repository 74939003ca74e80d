// Shifts, turns, scales and blurs with noise a 28 x 28 image, always in the same way.
const Deform = (function () {
  "use strict";

  const { SIDE } = Preprocessing;
  const { makeRandom } = Random;

  /**
   * Return the image, 28 x 28 bytes, changed; ink that leaves it is lost.
   *
   * `right` and `down` are pixels, `rotation` degrees clockwise, `scale` a factor about the center,
   * `noise` the standard deviation of what is added to each pixel, 1 being full ink. The noise
   * follows from the seed alone, so that moving a slider back brings the same image back.
   */
  function deform(pixels, { right, down, rotation, scale, noise }, seed) {
    const angle = (rotation * Math.PI) / 180;
    const cosine = Math.cos(angle) / scale;
    const sine = Math.sin(angle) / scale;
    const middle = (SIDE - 1) / 2;
    const normal = normalNumbers(seed);
    const result = new Uint8Array(SIDE * SIDE);
    for (let y = 0, i = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++, i++) {
        const alongX = x - middle - right;
        const alongY = y - middle - down;
        const fromX = middle + cosine * alongX + sine * alongY;
        const fromY = middle - sine * alongX + cosine * alongY;
        const value = readBetween(pixels, fromX, fromY) + (noise ? 255 * noise * normal() : 0);
        result[i] = Math.min(Math.max(Math.round(value), 0), 255);
      }
    }
    return result;
  }

  /** Return the value between the four nearest pixels, in proportion; outside is 0. */
  function readBetween(pixels, x, y) {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [right, below] = [x - left, y - top];
    const at = (row, column) =>
      row >= 0 && row < SIDE && column >= 0 && column < SIDE ? pixels[row * SIDE + column] : 0;
    return (
      (1 - below) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
      below * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1))
    );
  }

  /** Return a generator of normally distributed numbers (Box and Muller 1958). */
  function normalNumbers(seed) {
    const uniform = makeRandom(seed + 1);
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  return { deform };
})();
