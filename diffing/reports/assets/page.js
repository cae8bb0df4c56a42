// Routing, keyboard, help.

let page = null;
let drawing = 0;
let opened = null; // the group last looked at: going back returns to its row

const VIEWS = [
  ["", "Drift", (page) => page.groups.length, (page) => groupList(page)],
  ["endpoints", "Endpoints", (page) => page.endpoints.length, endpointsView],
  ["contract", "Contract", (page) => page.tabs.contract, contractView],
  ["dependencies", "Dependencies", (page) => page.missed || null, dependenciesView],
  ["chains", "Chains", (page) => page.tabs.chains, chainsView],
  ["rules", "By rule", (page) => page.tabs.rules, rulesView],
  ["latency", "Latency", (page) => page.tabs.latency, latencyView],
  ["blind", "Blind spots", (page) => page.tabs.blind, blindView],
  ["run", "Run", () => null, runView],
];

function tabs(current) {
  return el("nav", { class: "tabs", "aria-label": "Views" }, VIEWS.map(([name, label, count]) =>
    el("a", { href: name ? `#view=${name}` : "#", "aria-current": name === current ? "page" : null }, label,
      count(page) !== null && el("span", { class: "count" }, number(count(page))))));
}

// What the other tabs hold: drawn once there is time for it.
function forPaper(view, turn) {
  const paper = el("div", { class: "print-only" });
  const fill = async () => {
    for (const other of VIEWS.filter((one) => one !== view)) {
      const drawn = turn === drawing && (await other[3](page, true));
      if (drawn) paper.append(drawn);
    }
  };
  const later = window.requestIdleCallback || ((call) => setTimeout(call, 400));
  later(fill, { timeout: 2000 });
  return paper;
}

// Paper has no buttons: what is folded is opened for it, and folded again.
function unfold() {
  const folded = [...document.querySelectorAll("#app details:not([open])")].filter((box) => !box.closest(".scopes"));
  for (const box of folded) {
    if (box.fill) box.fill();
    box.open = true;
  }
  window.addEventListener("afterprint", () => folded.forEach((box) => { box.open = false; }), { once: true });
}

async function render(moveFocus = false) {
  const turn = (drawing += 1);
  const params = state();
  const id = params.get("group");
  const name = VIEWS.some(([one]) => one === params.get("view")) ? params.get("view") : "";
  const view = VIEWS.find(([one]) => one === name);
  const parts = id
    ? [await groupView(page, id)]
    : [hero(page), reasons(page), tabs(name), el("div", { class: "view" }, await view[3](page)), forPaper(view, turn)];
  if (turn !== drawing) return;
  $("app").replaceChildren(...parts.filter(Boolean));
  $("app").dataset.view = name;
  const tab = $("app").querySelector(".tabs a[aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft + tab.offsetWidth / 2 - tab.parentElement.clientWidth / 2; // where tabs do not all fit
  const group = id && page.groups.find((one) => one.id === id);
  const verdict = `${page.word}: ${plural(page.groups.length, "drift group")}`;
  const shown = group ? `${group.title}: ${group.endpoint}` : id ? "No such group" : name ? `${view[1]} · ${verdict}` : verdict;
  document.title = `${shown} · Retape`;
  $("top").dataset.inside = id ? "yes" : "no";
  if (id) opened = id;
  if (moveFocus) {
    const row = !id && !name && opened && [...$("app").querySelectorAll("a[data-group]")].find((one) => one.dataset.group === opened);
    if (row) {
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: "center" });
    } else {
      window.scrollTo(0, 0);
      const heading = $("app").querySelector("h1");
      if (heading) heading.focus({ preventScroll: true });
    }
  }
  document.documentElement.dataset.shown = location.hash; // what is now on the page, for whoever waits for it
}

// -- keyboard: single keys, never in a field, never with a modifier, and they can be switched off (WCAG 2.1.4) --------

const KEYS = [
  ["j / k", "Next / previous group"], ["Enter", "Open the group"], ["e", "Next example"], ["d", "Side by side, unified, raw"],
  ["Esc", "Back to all groups"], ["/", "Search"], ["?", "This help"],
];
let shortcuts = true;
try { shortcuts = localStorage.getItem("retape-shortcuts") !== "off"; } catch { /* storage may be forbidden */ }

function step(offset) {
  const next = document.querySelector(`a.step[data-step="${offset}"]`);
  if (state().get("group")) return next && next.click();
  const links = [...document.querySelectorAll("a[data-group]")];
  const at = links.indexOf(document.activeElement);
  const target = links[Math.min(Math.max(at + offset, 0), links.length - 1)];
  if (target) target.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const inField = event.target.closest("input:not([type=checkbox]), select, textarea, dialog, [contenteditable]");
  if (event.key === "Escape" && event.target.id === "search") return event.target.blur();
  if (inField || !shortcuts) return;
  const actions = {
    j: () => step(1),
    k: () => step(-1),
    e: () => {
      const examples = [...document.querySelectorAll("a[data-example]")];
      const at = examples.findIndex((one) => one.getAttribute("aria-current"));
      if (examples.length > 1) examples[(at + 1) % examples.length].click();
    },
    d: () => { const view = document.querySelector(".body-view"); if (view) view.dispatchEvent(new Event("cycle-mode")); },
    "/": () => { const search = $("search"); if (search) search.focus(); else location.hash = hashWith({ group: null, example: null, view: null }); },
    "?": () => $("help").showModal(),
    Escape: () => { const up = document.querySelector('a.step[data-step="up"]'); if (up) up.click(); },
  };
  const action = Object.hasOwn(actions, event.key) ? actions[event.key] : acting.key(event.key);
  if (!action) return;
  event.preventDefault();
  action();
}

function help() {
  const box = el("input", { type: "checkbox" });
  box.checked = shortcuts;
  box.addEventListener("change", () => {
    shortcuts = box.checked;
    try { localStorage.setItem("retape-shortcuts", shortcuts ? "on" : "off"); } catch { /* for this visit only */ }
  });
  const dialog = $("help");
  dialog.append(el("h2", { id: "help-title" }, "Keyboard"),
    el("dl", {}, [...KEYS, ...acting.keys].map(([key, text]) => el("div", {}, el("dt", {}, key.split(" / ").map((one, position) => [position ? " " : "", el("kbd", {}, one)])), el("dd", {}, text)))),
    el("label", { class: "check" }, box, "Single-key shortcuts"),
    el("p", {}, el("button", { type: "button", on: { click: () => dialog.close() } }, "Close")));
}

function drawTop() {
  const button = el("button", { type: "button", class: "plain", "aria-haspopup": "dialog" }, "Keyboard ", el("kbd", {}, "?"));
  button.addEventListener("click", () => $("help").showModal());
  $("top").replaceChildren(
    el("a", { class: "brand", href: "#" }, icon("reels"), "Retape"),
    el("span", { class: `pill ${page.verdict}` }, icon(page.verdict), page.word),
    el("span", { class: "grow" }), ...[acting.top()].filter(Boolean), button);
}

async function start() {
  page = await decoded("index");
  await acting.begin();
  drawTop();
  $("foot").append(`Made by Retape. ${acting.foot}`);
  help();
  await render();
  $("static").remove();
  $("app").hidden = false;
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address says what is shown, and that stays
    $("main").focus();
  });
  window.addEventListener("hashchange", () => render(true));
  window.addEventListener("beforeprint", unfold);
  document.addEventListener("keydown", onKey);
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  $("static").prepend(el("p", { class: "card callout" }, `The details could not be shown here (${error.message}). What follows is the summary; a current browser shows the rest.`));
});
