// The page of `retape review`: decides through the server it came from. Stands in the place of decide.js.

const acting = {
  keys: [["a", "Accept: this is the new truth"], ["i", "Ignore: a rule that still asserts something"], ["x", "Reject, with a note"], ["p", "Pin as a test"], ["u", "Undo the last change"]],
  foot: "This page is served by retape review on this machine, and asks nobody else.",
  begin: beginReview,
  key: reviewKey,
  top: reviewTop,
  bar: selectionBar,
  listed: reviewListed,
  pick: tickOf,
  panel: reviewPanel,
};

const LOOK_AGAIN = 4000; // ms between two questions whether the files changed
let review = null; // what the server said last
let listed = []; // the groups the filters show
let redrawList = () => {};
const ticked = new Set();

// -- asking the server ----------------------------------------------------------------------------------------------

async function ask(path, body) {
  const headers = { "X-Retape-Review": reviewKeyOfServer() };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "same-origin", redirect: "error", cache: "no-store" });
  } catch {
    throw new Error("retape review does not answer: it was stopped. What was decided is saved; start it again to go on.");
  }
  const text = await answer.text();
  let data;
  try { data = JSON.parse(text); } catch { throw new Error(text.trim() || `The server answered ${answer.status}.`); }
  if (data.state) take(data.state);
  if (!answer.ok) throw Object.assign(new Error(data.error), { hint: data.hint });
  return data;
}

function reviewKeyOfServer() {
  try { return localStorage.getItem("retape-review") || ""; } catch { return ""; }
}

// Put what the server says over what the page was made with.
function take(state) {
  if (state.same) return false;
  const first = review === null;
  review = state;
  Object.assign(page, { verdict: state.verdict, word: state.word, sentence: state.sentence, exit: state.exit, ledger: state.ledger });
  const gone = new Set(state.gone);
  review.added = state.total - page.groups.filter((group) => !gone.has(group.id)).length;
  for (const group of page.groups) {
    const said = state.groups[group.id];
    group.decision = gone.has(group.id) ? "ignored" : said ? said.decision : null;
    group.said = gone.has(group.id) ? "A rule accepts it." : said ? said.said : "";
  }
  if (!first) refresh();
  return true;
}

async function beginReview() {
  await ask("/api/state");
  window.addEventListener("focus", lookAgain);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") lookAgain(); });
  setInterval(() => { if (document.visibilityState === "visible") lookAgain(); }, LOOK_AGAIN);
}

let asking = false;
async function lookAgain() {
  if (asking) return;
  asking = true;
  const before = review && review.at;
  try {
    await ask(`/api/state?${new URLSearchParams({ since: before })}`);
    notice("stopped", null);
    if (review.at !== before) say("The files were changed elsewhere: the page shows them as they are now.");
  } catch (error) {
    notice("stopped", error.message);
  } finally {
    asking = false;
  }
}

// -- what stands above the page: stopped, replaced ------------------------------------------------------------------

function notice(id, text, ...more) {
  const there = document.querySelector(`[data-notice="${id}"]`);
  if (!text) return there && there.remove();
  const made = el("div", { class: "card callout notice", "data-notice": id, role: "alert" }, el("p", {}, text), more);
  if (there) {
    if (there.firstChild.textContent !== text) there.replaceWith(made);
  } else {
    $("app").before(made);
  }
}

function notices() {
  const again = (label, click) => el("p", {}, el("button", { type: "button", on: { click } }, label));
  notice("replaced", review.replaced ? "The run was replaced since this page was made. Nothing can be decided on what is no longer there." : null, again("Review the new run", reopen));
  notice("new", review.added && !review.replaced ? `${plural(review.added, "group")} more now: what hid ${review.added === 1 ? "it" : "them"} was taken out of the rules.` : null, again("Show all", () => location.reload()));
}

async function reopen() {
  try {
    await ask("/api/reopen", {});
    location.reload();
  } catch (error) {
    notice("stopped", error.message);
  }
}

// -- drawing anew what a decision changes ---------------------------------------------------------------------------

function refresh() {
  drawTop();
  notices();
  const shown = document.querySelector(".hero");
  if (shown) {
    shown.replaceWith(hero(page));
    redrawList();
  }
  const panel = $("decide-panel");
  const group = panel && page.groups.find((one) => one.id === panel.dataset.group);
  if (group) panel.replaceWith(reviewPanel(group, panel.data));
  const tags = document.querySelector(".lead .tags");
  if (group && tags) tags.replaceWith(groupTags(group));
}

function groupTags(group) {
  return el("div", { class: "tags" }, levelChip(group.level), chip("title", group.title), chip("kind", group.kind), group.decision && chip("decision", group.decision), group.origin && chip("origin", group.origin));
}

function reviewTop() {
  if (!review) return null;
  const button = el("button", { type: "button", class: "undo", disabled: !review.undo, title: review.undo || "Nothing was changed yet", "aria-keyshortcuts": "u", on: { click: undo } },
    "Undo", review.undo && el("span", { class: "undo-what" }, ` ${review.undo}`), " ", el("kbd", { "aria-hidden": "true" }, "u"));
  return button;
}

