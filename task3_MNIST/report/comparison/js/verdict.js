// The first screen: which of two models is better, by how much, and what that rests on.
const Verdict = (function () {
  "use strict";

  const { element } = Page;
  const { percent, familyName, withCommas, duration } = Format;

  const FACTS = [
    ["errors in 10,000 images", "accuracy", ({ accuracy }) => withCommas((1 - accuracy[0]) * 10_000)],
    ["parameters", "parameters", ({ figures }) => figures.parameters && withCommas(figures.parameters)],
    ["training time", "training", ({ figures }) => figures.train_seconds && duration(figures.train_seconds)],
  ];

  /** Fill the section for a pair of the data set's entries, or say why there is none. */
  function showVerdict(section, dataset, pair, two) {
    section.querySelector("#verdict-sentence").textContent = pair?.headline ?? withoutPair(dataset);
    const basis = section.querySelector("#verdict-basis");
    basis.hidden = !pair;
    section.querySelector("#bracket").hidden = !pair;
    basis
      .querySelector("ul")
      .replaceChildren(...(pair?.evidence ?? []).map((text) => element("li", {}, text)));
    const facts = pair ? FACTS.map((fact) => factOf(fact, two)) : [];
    section.querySelector("#facts").replaceChildren(...facts.filter(Boolean));
  }

  function factOf([name, term, of], two) {
    const values = two.map((entry) => [entry, of(entry)]).filter(([, value]) => value);
    if (values.length === 0) return null;
    const cell = ([entry, value]) =>
      element("dd", {}, element("span", { class: "muted" }, `${shortName(entry, two)} `), value);
    return element("div", {}, element("dt", { "data-term": term, tabindex: 0 }, name), values.map(cell));
  }

  /** Return the family where that says which of the two it is, else the model's name. */
  function shortName(entry, [first, second]) {
    return first.family === second.family ? entry.name : familyName(entry.family);
  }

  function withoutPair({ name, entries, pairs }) {
    const tested = entries.filter((entry) => entry.accuracy);
    if (tested.length === 0) return `Nothing was evaluated on ${name} yet: no comparison.`;
    if (tested.length > 1) {
      return pairs.length
        ? "Choose two different models to compare."
        : "The test images could not be read: there is no comparison.";
    }
    const [{ name: model, accuracy, seeds }] = tested;
    return (
      `${model} reaches ${percent(accuracy[0])} on ${name} (95\u00a0% confidence interval ` +
      `${percent(accuracy[1])} to ${percent(accuracy[2])}; n = ${seeds}); ` +
      "there is no second model to compare it with."
    );
  }

  return { showVerdict };
})();
