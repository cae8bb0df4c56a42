// One group: what changed, why it counts, how to see it again, what to do; then the evidence itself.

async function groupView(page, id) {
  const group = page.groups.find((one) => one.id === id);
  if (!group) return el("section", { class: "card" }, el("h1", { tabindex: "-1" }, "No such group"), el("p", {}, "This report has no group with the fingerprint of the link."), el("p", {}, el("a", { href: "#" }, "All groups")));
  const data = ((await decoded(`g-${group.pack}`)) || {})[id] || { examples: [], ids: [] };
  const order = chosenGroups(page, state());
  const around = order.some((one) => one.id === id) ? order : page.groups;
  const at = around.findIndex((one) => one.id === id);
  const goTo = (offset, label) => {
    const other = around[at + offset];
    return other ? el("a", { class: "step", "data-step": offset, href: hashWith({ group: other.id, example: null }) }, label) : el("span", { class: "step off" }, label);
  };
  const wanted = Math.min(Math.max(Number(state().get("example") || 1) - 1, 0), Math.max(data.examples.length - 1, 0));
  const values = el("div", { class: "values" });
  const evidence = el("div", { class: "evidence" });
  const example = data.examples[wanted] || { from: group.from, to: group.to, path: "", calls: [null, null] };
  values.append(
    el("div", { class: `side ${example.from === null ? "nothing" : "left"}` }, el("h2", {}, "Recorded"), longValue(example.from, "left", "Recorded value")),
    el("div", { class: `side ${example.to === null ? "nothing" : "right"}` }, el("h2", {}, "Replayed"), longValue(example.to, "right", "Replayed value")));
  const view = el("div", { class: "group-page" },
    el("nav", { class: "steps", "aria-label": "Groups" },
      el("a", { class: "step", "data-step": "up", href: hashWith({ group: null, example: null }) }, "‹ All groups"),
      el("span", { class: "facts" }, `${number(at + 1)} of ${number(around.length)}`),
      goTo(-1, "Previous"), goTo(1, "Next")),
    el("section", { class: `card lead ${group.level}` },
      el("div", { class: "tags" }, levelChip(group.level), chip("title", group.title), chip("kind", group.kind), group.decision && chip("decision", group.decision), group.origin && chip("origin", group.origin)),
      el("h1", { tabindex: "-1" }, el("span", { class: "endpoint" }, group.endpoint), el("code", {}, group.location)),
      data.meaning && el("p", { class: "sentence" }, data.meaning),
      values),
    el("div", { class: "columns" }, why(group, data), reproduce(data), acting.panel(group, data)),
    data.examples.length > 0 && el("section", { class: "card", "aria-labelledby": "evidence" },
      el("div", { class: "evidence-head" },
        el("h2", { id: "evidence" }, "Evidence"),
        el("div", { class: "examples", role: "group", "aria-label": "Examples" }, data.examples.map((one, position) =>
          el("a", { href: hashWith({ example: position ? String(position + 1) : null }), "aria-current": position === wanted ? "true" : null, "data-example": String(position + 1) },
          `#${one.exchange}`, nth(data.examples, position))))),
      evidence));
  if (data.examples.length) {
    const detail = example.in && (await decoded(example.in))[example.key];
    evidence.append(
      el("p", { class: "request-line" }, el("code", {}, detail ? detail.line : `Exchange ${example.exchange}`), example.path.startsWith("$") && el("span", { class: "facts" }, ` at ${example.path}`)),
      ...(detail ? exchangeView(detail, example, group) : [el("p", { class: "empty" }, "This exchange is not in the page, which would grow too large; the command above replays it.")]));
  }
  return view;
}

// Scrolls where it is long, so the keyboard must get there.
function longValue(text, side, name) {
  const shown = value(text, side);
  if (text !== null && text.length > 60) for (const [key, said] of [["tabindex", "0"], ["role", "region"], ["aria-label", name]]) shown.setAttribute(key, said);
  return shown;
}

// Several examples may lie in one exchange: #1, #1 (2).
function nth(examples, position) {
  const before = examples.slice(0, position).filter((one) => one.key === examples[position].key).length;
  return before ? ` (${before + 1})` : "";
}

function why(group, data) {
  return el("section", { class: "card", "aria-labelledby": "why" },
    el("h2", { id: "why" }, "Why it is flagged"),
    el("dl", { class: "facts-list" },
      data.statement && [el("dt", {}, "What"), el("dd", {}, data.statement, ".")],
      data.evidence && [el("dt", {}, "Evidence"), el("dd", {}, data.evidence)],
      data.whose && [el("dt", {}, "Whose drift"), el("dd", {}, data.whose)],
      data.because && [el("dt", {}, "Follows from"), el("dd", {}, el("a", { href: hashWith({ group: data.because, example: null }) }, data.because))],
      el("dt", {}, "Seen in"), el("dd", {}, `${plural(group.exchanges, "exchange")}, ${plural(group.count, "place")}`,
        data.ids.length > 0 && el("details", {}, el("summary", {}, "Which exchanges"), el("p", { class: "ids" }, data.ids.join(", "), group.exchanges > data.ids.length ? ", …" : ""))),
      page.tabs.contract && group.location.startsWith("response") && [el("dt", {}, "Contract"), el("dd", {}, el("a", { href: `#${new URLSearchParams({ view: "contract", endpoint: group.endpoint })}` }, "what the recording shows of this endpoint"))],
      el("dt", {}, "Class"), el("dd", {}, el("code", {}, group.class)),
      el("dt", {}, "Fingerprint"), el("dd", {}, el("code", {}, group.id), " ", copyButton(group.id, "fingerprint"))));
}

function reproduce(data) {
  return el("section", { class: "card", "aria-labelledby": "again" },
    el("h2", { id: "again" }, "See it again"),
    data.command && [el("h3", {}, "Replay just this exchange"), command(data.command, "replay command")],
    data.curl && [el("h3", {}, "By hand"), command(data.curl, "curl command")],
    !data.command && !data.curl && el("p", { class: "empty" }, "No single request leads here, so there is nothing to replay."));
}
