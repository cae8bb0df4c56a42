// The outbound calls of one exchange as a sequence: lifelines recorded beside replayed, and the same in words.

const SEQUENCE_WIDTH = 1120;
const PANEL = 488;
const LINE_HEIGHT = 46;
const LANES = 5;
const STATES = {
  same: ["=", "same"], changed: ["~", "changed"], missing: ["−", "missing"], extra: ["+", "extra"],
  repeated: ["↻", "repeated"], reordered: ["⇅", "reordered"], failed: ["!", "failed"],
};
const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...kids) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, value);
  append(node, kids);
  return node;
}

const words = (call) => (call.miss ? "no stub answers" : call.failure ? call.failure : call.status ? String(call.status) : "no answer");
const clipped = (text, room) => (text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 1))}…`);
const timed = (call) => [call.at !== undefined && `+${call.at} ms`, call.ms !== undefined && `took ${call.ms} ms`].filter(Boolean).join(", ");

function stateWord(call) {
  if (call.state === "reordered" && !call.classes) return "other order";
  if (call.state !== "failed") return STATES[call.state][1];
  return `${call.recorded ? "" : "extra, "}${call.replayed.miss ? "no stub" : "failed"}`;
}

// One build's half: a lifeline for the client, the service and each dependency, and an arrow for each call.
function sequencePanel(detail, side, lanes, left, height, isHere) {
  const at = side === "recorded" ? 0 : 1;
  const client = left + 30;
  const service = left + 128;
  const first = lanes.length > 1 ? service + 120 : left + PANEL - 100;
  const lane = (name) => {
    const found = Math.min(Math.max(lanes.indexOf(name), 0), LANES - 1);
    return lanes.length > 1 ? first + found * ((left + PANEL - 40 - first) / Math.max(Math.min(lanes.length, LANES) - 1, 1)) : first;
  };
  const parts = [];
  const head = (x, name, kind) => {
    parts.push(draw("line", { x1: x, y1: 52, x2: x, y2: height - 8, class: `life ${kind}` }));
    parts.push(draw("text", { x, y: 44, class: `lane ${kind}`, "text-anchor": "middle" }, clipped(name, 15)));
  };
  const shown = lanes.slice(0, LANES);
  if (!detail.loose) head(client, "client", "client");
  head(service, "service", "service");
  shown.forEach((name, position) => head(lane(name), position === LANES - 1 && lanes.length > LANES ? `${name} and more` : name, "dependency"));
  const answered = detail[side];
  if (!detail.loose) {
    parts.push(draw("line", { x1: client, y1: 70, x2: service - 5, y2: 70, class: "call" }), arrowHead(service - 5, 70, 1, "call"));
    parts.push(draw("text", { x: client + 6, y: 64, class: "label" }, clipped(detail.line, 14)));
    const y = height - 20;
    if (answered) {
      const word = answered.failure ? "failed" : `${answered.status || "no answer"}`;
      parts.push(draw("line", { x1: client + 5, y1: y, x2: service, y2: y, class: `back ${answered.failure ? "failed" : ""}` }), arrowHead(client + 5, y, -1, answered.failure ? "failed" : "call"));
      parts.push(draw("text", { x: client + 8, y: y - 6, class: "small" }, clipped([word, answered.ms !== undefined && `${Math.round(answered.ms)} ms`].filter(Boolean).join(" · "), 16)));
    }
  }
  detail.lines.forEach((line, row) => {
    const call = line[at] === null ? null : detail.calls[line[at]];
    const other = line[1 - at] === null ? null : detail.calls[line[1 - at]];
    const y = 96 + row * LINE_HEIGHT;
    const mine = call && call[side];
    if (mine) {
      const x = lane(mine.to);
      const state = side === "recorded" && call.state === "failed" ? (call.replayed ? "same" : "missing") : call.state;
      const here = isHere(call);
      if (here) parts.push(draw("rect", { x: service - 8, y: y - 20, width: left + PANEL - service + 6, height: LINE_HEIGHT - 5, rx: 7, class: "spot" }));
      parts.push(draw("line", { x1: service, y1: y, x2: x - 5, y2: y, class: `call ${state}` }), arrowHead(x - 5, y, 1, state));
      parts.push(draw("text", { x: service + 8, y: y - 6, class: `label ${state}` }, clipped(mine.line, 46)));
      parts.push(draw("text", { x: service + 8, y: y + 13, class: "small" }, [words(mine), mine.ms !== undefined && `${mine.ms} ms`].filter(Boolean).join(" · ")));
      if (mine.at !== undefined) parts.push(draw("text", { x: service - 8, y: y + 4, class: "small", "text-anchor": "end" }, `+${mine.at} ms`));
    } else if (other && other[side] === null) {
      const x = lane((other.recorded || other.replayed).to);
      parts.push(draw("line", { x1: service, y1: y, x2: x, y2: y, class: "ghost" }));
      parts.push(draw("text", { x: service + 8, y: y - 6, class: "label ghost" }, side === "recorded" ? "not recorded" : "not made"));
    }
  });
  return parts;
}

function arrowHead(x, y, way, state) {
  return draw("path", { d: `M${x} ${y - 4.5}L${x + 6 * way} ${y}L${x} ${y + 4.5}Z`, class: `head ${state}` });
}

function between(detail) {
  const parts = [];
  const middleOf = (SEQUENCE_WIDTH - 2 * PANEL) / 2 + PANEL;
  const rowOf = (index, at) => detail.lines.findIndex((line) => line[at] === index);
  detail.calls.forEach((call, index) => {
    const [from, to] = [rowOf(index, 0), rowOf(index, 1)];
    const y = (row) => 96 + row * LINE_HEIGHT;
    if (from < 0 && to < 0) return;
    if (from >= 0 && to >= 0) {
      parts.push(draw("line", { x1: PANEL + 4, y1: y(from), x2: SEQUENCE_WIDTH - PANEL - 4, y2: y(to), class: `tie ${call.state}` }));
    }
    const height = from >= 0 && to >= 0 ? (y(from) + y(to)) / 2 : y(Math.max(from, to));
    const word = `${STATES[call.state][0]} ${stateWord(call)}`;
    const width = word.length * 6.6 + 18;
    parts.push(draw("rect", { x: middleOf - width / 2, y: height - 11, width, height: 22, rx: 11, class: `badge ${call.state} ${call.classes ? "found" : ""}` }));
    parts.push(draw("text", { x: middleOf, y: height + 4, class: `word ${call.state} ${call.classes ? "found" : ""}`, "text-anchor": "middle" }, word));
  });
  return parts;
}

function sequenceView(detail, example) {
  const isHere = (call) => Boolean((call.recorded && call.recorded.id === example.calls[0]) || (call.replayed && call.replayed.id === example.calls[1]));
  const lanes = [...new Set(detail.calls.flatMap((call) => [call.recorded, call.replayed].filter(Boolean).map((one) => one.to)))];
  const height = 96 + detail.lines.length * LINE_HEIGHT + 22;
  const picture = draw("svg", { viewBox: `0 0 ${SEQUENCE_WIDTH} ${height}`, class: "sequence", role: "img", "aria-label": "Sequence of outbound calls, recorded beside replayed. The list that follows says the same." },
    draw("text", { x: 0, y: 16, class: "title" }, "Recorded build"),
    draw("text", { x: SEQUENCE_WIDTH - PANEL, y: 16, class: "title" }, "Replayed build"),
    sequencePanel(detail, "recorded", lanes, 0, height, isHere),
    sequencePanel(detail, "replayed", lanes, SEQUENCE_WIDTH - PANEL, height, isHere),
    between(detail));
  return el("figure", { class: "sequence-figure" }, picture, sequenceList(detail, isHere));
}

function sequenceList(detail, isHere) {
  const side = (call, name) => call && [name, ": ", words(call), timed(call) && `, ${timed(call)}`, ". "];
  return el("ol", { class: "sequence-list" }, detail.calls.map((call) => {
    const either = call.replayed || call.recorded;
    return el("li", { class: isHere(call) ? "here" : "" },
      el("span", { class: `arrow ${call.state}` }, el("span", { "aria-hidden": "true" }, `${STATES[call.state][0]} `), stateWord(call)), " ",
      el("strong", {}, either.to), " ", el("code", {}, either.line),
      el("div", { class: "facts" }, side(call.recorded, "Recorded") || "Not recorded. ", side(call.replayed, "Replayed") || "Not made by the replayed build. ",
        isHere(call) && el("strong", {}, "This call has the finding.")));
  }));
}
