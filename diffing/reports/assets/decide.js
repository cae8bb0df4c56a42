// What a page that came as a file can do about a group: say what to write or type. `retape review` serves review.js
// in its place. The rest of the page knows neither, only `acting`:
const acting = {
  keys: [], // further rows of the keyboard help
  foot: "This page is one file and asks nothing of the network.",
  begin: async () => {}, // once the index is decoded, before anything is drawn
  key: () => null, // what a key does that means nothing else
  top: () => null, // in the head of the page
  bar: () => null, // between filters and list
  listed: () => {}, // the groups that the filters show, each time they are drawn
  pick: () => null, // before the row of a group
  panel: decidePanel, // beside why it is flagged
};

function decidePanel(group, data) {
  const typed = (verb) => page.decide[verb].replace("@GROUP@", group.id);
  const example = data.examples.find((one) => one.key.startsWith("x-"));
  return el("section", { class: "card", "aria-labelledby": "decide" },
    el("h2", { id: "decide" }, "Decide"),
    data.decided && el("p", { class: "decided-by" }, data.decided),
    page.decide.accept && [el("h3", {}, "It is meant: the new truth from now on"), command(typed("accept"), "accept command"), el("p", {}, "Writes an approval into retape.rules.toml; --until limits it, --reason says why.")],
    data.rule && [el("h3", {}, "It varies by nature: a rule that still asserts something"),
      page.decide.ignore && [command(typed("ignore"), "ignore command"), el("p", {}, "Says first what else the rule would hide.")],
      el("details", { open: !page.decide.ignore }, el("summary", {}, "The rule, for retape.rules.toml"), command(data.rule, "rule"))],
    page.decide.reject && el("details", {}, el("summary", {}, "It is wrong, or shall be kept as a test"),
      el("h3", {}, "It keeps failing, and says why"), command(typed("reject"), "reject command"),
      example && [el("h3", {}, "What was recorded, as a test"), command(`${page.decide.pin}${example.exchange}`, "pin command")]),
    page.decide.review && [el("h3", {}, "All of it in the browser"), command(page.decide.review, "review command")]);
}
