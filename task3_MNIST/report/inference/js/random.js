// Random fractions, the same for the same seed; runs in the worker that trains, too.
const Random = (function () {
  "use strict";

  /** Return a generator of fractions from 0 to 1: mulberry32. */
  function makeRandom(seed) {
    let state = seed >>> 0;
    return function () {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const source = globalThis.document?.currentScript?.textContent; // for the worker
  return { makeRandom, source };
})();
