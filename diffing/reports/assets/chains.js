// Chains: which answer made a value, which later requests carried the new one, and where that broke.

async function chainsView() {
  const data = (await decoded("v-chains")) || { chains: [], broken: [], kept: [] };
  const around = Number(state().get("exchange")) || null;
  const chains = around ? data.chains.filter((chain) => touches(chain, around)) : data.chains;
  return el("section", { class: "card", "aria-labelledby": "chains" },
    el("h2", { id: "chains" }, "Chains: values the new build made"),
    el("p", {}, "Ids and tokens are made anew on every run. Where a later request brings one back, the replay sends the new build's own value in place of the recorded one; here is which answer made it and who carried it on."),
    data.why && el("p", { class: "empty" }, data.why),
    data.made > 0 && el("p", { class: "facts" }, `${plural(data.made, "value")} made anew are known; ${plural(data.total, "place")} of answers gave values that ${plural(data.requests, "request")} carried on.`),
    brokenChains(data),
    around && el("p", {}, `Those around exchange #${around}. `, el("a", { href: "#view=chains" }, "Show all")),
    chains.length ? chainList(chains, around)
      : !data.why && el("p", { class: "empty" }, around ? "No value of this exchange was carried on, and it carried none." : "No request carried a value that the build had made."),
    data.total > data.chains.length && el("p", { class: "facts" }, `${plural(data.total - data.chains.length, "place")} more: retape capture show CAPTURE --chains.`));
}

const CHAINS_AT_ONCE = 15;

function chainList(chains, around) {
  const list = el("ol", { class: "chains" }, chains.slice(0, CHAINS_AT_ONCE).map((chain) => chainEntry(chain, around)));
  const rest = chains.slice(CHAINS_AT_ONCE);
  if (!rest.length) return list;
  const more = el("button", { type: "button", class: "wide" }, `Show ${number(rest.length)} more`);
  more.addEventListener("click", () => { list.append(...rest.map((chain) => chainEntry(chain, around))); more.remove(); });
  return [list, more];
}

const touches = (chain, id) => chain.source === id || chain.uses.some(([use]) => use === id);

function brokenChains(data) {
  if (!data.broken.length && !data.kept.length) return null;
  const rows = data.broken.map(([id, line, source, from, why]) => el("li", {},
    el("strong", {}, `#${id}`), " ", el("code", {}, line), el("div", { class: "facts" }, "Not sent, because its source vanished: ", el("strong", {}, `#${source}`), " ", el("code", {}, from), why && [". ", why])));
  const kept = data.kept.map(([id, line, where, why]) => el("li", {}, el("strong", {}, `#${id}`), " ", el("code", {}, line), el("div", { class: "facts" }, `${where}: ${why}`)));
  return el("div", { class: "broken" }, el("h3", {}, icon("warning"), " Broken chains"),
    el("p", {}, "A request that needs a value which the new build never made would only fail for that: it is not sent, and counts as not replayed. The cause is the exchange it names."),
    el("ul", {}, rows, kept),
    data.broken_more > 0 && el("p", { class: "facts" }, `${plural(data.broken_more, "exchange")} more were not sent.`));
}

function chainEntry(chain, around = null) {
  return el("li", { class: "chain" },
    el("div", { class: "chain-source" }, el("span", { class: "facts" }, `#${chain.source}`), " ", el("code", {}, chain.line),
      el("span", { class: "facts" }, chain.place ? ` made the value at ${chain.place}` : " made a value")),
    chain.values && el("div", { class: "change" }, value(chain.values[0], "left"), el("span", { class: "to", "aria-hidden": "true" }, "→"), hidden(" became "), value(chain.values[1], "right")),
    el("ul", { class: "uses" }, chain.uses.map(([id, line, where]) => el("li", { class: id === around ? "here" : "" }, el("span", { class: "hook", "aria-hidden": "true" }, "↳"), el("span", { class: "facts" }, `#${id}`), " ", el("code", {}, line), el("span", { class: "facts" }, ` in ${where}`)))),
    chain.used > chain.uses.length && el("div", { class: "facts" }, `and ${plural(chain.used - chain.uses.length, "request")} more`));
}

// In an example: what this request carried, and who carried on what it made. Decoded when it is opened.
function chainsPart(detail) {
  const id = detail.recorded && detail.recorded.id;
  if (!id || !page.tabs.chains) return null;
  const inside = el("div", { class: "chains-inside" });
  const part = section("Chains", "values carried from and to other requests", false, inside);
  part.addEventListener("toggle", async () => {
    if (inside.childElementCount) return;
    const data = await decoded("v-chains");
    const near = data.chains.filter((chain) => touches(chain, id));
    const broken = data.broken.filter(([one, , source]) => one === id || source === id);
    inside.append(...[
      near.length ? el("ol", { class: "chains" }, near.map((chain) => chainEntry(chain, id))) : el("p", { class: "empty" }, "No value of this exchange was carried on, and it carried none."),
      broken.length ? brokenChains({ broken, kept: [] }) : null].filter(Boolean));
  });
  return part;
}
