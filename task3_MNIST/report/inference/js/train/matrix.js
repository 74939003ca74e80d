// The matrix product on which training rests; runs in the worker, too.
const TrainMatrix = (function () {
  "use strict";

  const DEPTH = 128; // of a block: its rows of both factors stay in the processor's cache

  /**
   * A matrix is { values, row, column }: element (i, j) is values[i * row + j * column].
   *
   * Return the matrix of rows that follow each other in `values`.
   */
  function matrix(values, columns) {
    return { values, row: columns, column: 1 };
  }

  /** Return the same values seen as the transposed matrix. */
  function transposed({ values, row, column }) {
    return { values, row: column, column: row };
  }

  /** Add the product of a (rows, depth) and b (depth, columns) to `sum` (rows, columns). */
  function addProduct(sum, a, b, rows, columns, depth) {
    const fours = rows - (rows % 4);
    const pairs = columns - (columns % 2);
    for (let start = 0; start < depth; start += DEPTH) {
      const end = Math.min(start + DEPTH, depth);
      for (let i = 0; i < fours; i += 4) {
        for (let j = 0; j < pairs; j += 2) addBlock(sum, a, b, i, j, start, end);
        for (let row = i; row < i + 4 && pairs < columns; row++) {
          addElement(sum, a, b, row, pairs, start, end);
        }
      }
      for (let i = fours; i < rows; i++) {
        for (let j = 0; j < columns; j++) addElement(sum, a, b, i, j, start, end);
      }
    }
  }

  /** Add to 4 rows and 2 columns at once: each value that is read is used two or four times. */
  function addBlock(sum, a, b, i, j, start, end) {
    const left = a.values;
    const right = b.values;
    // where the rows below are, from the first
    const second = a.row;
    const third = 2 * a.row;
    const fourth = 3 * a.row;
    let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
    let p = i * a.row + start * a.column;
    let q = start * b.row + j * b.column;
    for (let k = start; k < end; k++) {
      const x0 = left[p];
      const x1 = left[p + second];
      const x2 = left[p + third];
      const x3 = left[p + fourth];
      const y0 = right[q];
      const y1 = right[q + b.column];
      s00 += x0 * y0;
      s01 += x0 * y1;
      s10 += x1 * y0;
      s11 += x1 * y1;
      s20 += x2 * y0;
      s21 += x2 * y1;
      s30 += x3 * y0;
      s31 += x3 * y1;
      p += a.column;
      q += b.row;
    }
    addPair(sum, i, j, s00, s01);
    addPair(sum, i + 1, j, s10, s11);
    addPair(sum, i + 2, j, s20, s21);
    addPair(sum, i + 3, j, s30, s31);
  }

  function addPair({ values, row, column }, i, j, first, second) {
    const place = i * row + j * column;
    values[place] += first;
    values[place + column] += second;
  }

  function addElement(sum, a, b, i, j, start, end) {
    let total = 0;
    for (let k = start; k < end; k++) {
      total += a.values[i * a.row + k * a.column] * b.values[k * b.row + j * b.column];
    }
    sum.values[i * sum.row + j * sum.column] += total;
  }

  const source = globalThis.document?.currentScript?.textContent; // for the worker
  return { matrix, transposed, addProduct, source };
})();
