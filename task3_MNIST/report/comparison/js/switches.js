// One place for several charts, of which a switch chooses one; and what is folded opens.
const Switches = (function () {
  "use strict";

  const { showChart } = Charts;

  /**
   * Offer in each switch those of its charts that there are, and name the first as its place's.
   *
   * onSwitch() is called when another chart has taken the place.
   */
  function setSwitches(charts, onSwitch) {
    for (const choice of document.querySelectorAll("[data-switch]")) {
      const place = choice.closest(".switched");
      const holder = place.querySelector("[data-chart]");
      const there = [...choice.options].filter((option) => {
        option.hidden = !charts.some(({ name }) => name === option.value);
        return !option.hidden;
      });
      place.hidden = there.length === 0;
      if (there.length === 0) continue;
      choice.value = there[0].value;
      holder.dataset.chart = choice.value;
      choice.onchange = () => {
        holder.dataset.chart = choice.value;
        showChart(
          holder,
          charts.find(({ name }) => name === choice.value),
        );
        onSwitch();
      };
    }
  }

  function openTarget() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const fold = target && target.querySelector(":scope > details.folded:has(> summary h2)");
    if (fold) fold.open = true;
  }

  // paper cannot unfold: everything is printed, and folded again as it was
  let unfolded = [];
  function unfoldAll() {
    unfolded = [...document.querySelectorAll("details.folded:not([open])")];
    for (const fold of unfolded) fold.open = true;
  }
  function foldAgain() {
    for (const fold of unfolded) fold.open = false;
  }

  addEventListener("hashchange", openTarget);
  addEventListener("beforeprint", unfoldAll);
  addEventListener("afterprint", foldAgain);
  openTarget();

  return { setSwitches };
})();
