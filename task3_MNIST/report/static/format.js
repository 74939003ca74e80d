// Numbers as people read them.
const Format = (function () {
  "use strict";

  const MINUS = "\u2212";

  /** Return 0.9812 as "98.12 %". */
  function percent(fraction, digits = 2) {
    return fraction === null || fraction === undefined
      ? "–"
      : `${(fraction * 100).toFixed(digits)}\u00a0%`;
  }

  /** Return a family as people write it: MLP and CNN are initials. */
  function familyName(family) {
    return family === "baseline" ? family : family.toUpperCase();
  }

  /** Return a difference of fractions in percentage points: "+0.42", "−0.42". */
  function signedPoints(fraction) {
    const text = Math.abs(fraction * 100).toFixed(2);
    return `${fraction < 0 ? MINUS : "+"}${text}`;
  }

  /** Return a number, rounded, with commas between thousands. */
  function withCommas(value) {
    return Math.round(value).toLocaleString("en");
  }

  /** Return a large number with a prefix: 1.07 M. */
  function withPrefix(value, unit = "") {
    const prefixes = [
      [1e9, "G"],
      [1e6, "M"],
      [1e3, "k"],
    ];
    const [scale, prefix] = prefixes.find(([scale]) => value >= scale) ?? [1, ""];
    return `${Number((value / scale).toPrecision(3))}\u00a0${prefix}${unit}`.trimEnd();
  }

  /** Return seconds in the unit that suits them. */
  function duration(seconds) {
    if (seconds >= 120) return `${(seconds / 60).toFixed(1)}\u00a0min`;
    if (seconds >= 1) return `${seconds.toFixed(1)}\u00a0s`;
    if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(2)}\u00a0ms`;
    return `${(seconds * 1e6).toFixed(0)}\u00a0µs`;
  }

  /** Return the texts that are there as one. */
  function joinSentences(...parts) {
    return parts.filter(Boolean).join(" ");
  }

  return {
    MINUS,
    percent,
    familyName,
    signedPoints,
    withCommas,
    withPrefix,
    duration,
    joinSentences,
  };
})();
