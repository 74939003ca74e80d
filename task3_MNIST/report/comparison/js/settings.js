// The settings of the runs, where they ran, and how to run them again.
const Settings = (function () {
  "use strict";

  const { element, copyText } = Page;
  const { copyableTable } = Copy;

  /** Return the section's content: differing settings, shared ones, a command for each row. */
  function settingsContent({ differing, shared, commands }) {
    const hasDifferences = differing.rows.length > 1 && differing.columns.length > 1;
    return [
      element("h3", {}, "What differs"),
      hasDifferences
        ? element("div", {}, copyableTable("Settings that differ", differing.columns, differing.rows))
        : element("p", { class: "muted" }, "Only the model differs."),
      element(
        "details",
        {},
        element("summary", {}, `What all share (${shared.length} settings, versions and hardware)`),
        copyableTable("Settings that all share", ["setting", "value"], shared),
      ),
      element("h3", {}, "How to reproduce each row"),
      ...copyableTable(
        "Commands",
        ["model", "seeds", "command, in the root folder of the repository"],
        commands.map(([name, seeds, command]) => [name, seeds, commandCell(command)]),
      ),
    ];
  }

  /** Return a command with a button that copies it. */
  function commandCell(command) {
    const button = element(
      "button",
      {
        type: "button",
        class: "no-print",
        "aria-label": `Copy: ${command}`,
        onclick: () => copyText(command, button),
      },
      "Copy",
    );
    return element("span", { class: "command" }, element("code", {}, command), button);
  }

  return { settingsContent, commandCell };
})();
