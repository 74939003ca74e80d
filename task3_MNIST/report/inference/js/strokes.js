// Turns strokes, kept as points, into the 28 x 28 image that is the input of the models.
const Strokes = (function () {
  "use strict";

  const { SIDE, BOX, placeByMass, extremes, makeGrid } = Preprocessing;

  const CANVAS = 280; // side of the drawing surface, in the units of the points
  const CANVAS_PEN = 18; // width of the pen on it
  const PEN = 2.6; // width in the image's pixels: that of MNIST's own strokes
  const SMALLEST = 12; // units: a smaller drawing is a dot, not a digit to be enlarged

  /**
   * Return strokes as MNIST would show them: scaled so that their longer side, pen included, fills
   * 20 px, drawn again with a 2.6 px pen, centered by mass. Size and place on the canvas vanish.
   */
  function preprocessStrokes(strokes) {
    const { left, top, width, height } = extent(strokes);
    const scale = (BOX - PEN) / Math.max(width, height, SMALLEST);
    const onto = ([x, y]) => [(x - left) * scale + PEN / 2, (y - top) * scale + PEN / 2];
    const digit = rasterize(
      strokes.map((stroke) => stroke.map(onto)),
      Math.ceil(height * scale + PEN),
      Math.ceil(width * scale + PEN),
      PEN,
    );
    return placeByMass(digit);
  }

  /** Return the canvas shrunk to 28 x 28, without preprocessing. */
  function shrinkStrokes(strokes) {
    const scale = SIDE / CANVAS;
    const shrunk = strokes.map((stroke) => stroke.map(([x, y]) => [x * scale, y * scale]));
    return Uint8Array.from(rasterize(shrunk, SIDE, SIDE, CANVAS_PEN * scale).values);
  }

  function extent(strokes) {
    const points = strokes.flat();
    const [left, right] = extremes(points.map(([x]) => x));
    const [top, bottom] = extremes(points.map(([, y]) => y));
    return { left, top, width: right - left, height: bottom - top };
  }

  /**
   * Return strokes drawn with a round pen, 0 to 255. A pixel's ink is how far its center lies
   * within the pen's edge, clipped to 0 to 1: an edge one pixel wide, as anti-aliasing gives it.
   */
  function rasterize(strokes, height, width, pen) {
    const grid = makeGrid(height, width);
    const reach = pen / 2 + 0.5;
    for (const stroke of strokes) {
      stroke.forEach(([x, y], i) => {
        const [fromX, fromY] = stroke[Math.max(i - 1, 0)];
        const firstRow = Math.max(Math.floor(Math.min(fromY, y) - reach), 0);
        const lastRow = Math.min(Math.ceil(Math.max(fromY, y) + reach), height);
        const firstColumn = Math.max(Math.floor(Math.min(fromX, x) - reach), 0);
        const lastColumn = Math.min(Math.ceil(Math.max(fromX, x) + reach), width);
        for (let row = firstRow; row < lastRow; row++) {
          for (let column = firstColumn; column < lastColumn; column++) {
            const distance = distanceToSegment(column + 0.5, row + 0.5, fromX, fromY, x, y);
            const ink = Math.floor(255 * Math.min(Math.max(reach - distance, 0), 1) + 0.5);
            const place = row * width + column;
            grid.values[place] = Math.max(grid.values[place], ink);
          }
        }
      });
    }
    return grid;
  }

  function distanceToSegment(x, y, fromX, fromY, toX, toY) {
    const [alongX, alongY] = [toX - fromX, toY - fromY];
    const squared = alongX * alongX + alongY * alongY;
    const share = squared ? ((x - fromX) * alongX + (y - fromY) * alongY) / squared : 0;
    const nearest = Math.min(Math.max(share, 0), 1);
    return Math.hypot(x - fromX - nearest * alongX, y - fromY - nearest * alongY);
  }

  return { CANVAS, CANVAS_PEN, preprocessStrokes, shrinkStrokes };
})();
