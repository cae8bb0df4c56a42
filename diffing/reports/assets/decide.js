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
    data.rule && [el("h3", {}, "It varies by nature: a rule that still asserts something"), command(data.rule, "rule"), el("p", {}, "Goes into retape.rules.toml; retape rules check reads it back.")],
    el("h3", {}, "It is intended"),
    el("p", {}, "Record again with this build: from then on it is what later builds are held to."));
}
