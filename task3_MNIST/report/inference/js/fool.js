// The section "Fool them": searches for adversarial examples of the models shown, step by step.
const Fool = (function () {
  "use strict";

  const { element } = Page;
  const { finishInSlices } = Slices;
  const { forward, argmax } = Forward;
  const { SIDE } = Preprocessing;
  const { smallCanvas, paintGray, paintSigned } = Painting;
  const { networkOf } = Models;
  const { fewestPixels, smallestChange, measureChange, MOST_PIXELS } = Attacks;
  const { namesOf, verdictOf, changeText, transferText, threeDigits } = FoolTexts;

  const WAYS = { pixels: fewestPixels, distance: smallestChange };
  const PACE = 200; // milliseconds a step is shown

  /**
   * Make the section work and return `follow(pixels)`, which resets it: to be called with the model
   * input, bytes or null, whenever that or a model changes.
   *
   * `normalize` takes fractions; `shownModels()` returns the models to fool.
   */
  function makeFool(section, classes, normalize, shownModels) {
    const start = section.querySelector("#fool-start");
    const stop = section.querySelector("#fool-stop");
    const play = section.querySelector("#fool-play");
    const slider = section.querySelector("#fool-step input");
    const verdict = section.querySelector("#fool-verdict");
    const columns = section.querySelector("#fool-columns");
    const ways = [...section.querySelectorAll("[name=fool-way]")];
    let pixels = null;
    let searches = [];
    let ticking = null; // the timer of the animation

    const way = () => ways.find(({ ariaPressed }) => ariaPressed === "true").value;
    const lastStep = () => Math.max(0, ...searches.map(({ steps }) => steps.length - 1));
    const ended = () => searches.every(({ end }) => end !== null);

    function follow(input) {
      pixels = input;
      reset();
    }

    function reset() {
      halt();
      pause();
      searches = [];
      columns.replaceChildren();
      show("idle", pixels ? "" : "Draw first.");
    }

    /** Show what the section is doing: idle, running, stopped or done. */
    function show(state, text) {
      section.dataset.state = state;
      verdict.textContent = text;
      // a disabled button would lose the focus
      if (state !== "running" && document.activeElement === stop) start.focus();
      stop.disabled = state !== "running";
      play.hidden = slider.parentElement.hidden = searches.length === 0;
    }

    // Searching

    function begin() {
      reset();
      const models = shownModels();
      if (!pixels || !models.length) return;
      const original = Float32Array.from(pixels, (level) => level / 255);
      const names = namesOf(models);
      searches = models.map((model, i) => makeSearch(model, names[i], original));
      columns.replaceChildren(...searches.map(({ view }) => view.node));
      slider.value = 0;
      show("running", "Searching …");
      searches.forEach(run);
      // a reader who wants no motion sees the end, once it is there
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) animate();
    }

    function makeSearch(model, called, original) {
      const exact = way() === "pixels" || model.exactGradients;
      return {
        model,
        called,
        original,
        steps: [],
        passes: 0, // since the last step
        end: exact ? null : "inexact",
        stop: () => {},
        view: makeView(model, original),
      };
    }

    function run(search) {
      if (search.end) return finish(search);
      let shown = 0;
      const generator = WAYS[way()](networkOf(search.model), search.original, normalize);
      search.stop = finishInSlices(
        generator,
        (step) => {
          search.passes++;
          if (!step) return;
          search.steps.push(step);
          search.passes = 0;
        },
        ({ done, value }) => {
          slider.max = lastStep();
          // the animation may be there already, and wait
          if (search.steps.length > shown) showSteps();
          shown = search.steps.length;
          search.view.showProgress(search);
          if (!done) return;
          search.end = value;
          finish(search);
        },
      );
    }

    function finish(search) {
      search.result = resultOf(search);
      search.view.showResult(search.result, transfers(search));
      if (!ended()) return;
      show("done", verdictOf(searches.map(({ result }) => result), way()));
      if (ticking === null && Number(slider.value) === 0) moveTo(lastStep());
    }

    function resultOf({ called, original, steps, end }) {
      if (!steps.length) return { called, end };
      const { changes, ...change } = measureChange(original, steps.at(-1).image);
      const [from, to] = [steps[0], steps.at(-1)].map(({ answer }) => classes[answer]);
      return { called, end, from, to, ...change };
    }

    /** Return what the other models answer to a search's image, if that fools its own. */
    function transfers({ model, original, steps, end }) {
      if (end !== "changed") return [];
      const others = searches.filter((other) => other.model !== model);
      return others.map((other) => {
        const [before, after] = [original, steps.at(-1).image].map(
          (image) => classes[argmax(forward(networkOf(other.model), normalize(image)))],
        );
        return transferText(other.called, before, after);
      });
    }

    /** Stop all searches; what they have found stays. */
    function halt() {
      searches.forEach((search) => search.stop());
    }

    // The animation

    function animate() {
      if (Number(slider.value) >= lastStep()) moveTo(0);
      clearInterval(ticking);
      ticking = setInterval(() => {
        const step = Number(slider.value);
        if (step < lastStep()) moveTo(step + 1);
        else if (section.dataset.state !== "running") pause();
      }, PACE);
      play.textContent = "Pause";
    }

    function pause() {
      clearInterval(ticking);
      ticking = null;
      play.textContent = "Play";
    }

    function moveTo(step) {
      slider.max = lastStep();
      slider.value = step;
      showSteps();
    }

    /** Show the chosen step of each search; one that has fewer shows its last. */
    function showSteps() {
      const step = Number(slider.value);
      slider.setAttribute("aria-valuetext", `${step} of ${slider.max}`);
      for (const { view, steps } of searches) {
        if (steps.length) view.showStep(steps, Math.min(step, steps.length - 1), classes);
      }
    }

    section.querySelector("#fool-limit").textContent = MOST_PIXELS;
    start.addEventListener("click", begin);
    stop.addEventListener("click", () => {
      halt();
      show("stopped", "Stopped.");
    });
    play.addEventListener("click", () => (ticking === null ? animate() : pause()));
    slider.addEventListener("input", () => {
      pause();
      showSteps();
    });
    ways.forEach((choice) =>
      choice.addEventListener("click", () => {
        for (const each of ways) each.setAttribute("aria-pressed", String(each === choice));
        for (const text of section.querySelectorAll("[data-way]")) {
          text.hidden = text.dataset.way !== way();
        }
        reset();
      }),
    );
    return { follow };
  }

  /** Return the pictures and texts of one search: an element and what shows its parts. */
  function makeView(model, original) {
    const [before, changed, difference] = ["Original", "Changed", "Difference"].map(makePicture);
    const stepLine = element("p", { class: "fool-text" });
    const resultLine = element("p", { class: "fool-text" });
    const transferLine = element("p", { class: "fool-text" });
    const node = element(
      "div",
      { "data-fooled": model.name },
      element("h3", {}, model.name),
      element(
        "div",
        { class: "fool-pictures" },
        [before, changed, difference].map(({ figure }) => figure),
      ),
      stepLine,
      resultLine,
      transferLine,
    );
    paintGray(before.canvas, original, 1);

    function showStep(steps, place, classes) {
      const { image, answer, margin } = steps[place];
      before.caption.textContent = `Original: ${classes[steps[0].answer]}`;
      changed.caption.textContent = `Changed: ${classes[answer]}`;
      paintGray(changed.canvas, image, 1);
      const { changes, norm, count, most } = measureChange(original, image);
      paintSigned(difference.canvas, changes, most || 1);
      difference.caption.textContent = count
        ? `Difference, at most ${threeDigits(most)}`
        : "Difference: none";
      stepLine.textContent =
        `Step ${place} of ${steps.length - 1}: margin ${threeDigits(margin)}, ` +
        `${count} changed, L2 norm ${threeDigits(norm)}`;
    }

    function showProgress({ steps, passes }) {
      resultLine.textContent =
        `Searching: ${steps.length - 1} steps done, ${passes} tries for the next …`;
    }

    function showResult(result, transfers) {
      if (result.end === "inexact") {
        const off = threeDigits(model.gradientDifference);
        resultLine.textContent = `Its gradients differ from PyTorch's by ${off}: it is left out`;
        return;
      }
      Object.assign(node.dataset, result);
      resultLine.textContent = changeText(result);
      transferLine.textContent = transfers.join("; ");
    }

    return { node, showStep, showProgress, showResult };
  }

  function makePicture(name) {
    const canvas = smallCanvas(SIDE, SIDE);
    const caption = element("figcaption", {}, name);
    return { canvas, caption, figure: element("figure", {}, canvas, caption) };
  }

  return { makeFool };
})();
