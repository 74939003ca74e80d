// Small pictures of numbers: digits, feature maps, weights.
const Painting = (function () {
  "use strict";

  const { element } = Page;

  const POSITIVE = [255, 168, 64];
  const NEGATIVE = [86, 156, 255];

  /** Return a canvas of that many pixels, for the styles to enlarge; hidden from screen readers. */
  function smallCanvas(width, height, className = null) {
    return element("canvas", { width, height, class: className, "aria-hidden": "true" });
  }

  /** Paint values from 0 to `most` as white on black. */
  function paintGray(canvas, values, most = 255) {
    paint(canvas, (i) => {
      const level = (255 * values[i]) / most;
      return [level, level, level];
    });
  }

  /** Paint values from -most to most: blue where negative, orange where positive, black at zero. */
  function paintSigned(canvas, values, most) {
    paint(canvas, (i) => signedColor(values[i] / most));
  }

  /** Return the color of a value from -1 to 1. */
  function signedColor(value) {
    const strength = Math.min(Math.abs(value), 1);
    return (value < 0 ? NEGATIVE : POSITIVE).map((part) => part * strength);
  }

  function paint(canvas, colorAt) {
    const context = canvas.getContext("2d");
    const picture = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < canvas.width * canvas.height; i++) {
      const [red, green, blue] = colorAt(i);
      picture.data.set([red, green, blue, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  }

  /** Return the greatest absolute value, or 1 if all are 0: something to divide by. */
  function greatest(values) {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    return most || 1;
  }

  return { smallCanvas, paintGray, paintSigned, signedColor, paint, greatest };
})();
