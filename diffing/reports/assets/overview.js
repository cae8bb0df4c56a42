// The first view: verdict, ledger, identity, and the list of groups with its filters.

const PAGE_OF_ROWS = 200;

function ledgerBar(page) {
  const ledger = page.ledger;
  const bar = el("div", { class: "bar", "aria-hidden": "true" });
  const legend = el("ul", { class: "legend" });
  for (const [name, words] of page.columns) {
    const count = ledger[name];
    if (count) {
      const piece = el("span", { class: name });
      piece.style.flexGrow = String(count);
      bar.append(piece);
    }
    legend.append(el("li", { class: count ? "" : "none" }, el("span", { class: `key ${name}`, "aria-hidden": "true" }), el("strong", {}, number(count)), ` ${words}`));
  }
  if (!ledger.recorded) bar.append(el("span", { class: "nothing" }));
  return [bar, legend];
}

function hero(page) {
  return el("section", { class: `card hero ${page.verdict}`, "aria-labelledby": "verdict" },
    el("div", { class: "judged" },
      el("h1", { id: "verdict", tabindex: "-1" }, icon(page.verdict), page.word),
      el("p", { class: "sentence" }, page.sentence),
      el("p", { class: "facts" }, `${plural(page.ledger.recorded, "exchange")} recorded · ${number(page.ledger.replayed)} replayed · exit code ${page.exit}`),
      ledgerBar(page)),
    page.sides.length > 0 && el("dl", { class: "identity" }, page.sides.map(sideFactsOf)));
}

function sideFactsOf(side) {
  return el("div", {}, el("dt", {}, side.label),
    el("dd", {}, side.file && el("strong", {}, side.file), side.build && el("span", {}, side.build), side.when && el("span", { class: "facts" }, side.when)));
}

function reasons(page) {
  if (!page.reasons.length) return null;
  return el("section", { class: "card callout", "aria-labelledby": "reasons" },
    el("h2", { id: "reasons" }, icon("inconclusive"), "Not everything could be judged"),
    el("ul", {}, page.reasons.map((reason) => el("li", {}, reason))));
}

// -- filters: every word must match; kind:, level:, class:, endpoint:, location:, id:, !not ------------------------------------------

const OPEN = (group) => group.decision !== "accepted" && group.decision !== "ignored" && group.origin !== "stale capture" && group.origin !== "flaky";

