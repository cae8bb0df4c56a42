// The contract that the recording shows, endpoint by endpoint; beside a place, what the new build does otherwise.

const SCOPES_AT_ONCE = 60;

async function contractView(page, paper = false) {
  const data = (await decoded("v-contract")) || { scopes: [], known: false };
  const wanted = paper ? null : state().get("endpoint");
  const chosen = wanted ? data.scopes.filter(([endpoint]) => endpoint === wanted) : data.scopes;
  const list = el("div", { class: "scopes" });
  const add = (scopes) => list.append(...scopes.map((scope) => scopeEntry(scope, wanted !== null && chosen.length <= 6)));
  add(chosen.slice(0, SCOPES_AT_ONCE));
  const rest = chosen.slice(SCOPES_AT_ONCE);
  const more = rest.length > 0 && el("button", { type: "button", class: "wide" }, `Show ${number(rest.length)} more`);
  if (more) more.addEventListener("click", () => { add(rest); more.remove(); });
  if (paper) await Promise.all([...list.children].slice(0, 20).map((box, at) => chosen[at][4] && box.fill().then(() => { box.open = true; })));
  return el("section", { class: "card", "aria-labelledby": "contract" },
    el("h2", { id: "contract" }, "The contract, as the recording shows it"),
    data.scopes.length
      ? el("p", {}, "What every recorded sample of a place has in common: how often it is there, of which type, with which values. What too few samples bear out is not said. Where the new build differs, the drift stands beside it.")
      : el("p", { class: "empty" }, data.known ? "Nothing was recorded that has a shape." : "This result does not hold what the recording says of each place."),
    wanted && el("p", {}, el("strong", {}, wanted), " only. ", el("a", { href: "#view=contract" }, "Show all")),
    wanted && !chosen.length && el("p", { class: "empty" }, "Nothing is known of this endpoint's answers."),
    list, more);
}

function scopeEntry([endpoint, status, samples, rows, differing, level, pack], open) {
  const inside = el("div", {});
  const box = el("details", { class: "scope" },
    el("summary", {}, el("strong", {}, endpoint), status && el("span", { class: `status s${status[0]}` }, status),
      el("span", { class: "facts" }, `${plural(samples, "sample")}, ${plural(rows, "place")}`),
      differing > 0 && el("span", { class: `chip ${level}` }, icon(level), `${number(differing)} differ${differing === 1 ? "s" : ""}`)), inside);
  box.fill = async () => {
    if (inside.childElementCount || box.filling) return;
    box.filling = true;
    const found = ((await decoded(`c-${pack}`)) || {})[`${endpoint} ${status}`] || { rows: [], left: 0 };
    inside.append(contractTable(`${endpoint} ${status}`, found.rows));
    if (found.left) inside.append(el("p", { class: "facts" }, `${plural(found.left, "place")} more.`));
  };
  box.addEventListener("toggle", box.fill);
  if (open) box.open = true;
  return box;
}

function contractTable(caption, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "contract" }, el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, ["Place", "Present", "Type", "What holds", "The new build"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map(([location, present, of, types, facts, now]) => el("tr", { class: now.length ? "drifts" : "" },
        el("th", { scope: "row" }, el("code", {}, location.replace(/^response\.body |^outbound .* request\.body /, ""))),
        el("td", { class: `n ${present < of ? "sometimes" : ""}` }, present ? `${number(present)} of ${number(of)}` : "not recorded"),
        el("td", { class: "types" }, types.length > 1 ? types.map(([type, count]) => `${type} ${number(count)}`).join(", ") : types.map(([type]) => type).join("")),
        el("td", {}, facts.join(" · ")),
        el("td", { class: "now" }, now.map(([id, words]) => el("a", { href: `#${new URLSearchParams({ group: id })}` }, words))))))));
}
