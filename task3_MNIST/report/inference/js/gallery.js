// The gallery of test images: what they are, what each model predicts, and filters for both.
const Gallery = (function () {
  "use strict";

  const { element } = Page;
  const { softmax, argmax } = Forward;
  const { SIDE } = Preprocessing;
  const { smallCanvas, paintGray } = Painting;
  const { makeBar } = Bars;
  const { answerMark } = Push;

  const BATCH = 48; // tiles added at once
  const SURE = 0.9;
  const UNSURE = 0.6;

  const CONFIDENCE = {
    any: () => true,
    sure: (answers) => answers.some((answer) => !answer.correct && answer.confidence >= SURE),
    unsure: (answers) => answers.some((answer) => answer.confidence < UNSURE),
  };

  /**
   * Make the gallery work and return `update()`, which follows a change of the models shown.
   *
   * `images` is a list of { pixels, label, index, doubt, place }, `classes` the names of the
   * classes; `load(image)` is called when one is chosen.
   */
  function makeGallery(section, images, classes, shownModels, load) {
    const grid = section.querySelector(".tiles");
    const summary = section.querySelector("#gallery-summary");
    const more = section.querySelector("#gallery-more");
    const [digit, who, confidence, doubtful] = ["digit", "who", "confidence", "doubtful"].map(
      (name) => section.querySelector(`#gallery-${name}`),
    );
    const tip = makeTip(section, classes);
    digit.append(...classes.map((name, value) => element("option", { value }, name)));
    let models = [];
    let found = [];

    function update() {
      models = shownModels();
      const chosen = who.value || "any-incorrect";
      const options = whoOptions(models).map(([value, text]) => element("option", { value }, text));
      who.replaceChildren(...options);
      who.value = chosen;
      if (who.selectedIndex < 0) who.selectedIndex = 0;
      filter();
    }

    function filter() {
      const whoTest = whoIsIncorrect(who.value);
      found = images.filter((image) => {
        if (digit.value !== "" && image.label !== Number(digit.value)) return false;
        if (doubtful.checked && !image.doubt) return false;
        const answers = models.map((model) => storedAnswer(model, image));
        return whoTest(answers) && CONFIDENCE[confidence.value](answers);
      });
      grid.replaceChildren();
      addTiles();
    }

    function addTiles() {
      const start = grid.children.length;
      grid.append(...found.slice(start, start + BATCH).map(makeTile));
      const shown = grid.children.length;
      more.hidden = shown >= found.length;
      const cut = shown < found.length ? `, the first ${shown} shown` : "";
      summary.textContent = `${found.length} of the ${images.length} images stored here${cut}.`;
    }

    function makeTile(image) {
      const canvas = smallCanvas(SIDE, SIDE);
      paintGray(canvas, image.pixels);
      const answers = models.map((model) => storedAnswer(model, image));
      const correct = answers.every((answer) => answer.correct);
      const said = answers.map((answer, m) => {
        const verdict = answer.correct ? "correct" : "incorrect";
        return `${models[m].name} predicts ${classes[answer.digit]}, ${verdict}`;
      });
      const doubt = image.doubt ? ", doubtful label" : "";
      const marks = answers.map((answer) => answerMark(answer.digit, image.label, classes));
      const label = `label ${classes[image.label]}${image.doubt ? " ?" : ""}`;
      const tile = element(
        "button",
        {
          type: "button",
          class: `tile ${correct ? "correct" : "incorrect"}`,
          "data-index": image.index,
          "data-label": image.label,
          "aria-label":
            `Test image ${image.index}, labeled ${classes[image.label]}${doubt}: ` +
            said.join("; "),
          onclick: () => load(image),
        },
        canvas,
        element("span", { class: "label" }, label),
        element("span", { class: "marks" }, marks),
      );
      for (const event of ["mouseenter", "focus"]) {
        tile.addEventListener(event, () => tip.show(tile, image, models));
      }
      for (const event of ["mouseleave", "blur"]) tile.addEventListener(event, tip.hide);
      return tile;
    }

    for (const control of [digit, who, confidence, doubtful])
      control.addEventListener("change", filter);
    more.addEventListener("click", () => {
      const next = grid.children.length;
      addTiles();
      grid.children[next]?.focus();
    });
    return { update };
  }

  /** Return what PyTorch's model predicts for a stored image. */
  function storedAnswer(model, { place, label }) {
    const count = model.classes;
    const probabilities = softmax(model.logits.subarray(count * place, count * place + count));
    const digit = argmax(probabilities);
    return { digit, correct: digit === label, confidence: probabilities[digit], probabilities };
  }

  function whoOptions(models) {
    if (models.length < 2) {
      return [
        ["any-incorrect", "incorrect"],
        ["all-correct", "correct"],
        ["all", "all"],
      ];
    }
    const [first, second] = models.map((model) => model.name);
    return [
      ["any-incorrect", "one or both incorrect"],
      ["first-only", `only ${first} incorrect`],
      ["second-only", `only ${second} incorrect`],
      ["all-incorrect", "both incorrect"],
      ["all-correct", "both correct"],
      ["all", "all"],
    ];
  }

  function whoIsIncorrect(choice) {
    const tests = {
      "any-incorrect": (incorrect) => incorrect.includes(true),
      "first-only": (incorrect) => incorrect[0] && !incorrect[1],
      "second-only": (incorrect) => !incorrect[0] && incorrect[1],
      "all-incorrect": (incorrect) => !incorrect.includes(false),
      "all-correct": (incorrect) => !incorrect.includes(true),
      all: () => true,
    };
    return (answers) => tests[choice](answers.map((answer) => !answer.correct));
  }

  /** Return the box with the three highest probabilities of the tile pointed at or in focus. */
  function makeTip(section, classes) {
    const node = element("div", { id: "tip", class: "tip", role: "tooltip", hidden: true });
    section.append(node);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    let described = null;

    function show(tile, image, models) {
      hide();
      described = tile;
      tile.setAttribute("aria-describedby", "tip");
      const doubt = image.doubt ? [element("p", {}, doubtText(image.doubt))] : [];
      node.replaceChildren(
        element("strong", {}, `Test image ${image.index}, labeled ${classes[image.label]}`),
        ...doubt,
        ...models.map((model) => tipLines(model, image, classes)),
      );
      node.hidden = false;
      const [box, frame] = [tile.getBoundingClientRect(), section.getBoundingClientRect()];
      const left = Math.min(box.left - frame.left, frame.width - node.offsetWidth - 8);
      node.style.left = `${Math.max(left, 0)}px`;
      node.style.top = `${box.bottom - frame.top + 6}px`;
    }

    function hide() {
      described?.removeAttribute("aria-describedby");
      described = null;
      node.hidden = true;
    }

    return { show, hide };
  }

  function tipLines(model, image, classes) {
    const { probabilities } = storedAnswer(model, image);
    const lines = probabilities
      .map((_, digit) => digit)
      .sort((a, b) => probabilities[b] - probabilities[a])
      .slice(0, 3)
      .map((digit) => {
        const { node, show } = makeBar(classes[digit]);
        node.classList.toggle("true", digit === image.label);
        show(probabilities[digit]);
        return node;
      });
    const title = element("span", { class: "muted" }, model.name);
    return element("div", {}, title, element("ol", { class: "bars" }, lines));
  }

  function doubtText(verdict) {
    const found = {
      neither: "five people found it to be neither digit",
      "no majority": "five people did not agree",
    };
    return `Doubtful label: ${found[verdict] ?? `most of five people say ${verdict}`}.`;
  }

  return { makeGallery };
})();
