// What the page of `retape review` asks before it decides, and what it shows of what was written.

function decideOn(verb, groups) {
  if (!groups.length || document.querySelector("dialog[open]")) return null;
  return { accept: acceptDialog, ignore: ignoreDialog, reject: rejectDialog, pin: pinDialog }[verb](groups);
}

const many = (groups) => (groups.length === 1 ? "this group" : plural(groups.length, "group"));

function subjects(groups) {
  const levels = ["error", "warning", "info"].map((level) => [level, groups.filter((group) => group.level === level).length]).filter(([, count]) => count);
  const before = groups.filter((group) => group.decision).length;
  return [
    el("p", { class: "tally" }, levels.map(([level, count]) => chip(level, level === "info" ? `${number(count)} info` : plural(count, level), level)), el("span", { class: "facts" }, `${plural(groups.length, "group")}, ${exchangesOf(groups)}`)),
    el("ul", { class: "subjects" }, groups.slice(0, 5).map((group) => el("li", {}, el("span", { class: "endpoint" }, group.endpoint), " ", el("code", {}, group.location))),
      groups.length > 5 && el("li", { class: "facts" }, `and ${number(groups.length - 5)} more`)),
    before > 0 && groups.length > 1 && el("p", { class: "facts" }, `${number(before)} of them ${before === 1 ? "is" : "are"} decided already, and would be decided anew.`),
  ];
}

// A modal with a form. `act` gets the form's values and returns what the server did; an error stays in the dialog.
function modal(title, groups, kids, label, act) {
  const back = whereFocusIs();
  const problem = el("p", { class: "problem", role: "alert" });
  const go = el("button", { type: "submit", class: "primary" }, label);
  const form = el("form", { novalidate: true }, el("h2", { id: "ask-title" }, title), kids, problem,
    el("div", { class: "row end" }, el("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"), go));
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-title" }, form);
  const end = () => { if (dialog.isConnected) { dialog.remove(); back(); } };
  dialog.addEventListener("close", end);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    problem.textContent = "";
    try {
      const done = await act(Object.fromEntries(new FormData(form)));
      for (const group of groups) ticked.delete(group.id);
      drawSelection();
      dialog.close();
      receipt(done); // first: the focus then goes where it does not hide it
      end(); // at once: the event comes later, and what is typed meanwhile shall find its row
    } catch (error) {
      problem.textContent = [error.message, error.hint].filter(Boolean).join(" ");
      go.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, form, go, problem };
}

// Where the focus goes once a dialog is over: the same row, button or heading, as far as it is still there.
function whereFocusIs() {
  const active = document.activeElement;
  const row = active && active.closest("li.group a[data-group], li.group");
  const id = row && (row.dataset.group || row.querySelector("a[data-group]").dataset.group);
  const verb = active && active.dataset && active.dataset.verb;
  const inBar = active && active.closest("#acts");
  return () => {
    const target = (id && document.querySelector(`a[data-group="${id}"]`)) || (inBar && $("tick-all")) ||
      (verb && document.querySelector(`#decide-panel button[data-verb="${verb}"]`)) || $("decide") || (active && active.isConnected && active) || $("app").querySelector("h1");
    if (target) target.focus({ preventScroll: false });
  };
}

const field = (label, input, hint) => el("label", { class: "field" }, el("span", {}, label), input, hint && el("small", { class: "facts" }, hint));
const text = (name, more) => el("input", { type: "text", name, autocomplete: "off", maxlength: "500", ...more });
const author = () => { const input = text("author"); input.value = review.author; return field("Author", input); };

