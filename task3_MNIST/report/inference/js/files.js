// Image files that are pasted, dropped or opened, as gray grids.
const Files = (function () {
  "use strict";

  const { SIDE, extractInk, frame, findDigits, isOnForm, cropToInk } = Preprocessing;
  const { resize, fittedSize, makeGrid } = Preprocessing;

  const SMALL = 60; // pixels a side, as in datasets/photographs/reading.py
  const FILLED = 0.6; // of its box: strokes fill less, unless they are a 1
  const LARGE = 0.2; // of the picture: a 1 is smaller
  const INK = 0.3; // of full ink: what is paler is the edge of a stroke
  const FULL = 0.5; // of full ink: ink that is nowhere stronger is a shadow

  /** Return the file's pixels as a gray grid, upright, what is transparent being white paper. */
  async function readGray(file) {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const grid = makeGrid(
      canvas.height,
      canvas.width,
      new Uint8Array(canvas.width * canvas.height),
    );
    for (let i = 0; i < grid.values.length; i++) {
      // ITU-R 601 in whole numbers, as Pillow converts to gray
      const [red, green, blue] = data.subarray(4 * i, 4 * i + 3);
      grid.values[i] = (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;
    }
    return { grid, bitmap };
  }

  /**
   * Return a picture for the drawing surface, or an error that says why the file is none.
   *
   * `resized`: the models were trained on images that were only resized; `single`: an image of
   * several separate parts is several digits.
   */
  async function pictureOfFile(file, { resized, single }) {
    let read;
    try {
      read = await readGray(file);
    } catch {
      throw new Error(`${file.name} is not an image that this browser can read.`);
    }
    const picture = { shown: read.bitmap, source: file.name };
    if (resized) {
      const weights = resize({ ...read.grid, values: read.grid.values.map(() => 1) }, SIDE, SIDE);
      const shrunk = Uint8Array.from(
        resize(read.grid, SIDE, SIDE).values,
        (value, i) => value / weights.values[i] + 0.5,
      );
      return { pixels: shrunk, shrunk, ...picture };
    }
    const ink = extractInk(read.grid);
    if (!ink) {
      throw new Error(
        `No ink found in ${file.name}: write darker, or crop it closer to the digit.`,
      );
    }
    const problem = single && problemOf(ink);
    if (problem) throw new Error(`${file.name} ${problem}`);
    return { pixels: frame(ink), shrunk: shrinkInk(ink), ...picture };
  }

  /** Return why ink is no single digit on plain paper, and what to do, or null. */
  function problemOf(ink) {
    const onPaper = isLarge(ink) && (reachesSides(ink) || standsOnLine(ink));
    if (onPaper || isOnForm(ink) || isSheet(ink)) {
      return (
        "shows more than a digit on plain paper, such as lines, a box, a shadow or a desk: crop " +
        "it closer, or let predict.py read it, which reads photographs."
      );
    }
    const digits = findDigits(ink).length;
    if (digits < 2) return null;
    return (
      `shows ${digits} separate marks: crop it to one digit, or let predict.py read it, which ` +
      "reads rows of digits."
    );
  }

  /** Return whether a picture is large enough for paper around its digit. */
  function isLarge({ height, width }) {
    return Math.max(height, width) >= SMALL;
  }

  /** Return whether the ink is an area rather than strokes. */
  function isSheet(ink) {
    const { height, width, values } = cropToInk(ink);
    const mass = values.reduce((sum, value) => sum + value, 0);
    const isWide = width > height / 2 || mass > LARGE * ink.height * ink.width;
    return isWide && mass > FILLED * height * width;
  }

  /** Return whether there is ink at more than one side of a picture, or a shadow at one. */
  function reachesSides({ height, width, values }) {
    const row = (y) => values.subarray(y * width, (y + 1) * width);
    const column = (x) => values.filter((_, i) => i % width === x);
    const strongest = [row(0), row(height - 1), column(0), column(width - 1)].map((side) =>
      side.reduce((most, value) => Math.max(most, value), 0),
    );
    const reached = strongest.filter(Boolean);
    return reached.length > 1 || (reached.length === 1 && reached[0] < FULL);
  }

  /** Return whether the lower edge of the ink is a straight line that is bare at both ends. */
  function standsOnLine({ height, width, values }) {
    const columns = [];
    for (let x = 0; x < width; x++) {
      const rows = [];
      for (let y = 0; y < height; y++) if (values[y * width + x] >= INK) rows.push(y);
      if (rows.length) columns.push({ count: rows.length, top: rows[0], bottom: rows.at(-1) });
    }
    const top = Math.min(...columns.map((column) => column.top));
    const tall = Math.max(...columns.map((column) => column.bottom)) - top + 1;
    const some = Math.max(1, Math.round(0.06 * columns.length));
    const ends = [columns.slice(0, some), columns.slice(-some)];
    const [left, right] = ends.map((end) => end[end.length >> 1].bottom);
    const isBare = ends.flat().every(({ count }) => count < 0.15 * tall);
    const isLow = Math.min(left, right) - top > 0.75 * tall;
    const slope = (right - left) / Math.max(columns.length - 1, 1);
    const onLine = columns.filter(
      ({ bottom }, i) => Math.abs(bottom - left - slope * i) <= Math.max(1.5, 0.02 * tall),
    );
    return isBare && isLow && onLine.length >= 0.85 * columns.length;
  }

  /** Return ink fitted to 28 x 28 as it lies on its paper, neither cropped nor centered. */
  function shrinkInk(ink) {
    const small = resize(ink, ...fittedSize(ink, SIDE));
    const pixels = new Uint8Array(SIDE * SIDE);
    const top = (SIDE - small.height) >> 1;
    const left = (SIDE - small.width) >> 1;
    small.values.forEach((value, i) => {
      const row = top + Math.floor(i / small.width);
      pixels[row * SIDE + left + (i % small.width)] = Math.round(255 * value);
    });
    return pixels;
  }

  /** Take image files from the clipboard, from a drop anywhere on the page, and from a chooser. */
  function takeFiles(chooser, take) {
    const first = (list) =>
      [...(list ?? [])].find((file) => file.type.startsWith("image/")) ?? list?.[0];
    document.addEventListener("paste", (event) => {
      const file = first(event.clipboardData?.files);
      if (file) take(file);
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = first(event.dataTransfer?.files);
      if (file) take(file);
    });
    chooser.addEventListener("change", () => {
      if (chooser.files.length) take(chooser.files[0]);
      chooser.value = ""; // the same file may be chosen again
    });
  }

  return { pictureOfFile, takeFiles };
})();
