// Which models the page shows: chosen by family, recipe and name, or by hand; kept in its address.
const Selection = (function () {
  "use strict";

  const FEW = 6; // of a family at first: a dozen marks do not hide each other

  /** Return the entry of each model with the best validation; the two that lead stand for theirs. */
  function bestOfEach(entries, chosen) {
    const best = new Map(chosen.map((place) => [entries[place].model, entries[place]]));
    const planned = new Set(best.keys());
    for (const entry of entries) {
      const known = best.get(entry.model);
      if (!planned.has(entry.model) && (!known || validation(entry) > validation(known))) {
        best.set(entry.model, entry);
      }
    }
    return [...best.values()];
  }

  const validation = (entry) => entry.figures.val_accuracy ?? -1;

  /** Return the best of each network model, a few of each family, the two that lead first. */
  function aFew(entries, chosen) {
    if (entries.length <= 2 * FEW) return entries;
    const first = (entry) => (chosen.includes(entry.place) ? 1 : 0);
    const ranked = bestOfEach(entries, chosen).sort(
      (a, b) => first(b) - first(a) || validation(b) - validation(a),
    );
    return ["mlp", "cnn"].flatMap((family) =>
      ranked.filter((entry) => entry.family === family).slice(0, FEW),
    );
  }

  const PRESETS = {
    few: aFew,
    best: bestOfEach,
    all: (entries) => entries,
  };

  /**
   * Return the entries of a filter.
   *
   * filter: preset (a key of PRESETS), family, recipe and text, each "" for any. chosen: the places
   * of the two that lead.
   */
  function filtered(entries, chosen, { preset, family, recipe, text }) {
    const wanted = text.trim().toLowerCase();
    const fitting = (entry) =>
      (!family || entry.family === family) &&
      (!recipe || entry.recipe === recipe) &&
      entry.name.toLowerCase().includes(wanted);
    // who asks for something is shown all of it
    const asked = preset === "few" && (family || recipe || wanted) ? "all" : preset;
    return PRESETS[asked](entries, chosen).filter(fitting);
  }

  /** Return the state that the page's address holds: data set, models, a and b, by name. */
  function fromAddress() {
    const given = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const models = given.get("models");
    return {
      data: given.get("data"),
      models: models === null ? null : models.split(","),
      a: given.get("a"),
      b: given.get("b"),
    };
  }

  /** Write a state into the page's address, without what is as at first. */
  function toAddress(state) {
    const given = Object.entries(state).filter(([, value]) => value !== null);
    const hash = given
      .map(([key, value]) => `${key}=${[value].flat().map(encodeURIComponent).join(",")}`)
      .join("&");
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  }

  return { PRESETS, filtered, fromAddress, toAddress };
})();
