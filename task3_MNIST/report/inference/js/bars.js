// A bar that shows the probability of a class.
const Bars = (function () {
  "use strict";

  const { element } = Page;
  const { probabilityText } = Models;

  /** Return the bar of a class as an item of a list, and `show(probability)`; null empties it. */
  function makeBar(className) {
    const bar = element("span", { class: "bar" });
    const share = element("span", { class: "share" });
    const name = element("span", { class: "name" }, className);
    const node = element("li", {}, name, element("span", { class: "track" }, bar), share);
    function show(probability) {
      bar.style.width = `${100 * (probability ?? 0)}%`;
      share.textContent = probability === null ? "" : probabilityText(probability);
    }
    return { node, show };
  }

  return { makeBar };
})();
