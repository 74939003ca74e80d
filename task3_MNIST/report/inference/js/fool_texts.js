// What the section "Fool them" says of its searches, in sentences made from their figures.
//
// A result is { called, from, to, end, count, norm, most }: how the model is called, its answers
// before and after as class names, how the search ended, the number of changed pixels, the L2 norm
// of the change and its greatest absolute value. `way` is "pixels" or "distance".
const FoolTexts = (function () {
  "use strict";

  const { MINUS, familyName } = Format;
  const { MOST_PIXELS, MOST_STEPS } = Attacks;

  /** Return how sentences call the models: "the MLP" where families differ, or else by name. */
  function namesOf(models) {
    const families = new Set(models.map(({ family }) => family));
    return models.map((model) =>
      families.size === models.length ? `the ${familyName(model.family)}` : model.name,
    );
  }

  /** Return "The MLP changed its answer from 7 to 9 after 4 pixels, the CNN after 11." */
  function verdictOf(results, way) {
    const changed = results.filter(({ end }) => end === "changed");
    const [first, ...rest] = changed;
    const parts = [];
    if (first) {
      const { called, from, to, count, norm } = first;
      const amount = way === "pixels" ? pixelsText(count) : `L2 norm ${threeDigits(norm)}`;
      const answers = `from ${from} to ${to}`;
      parts.push(`${called} changed its answer ${answers} ${preposition(way)} ${amount}`);
    }
    for (const { called, from, to, count, norm } of rest) {
      const same = from === first.from && to === first.to;
      const answers = same ? "" : ` from ${from} to ${to}`;
      const amount = way === "pixels" ? count : threeDigits(norm);
      parts.push(`${called}${answers} ${preposition(way)} ${amount}`);
    }
    const sentences = parts.length ? [parts.join(", ")] : [];
    const kept = results.filter(({ end }) => end !== "changed");
    sentences.push(...kept.map((result) => keptText(result, way)));
    return sentences.map((text) => `${capitalized(text)}.`).join(" ");
  }

  function preposition(way) {
    return way === "pixels" ? "after" : "with a change of";
  }

  function keptText({ called, from, end, count }, way) {
    if (end === "inexact") return `${called} was left out: its gradients differ from PyTorch's`;
    const start = `${called} still answers ${from}`;
    if (way === "pixels") {
      return end === "limit"
        ? `${start} after ${MOST_PIXELS} pixels, where the search ends`
        : `${start} after ${pixelsText(count)}, and no other single flip lowers the margin`;
    }
    return end === "limit"
      ? `${start} after ${MOST_STEPS} gradient steps, where the search ends`
      : `${start}: its gradient is 0, which shows no direction`;
  }

  /** Return a line with all that is known of one result. */
  function changeText({ from, to, end, count, norm, most }) {
    const answers = end === "changed" ? `${from} → ${to}` : `${from}, not changed`;
    return (
      `${answers}. Changed: ${pixelsText(count)}; L2 norm ${threeDigits(norm)}, greatest change ` +
      `of a pixel ${threeDigits(most)}`
    );
  }

  /** Return whether another model is fooled, too, by its answers to the original and after. */
  function transferText(called, before, after) {
    const text =
      before === after
        ? `${called} still answers ${after} to this image: not fooled`
        : `${called} answers ${after} to this image instead of ${before}: fooled, too`;
    return capitalized(text);
  }

  function pixelsText(count) {
    return `${count} ${count === 1 ? "pixel" : "pixels"}`;
  }

  function threeDigits(value) {
    const text = String(Number(Math.abs(value).toPrecision(3)));
    return value < 0 ? MINUS + text : text;
  }

  // a model's name stays as it is
  function capitalized(text) {
    return text.replace(/^the /, "The ");
  }

  return { namesOf, verdictOf, changeText, transferText, threeDigits };
})();
