// The theme: the system's, unless the button chose another; kept for the next visit.
(function () {
  "use strict";

  const THEME_KEY = "theme";

  // file:// pages of some browsers have no storage: the choice then lasts until the page is closed
  function storedTheme() {
    try {
      return localStorage.getItem(THEME_KEY);
    } catch {
      return null;
    }
  }

  function storeTheme(theme) {
    try {
      localStorage.setItem(THEME_KEY, theme);
    } catch {
      // nothing to do: see above
    }
  }

  /** Return "dark" or "light", as it is shown now. */
  function currentTheme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  }

  /** Show a theme and tell the page: charts listen for "themechange" on the document. */
  function applyTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) button.textContent = currentTheme() === "dark" ? "Light theme" : "Dark theme";
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  // in the head, before anything is painted
  if (["dark", "light"].includes(storedTheme())) {
    document.documentElement.dataset.theme = storedTheme();
  }

  document.addEventListener("DOMContentLoaded", () => {
    applyTheme();
    document.getElementById("theme").addEventListener("click", () => {
      const theme = currentTheme() === "dark" ? "light" : "dark";
      storeTheme(theme);
      applyTheme(theme);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme());
  });
})();
