// What the page's terms mean: shown where one is pointed at, focused or touched.
(function () {
  "use strict";

  const { element } = Page;

  const TERMS = {
    accuracy: "Share of the test images that are classified correctly.",
    calibration:
      "How far a model's stated probabilities are from how often it is correct, on average. 0 % is " +
      "perfect.",
    flops: "Floating-point operations (additions and multiplications) to classify one image.",
    interval:
      "A range computed so that, in 95 of 100 repetitions of the experiment, it contains the true " +
      "value.",
    latency: "Time to classify one image by itself.",
    loss: "Mean cross-entropy: what training minimizes. Confident mistakes cost most.",
    parameters: "Numbers that training adjusts: the weights and biases.",
    points: "Percentage points: the difference between two percentages.",
    recipe: "Everything about training that is not the model: epochs, learning rate, augmentation.",
    seed: "The number that decides all randomness of a training: first weights and order of images.",
    training: "Time to train one model once, on the machine of its run.",
    validation: "Images of the training set that are kept out of training, to choose models by.",
  };

  const tip = element("div", { id: "glossary-tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  let described = null;

  function show(event) {
    const term = event.target.closest?.("[data-term]");
    if (!term) return;
    hide();
    described = term;
    term.setAttribute("aria-describedby", tip.id);
    tip.textContent = TERMS[term.dataset.term];
    tip.hidden = false;
    place();
  }

  function place() {
    if (!described) return;
    const box = described.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(box.left, room))}px`;
    const below = box.bottom + 6;
    const fits = below + tip.offsetHeight < innerHeight;
    tip.style.top = `${fits ? below : box.top - tip.offsetHeight - 6}px`;
  }

  function hide() {
    described?.removeAttribute("aria-describedby");
    described = null;
    tip.hidden = true;
  }

  for (const name of ["pointerover", "focusin", "click"]) document.addEventListener(name, show);
  for (const name of ["pointerout", "focusout"]) document.addEventListener(name, hide);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  addEventListener("scroll", place, { capture: true, passive: true });
})();