// -- ticks ----------------------------------------------------------------------------------------------------------

function tickOf(group) {
  const box = el("input", { type: "checkbox", class: "tick", "aria-label": `Tick ${group.endpoint} ${group.location}`, "data-tick": group.id });
  box.checked = ticked.has(group.id);
  box.addEventListener("change", () => {
    if (box.checked) ticked.add(group.id);
    else ticked.delete(group.id);
    drawSelection();
  });
  return box;
}

function selectionBar() {
  const all = el("input", { type: "checkbox", id: "tick-all" });
  all.addEventListener("change", () => {
    for (const group of listed) {
      if (all.checked) ticked.add(group.id);
      else ticked.delete(group.id);
    }
    drawSelection();
    say(selectionWords());
  });
  return el("div", { class: "acts", id: "acts", role: "group", "aria-label": "Decide on the ticked groups" },
    el("label", { class: "check" }, all, el("span", { id: "tick-words" }, "Tick all")),
    el("span", { class: "facts", id: "ticked" }),
    el("span", { class: "buttons" }, VERBS.map(([verb, key, label]) => el("button", { type: "button", "data-verb": verb, "aria-keyshortcuts": key, on: { click: () => decideOn(verb, chosen()) } }, `${label}…`))));
}

function reviewListed(found, redraw) {
  listed = found;
  redrawList = redraw;
  requestAnimationFrame(drawSelection);
}

function chosen() {
  return page.groups.filter((group) => ticked.has(group.id));
}

function selectionWords() {
  const groups = chosen();
  const shown = new Set(listed.map((group) => group.id));
  const away = groups.filter((group) => !shown.has(group.id)).length;
  return groups.length ? `${number(groups.length)} ticked, ${exchangesOf(groups)}${away ? `; ${number(away)} of them not shown by the filters` : ""}` : "None ticked";
}

function drawSelection() {
  const bar = $("acts");
  if (!bar) return;
  const all = $("tick-all");
  for (const box of document.querySelectorAll("input[data-tick]")) box.checked = ticked.has(box.dataset.tick);
  const here = listed.filter((group) => ticked.has(group.id)).length;
  all.checked = listed.length > 0 && here === listed.length;
  all.indeterminate = here > 0 && here < listed.length;
  $("tick-words").textContent = listed.length === page.groups.length ? `Tick all ${number(listed.length)}` : `Tick all ${number(listed.length)} that the filters show`;
  $("ticked").textContent = selectionWords();
  for (const button of bar.querySelectorAll("button")) button.disabled = !ticked.size;
}

const exchangesOf = (groups) => plural(groups.reduce((sum, group) => sum + (group.exchanges || group.count), 0), "exchange");

// -- keyboard -------------------------------------------------------------------------------------------------------

const VERBS = [
  ["accept", "a", "Accept", "This is the new truth: for good, until recorded again, or until a date."],
  ["ignore", "i", "Ignore", "It varies by nature: a rule that still asserts something. What else it would hide is shown first."],
  ["reject", "x", "Reject", "It keeps failing, and the note says why."],
  ["pin", "p", "Pin", "Keep the exchange as a readable test file."],
];

// On a group's own page: that group. In the list: what is ticked, else the row the focus is in.
function subject() {
  const id = state().get("group");
  if (id) return page.groups.filter((group) => group.id === id);
  if (ticked.size) return chosen();
  const row = document.activeElement && document.activeElement.closest("li.group");
  const link = row && row.querySelector("a[data-group]");
  return link ? page.groups.filter((group) => group.id === link.dataset.group) : [];
}

function reviewKey(key) {
  if (key === "u") return undo;
  const verb = VERBS.find(([, letter]) => letter === key);
  if (!verb) return null;
  return () => {
    const groups = subject();
    if (groups.length) decideOn(verb[0], groups);
    else say(`Nothing to ${verb[0]}: go to a group with j and k, or tick some.`);
  };
}

// -- the panel on a group's page ------------------------------------------------------------------------------------

function reviewPanel(group, data) {
  const panel = el("section", { class: "card", id: "decide-panel", "data-group": group.id, "aria-labelledby": "decide" },
    el("h2", { id: "decide", tabindex: "-1" }, group.decision ? group.decision[0].toUpperCase() + group.decision.slice(1) : "Decide"),
    group.said && el("p", { class: "decided-by" }, group.said),
    el("ul", { class: "verbs" }, VERBS.map(([verb, key, label, words]) => el("li", {},
      el("button", { type: "button", "data-verb": verb, "aria-keyshortcuts": key, "aria-describedby": `about-${verb}`, on: { click: () => decideOn(verb, [group]) } }, `${label}… `, el("kbd", { "aria-hidden": "true" }, key)),
      el("span", { class: "facts", id: `about-${verb}` }, words)))));
  panel.data = data;
  return panel;
}
