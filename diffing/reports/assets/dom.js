// Building blocks. Captured text reaches the page only through text nodes: nothing here parses HTML.

const $ = (id) => document.getElementById(id);

function el(tag, props, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, kids);
  return node;
}

function append(node, kids) {
  for (const kid of kids) {
    if (kid === null || kid === undefined || kid === false) continue;
    if (Array.isArray(kid)) append(node, kid);
    else node.append(kid instanceof Node ? kid : document.createTextNode(String(kid)));
  }
}

const SHAPES = {
  error: ["M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z", "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"],
  warning: ["M8 1.6 15 14H1L8 1.6Z", "M8 6v3.6m0 2v.2"],
  info: ["M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z", "M8 7.4v4M8 4.6v.2"],
  clean: ["M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z", "m4.9 8.3 2.1 2.1 4.1-4.6"],
  inconclusive: ["M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z", "M6.2 6.2a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M8 11.4v.2"],
  search: ["M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6Z", "m10.6 10.6 3.4 3.4"],
  copy: ["M5.5 5.5h8v8h-8z", "M10.5 5.5v-3h-8v8h3"],
  reels: ["M4.6 4.2a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm6.8 0a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z", "M4.6 10.2h6.8"],
};
SHAPES.drift = SHAPES.error;

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon ${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const shape of SHAPES[name] || []) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

const hidden = (text) => el("span", { class: "hidden" }, text);
const number = (value) => value.toLocaleString("en");
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
const chip = (kind, text, picture) => el("span", { class: `chip ${kind}` }, picture && icon(picture), text);
const levelChip = (level) => chip(level, level, level);
const value = (text, side) => el("code", { class: `value ${side} ${text === null ? "absent" : ""}` }, text === null ? "absent" : text);

function say(text) {
  $("said").textContent = text;
}

function copyButton(text, what) {
  const label = el("span", {}, "Copy");
  const button = el("button", { type: "button", class: "copier", "aria-label": `Copy ${what}` }, icon("copy"), label);
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = el("textarea", { class: "hidden", "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    label.textContent = done ? "Copied" : "Select and copy by hand";
    say(label.textContent);
    setTimeout(() => { label.textContent = "Copy"; }, 1600);
  });
  return button;
}

const command = (text, what) =>
  el("div", { class: "command" }, el("pre", { tabindex: "0", "aria-label": what }, text), copyButton(text, what));

async function decoded(id) {
  const holder = $(id);
  if (!holder) return null;
  const bytes = Uint8Array.from(atob(holder.textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// What is looked at lives in the URL: a link to a view, a filter, a group, an example.
const state = () => new URLSearchParams(location.hash.slice(1));

function hashWith(changes, from = state()) {
  for (const [name, wanted] of Object.entries(changes)) {
    if (wanted === null || wanted === "" || wanted === undefined) from.delete(name);
    else from.set(name, wanted);
  }
  return `#${from}`;
}

function replaceState(changes) {
  history.replaceState(null, "", hashWith(changes));
}
