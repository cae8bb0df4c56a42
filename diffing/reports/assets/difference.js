// Bodies and headers, recorded beside replayed. Which rows differ was decided in Python; this only draws them.

const CONTEXT = 3;
const FOLD_FROM = 9;
const SIGN = { "=": "", "~": "~", "-": "−", "+": "+", r: "≈", m: "⇅" };
const SAID = { "~": "changed", "-": "removed", "+": "added", r: "differs, accepted by a rule", m: "moved" };

// Everything between the common start and the common end of two lines.
function middle(left, right) {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  const room = Math.min(left.length, right.length) - start;
  while (end < room && left[left.length - 1 - end] === right[right.length - 1 - end]) end += 1;
  return [start, end];
}

function lineParts(text, other, tag) {
  if (text === null) return [];
  if (other === null || tag === null) return [text];
  const [start, end] = middle(text, other);
  if (start + end >= text.length) return [text];
  return [text.slice(0, start), el(tag, {}, text.slice(start, text.length - end)), text.slice(text.length - end)];
}

function cell(mark, indent, kids, side) {
  const code = el("code", {}, kids);
  code.style.paddingLeft = `${Math.min(indent, 24) * 1.1}em`;
  return el("td", { class: `line ${side}` }, code);
}

function signCell(mark, side) {
  return el("td", { class: `sign ${side}` }, SIGN[mark], SAID[mark] && hidden(` ${SAID[mark]}: `));
}

// Beside a value: why a rule let it pass, or where it moved from.
function rowNote(row) {
  if (!row[5]) return null;
  return el("span", { class: row[0] === "r" ? "passed" : "moved" }, row[0] === "r" ? ` ≈ ${row[5]}` : ` ${row[5]}`);
}

function splitRow(row, path) {
  const [mark, indent, left] = row;
  const right = row.length > 3 ? row[3] : left;
  const note = rowNote(row);
  const tags = mark === "~" || mark === "r" ? ["del", "ins"] : [null, null];
  const here = path && row[4] && (row[4] === path || row[4].startsWith(path + ".") || row[4].startsWith(path + "["));
  return el("tr", { class: `m${marks[mark]} ${here ? "here" : ""}` },
    signCell(left === null ? "=" : mark === "+" ? "=" : mark, "left"),
    left === null ? el("td", { class: "line left void" }) : cell(mark, indent, [lineParts(left, right, tags[0]), right === null && note], "left"),
    signCell(right === null ? "=" : mark === "-" ? "=" : mark, "right"),
    right === null
      ? el("td", { class: "line right void" })
      : cell(mark, indent, [lineParts(right, left, tags[1]), note], "right"));
}

function unifiedRows(row, path) {
  const [mark, indent, left] = row;
  const right = row.length > 3 ? row[3] : left;
  const here = path && row[4] && (row[4] === path || row[4].startsWith(path + ".") || row[4].startsWith(path + "["));
  const line = (one, sign, side, kids) =>
    el("tr", { class: `m${marks[one]} ${here ? "here" : ""}` }, signCell(sign, side), cell(one, indent, kids, side));
  const note = rowNote(row);
  if (mark === "=" || mark === "m") return [line(mark, mark, "left", [left, note])];
  const lines = [];
  const single = mark === "r" ? "r" : null;
  if (left !== null) lines.push(line(single || "-", single || "-", "left", [lineParts(left, right, right === null ? null : "del"), right === null && note]));
  if (right !== null) lines.push(line(single || "+", single || "+", "right", [lineParts(right, left, left === null ? null : "ins"), note]));
  return lines;
}

const marks = { "=": "same", "~": "changed", "-": "removed", "+": "added", r: "rule", m: "shifted" };

function foldRow(count, columns, expand) {
  const words = `${plural(count, "unchanged line")}`;
  const inside = expand
    ? el("button", { type: "button", "aria-expanded": "false", on: { click: expand } }, `Show ${words}`)
    : `${words}, not in this page`;
  return el("tr", { class: "fold" }, el("td", { colspan: columns }, inside));
}

function diffTable(rows, mode, path, caption) {
  const columns = mode === "split" ? 4 : 2;
  const body = el("tbody");
  const draw = (row) => (mode === "split" ? [splitRow(row, path)] : unifiedRows(row, path));
  let at = 0;
  while (at < rows.length) {
    const row = rows[at];
    if (row[0] === "f") {
      body.append(foldRow(Number(row[1]), columns, null));
      at += 1;
      continue;
    }
    if (row[0] !== "=") {
      body.append(...draw(row));
      at += 1;
      continue;
    }
    let end = at;
    while (end < rows.length && rows[end][0] === "=") end += 1;
    const before = at === 0 ? (rows.length === end ? end : 1) : CONTEXT;
    const after = end === rows.length ? 1 : CONTEXT;
    if (end - at < FOLD_FROM || end - at <= before + after) {
      rows.slice(at, end).forEach((one) => body.append(...draw(one)));
    } else {
      const inner = rows.slice(at + before, end - after);
      rows.slice(at, at + before).forEach((one) => body.append(...draw(one)));
      const fold = foldRow(inner.length, columns, () => fold.replaceWith(...inner.flatMap(draw)));
      body.append(fold);
      rows.slice(end - after, end).forEach((one) => body.append(...draw(one)));
    }
    at = end;
  }
  const names = mode === "split"
    ? [el("th", { colspan: 2, scope: "col" }, "Recorded"), el("th", { colspan: 2, scope: "col" }, "Replayed")]
    : [el("th", { colspan: 2, scope: "col" }, "− recorded   + replayed   ≈ by rule")];
  return el("div", { class: `scroll diff ${mode}`, tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden" }, caption),
      el("colgroup", {}, Array.from({ length: columns }, (_, at) => el("col", { class: at % 2 ? "" : "narrow" }))),
      el("thead", {}, el("tr", {}, names)), body));
}

