// The section in which two small networks train: its controls, the worker, what is shown of both.
const TrainView = (function () {
  "use strict";

  const { element } = Page;
  const { withCommas, familyName, percent } = Format;
  const { SIDE } = Preprocessing;
  const { whenInSight } = Sight;
  const { smallCanvas, paintGray, paintSigned, greatest } = Painting;
  const { accuracyText } = Models;
  const { makeCurves, mark } = TrainCurves;

  const TOO_FAST =
    "The loss is far above that of guessing: restart with a smaller learning rate.";
  const FAR = 5; // times the loss of guessing: no training comes back from there

  /** Return a worker that runs the very scripts of this page that train. */
  function makeWorker() {
    const sources = [Random, TrainMatrix, TrainLayers, TrainLoop].map(({ source }) => source);
    const parts = [...sources, "TrainLoop.listen();"];
    const address = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
    return new Worker(address);
  }

  /** Make the section work, once it comes into view; without images it says why by itself. */
  function makeTrainView(section, data) {
    if (data.training.reason) return;
    // unpacking and two networks cost time: not before somebody comes to see it
    whenInSight(section, () => open(section, data))();
  }

  function open(section, { training, mean, std, classes }) {
    const find = (selector) => section.querySelector(selector);
    const [start, single, restart] = ["start", "step", "restart"].map((name) =>
      find(`#train-${name}`),
    );
    const curves = makeCurves();
    const validationCount = training.validation.labels.length;
    const epoch = training.train.labels.length;
    let cards = []; // of the networks
    let run = 0; // number of the run: reports of an earlier one are not shown
    let running = false;
    let [losses, accuracies] = [[], []];

    const worker = makeWorker();
    const { train, validation } = training;
    const data = { train, validation, mean, std, classes: classes.length };
    worker.postMessage({ type: "load", data });
    worker.onmessage = ({ data: report }) => report.run === run && show(report);
    worker.onerror = (event) => {
      event.preventDefault();
      complain(`Training does not run in this browser (${event.message || "no worker"}).`);
    };

    function settings() {
      const value = (name) => Number(find(`[name=${name}]`).value);
      return {
        rate: value("rate"),
        batch: value("batch"),
        seed: value("seed"),
        shuffled: find("[name=shuffled]").checked,
      };
    }

    function complain(text) {
      const problem = find("#train-problem");
      if (problem.textContent === text) return; // a screen reader would say it again
      problem.textContent = text;
      problem.hidden = !text;
    }

    function setRunning(value) {
      running = value;
      start.textContent = running ? "Pause" : "Start";
      section.dataset.running = running;
    }

    function begin() {
      run++;
      [losses, accuracies] = [[], []];
      setRunning(false);
      worker.postMessage({ type: "restart", run, settings: settings() });
    }

    // What the worker reports

    function show(report) {
      losses.push(...report.losses);
      accuracies.push(...report.accuracies);
      if (report.examples) showExamples(report.examples);
      if (!cards.length) makeCards(report.models);
      cards.forEach((card, m) => card.show(report, m));
      curves.draw(accuracies, losses);
      section.dataset.seen = report.seen;
      section.dataset.training = report.running;
      const high = FAR * Math.log(classes.length); // NaN is not below it either
      const learns = !losses.length || losses.at(-1).slice(1).every((loss) => loss < high);
      complain(learns ? "" : TOO_FAST);
      if (report.ended) setRunning(false);
      if (!report.running && report.seen) announce(report.seen);
    }

    function announce(seen) {
      const [, mlp, cnn] = accuracies.at(-1);
      find("#train-status").textContent =
        `${withCommas(seen)} images seen; validation accuracy: MLP ${percent(mlp, 1)}, ` +
        `CNN ${percent(cnn, 1)}`;
    }

    function showExamples(pixels) {
      const canvases = [];
      for (let at = 0; at < pixels.length; at += SIDE * SIDE) {
        const canvas = smallCanvas(SIDE, SIDE);
        paintGray(canvas, pixels.subarray(at, at + SIDE * SIDE));
        canvases.push(canvas);
      }
      find(".train-examples .maps").replaceChildren(...canvases);
      find(".train-examples").hidden = false;
    }

    function makeCards(models) {
      cards = models.map((model) => makeCard(model));
      find(".train-models").replaceChildren(...cards.map(({ node }) => node));
    }

    /** Return the card of a network, an element and `show(report, its place)`. */
    function makeCard({ family, sizes, side, weights, parameters }) {
      const canvases = Array.from({ length: weights.length / side ** 2 }, () =>
        smallCanvas(side, side),
      );
      const accuracy = element("p", { class: "train-accuracy" });
      const progress = element("p", { class: "muted" });
      const name = shownWeights(family, sizes, canvases.length, side);
      const node = element(
        "article",
        { class: "train-model", "data-family": family },
        element("h3", {}, mark(family), familyName(family)),
        element("p", { class: "muted" }, describe(family, sizes, side, parameters)),
        accuracy,
        progress,
        element("p", { class: "muted hint" }, `${name}; orange: positive, blue: negative`),
        element("div", { class: "maps small", role: "img", "aria-label": name }, canvases),
      );
      function show(report, m) {
        const model = report.models[m];
        const share = accuracies.at(-1)[m + 1];
        node.dataset.accuracy = share;
        const correct = Math.round(share * validationCount);
        accuracy.textContent = `Validation accuracy ${accuracyText(correct, validationCount)}`;
        progress.textContent =
          `${withCommas(report.seen)} images seen (${(report.seen / epoch).toFixed(1)} epochs), ` +
          `${model.seconds.toFixed(1)} s of training`;
        canvases.forEach((canvas, i) => {
          const own = model.weights.subarray(i * side ** 2, (i + 1) * side ** 2);
          paintSigned(canvas, own, greatest(own));
        });
      }
      return { node, show };
    }

    // The controls: what they send before the networks are there waits for its turn

    start.addEventListener("click", () => {
      worker.postMessage({ type: running ? "pause" : "start" });
      setRunning(!running);
    });
    single.addEventListener("click", () => {
      setRunning(false);
      worker.postMessage({ type: "step" });
    });
    restart.addEventListener("click", begin);
    find("[name=rate]").addEventListener("change", () => {
      worker.postMessage({ type: "rate", value: settings().rate });
    });
    for (const name of ["batch", "seed", "shuffled"]) {
      const control = find(`[name=${name}]`);
      control.addEventListener("change", () => {
        // what is no seed is none
        if (!control.value || !control.checkValidity()) control.value = control.defaultValue;
        begin();
      });
    }
    find(".train-curves").replaceChildren(curves.node);
    begin();
  }

  /** Return a network in words: its layers and how many parameters they have. */
  function describe(family, sizes, side, parameters) {
    const count = `${withCommas(parameters)} parameters`;
    if (family === "mlp") {
      const [pixels, units, classes] = sizes;
      return `${pixels} pixels, ${units} hidden units, ${classes} classes: ${count}`;
    }
    const [few, many, units, classes] = sizes;
    return (
      `Convolutions of ${few} and ${many} kernels (${side} × ${side}), each with 2 × 2 max ` +
      `pooling, ${units} hidden units, ${classes} classes: ${count}`
    );
  }

  function shownWeights(family, sizes, count, side) {
    return family === "mlp"
      ? `Weights of ${count} of ${sizes[1]} hidden units, ${side} × ${side} each`
      : `The ${count} kernels of the first convolution, ${side} × ${side} each`;
  }

  return { makeTrainView };
})();
