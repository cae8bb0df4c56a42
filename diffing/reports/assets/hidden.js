// What rules let pass: a reviewer sees the values, not only the counts.

const PLACES_AT_ONCE = 8;

async function rulesView() {
  const data = (await decoded("v-rules")) || { rules: [], total: 0 };
  const own = data.rules.filter((rule) => rule.own);
  const built = data.rules.filter((rule) => !rule.own);
  return el("section", { class: "card", "aria-labelledby": "rules" },
    el("h2", { id: "rules" }, "Drift hidden by rules"),
    data.rules.length
      ? [el("p", {}, `${plural(data.total, "difference")} ${data.total === 1 ? "is" : "are"} not shown as drift, because a named rule checked and accepted ${data.total === 1 ? "it" : "them"}. In the evidence they are marked ≈.`),
        ruleGroup("Your rules", own, "None of your own rules accepted anything."), ruleGroup("Built-in rules", built, "No built-in rule accepted anything.")]
      : el("p", { class: "empty" }, "No rule accepted anything: equal means equal here."));
}

function ruleGroup(title, rules, nothing) {
  return el("section", { class: "rule-group" }, el("h3", {}, title), rules.length ? rules.map(ruleEntry) : el("p", { class: "empty" }, nothing));
}

function ruleEntry(rule) {
  const inside = el("div", { class: "rule-places" });
  const box = el("details", { class: "rule" },
    el("summary", {}, el("code", {}, rule.id), el("span", { class: "count" }, number(rule.used)),
      rule.accepts && el("span", { class: "facts" }, rule.accepts)), inside);
  const fill = () => {
    if (inside.childElementCount) return;
    inside.append(el("p", { class: "facts" }, rule.asserts ? `Still asserted: ${rule.asserts}.` : "What it asserts stands in your rules file."));
    if (!rule.places.length) inside.append(el("p", { class: "facts" }, "It was used where no single place is told: of the message as a whole."));
    const rest = rule.places.slice(PLACES_AT_ONCE);
    inside.append(...rule.places.slice(0, PLACES_AT_ONCE).map(passedPlace));
    if (rest.length) {
      const more = el("button", { type: "button", "aria-expanded": "false" }, `Show ${plural(rest.length, "place")} more`);
      more.addEventListener("click", () => more.replaceWith(...rest.map(passedPlace)));
      inside.append(more);
    }
    if (rule.more) inside.append(el("p", { class: "facts" }, `${plural(rule.more, "place")} more: the JSON report lists them all.`));
  };
  box.fill = fill;
  box.addEventListener("toggle", fill);
  if (state().get("rule") === rule.id) box.open = true;
  return box;
}

function passedPlace([endpoint, location, used, examples]) {
  const whys = [...new Set(examples.map((one) => one[4]))];
  return el("article", { class: "passed-place" },
    el("h4", {}, endpoint, " ", el("code", {}, location)), " ",
    el("span", { class: "facts" }, plural(used, "difference"), whys.length === 1 && whys[0] ? ` · ≈ ${whys[0]}` : ""),
    examples.length > 0 && el("ul", {}, examples.map((one) => passedExample(one, whys.length > 1))));
}

function passedExample([exchange, path, before, after, why], several) {
  return el("li", { class: "change" },
    el("span", { class: "facts" }, `#${exchange}`),
    value(before, "left"), el("span", { class: "to", "aria-hidden": "true" }, "→"), hidden(" became "), value(after, "right"),
    several && why && el("span", { class: "facts" }, `≈ ${why}`));
}