function acceptDialog(groups) {
  const day = el("input", { type: "date", name: "day", "aria-label": "The last day it holds", min: review.today });
  const radio = (value, words, more) => {
    const box = el("input", { type: "radio", name: "until", value });
    box.checked = value === "";
    return el("div", { class: "choice" }, el("label", { class: "check" }, box, words), more);
  };
  day.addEventListener("input", () => { day.form.elements.until.value = "day"; });
  modal(`Accept ${many(groups)}?`, groups, [
    subjects(groups),
    el("p", {}, "What this build does is the new truth here. Written to ", el("code", {}, review.rules), "."),
    field("Reason", text("reason", { autofocus: true }), "For who reads the file: a ticket, a sentence."),
    el("fieldset", {}, el("legend", {}, "How long"),
      radio("", "For good"), radio("re-recorded", "Until the capture is recorded again"), radio("day", "Until", day)),
    author(),
  ], `Accept ${many(groups)}`, (said) => {
    if (said.until === "day" && !said.day) throw new Error("Name the day.");
    return ask("/api/accept", { groups: groups.map((group) => group.id), reason: said.reason, author: said.author, until: said.until === "day" ? said.day : said.until });
  });
}

function rejectDialog(groups) {
  modal(`Reject ${many(groups)}?`, groups, [
    subjects(groups),
    el("p", {}, "It keeps failing; the note says why, in ", el("code", {}, review.rules), " and in each report."),
    field("Note", text("reason", { autofocus: true })), author(),
  ], `Reject ${many(groups)}`, (said) => ask("/api/reject", { groups: groups.map((group) => group.id), reason: said.reason, author: said.author }));
}

async function ignoreDialog(groups) {
  const holder = el("div", { class: "preview" }, el("p", { class: "facts", role: "status" }, "Looking what else a rule would hide…"));
  const ids = groups.map((group) => group.id);
  const { go, problem, dialog } = modal(`Ignore ${many(groups)}?`, groups, [
    subjects(groups), holder,
    field("Reason", text("reason", { autofocus: true }), "Why it may vary."), author(),
  ], "Write the rule", (said) => ask("/api/ignore", { groups: ids, reason: said.reason, author: said.author }));
  go.disabled = true;
  try {
    const seen = await ask("/api/preview", { groups: ids });
    if (!dialog.isConnected) return;
    holder.replaceChildren(...previewParts(seen));
    go.textContent = seen.rules ? `Write ${plural(seen.rules, "rule")}` : "Nothing to write";
    go.disabled = !seen.rules;
    say(`${plural(seen.rules, "rule")} to write. ${seen.also.length ? `It names ${plural(seen.also.length + seen.also_more, "further place")}.` : "It hides nothing else."}`);
  } catch (error) {
    holder.replaceChildren();
    problem.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  }
}

const part = (wanted, ...kids) => (wanted ? kids : []);

function previewParts(seen) {
  return [
    ...part(seen.rules, el("h3", {}, `Goes into ${seen.file}`), el("pre", { class: "code", tabindex: "0", "aria-label": `What goes into ${seen.file}` }, seen.toml)),
    ...part(seen.careful.length, el("ul", { class: "problem" }, seen.careful.map((words) => el("li", {}, words)))),
    ...part(seen.rules, el("h3", {}, "What else it would hide"), hiddenPlaces(seen)),
    ...part(seen.unsaid.length, el("h3", {}, "What stays, as no rule can say it"), el("ul", { class: "subjects" }, seen.unsaid.map((words) => el("li", {}, words)))),
    ...part(seen.rules, el("p", { class: "facts" }, seen.left ? `${plural(seen.left, "group")} would stay open.` : "No group would stay open.")),
  ];
}

function hiddenPlaces(seen) {
  if (!seen.also.length) return el("p", {}, "Nothing: it lets pass what was chosen, and names no other value of the recording.");
  const rows = seen.also.map((one) => el("tr", { class: one.group ? "drifts" : "" },
    el("th", { scope: "row" }, one.endpoint, " ", el("code", {}, one.location), el("div", { class: "facts" }, one.why === "same today" ? "The same today: what the rule allows would no longer be reported." : one.why, one.group && [" ", el("code", {}, one.group)])),
    el("td", { class: "n" }, number(one.values)), el("td", { class: "n" }, one.exchanges ? number(one.exchanges) : "")));
  return el("div", {}, el("div", { class: "scroll also", tabindex: "0", role: "region", "aria-label": "What else it would hide" },
    el("table", { class: "counts" }, el("thead", {}, el("tr", {}, ["Where", "Values", "Exchanges"].map((head, at) => el("th", { scope: "col", class: at ? "n" : "" }, head)))), el("tbody", {}, rows))),
  seen.also_more > 0 && el("p", { class: "facts" }, `and ${plural(seen.also_more, "place")} more`));
}