function matcher(params) {
  const words = (params.get("q") || "").toLowerCase().match(/!?(?:[a-z]+:)?(?:"[^"]*"|\S+)/g) || [];
  const levels = (params.get("level") || "").split(",").filter(Boolean);
  const kinds = (params.get("kind") || "").split(",").filter(Boolean);
  const decided = params.get("decided");
  const tests = words.map((word) => {
    const not = word.startsWith("!");
    const [, field, raw] = /^!?(?:(kind|level|class|endpoint|location|id):)?(.*)$/.exec(word);
    const wanted = raw.replaceAll('"', "");
    return (group) => {
      const text = field ? String(group[field]) : [group.id, group.class, group.title, group.kind, group.level, group.endpoint, group.location, group.from, group.to].join(" ");
      return text.toLowerCase().includes(wanted) !== not;
    };
  });
  return (group) =>
    (!levels.length || levels.includes(group.level)) &&
    (!kinds.length || kinds.includes(group.kind)) &&
    (decided === null || (decided === "yes") !== OPEN(group)) &&
    tests.every((test) => test(group));
}

const SORTS = {
  worst: ["Worst first", null],
  many: ["Most exchanges", (a, b) => b.exchanges - a.exchanges],
  endpoint: ["By endpoint", (a, b) => a.endpoint.localeCompare(b.endpoint)],
};

// Only names of ours: a link may say "toString".
const sorting = (params) => (Object.hasOwn(SORTS, params.get("sort")) ? params.get("sort") : "worst");

function chosenGroups(page, params) {
  const groups = page.groups.filter(matcher(params));
  const [, order] = SORTS[sorting(params)];
  return order ? [...groups].sort(order) : groups;
}

function toggles(page, name, values, redraw) {
  return values.map((one) => {
    const count = page.groups.filter((group) => group[name] === one).length;
    if (!count) return null;
    const button = el("button", { type: "button", class: name === "level" ? `toggle ${one}` : "toggle" }, name === "level" && icon(one), one, el("span", { class: "count" }, number(count)));
    const show = () => button.setAttribute("aria-pressed", String((state().get(name) || "").split(",").includes(one)));
    button.addEventListener("click", () => {
      const now = new Set((state().get(name) || "").split(",").filter(Boolean));
      if (!now.delete(one)) now.add(one);
      replaceState({ [name]: [...now].join(",") });
      show();
      redraw();
    });
    show();
    return button;
  });
}

function groupRow(group) {
  return el("li", { class: `group ${group.level} ${OPEN(group) ? "" : "decided"}` },
    acting.pick(group),
    el("a", { href: hashWith({ group: group.id, view: null, example: null }), "data-group": group.id },
      el("span", { class: "what" },
        el("span", { class: "where" }, el("span", { class: "endpoint" }, group.endpoint), el("code", {}, group.location)),
        el("span", { class: "change" }, value(group.from, "left"), el("span", { class: "to", "aria-hidden": "true" }, "→"), hidden(" became "), value(group.to, "right"))),
      el("span", { class: "tags" },
        levelChip(group.level),
        chip("title", group.title),
        chip("kind", group.kind),
        group.decision && chip("decision", group.decision), group.origin && chip("origin", group.origin)),
      el("span", { class: "size" }, el("strong", {}, number(group.exchanges || group.count)), group.exchanges === 1 ? " exchange" : " exchanges")));
}

function groupList(page) {
  if (!page.groups.length) {
    return el("section", { class: "card" }, el("h2", {}, "Drift"), el("p", { class: "empty" },
      page.verdict === "clean" ? "Nothing drifted: every recorded exchange was answered as recorded, or as a named rule allows." : "No drift was found in what could be judged."));
  }
  const list = el("ol", { class: "groups" });
  const status = el("p", { class: "facts", role: "status" });
  const more = el("button", { type: "button", class: "wide" }, "Show more");
  let limit = PAGE_OF_ROWS;
  const redraw = () => {
    const found = chosenGroups(page, state());
    list.replaceChildren(...found.slice(0, limit).map(groupRow));
    status.textContent = found.length === page.groups.length ? plural(found.length, "group") : `${number(found.length)} of ${plural(page.groups.length, "group")} match`;
    more.hidden = found.length <= limit;
    acting.listed(found, redraw);
    clear.hidden = !["q", "level", "kind", "decided"].some((name) => state().get(name));
  };
  more.addEventListener("click", () => { limit += PAGE_OF_ROWS; redraw(); });
  const search = el("input", { type: "search", id: "search", placeholder: "Search, or kind: level: class: endpoint: !not", "aria-label": "Search drift groups", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/" });
  search.value = state().get("q") || "";
  search.addEventListener("input", () => { limit = PAGE_OF_ROWS; replaceState({ q: search.value }); redraw(); });
  const sort = el("select", { "aria-label": "Sort groups" }, Object.entries(SORTS).map(([name, [label]]) => el("option", { value: name }, label)));
  sort.value = sorting(state());
  sort.addEventListener("change", () => { replaceState({ sort: sort.value === "worst" ? null : sort.value }); redraw(); });
  const clear = el("button", { type: "button", class: "plain" }, "Clear filters");
  clear.addEventListener("click", () => { replaceState({ q: null, level: null, kind: null, decided: null }); render(); $("search").focus(); });
  const decided = page.groups.filter((group) => !OPEN(group)).length;
  const decidedBox = el("label", { class: "check" }, (() => {
    const box = el("input", { type: "checkbox" });
    box.checked = state().get("decided") === "no";
    box.addEventListener("change", () => { replaceState({ decided: box.checked ? "no" : null }); redraw(); });
    return box;
  })(), `Hide ${number(decided)} that ${decided === 1 ? "does" : "do"} not count (accepted, ignored, stale, flaky)`);
  const kinds = [...new Set(page.groups.map((group) => group.kind))];
  const bar = acting.bar();
  redraw();
  return el("section", { class: "card flush", "aria-labelledby": "drift" },
    el("div", { class: "filters" },
      el("h2", { id: "drift", class: "hidden" }, "Drift groups"),
      el("div", { class: "find" }, icon("search"), search),
      el("div", { class: "toggles", role: "group", "aria-label": "Filter by level and kind" },
        toggles(page, "level", ["error", "warning", "info"], redraw), el("span", { class: "gap" }),
        kinds.length > 1 && toggles(page, "kind", kinds, redraw)),
      el("div", { class: "row" }, status, decided > 0 && decidedBox, clear, sort)),
    bar, list, more);
}
