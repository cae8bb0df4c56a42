// The other views: endpoints, dependencies, the run itself.

function countTable(caption, heads, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "counts" }, el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head, position) => el("th", { scope: "col", class: position ? "n" : "" }, head)))),
      el("tbody", {}, rows)));
}

function endpointsView(page) {
  const rows = page.endpoints.map(([endpoint, recorded, replayed, ...counts]) => {
    const groups = counts.pop();
    const bar = el("div", { class: "bar small", "aria-hidden": "true" });
    page.columns.forEach(([name], position) => {
      if (!counts[position]) return;
      const piece = el("span", { class: name });
      piece.style.flexGrow = String(counts[position]);
      bar.append(piece);
    });
    const link = groups ? el("a", { href: `#${new URLSearchParams({ q: `endpoint:"${endpoint}"` })}` }, endpoint) : endpoint;
    return el("tr", {}, el("th", { scope: "row" }, el("code", {}, link), bar),
      [recorded, replayed, ...counts, groups].map((count) => el("td", { class: `n ${count ? "" : "zero"}` }, number(count))));
  });
  return el("section", { class: "card", "aria-labelledby": "endpoints" },
    el("h2", { id: "endpoints" }, "Coverage by endpoint"),
    rows.length
      ? countTable("Coverage by endpoint", ["Endpoint", "Recorded", "Replayed", ...page.columns.map(([, words]) => words[0].toUpperCase() + words.slice(1)), "Groups"], rows)
      : el("p", { class: "empty" }, "No exchange was judged."),
    page.unlisted > 0 && rows.length > 0 && el("p", { class: "facts" }, `${plural(page.unlisted, "exchange")} that answered as recorded ${page.unlisted === 1 ? "is" : "are"} not broken down here.`));
}

function dependenciesView(page) {
  const { served, missed, unused } = page.stubs;
  return el("section", { class: "card", "aria-labelledby": "dependencies" },
    el("h2", { id: "dependencies" }, "Dependencies, stubbed from the recording"),
    el("ul", { class: "tiles" },
      el("li", {}, el("strong", {}, number(served)), " calls answered by a stub"),
      el("li", { class: missed ? "bad" : "" }, el("strong", {}, number(missed)), " calls no stub answers"),
      el("li", {}, el("strong", {}, number(unused)), " recorded answers never asked for")),
    page.misses.map((miss) => el("article", { class: "miss" },
      el("h3", {}, icon("warning"), el("span", {}, miss.to), " ", el("code", {}, miss.line)),
      el("p", { class: "facts" }, `call #${miss.id} of the run${miss.cause ? `, made while answering #${miss.cause}` : ""}`),
      el("dl", { class: "facts-list" }, miss.why.map(([label, text]) => [label && el("dt", {}, label), el("dd", {}, text)])))),
    page.missed > page.misses.length && el("p", { class: "facts" }, `${plural(page.missed - page.misses.length, "miss")} more in the run.`));
}

function runView(page) {
  return el("section", { class: "card", "aria-labelledby": "run" },
    el("h2", { id: "run" }, "About this run"),
    el("dl", { class: "facts-list" },
      page.sides.map((side) => [el("dt", {}, side.label), el("dd", {}, [side.file, side.build, side.when].filter(Boolean).join(" · "))]),
      page.about.map(([label, text]) => [el("dt", {}, label), el("dd", {}, text)])),
    page.notes.length > 0 && [el("h3", {}, "Notes"), el("ul", {}, page.notes.map((note) => el("li", {}, note)))],
    page.unanswered.length > 0 && [el("h3", {}, "Failed and not replayed"),
      countTable("Failed and not replayed", ["Why", "What", "Exchanges"], page.unanswered.map(([words, reason, count, ids]) =>
        el("tr", {}, el("th", { scope: "row" }, reason, el("div", { class: "facts ids" }, ids.slice(0, 30).map((id) => `#${id}`).join(" "), ids.length > 30 || count > ids.length ? " …" : "")), el("td", { class: "n" }, words), el("td", { class: "n" }, number(count)))))]);
}
