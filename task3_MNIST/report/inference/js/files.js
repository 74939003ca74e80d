// Image files that are pasted, dropped or opened, as gray grids.
const Files = (function () {
  "use strict";

  const { SIDE, extractInk, frame, findDigits, isOnForm, cropToInk } = Preprocessing;
  const { resize, fittedSize, makeGrid } = Preprocessing;

  const SMALL = 60; // pixels a side, as in datasets/photographs/reading.py
  const FILLED = 0.6; // of its box: strokes fill less, unless they are a 1

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
    if (sidesReached(ink) > 1 || isOnForm(ink) || isSheet(ink)) {
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

  /** Return whether the ink is an area rather than strokes. */
  function isSheet(ink) {
    const { height, width, values } = cropToInk(ink);
    const mass = values.reduce((sum, value) => sum + value, 0);
    return width > height / 2 && mass > FILLED * height * width;
  }

  /** Return on how many of its four sides a picture has ink; of one too small for paper, 0. */
  function sidesReached({ height, width, values }) {
    if (Math.max(height, width) < SMALL) return 0;
    const inRow = (y) => values.subarray(y * width, (y + 1) * width).some(Boolean);
    const inColumn = (x) => values.some((value, i) => value && i % width === x);
    const sides = [inRow(0), inRow(height - 1), inColumn(0), inColumn(width - 1)];
    return sides.filter(Boolean).length;
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
