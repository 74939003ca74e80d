// The models' answers to the current image, side by side.
const Answers = (function () {
  "use strict";

  const { element } = Page;
  const { argmax } = Forward;
  const { accuracyText, probabilityText } = Models;
  const { makeBar } = Bars;

  /**
   * Return a card that shows one model's answer, and its methods.
   *
   * `choices` are the models to choose from, `classes` the names of the classes;
   * `onChoose(model)` is called with the reader's choice.
   */
  function makeAnswer(title, choices, classes, onChoose) {
    const bars = classes.map(makeBar);
    const select = element("select", {
      "aria-label": title,
      onchange: () => onChoose(choices[select.selectedIndex]),
    });
    const options = choices.map(() => element("option"));
    select.append(...options);
    const heading = element("h3", {});
    const digit = element("span", { class: "digit" });
    const confidence = element("span", { class: "confidence" });
    const latency = element("span", { class: "latency muted" });
    const facts = element("p", { class: "facts muted" });
    const card = element(
      "section",
      { class: "card answer", "data-prediction": "" },
      element("header", {}, choices.length > 2 ? select : heading, latency),
      element("p", { class: "verdict" }, digit, confidence),
      element(
        "ol",
        { class: "bars", "aria-label": "Probability of each class" },
        bars.map(({ node }) => node),
      ),
      facts,
    );

    /** Follow what is known of the models: one that turns out not to run is no longer offered. */
    function follow() {
      choices.forEach((model, i) => {
        options[i].textContent = model.reason ? `${model.name} (cannot run here)` : model.name;
        options[i].disabled = Boolean(model.reason);
      });
    }

    function setModel(model) {
      follow();
      card.dataset.model = model.name;
      select.selectedIndex = choices.indexOf(model);
      heading.textContent = model.name;
      latency.textContent = "";
      facts.textContent = describeModel(model);
    }

    /** Show probabilities, or nothing; `label` is the image's true digit where that is known. */
    function show(probabilities, label = null) {
      const best = probabilities ? argmax(probabilities) : null;
      card.dataset.prediction = probabilities ? String(best) : "";
      digit.textContent = probabilities ? classes[best] : "–";
      confidence.textContent = probabilities
        ? probabilityText(probabilities[best]) + judgement(best, label, classes)
        : "nothing drawn yet";
      card.classList.toggle("correct", probabilities !== null && label === best);
      card.classList.toggle(
        "incorrect",
        probabilities !== null && label !== null && label !== best,
      );
      bars.forEach((bar, i) => {
        bar.node.classList.toggle("best", i === best);
        bar.show(probabilities ? probabilities[i] : null);
      });
    }

    function showLatency(milliseconds) {
      card.dataset.milliseconds = milliseconds;
      const text = milliseconds < 10 ? milliseconds.toPrecision(2) : Math.round(milliseconds);
      latency.textContent = `${text} ms in this browser`;
      latency.title = "One forward pass, measured just now";
    }

    return { card, follow, setModel, show, showLatency };
  }

  function judgement(answer, label, classes) {
    if (label === null) return "";
    return answer === label ? " · ✓ correct" : ` · ✗ labeled ${classes[label]}`;
  }

  function describeModel(model) {
    const chosen =
      model.seeds > 1 ? `, the median of ${model.seeds} seeds by validation accuracy` : "";
    return (
      `${model.parameters.toLocaleString("en")} parameters. Test accuracy ` +
      `${accuracyText(model.correct, model.count)}. Trained with the ${model.recipe} recipe, ` +
      `seed ${model.seed}${chosen}.`
    );
  }

  return { makeAnswer };
})();
