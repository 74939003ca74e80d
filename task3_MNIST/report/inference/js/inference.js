// Puts the inference page together: data, models, drawing, answers, views, sliders, gallery.
(async function () {
  "use strict";

  const { readData, markReady, element, simpleTable, decodeBase64 } = Page;
  const { runInSlices } = Slices;
  const { whenInSight } = Sight;
  const { forward, softmax } = Forward;
  const { SIDE } = Preprocessing;
  const { makeScore } = Outliers;
  const { preprocessStrokes, shrinkStrokes } = Strokes;
  const { pictureOfFile, takeFiles } = Files;
  const { smallCanvas, paintGray } = Painting;
  const { readModels, networkOf, normalizer, checkModel, measureLatency, accuracyText } = Models;
  const { fractionNormalizer, checkGradients } = Models;
  const { makeDrawing } = Drawing;
  const { makeAnswer } = Answers;
  const { makeInside } = Inside;
  const { makeOcclusion } = Occlusion;
  const { makePush } = Push;
  const { makeImageMap } = ImageMap;
  const { makeGallery } = Gallery;
  const { makeFool } = Fool;
  const { makeTrainView } = TrainView;

  const SETTLED = 120; // milliseconds without a change after which the slower views follow

  const pageData = await readData();
  const BLANK = new Uint8Array(SIDE * SIDE).fill(pageData.background); // while nothing is drawn
  const normalize = normalizer(pageData);
  const images = readImages(pageData);
  const models = readModels(pageData);
  const checked = pageData.checked.map((place) => normalize(images[place].pixels));

  const badge = document.getElementById("badge");
  const announcement = document.getElementById("status");
  const inputImage = document.querySelector("#model-input canvas");
  const preprocess = document.getElementById("preprocess");
  const doubt = document.getElementById("doubt");
  const outlierScore = pageData.outliers && makeScore(pageData.outliers);

  let shown = []; // the models shown, one or two
  let answers = []; // their cards
  let insides = []; // their views
  let current = { pixels: null, label: null }; // the input of the models
  let drawn = { strokes: [], picture: null }; // what it was made from
  let settling = null;

  /** Return the stored images, bytes each, with what is known of them. */
  function readImages(data) {
    const bytes = decodeBase64(data.images);
    return data.labels.map((label, place) => ({
      place,
      label,
      pixels: bytes.subarray(place * SIDE * SIDE, (place + 1) * SIDE * SIDE),
      index: data.index[place],
      doubt: data.doubtful[place] ?? null,
    }));
  }

  function say(text) {
    announcement.textContent = text;
  }

  // The input of the models

  function inputOfDrawing() {
    const { strokes, picture } = drawn;
    const preprocessed = preprocess.checked && !pageData.resized;
    if (picture) {
      return {
        pixels: preprocessed ? picture.pixels : picture.shrunk,
        label: picture.label ?? null,
      };
    }
    if (!strokes.length) return { pixels: null, label: null };
    return {
      pixels: preprocessed ? preprocessStrokes(strokes) : onPaper(shrinkStrokes(strokes)),
      label: null,
    };
  }

  /** Return a drawing, white ink, as the training images are: dark ink where they are light. */
  function onPaper(pixels) {
    return pixels.map((level) => Math.abs(level - pageData.background));
  }

  function update(state = drawn) {
    drawn = state;
    insides.forEach(({ occlusion }) => occlusion.stop());
    current = inputOfDrawing();
    fool.follow(current.pixels);
    paintGray(inputImage, current.pixels ?? BLANK);
    const input = current.pixels && normalize(current.pixels);
    shown.forEach((model, i) => {
      answers[i].show(input && softmax(forward(networkOf(model), input)), current.label);
    });
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLED);
  }

  /** Say so where the input is not like the digits that the models were trained on. */
  function showDoubt() {
    const score = outlierScore && current.pixels ? outlierScore(current.pixels) : null;
    doubt.dataset.score = score ?? "";
    doubt.hidden = !(score > 1);
    doubt.textContent = doubt.hidden
      ? ""
      : `This does not look like a digit: its outlier score is ${score.toFixed(2)}, and 99 of ` +
        "100 validation digits stay under 1. The models can answer with a digit only." +
        (preprocess.checked ? "" : " It is not scaled and centered, as digits in MNIST are.");
  }

  /** Bring up to date what needs more time than there is between two points of a stroke. */
  function settle() {
    showDoubt(); // not with each point: the start of a stroke is never a digit
    const input = normalize(current.pixels ?? BLANK);
    shown.forEach((model, i) => {
      if (current.pixels) answers[i].showLatency(measureLatency(model, input));
      insides[i].follow();
    });
    imageMap?.update(current.pixels && input);
    if (current.pixels) {
      // with the label, if it is known: this replaces what was said when the image was loaded
      const label = current.label === null ? [] : [`labeled ${classes[current.label]}`];
      const said = shown.map((model, i) => {
        return `${model.name}: ${classes[answers[i].card.dataset.prediction]}`;
      });
      const doubted = doubt.hidden ? "" : `. ${doubt.textContent}`;
      say([...label, ...said].join(", ") + doubted);
    }
  }

  // Which models are shown

  /** Show a model in a place; one that is shown in the other place changes with it. */
  function choose(place, model) {
    if (model.difference === null) check(model);
    if (model.reason) return answers[place].setModel(shown[place]);
    const other = shown.indexOf(model);
    if (other >= 0) shown[other] = shown[place];
    shown[place] = model;
    return followModels();
  }

  function followModels() {
    shown.forEach((model, i) => answers[i].setModel(model));
    insides = shown.map((model) => {
      const maps = makeInside(model);
      const occlusion = makeOcclusion(model, normalize, pageData);
      const node = element("div", {}, element("h3", {}, model.name), occlusion.node, maps.node);
      const follow = whenInSight(node, () => {
        const input = normalize(current.pixels ?? BLANK);
        forward(networkOf(model), input);
        maps.update(input);
        occlusion.update(current.pixels);
      });
      return { node, occlusion, follow };
    });
    document.getElementById("inside-columns").replaceChildren(...insides.map(({ node }) => node));
    gallery.update();
    push.follow();
    update();
  }

  /** Check the models one after the other and keep the badge and the list up to date. */
  function check(model) {
    checkModel(model, checked);
    checkGradients(model, checked);
    const done = models.filter((each) => each.difference !== null);
    const worst = Math.max(...done.map((each) => each.difference));
    const failed = done.filter((each) => each.reason);
    const worstGradient = Math.max(...done.map((each) => each.gradientDifference));
    badge.dataset.maxDifference = worst;
    badge.dataset.maxGradientDifference = worstGradient;
    badge.dataset.checked = done.length;
    badge.classList.toggle("failed", failed.length > 0);
    badge.textContent = failed.length
      ? `✗ ${failed.map((each) => `${each.name}: ${each.reason}`).join("; ")}`
      : "✓ The models of this page give the same logits as PyTorch: largest difference " +
        `${worst.toExponential(1)} over ${checked.length} test images, ${done.length} ` +
        `${done.length === 1 ? "model" : "models"}; of gradients with respect to the pixels ` +
        worstGradient.toExponential(1);
  }

  function listModels() {
    const rows = models.map((model) => [
      model.name,
      model.run,
      model.parameters,
      accuracyText(model.correct, model.count),
      model.reason ?? "yes",
    ]);
    const columns = ["model", "run", "parameters", "test accuracy", "runs in this page"];
    document.getElementById("model-list").replaceChildren(simpleTable(columns, rows));
  }

  function listProblems() {
    const { problems, otherDatasets } = pageData;
    const rows = problems.map(({ run, what, command }) => [run, what, command]);
    const columns = ["run", "problem", "how to fix it"];
    const tables = rows.length ? [simpleTable(columns, rows)] : [];
    document.getElementById("problem-list").replaceChildren(...tables);
    const notes = [];
    if (otherDatasets.length) {
      notes.push(`Runs of other data sets are left out: ${otherDatasets.join(", ")}.`);
    }
    const reasons = models.filter((model) => model.reason);
    if (!shown.length) notes.push("No model can run in this page.");
    if (reasons.length) {
      const listed = reasons.map((model) => `${model.name} (${model.reason})`);
      notes.push(`Listed but not run: ${listed.join("; ")}.`);
    }
    const paragraphs = notes.map((note) => element("p", { class: "notice" }, note));
    document.getElementById("notes").replaceChildren(...paragraphs);
  }

  // Putting it together

  function pictureOfStored({ pixels, label }) {
    const shown = smallCanvas(SIDE, SIDE);
    paintGray(shown, pixels);
    // a stored image is centered already: there is nothing to turn off
    return { pixels, shrunk: pixels, shown, label };
  }

  function loadStored(image) {
    drawing.showPicture(pictureOfStored(image));
    say(`Test image ${image.index} loaded, labeled ${pageData.classes[image.label]}`);
  }

  /** Load a test image of the class that has a digit as its name, or else as its number. */
  function loadDigit(digit) {
    const named = pageData.classes.indexOf(String(digit));
    const sample = pageData.sample
      .map((place) => images[place])
      .filter((image) => image.label === (named < 0 ? digit : named));
    if (sample.length) loadStored(sample[Math.floor(Math.random() * sample.length)]);
  }

  function drawnOn(state) {
    fileError.hidden = true;
    update(state);
  }

  async function loadFile(file) {
    try {
      drawing.showPicture(await pictureOfFile(file, pageData));
      fileError.hidden = true;
    } catch (error) {
      fileError.textContent = error.message;
      fileError.hidden = false;
    }
  }

  const fileError = document.getElementById("file-error");
  const surface = document.getElementById("canvas");
  const drawing = makeDrawing(surface, { onChange: drawnOn, say, load: loadDigit });
  const sample = pageData.sample.map((place) => images[place]);
  const { classes, background } = pageData;
  const push = makePush(
    document.getElementById("push"),
    sample,
    classes,
    normalize,
    () => shown,
    background,
  );
  const fool = makeFool(
    document.getElementById("fool"),
    classes,
    fractionNormalizer(pageData),
    () => shown,
  );
  const gallery = makeGallery(
    document.getElementById("gallery"),
    images,
    classes,
    () => shown,
    (image) => {
      loadStored(image);
      document.getElementById("draw").scrollIntoView();
    },
  );

  document.getElementById("undo").addEventListener("click", drawing.undo);
  document.getElementById("clear").addEventListener("click", drawing.clear);
  const chooser = document.getElementById("file");
  document.getElementById("open").addEventListener("click", () => chooser.click());
  preprocess.addEventListener("change", () => update());
  takeFiles(chooser, loadFile);

  // the two in front are checked before the page is ready, the others once it is
  while (shown.length < 2 && models.some((model) => !model.reason && model.difference === null)) {
    const model = models.find((each) => !each.reason && each.difference === null);
    check(model);
    if (!model.reason) shown.push(model);
  }
  answers = shown.map((_, place) => {
    const title = place ? "Second model" : "First model";
    return makeAnswer(title, models, classes, (model) => choose(place, model));
  });
  document.getElementById("answers").replaceChildren(...answers.map(({ card }) => card));
  listModels();
  listProblems();
  const mapSection = document.getElementById("map"); // too few images make no map
  const imageMap = mapSection && makeImageMap(mapSection, pageData.map, models, classes);
  followModels();
  makeTrainView(document.getElementById("train"), pageData);
  // the page opens with answers; which image was fixed before any model saw it
  if (sample.length) loadStored(sample[0]);
  markReady();

  const unchecked = models.filter((model) => !model.reason && model.difference === null);
  runInSlices(
    unchecked.length,
    (i) => {
      // it may have been chosen, and so checked, in the meantime
      if (unchecked[i].difference === null) check(unchecked[i]);
    },
    (done) => {
      if (done < unchecked.length) return;
      answers.forEach((answer) => answer.follow());
      listModels();
      listProblems();
    },
  );
})();