async function pinDialog(groups) {
  const holder = el("div", { class: "preview" });
  const example = groups.length === 1 && currentExample();
  const body = (side, write) => ({ groups: groups.map((group) => group.id), exchange: example || null, side, write });
  const radios = [["recorded", "What was recorded: fails while the drift stands"], ["replayed", "What this build answers: the new truth"]].map(([value, words]) => {
    const box = el("input", { type: "radio", name: "side", value });
    box.checked = value === (groups.every((group) => group.decision === "accepted") ? "replayed" : "recorded");
    box.addEventListener("change", look);
    if (box.checked) box.autofocus = true;
    return el("label", { class: "check" }, box, words);
  });
  const { go, problem, form, dialog } = modal(groups.length === 1 ? "Pin the example?" : `Pin an example of each of ${plural(groups.length, "group")}?`, groups, [
    subjects(groups), el("fieldset", {}, el("legend", {}, "What the test expects"), radios), holder,
  ], "Pin", (said) => ask("/api/pin", body(said.side, true)));
  let turn = 0;
  async function look() {
    const mine = (turn += 1);
    go.disabled = true;
    problem.textContent = "";
    holder.replaceChildren(el("p", { class: "facts", role: "status" }, "Writing it…"));
    try {
      const seen = await ask("/api/pin", body(form.elements.side.value, false));
      if (mine !== turn || !dialog.isConnected) return;
      holder.replaceChildren(...seen.pins.flatMap((pin) => [
        el("h3", {}, pin.file, pin.there && ` (${pin.there})`), el("pre", { class: "code", tabindex: "0", "aria-label": pin.file }, pin.text)]),
      ...seen.refused.map((words) => el("p", { class: "warn" }, words)));
      go.textContent = seen.pins.length ? `Write ${plural(seen.pins.length, "pin")}` : "Nothing to pin";
      go.disabled = !seen.pins.length;
      say(`${plural(seen.pins.length, "pin")} to write.`);
    } catch (error) {
      if (mine !== turn) return;
      holder.replaceChildren();
      problem.textContent = [error.message, error.hint].filter(Boolean).join(" ");
    }
  }
  await look();
}

function currentExample() {
  const link = document.querySelector("a[data-example][aria-current]");
  return link ? Number(link.textContent.replace(/^#(\d+).*/, "$1")) : null;
}

async function undo() {
  if (!review.undo || document.querySelector("dialog[open]")) return say("There is nothing to undo.");
  const back = whereFocusIs();
  try {
    const done = await ask("/api/undo", {});
    receipt(done);
    back();
  } catch (error) {
    receipt({ said: [error.message, error.hint].filter(Boolean).join(" "), diff: "", bad: true });
  }
  return null;
}

// -- what was written, to be read and undone ------------------------------------------------------------------------

function receipt(done) {
  const old = $("receipt");
  const open = !old || old.querySelector("details") === null || old.querySelector("details").open;
  if (old) old.remove();
  const close = el("button", { type: "button", class: "plain", "aria-label": "Close what was written", on: { click: () => { box.remove(); delete document.documentElement.dataset.receipt; } } }, "✕");
  const box = el("section", { class: `receipt ${done.bad ? "bad" : ""}`, id: "receipt", "aria-label": "What was written" },
    el("div", { class: "row" }, el("strong", {}, done.said), el("span", { class: "grow" }), !done.bad && review.undo && el("button", { type: "button", on: { click: undo } }, "Undo"), close),
    done.diff && el("details", { open }, el("summary", {}, done.file), el("pre", { class: "code diff-text", tabindex: "0", "aria-label": `What changed in ${done.file}` }, done.diff.split("\n").map(diffLine))));
  document.body.append(box);
  document.documentElement.dataset.receipt = "yes";
  say(`${done.said} ${review.sentence}`);
}

function diffLine(line) {
  const kind = line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@") ? "head" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "";
  return el("span", { class: `dl ${kind}` }, `${line}\n`);
}