function sideFacts(side) {
  const facts = [side.type, side.coding && `coded ${side.coding}`, side.size].filter(Boolean).join(" · ");
  return el("p", { class: "facts" }, facts, side.sha256 && el("span", { class: "digest", title: side.sha256 }, ` sha256 ${side.sha256.slice(0, 12)}…`));
}

function rawSide(side, name) {
  return el("div", { class: "raw" }, el("h5", {}, name), sideFacts(side),
    side.broken && el("p", { class: "warn" }, `Not decodable: ${side.broken}`),
    side.raw
      ? el("pre", { tabindex: "0", "aria-label": `${name} body as it was` }, side.raw)
      : el("p", { class: "empty" }, side.sha256 ? "Too large for this page." : "No body."),
    side.raw && side.cut && el("p", { class: "facts" }, "Cut here: the capture holds the rest."));
}

const MODES = [["split", "Side by side"], ["unified", "Unified"], ["raw", "Raw"]];
const usualMode = () => (window.matchMedia("(max-width: 760px)").matches ? "unified" : "split");
const linkedMode = () => (MODES.some(([mode]) => mode === state().get("mode")) ? state().get("mode") : usualMode());

// The choice goes into the address, and into the links to the other examples and groups.
function chooseMode(mode) {
  replaceState({ mode });
  for (const link of document.querySelectorAll(".group-page a[href^='#']")) link.setAttribute("href", hashWith({ mode }, new URLSearchParams(link.hash.slice(1))));
}

function bodyView(body, path, caption) {
  const holder = el("div", { class: "body-view" });
  const place = el("div");
  const buttons = MODES.map(([mode, label]) =>
    el("button", { type: "button", "data-mode": mode, on: { click: () => { chooseMode(mode); draw(mode); } } }, label));
  function draw(mode) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === mode)));
    if (mode === "raw") {
      place.replaceChildren(el("div", { class: "raws" }, rawSide(body.left, "Recorded"), rawSide(body.right, "Replayed")));
      return;
    }
    place.replaceChildren();
    if (body.form === "too large") place.append(el("p", { class: "empty" }, "Too large to be aligned in this page: Raw has size and digest."));
    else if (!body.rows.length) place.append(el("p", { class: "empty" }, "No body on either side."));
    else place.append(diffTable(body.rows, mode, path, caption));
    if (body.lost) place.append(el("p", { class: "warn" }, `${plural(body.lost, "differing line")} more: the capture holds them.`));
    if (body.equal) place.append(el("p", { class: "facts" }, "The bytes are equal."));
  }
  holder.append(el("div", { class: "modes", role: "group", "aria-label": "How to show the body" }, buttons), place);
  holder.addEventListener("cycle-mode", () => {
    const now = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
    buttons[(now + 1) % buttons.length].click();
  });
  draw(linkedMode());
  return holder;
}

// "4 differ, 3 by rule"
function tally(rows) {
  const count = (letters) => rows.filter((row) => letters.includes(row[0])).length;
  const [differ, ruled, moved] = [count("~-+"), count("r"), count("m")];
  const words = [differ && `${number(differ)} ${differ === 1 ? "differs" : "differ"}`, moved && `${number(moved)} moved`, ruled && `${number(ruled)} by rule`];
  return [differ, words.filter(Boolean).join(", ") || "equal"];
}

function headerTable(rows, emphasised) {
  const [, words] = tally(rows);
  const table = el("table", { class: "headers" },
    el("thead", {}, el("tr", {}, ["", "Header", "Recorded", "Replayed"].map((word) => el("th", { scope: "col" }, word || hidden("What changed"))))),
    el("tbody", {}, rows.map((row) => {
      const [mark, name, left] = row;
      const right = row.length > 3 ? row[3] : left;
      return el("tr", { class: `m${marks[mark]} ${emphasised && name.toLowerCase() === emphasised ? "here" : ""}` },
        el("td", { class: "sign" }, SIGN[mark], SAID[mark] && hidden(SAID[mark])),
        el("th", { scope: "row" }, name),
        el("td", { class: "left" }, left === null ? el("em", {}, "absent") : lineParts(left, right, mark === "=" ? null : "del")),
        el("td", { class: "right" }, right === null ? el("em", {}, "absent") : [lineParts(right, left, mark === "=" ? null : "ins"), mark === "r" && row[4] && el("div", { class: "passed" }, `≈ ${row[4]}`)]));
    })));
  return [words, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Headers" }, table)];
}
