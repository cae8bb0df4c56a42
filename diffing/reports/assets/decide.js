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
  return el("section", { class: "card", "aria-labelledby": "decide" },
    el("h2", { id: "decide" }, "Decide"),
    data.decided && el("p", { class: "decided-by" }, data.decided),
    data.accept && [el("h3", {}, "It is meant: the new truth from now on"), command(data.accept, "accept command"), el("p", {}, "Writes an approval into retape.rules.toml; --until limits it, --reason says why.")],
    data.rule && [el("h3", {}, "It varies by nature: a rule that still asserts something"), data.ignore && command(data.ignore, "ignore command"), command(data.rule, "rule"), el("p", {}, "The command writes it into retape.rules.toml, and says first what else it would hide.")]);
}
