// Latency, endpoint by endpoint: both builds' distributions on one logarithmic scale, the baseline below the axis.

const CONCLUSIONS = { slower: ["▲", "slower", "error"], faster: ["▼", "faster", "info"], alike: ["=", "no drift", ""], "too few": ["?", "too few samples", ""] };
const milli = (value) => `${value.toLocaleString("en", { maximumSignificantDigits: 3 })} ms`;

function latencyPlot(row) {
  const [width, half] = [340, 34];
  const x = (value) => (row.high > row.low ? (Math.log(Math.max(value, row.low) / row.low) / Math.log(row.high / row.low)) * width : width / 2);
  const bars = (side, up, kind) => {
    const most = Math.max(...side.counts, 1) / Math.max(side.n, 1);
    const step = width / side.counts.length;
    return side.counts.map((count, at) => {
      if (!count) return null;
      const size = Math.max((count / side.n / most) * half, 1);
      return draw("rect", { x: at * step + 0.5, y: up ? half + 4 - size : half + 6, width: step - 1, height: size, class: `bin ${kind}` });
    });
  };
  const mark = (side, up, kind) => draw("line", { x1: x(side.median), x2: x(side.median), y1: up ? 0 : half + 6, y2: up ? half + 4 : 2 * half + 10, class: `median ${kind}` });
  return draw("svg", { viewBox: `-2 0 ${width + 4} ${2 * half + 26}`, class: "latency", role: "img",
    "aria-label": `New build: median ${milli(row.new.median)}. Baseline: median ${milli(row.baseline.median)}.` },
    bars(row.new, true, "new"), bars(row.baseline, false, "old"),
    draw("line", { x1: 0, x2: width, y1: half + 5, y2: half + 5, class: "axis" }),
    mark(row.new, true, "new"), mark(row.baseline, false, "old"),
    draw("text", { x: 0, y: 2 * half + 23 }, milli(row.low)),
    draw("text", { x: width, y: 2 * half + 23, "text-anchor": "end" }, milli(row.high)));
}

function latencyRow(row) {
  const [sign, word, kind] = CONCLUSIONS[row.conclusion];
  const side = (name, data, mark) => el("tr", {}, el("th", { scope: "row" }, el("span", { class: `key ${mark}`, "aria-hidden": "true" }), name),
    el("td", { class: "n" }, milli(data.median)), el("td", { class: "n" }, milli(data.p95)), el("td", { class: "n" }, number(data.n)));
  return el("article", { class: "latency-row" },
    el("h3", {}, el("code", {}, row.endpoint), " ", el("span", { class: `chip ${kind}` }, el("span", { "aria-hidden": "true" }, sign), word)),
    el("div", { class: "latency-pair" }, latencyPlot(row),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Latency of ${row.endpoint}` }, el("table", { class: "counts tight" },
        el("thead", {}, el("tr", {}, ["", "Median", "95 %", "Samples"].map((head, at) => el("th", { scope: "col", class: at ? "n" : "" }, head || hidden("Build"))))),
        el("tbody", {}, side("New build", row.new, "new"), side("Baseline", row.baseline, "old"), row.control && side("Baseline, again", row.control, "old"))))),
    el("p", { class: "facts" }, row.why[0].toUpperCase() + row.why.slice(1), ".",
      row.p !== null && !row.group && ` Mann-Whitney p ${row.p < 0.0001 ? "< 0.0001" : `= ${row.p}`}, Cliff's delta ${row.delta > 0 ? "+" : ""}${row.delta}.`,
      row.group && [" ", el("a", { href: `#${new URLSearchParams({ group: row.group })}` }, "The drift group")]));
}

async function latencyView() {
  const data = (await decoded("v-latency")) || { why: "", rows: [] };
  return el("section", { class: "card", "aria-labelledby": "latency" },
    el("h2", { id: "latency" }, "Latency beside the baseline"),
    data.why && el("p", { class: "empty" }, data.why),
    data.rows.length > 0 && [
      el("p", {}, "Answers of both builds to the same requests, where they were alike. Above the axis the new build, below it the baseline; the scale is logarithmic, the line is the median. Runs that were made one after the other (and not at once, with --baseline-cmd) compare two moments of the machine as well."),
      data.rows.map(latencyRow)],
    data.more > 0 && el("p", { class: "facts" }, `${plural(data.more, "endpoint")} more were measured.`));
}
