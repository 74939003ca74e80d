// Long work in short slices, between which the page answers to its reader.
const Slices = (function () {
  "use strict";

  const SLICE = 10; // milliseconds

  /**
   * Call work(0) to work(count - 1), and afterSlice(number done) after every slice.
   *
   * Returns a function that stops the work: what is done for an old input is not shown.
   */
  function runInSlices(count, work, afterSlice) {
    let done = 0;
    let timer = setTimeout(function slice() {
      const end = performance.now() + SLICE;
      while (done < count && performance.now() < end) work(done++);
      afterSlice(done);
      if (done < count) timer = setTimeout(slice);
    });
    return () => clearTimeout(timer);
  }

  /**
   * Run a generator to its end: take(value) gets what it yields, afterSlice(state) its last
   * { done, value } after every slice.
   *
   * Returns a function that stops it.
   */
  function finishInSlices(generator, take, afterSlice) {
    let timer = setTimeout(function slice() {
      const end = performance.now() + SLICE;
      let state = generator.next();
      while (!state.done) {
        take(state.value);
        if (performance.now() >= end) break;
        state = generator.next();
      }
      if (!state.done) timer = setTimeout(slice);
      afterSlice(state);
    });
    return () => clearTimeout(timer);
  }

  return { runInSlices, finishInSlices };
})();
