// Two small networks in training on the same minibatches; runs in a worker, which answers the page.
const TrainLoop = (function () {
  "use strict";

  const { makeRandom } = Random;
  const { linear, conv, relu, pool, chain } = TrainLayers;
  const { crossEntropy, makeOptimizer, parameterCount } = TrainLayers;

  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const CNN = { kernels: [8, 16], side: 5, hidden: 112 };
  const MOMENTUM = 0.9;
  const SHUFFLE_SEED = 1; // one permutation of the pixels for all runs
  const EVERY = 1000; // images between two measurements of validation accuracy
  const EPOCHS = 30; // after so many, training pauses: nobody may be looking
  const SLICE = 200; // milliseconds of training between two reports
  const SHOWN = 12; // hidden units whose weights the page shows
  const EXAMPLES = 7; // training images that the page shows

  // The networks

  /** Return a network of two convolutions, each pooled, and two linear layers. */
  function makeCnn(classes, most, random) {
    const [few, many] = CNN.kernels;
    const first = conv([SIDE, SIDE, 1], few, CNN.side, most, random, true); // (24, 24, 8)
    const pooled = pool(first.shape, most); // (12, 12, 8)
    const second = conv(pooled.shape, many, CNN.side, most, random); // (8, 8, 16)
    const last = pool(second.shape, most); // (4, 4, 16)
    return chain([
      ...[first, pooled, relu(pooled.outputs, most)],
      ...[second, last, relu(last.outputs, most)],
      ...[linear(last.outputs, CNN.hidden, most, random), relu(CNN.hidden, most)],
      linear(CNN.hidden, classes, most, random),
    ]);
  }

  /** Return a network of one hidden layer. */
  function makeMlp(classes, most, random, hidden) {
    return chain([
      ...[linear(PIXELS, hidden, most, random, { first: true }), relu(hidden, most)],
      linear(hidden, classes, most, random),
    ]);
  }

  /** Return the hidden units with which an MLP has nearly so many parameters. */
  function unitsFor(parameters, classes) {
    return Math.round((parameters - classes) / (PIXELS + 1 + classes));
  }

  /** Return both networks with what is known of their training, the MLP first. */
  function makeModels(classes, most, seed) {
    const cnn = makeCnn(classes, most, makeRandom(3 * seed));
    const units = unitsFor(parameterCount(cnn), classes);
    const mlp = makeMlp(classes, most, makeRandom(3 * seed + 1), units);
    return [
      { family: "mlp", network: mlp, sizes: [PIXELS, units, classes], side: SIDE },
      { family: "cnn", network: cnn, sizes: [...CNN.kernels, CNN.hidden, classes], side: CNN.side },
    ].map((model) => ({
      ...model,
      parameters: parameterCount(model.network),
      update: makeOptimizer(model.network.parameters, MOMENTUM),
      seconds: 0,
    }));
  }

  // Training

  /** Put 0 to the length - 1 of a list in a random order: Fisher and Yates. */
  function shuffle(list, random) {
    for (let last = list.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [list[last], list[other]] = [list[other], list[last]];
    }
    return list;
  }

  /** Return bytes with the pixels of each image in another order, `places`. */
  function permuted(bytes, places) {
    const result = new Uint8Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      const pixel = i % PIXELS;
      result[i] = bytes[i - pixel + places[pixel]];
    }
    return result;
  }

  function range(length) {
    return Int32Array.from({ length }, (_, i) => i);
  }

  /**
   * Start the training of both networks on the same minibatches.
   *
   * `data` is { train, validation, classes, mean, std }, a split { pixels, labels } with a byte for
   * each pixel; `settings` is { rate, batch, seed, shuffled }. The rate may be changed in between.
   */
  function makeTraining(data, settings) {
    const { classes, mean, std } = data;
    const { batch, seed } = settings;
    const places = settings.shuffled ? shuffle(range(PIXELS), makeRandom(SHUFFLE_SEED)) : null;
    const [train, validation] = [data.train, data.validation].map(({ pixels, labels }) => ({
      pixels: places ? permuted(pixels, places) : pixels,
      labels,
    }));
    const level = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / std);
    const models = makeModels(classes, batch, seed);
    const random = makeRandom(3 * seed + 2);
    const order = range(train.labels.length);
    const images = new Float32Array(batch * PIXELS);
    const labels = new Int32Array(batch);
    const gradient = new Float32Array(batch * classes);
    const training = { ...settings, models, seen: 0, step, evaluate, losses: [], accuracies: [] };

    /** Copy so many images of a split, from `start` in an order, into the minibatch. */
    function load(split, from, start, count) {
      for (let image = 0; image < count; image++) {
        const place = from ? from[start + image] : start + image;
        labels[image] = split.labels[place];
        for (let pixel = 0; pixel < PIXELS; pixel++) {
          images[image * PIXELS + pixel] = level[split.pixels[place * PIXELS + pixel]];
        }
      }
    }

    /** Train both networks on the next minibatch; an epoch's last one may be smaller. */
    function step() {
      const start = training.seen % order.length;
      if (start === 0) shuffle(order, random);
      const count = Math.min(batch, order.length - start);
      load(train, order, start, count);
      const losses = models.map((model) => {
        const begin = performance.now();
        const logits = model.network.forward(images, count);
        const loss = crossEntropy(logits, labels, count, classes, gradient);
        model.network.backward(gradient, count);
        model.update(training.rate);
        model.seconds += (performance.now() - begin) / 1000;
        return loss;
      });
      const before = training.seen;
      training.seen += count;
      training.losses.push([training.seen, ...losses]);
      if (Math.floor(before / EVERY) < Math.floor(training.seen / EVERY)) evaluate();
    }

    /** Measure the accuracy of both networks on the validation images, once at each moment. */
    function evaluate() {
      if (training.measured === training.seen) return;
      training.measured = training.seen;
      const correct = models.map(() => 0);
      for (let start = 0; start < validation.labels.length; start += batch) {
        const count = Math.min(batch, validation.labels.length - start);
        load(validation, null, start, count);
        models.forEach(({ network }, m) => {
          correct[m] += countCorrect(network.forward(images, count), labels, count, classes);
        });
      }
      const shares = correct.map((number) => number / validation.labels.length);
      training.accuracies.push([training.seen, ...shares]);
    }

    training.examples = train.pixels.slice(0, EXAMPLES * PIXELS);
    return training;
  }

  function countCorrect(logits, labels, count, classes) {
    let correct = 0;
    for (let image = 0; image < count; image++) {
      const start = image * classes;
      let best = 0;
      for (let i = 1; i < classes; i++) if (logits[start + i] > logits[start + best]) best = i;
      if (best === labels[image]) correct++;
    }
    return correct;
  }

  // The worker

  /** Return what is new since the last report; numbers that the page draws from. */
  function report(training, running) {
    const [losses, accuracies] = [training.losses, training.accuracies];
    training.losses = [];
    training.accuracies = [];
    const models = training.models.map(({ network, update, ...model }) => {
      const size = model.side ** 2;
      return { ...model, weights: network.parameters[0].values.slice(0, SHOWN * size) };
    });
    return { run: training.run, running, seen: training.seen, models, losses, accuracies };
  }

  /** Return a split with its pixels as bytes, which are base64; here nobody waits for it. */
  function unpacked({ pixels, labels }) {
    const text = atob(pixels);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return { pixels: bytes, labels };
  }

  /** Answer the page's messages: load, restart, start, pause, step, rate. */
  function listen() {
    let data = null;
    let training = null;
    let timer = null;
    let end = 0; // images seen at which training pauses by itself

    const send = (running, more = {}) => postMessage({ ...report(training, running), ...more });

    function slice() {
      const until = performance.now() + SLICE;
      while (training.seen < end && performance.now() < until) training.step();
      if (training.seen < end) {
        timer = setTimeout(slice);
        send(true);
      } else {
        timer = null;
        training.evaluate();
        send(false, { ended: true });
      }
    }

    function stop() {
      clearTimeout(timer);
      timer = null;
    }

    const answer = {
      load(message) {
        const { train, validation } = message.data;
        data = { ...message.data, train: unpacked(train), validation: unpacked(validation) };
      },
      restart({ run, settings }) {
        stop();
        training = Object.assign(makeTraining(data, settings), { run });
        training.evaluate();
        send(false, { examples: training.examples });
      },
      start() {
        end = training.seen + EPOCHS * data.train.labels.length;
        if (timer === null) slice();
      },
      pause() {
        stop();
        training.evaluate();
        send(false);
      },
      step() {
        stop();
        training.step();
        training.evaluate();
        send(false);
      },
      rate({ value }) {
        training.rate = value;
      },
    };
    onmessage = ({ data: message }) => answer[message.type](message);
  }

  const source = globalThis.document?.currentScript?.textContent; // for the worker
  return { makeCnn, makeMlp, makeTraining, listen, source };
})();
