// Robustness: a fair sample of the test images, deformed, and how many are classified correctly.
const Push = (function () {
  "use strict";

  const { element } = Page;
  const { percent } = Format;
  const { runInSlices } = Slices;
  const { whenInSight } = Sight;
  const { forward, argmax } = Forward;
  const { SIDE } = Preprocessing;
  const { deform } = Deform;
  const { smallCanvas, paintGray } = Painting;
  const { networkOf, accuracyText } = Models;

  const NO_PUSH = { right: 0, down: 0, rotation: 0, scale: 1, noise: 0 };
  const EXAMPLES = 8;

  /**
   * Make the sliders of the section work and return `follow()`, which follows a change of models.
   *
   * `sample` is a list of { pixels, label }, `classes` the names of the classes; `shownModels()`
   * returns the models to measure; what moves into an image has the level `background`.
   */
  function makePush(section, sample, classes, normalize, shownModels, background) {
    const sliders = [...section.querySelectorAll("input[type=range]")];
    const results = section.querySelector(".push-results");
    const examples = sample.slice(0, EXAMPLES).map(() => smallCanvas(SIDE, SIDE));
    const marks = examples.map(() => element("figcaption", {}));
    section
      .querySelector(".push-examples")
      .append(...examples.map((canvas, i) => element("figure", {}, canvas, marks[i])));
    let stop = () => {};

    function setting() {
      return Object.fromEntries(sliders.map((slider) => [slider.name, Number(slider.value)]));
    }

    function update() {
      stop();
      section.setAttribute("aria-busy", "true");
      const push = setting();
      sliders.forEach(showValueOf);
      const models = shownModels();
      const lines = models.map(makeLine);
      results.replaceChildren(...lines.map(({ node }) => node));
      const correct = models.map(() => 0);
      stop = runInSlices(
        sample.length,
        (i) => {
          const ink = sample[i].pixels.map((level) => Math.abs(level - background));
          const pixels = deform(ink, push, i).map((level) => Math.abs(level - background));
          const input = normalize(pixels);
          const answers = models.map((model) => argmax(forward(networkOf(model), input)));
          answers.forEach((answer, m) => (correct[m] += answer === sample[i].label));
          if (i < examples.length) showExample(i, pixels, answers);
        },
        (done) => {
          const ready = done === sample.length;
          lines.forEach((line, m) => line.show(correct[m], done, ready));
          section.setAttribute("aria-busy", String(!ready));
        },
      );
    }

    function showExample(i, pixels, answers) {
      paintGray(examples[i], pixels);
      const { label } = sample[i];
      marks[i].replaceChildren(...answers.map((answer) => answerMark(answer, label, classes)));
    }

    sliders.forEach((slider) => slider.addEventListener("input", update));
    section.querySelector("#push-reset").addEventListener("click", () => {
      sliders.forEach((slider) => (slider.value = NO_PUSH[slider.name]));
      update();
    });
    sliders.forEach(showValueOf);
    // measuring takes a second of work: not before somebody comes to see it
    return { follow: whenInSight(section, update) };
  }

  function makeLine(model) {
    const bar = element("span", { class: "bar" });
    const text = element("span", { class: "share" });
    const node = element(
      "div",
      { class: "push-line", "data-pushed": model.name, "data-accuracy": "" },
      element("span", { class: "name" }, model.name),
      element("span", { class: "track" }, bar),
      text,
    );
    function show(correct, done, ready) {
      bar.style.width = `${(100 * correct) / done}%`;
      if (ready) node.dataset.accuracy = correct / done;
      text.textContent = ready
        ? accuracyText(correct, done)
        : `${percent(correct / done, 1)} of the first ${done} images …`;
    }
    return { node, show };
  }

  /** Return "✓ 7" in green or "✗ 2" in red: a prediction and whether it is correct. */
  function answerMark(answer, label, classes) {
    const correct = answer === label;
    const text = `${correct ? "✓" : "✗"} ${classes[answer]}`;
    return element("span", { class: correct ? "mark correct" : "mark incorrect" }, text);
  }

  function showValueOf(slider) {
    const value = Number(slider.value);
    const text = `${slider.min < 0 && value > 0 ? "+" : ""}${value}${slider.dataset.unit ?? ""}`;
    slider.setAttribute("aria-valuetext", text);
    slider.parentElement.querySelector("output").textContent = text;
  }

  return { makePush, answerMark };
})();
