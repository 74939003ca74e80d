// MNIST's preprocessing of a gray image of a digit: datasets/preprocessing.py, step by step.
// That file says what each step is for; a test holds both to the same pixels.
// A grid is { height, width, values }, its values row by row.
const Preprocessing = (function () {
  "use strict";

  const SIDE = 28;
  const BOX = 20;
  const CENTER = 14;
  const MAX_SIDE = 400;
  const FIT_SIDE = 64;
  const FIT_ROUNDS = 10;
  const MIN_CONTRAST = 24;
  const SPECK = 0.02;
  const MIN_STROKE = 2;
  const TALL = 0.45; // as in datasets/photographs/digits.py
  const SHARED = 0.5;
  const NEAR = 0.15;

  /** Return the ink of a gray grid (0 to 255) in 0 to 1, or null if the image is blank. */
  function extractInk(gray) {
    let grid = makeGrid(gray.height, gray.width, Float64Array.from(gray.values));
    if (Math.max(grid.height, grid.width) > MAX_SIDE) {
      grid = resize(grid, ...fittedSize(grid, MAX_SIDE));
      grid.values.forEach((value, i) => (grid.values[i] = Math.floor(value + 0.5)));
    }
    const values = grid.values;
    const [least, most] = extremes(values);
    if (borderMedian(grid) > (least + most) / 2) {
      for (let i = 0; i < values.length; i++) values[i] = 255 - values[i];
    }
    const { surface, noise } = fitBackground(grid);
    const rest = values.map((value, i) => value - surface[i]);
    const half = Math.max(extremes(rest)[1] / 2, 0);
    const strong = rest.filter((value) => value > half).sort();
    const peak = strong.length ? strong[Math.floor((9 * (strong.length - 1)) / 10)] : 0;
    if (peak < Math.max(MIN_CONTRAST, 5 * noise)) return null;
    const floor = Math.max(3 * noise, peak / 16);
    const ink = makeGrid(
      grid.height,
      grid.width,
      rest.map((value) => (value > floor ? Math.min(value / peak, 1) : 0)),
    );
    const { labels, masses } = findParts(ink);
    const largest = extremes(masses)[1];
    ink.values.forEach((_, i) => {
      if (masses[labels[i]] < SPECK * largest) ink.values[i] = 0;
    });
    return ink;
  }

  /** Return the brightness of the paper under the ink, and its noise, in gray levels. */
  function fitBackground(grid) {
    const { height, width, values } = grid;
    const start = borderMedian(grid);
    const step = Math.max(1, Math.floor(Math.max(height, width) / FIT_SIDE));
    const samples = [];
    for (let y = 0; y < height; y += step) {
      for (let x = 0; x < width; x += step) {
        samples.push({ terms: surfaceTerms(grid, y, x), target: values[y * width + x] - start });
      }
    }
    let factors = new Float64Array(6);
    let noise = 0;
    for (let round = 0; round < FIT_ROUNDS; round++) {
      const residual = Float64Array.from(
        samples,
        ({ terms, target }) => target - dot(terms, factors),
      );
      const below = residual
        .filter((value) => value <= 0)
        .map((value) => -value)
        .sort();
      noise = below.length ? 1.4826 * below[below.length >> 1] : 0;
      const limit = Math.max(1, 3 * noise);
      factors = leastSquares(samples.filter((_, i) => Math.abs(residual[i]) <= limit));
    }
    const surface = values.map((_, i) => {
      return start + dot(surfaceTerms(grid, Math.floor(i / width), i % width), factors);
    });
    return { surface, noise };
  }

  function surfaceTerms({ height, width }, row, column) {
    const x = width > 1 ? -1 + (2 * column) / (width - 1) : -1;
    const y = height > 1 ? -1 + (2 * row) / (height - 1) : -1;
    return [1, x, y, x * x, x * y, y * y];
  }

  function dot(left, right) {
    let sum = 0;
    for (let i = 0; i < left.length; i++) sum += left[i] * right[i];
    return sum;
  }

  /** Return the factors of the terms that come closest to the targets. */
  function leastSquares(samples) {
    const normal = Array.from({ length: 6 }, (_, i) => {
      const row = new Float64Array(7);
      row[i] = 1e-6;
      return row;
    });
    for (const { terms, target } of samples) {
      for (let row = 0; row < 6; row++) {
        for (let column = 0; column < 6; column++)
          normal[row][column] += terms[row] * terms[column];
        normal[row][6] += terms[row] * target;
      }
    }
    return solve(normal);
  }

  /** Return the solution of linear equations, each with its right side last (Gauss, pivoting). */
  function solve(rows) {
    const count = rows.length;
    for (let step = 0; step < count; step++) {
      let pivot = step;
      for (let row = step; row < count; row++) {
        if (Math.abs(rows[row][step]) > Math.abs(rows[pivot][step])) pivot = row;
      }
      [rows[step], rows[pivot]] = [rows[pivot], rows[step]];
      for (let row = step + 1; row < count; row++) {
        const factor = rows[row][step] / rows[step][step];
        for (let column = step; column <= count; column++) {
          rows[row][column] -= factor * rows[step][column];
        }
      }
    }
    const result = new Float64Array(count);
    for (let row = count - 1; row >= 0; row--) {
      let value = rows[row][count];
      for (let column = row + 1; column < count; column++)
        value -= rows[row][column] * result[column];
      result[row] = value / rows[row][row];
    }
    return result;
  }

  /** Return ink (0 to 1, not all 0) as an MNIST image, centered by mass: 28 x 28 bytes. */
  function frame(ink) {
    let crop = cropToInk(ink);
    if (Math.max(crop.height, crop.width) > 2 * BOX) crop = thicken(crop);
    const longer = Math.max(crop.height, crop.width);
    if (longer < BOX - 1 || longer > BOX) crop = resize(crop, ...fittedSize(crop, BOX));
    const most = extremes(crop.values)[1];
    const levels = crop.values.map((value) => Math.floor((255 * value) / most + 0.5));
    return placeByMass(makeGrid(crop.height, crop.width, levels));
  }

  /** Return the grid on black, 28 x 28 bytes, its center of mass at pixel 14 in whole pixels. */
  function placeByMass(digit) {
    const rowSums = new Float64Array(digit.height);
    const columnSums = new Float64Array(digit.width);
    digit.values.forEach((value, i) => {
      rowSums[Math.floor(i / digit.width)] += value;
      columnSums[i % digit.width] += value;
    });
    const top = firstIndex(rowSums);
    const left = firstIndex(columnSums);
    const image = new Uint8Array(SIDE * SIDE);
    for (let y = 0; y < digit.height; y++) {
      const row = digit.values.subarray(y * digit.width, (y + 1) * digit.width);
      image.set(row, (top + y) * SIDE + left);
    }
    return image;
  }

  function firstIndex(profile) {
    const total = profile.reduce((sum, value) => sum + value, 0);
    const center = profile.reduce((sum, value, i) => sum + value * i, 0) / total;
    return Math.min(Math.max(Math.floor(CENTER - center + 0.5), 0), SIDE - profile.length);
  }

  function cropToInk({ height, width, values }) {
    let [top, bottom, left, right] = [height, -1, width, -1];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (values[y * width + x] === 0) continue;
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
    }
    const crop = makeGrid(bottom - top + 1, right - left + 1);
    for (let y = 0; y < crop.height; y++) {
      const start = (top + y) * width + left;
      crop.values.set(values.subarray(start, start + crop.width), y * crop.width);
    }
    return crop;
  }

  /** Return the crop with strokes finer than 2 px of the box widened. */
  function thicken(crop) {
    const { height, width, values } = crop;
    const solid = (y, x) =>
      y >= 0 && x >= 0 && y < height && x < width && values[y * width + x] >= 0.5;
    let edges = 0;
    for (let y = 0; y <= height; y++) {
      for (let x = 0; x <= width; x++) {
        if (x < width && solid(y, x) !== solid(y - 1, x)) edges++;
        if (y < height && solid(y, x) !== solid(y, x - 1)) edges++;
      }
    }
    const area = values.reduce((sum, value) => sum + value, 0);
    const stroke = (2 * area) / Math.max(edges, 1);
    const radius = Math.floor(((MIN_STROKE * Math.max(height, width)) / BOX - stroke) / 2 + 0.5);
    return radius > 0 ? grow(crop, radius) : crop;
  }

  /**
   * Return the boxes of the digits in ink, from left to right, as `datasets/photographs/digits.py`
   * finds them: parts that are tall, joined where they share half of the narrower one's columns.
   */
  function findDigits(ink) {
    const boxes = boxesOf(ink);
    const tallest = Math.max(...boxes.map(heightOf));
    const tall = boxes.filter((box) => heightOf(box) >= TALL * tallest);
    const found = [];
    for (const box of tall.sort((a, b) => a.left - b.left)) {
      const last = found.at(-1);
      const narrower = last && Math.min(widthOf(last), widthOf(box));
      if (last && columnsShared(last, box) >= SHARED * narrower && inRow(last, box, tallest)) {
        found[found.length - 1] = joined(last, box);
      } else found.push(box);
    }
    const complete = [...found];
    for (const low of boxes.filter((box) => heightOf(box) < TALL * tallest)) {
      const away = found.map((box) => distance(low, box));
      const nearest = away.indexOf(Math.min(...away));
      if (away[nearest] <= NEAR * tallest) complete[nearest] = joined(complete[nearest], low);
    }
    return complete.sort((a, b) => a.left + a.right - b.left - b.right);
  }

  /** Return whether a mark goes around another one, as a box does, or is a line at its foot. */
  function isOnForm(ink) {
    const boxes = boxesOf(ink);
    const tallest = Math.max(...boxes.map(heightOf));
    const tall = boxes.filter((box) => heightOf(box) >= TALL * tallest);
    const around = (a, b) =>
      a.top < b.top && a.bottom > b.bottom && a.left < b.left && a.right > b.right;
    const line = (a, b) => heightOf(a) < heightOf(b) / 4 && widthOf(a) > 0.9 * widthOf(b);
    return tall.some((b) => boxes.some((a) => around(a, b) || (a.bottom > b.bottom && line(a, b))));
  }

  const heightOf = ({ top, bottom }) => bottom - top + 1;
  const widthOf = ({ left, right }) => right - left + 1;
  const columnsShared = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) + 1;
  const rowsShared = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) + 1;
  const inRow = (a, b, tallest) => rowsShared(a, b) >= -NEAR * tallest;
  const distance = (a, b) => Math.max(0, -rowsShared(a, b), -columnsShared(a, b));

  function joined(a, b) {
    return {
      top: Math.min(a.top, b.top),
      bottom: Math.max(a.bottom, b.bottom),
      left: Math.min(a.left, b.left),
      right: Math.max(a.right, b.right),
    };
  }

  /** Return the box of each 8-connected part. */
  function boxesOf(ink) {
    const { labels, masses } = findParts(ink);
    const boxes = masses
      .slice(1)
      .map(() => ({ top: ink.height, bottom: 0, left: ink.width, right: 0 }));
    labels.forEach((label, place) => {
      if (!label) return;
      const [y, x] = [Math.floor(place / ink.width), place % ink.width];
      const box = boxes[label - 1];
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
    });
    return boxes;
  }

  /** Number the 8-connected parts from 1 and sum the mass in each; part 0 is paper. */
  function findParts({ height, width, values }, mass = values) {
    const labels = new Int32Array(values.length);
    const masses = [0];
    const stack = [];
    for (let seed = 0; seed < values.length; seed++) {
      if (values[seed] === 0 || labels[seed]) continue;
      const label = masses.push(0) - 1;
      labels[seed] = label;
      stack.push(seed);
      while (stack.length) {
        const place = stack.pop();
        masses[label] += mass[place];
        const [y, x] = [Math.floor(place / width), place % width];
        for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
          for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
            const next = row * width + column;
            if (values[next] === 0 || labels[next]) continue;
            labels[next] = label;
            stack.push(next);
          }
        }
      }
    }
    return { labels, masses };
  }

  /** Return the maximum over the square around each pixel; the grid grows by the radius. */
  function grow(grid, radius) {
    return maximumAlong(maximumAlong(pad(grid, radius), radius, true), radius, false);
  }

  function maximumAlong({ height, width, values }, radius, horizontal) {
    const result = makeGrid(height, width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [place, side, step] = horizontal ? [x, width, 1] : [y, height, width];
        let most = 0;
        for (
          let shift = -Math.min(radius, place);
          shift <= Math.min(radius, side - 1 - place);
          shift++
        ) {
          most = Math.max(most, values[y * width + x + shift * step]);
        }
        result.values[y * width + x] = most;
      }
    }
    return result;
  }

  function pad({ height, width, values }, margin) {
    const result = makeGrid(height + 2 * margin, width + 2 * margin);
    for (let y = 0; y < height; y++) {
      const row = values.subarray(y * width, (y + 1) * width);
      result.values.set(row, (y + margin) * result.width + margin);
    }
    return result;
  }

  /** Return the grid at another size: means over spans when shrinking, else linear, 0 outside. */
  function resize({ height, width, values }, newHeight, newWidth) {
    const rows = resizeWeights(height, newHeight);
    const columns = resizeWeights(width, newWidth);
    const wide = makeGrid(newHeight, width);
    rows.forEach((taps, y) => {
      for (const [source, weight] of taps) {
        for (let x = 0; x < width; x++)
          wide.values[y * width + x] += weight * values[source * width + x];
      }
    });
    const result = makeGrid(newHeight, newWidth);
    for (let y = 0; y < newHeight; y++) {
      columns.forEach((taps, x) => {
        let sum = 0;
        for (const [source, weight] of taps) sum += weight * wide.values[y * width + source];
        result.values[y * newWidth + x] = sum;
      });
    }
    return result;
  }

  /** Return, for each of m output pixels, pairs of input pixel and weight. */
  function resizeWeights(n, m) {
    return Array.from({ length: m }, (_, output) => {
      const taps = [];
      if (m < n) {
        const [start, end] = [(output * n) / m, ((output + 1) * n) / m];
        for (let input = Math.floor(start); input < Math.min(Math.ceil(end), n); input++) {
          taps.push([input, ((Math.min(end, input + 1) - Math.max(start, input)) * m) / n]);
        }
      } else {
        const position = ((output + 0.5) * n) / m - 0.5;
        const input = Math.floor(position);
        if (input >= 0) taps.push([input, 1 - (position - input)]);
        if (input + 1 < n) taps.push([input + 1, position - input]);
      }
      return taps;
    });
  }

  function fittedSize({ height, width }, longer) {
    const most = Math.max(height, width);
    return [height, width].map((side) => Math.max(1, Math.floor((side * longer) / most + 0.5)));
  }

  function borderMedian({ height, width, values }) {
    const border = [...values.subarray(0, width), ...values.subarray((height - 1) * width)];
    for (let y = 1; y < height - 1; y++)
      border.push(values[y * width], values[(y + 1) * width - 1]);
    return Float64Array.from(border).sort()[border.length >> 1];
  }

  function extremes(values) {
    let [least, most] = [Infinity, -Infinity];
    for (const value of values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return [least, most];
  }

  function makeGrid(height, width, values = new Float64Array(height * width)) {
    return { height, width, values };
  }

  return {
    SIDE,
    BOX,
    extractInk,
    frame,
    findDigits,
    isOnForm,
    cropToInk,
    placeByMass,
    resize,
    fittedSize,
    extremes,
    makeGrid,
  };
})();
