// A digit's probability as a row of a list: the digit, a bar, the percentage.
const Bars = (function () {
  "use strict";

  const { element } = Common;
  const { probabilityText } = Models;

  /** Return the row of a digit; `show(probability)` fills it, null empties it. */
  function makeBar(digit) {
    const bar = element("span", { class: "bar" });
    const share = element("span", { class: "share" });
    const name = element("span", { class: "name" }, String(digit));
    const row = element("li", {}, name, element("span", { class: "track" }, bar), share);

    function show(probability) {
      bar.style.width = `${100 * (probability ?? 0)}%`;
      share.textContent = probability === null ? "" : probabilityText(probability);
    }

    return { row, show };
  }

  return { makeBar };
})();
