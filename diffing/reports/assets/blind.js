// Blind spots: what this run could not check, and what it did.

async function blindView() {
  const data = (await decoded("v-blind")) || { blind: [], fine: [] };
  return el("section", { class: "card", "aria-labelledby": "blind" },
    el("h2", { id: "blind" }, "What this run could not check"),
    data.blind.length === 0 && el("p", { class: "empty" }, "Nothing that is looked for: see below."),
    data.blind.map(([title, said, items, more]) => el("article", { class: "spot" },
      el("h3", {}, icon("inconclusive"), " ", title),
      said && el("p", {}, said),
      items.length > 0 && el("ul", {}, items.map((item) => el("li", {}, item))),
      more > 0 && el("p", { class: "facts" }, `${number(more)} more.`))),
    data.fine.length > 0 && [el("h3", {}, "Looked at, and nothing was missing"),
      el("ul", { class: "fine" }, data.fine.map(([title, words]) => el("li", {}, icon("clean"), el("span", {}, el("strong", {}, title), ` ${words}`))))]);
}
