// One exchange: what was asked, both answers, and the outbound calls each build made for it.

function answer(head, name) {
  if (!head) return el("div", { class: "answer" }, el("span", { class: "who" }, name), el("em", {}, "none"));
  return el("div", { class: "answer" },
    el("span", { class: "who" }, name),
    head.status ? el("strong", { class: `status s${String(head.status)[0]}` }, head.status, head.reason ? ` ${head.reason}` : "") : null,
    head.failure && el("strong", { class: "status s5" }, head.failure),
    head.ms !== undefined && el("span", { class: "facts" }, `${head.ms} ms`),
    head.truncated && el("span", { class: "chip warning" }, "truncated"),
    el("span", { class: "facts" }, `#${head.id}`));
}

function section(name, count, open, ...kids) {
  return el("details", { class: "part", open }, el("summary", {}, el("h4", {}, name), count && el("span", { class: "facts" }, count)), kids);
}

function oneSided(only) {
  const rows = only.headers.map(([name, text]) => (only.side === "recorded" ? ["-", name, text, null] : ["+", name, null, text]));
  const nothing = { size: "0 B" };
  const left = only.side === "recorded" ? only.body : nothing;
  const right = only.side === "recorded" ? nothing : only.body;
  return [rows, left, right];
}

function exchangeView(detail, example, group) {
  const where = group.location;
  const aboutHeader = /^response\.header (\S+)/.exec(where);
  const aboutCalls = where.startsWith("outbound");
  const parts = [
    el("div", { class: "answers" }, answer(detail.recorded, "Recorded"), answer(detail.replayed, "Replayed")),
  ];
  if (detail.calls.length && aboutCalls) parts.push(callsPart(detail, example, true));
  let headers = detail.headers;
  if (detail.body) {
    const [differing, words] = tally(detail.body.rows);
    const path = where.startsWith("response.body") ? example.path : "";
    const open = where.startsWith("response.body") || differing > 0 && !aboutCalls && !aboutHeader;
    const body = section("Body", words, open,
      bodyView(detail.body, path, "Response body, recorded beside replayed"));
    parts.push(body);
  } else if (detail.only) {
    const [rows, left, right] = oneSided(detail.only);
    headers = rows;
    parts.push(section("Body", `${detail.only.side} only`, true, el("div", { class: "raws" }, rawSide(left, "Recorded"), rawSide(right, "Replayed"))));
  }
  if (headers) {
    const [words, table] = headerTable(headers, aboutHeader && aboutHeader[1].toLowerCase());
    const part = section("Headers", words, Boolean(aboutHeader), table);
    if (aboutHeader) parts.splice(1, 0, part);
    else parts.push(part);
  }
  if (detail.calls.length && !aboutCalls) parts.push(callsPart(detail, example, false));
  parts.push(chainsPart(detail), requestPart(detail));
  return parts.filter(Boolean);
}

function requestPart(detail) {
  const request = detail.request;
  return section("Request", detail.line, false,
    detail.changes.length > 0 && el("div", { class: "scroll" }, el("table", { class: "headers" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Changed while replaying"), el("th", { scope: "col" }, "Why"))),
      el("tbody", {}, detail.changes.map(([where, why]) => el("tr", {}, el("td", {}, where), el("td", {}, why)))))),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Request headers" }, el("table", { class: "headers" },
      el("tbody", {}, request.headers.map(([name, text]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, text)))))),
    request.body.sha256 ? rawSide(request.body, "Request") : el("p", { class: "empty" }, "No request body."));
}

function callSide(call) {
  if (!call) return el("span", { class: "empty" }, "—");
  return [
    el("div", {}, el("strong", {}, call.to), " ", el("code", {}, call.line)),
    el("div", { class: "facts" },
      [call.status || call.failure || "no answer", call.ms !== undefined && `${call.ms} ms`, `#${call.id}`, call.miss && "no stub answers this", call.matched && call.matched !== "exact" && `stub matched: ${call.matched}`]
        .filter(Boolean).join(" · ")),
  ];
}

function callsPart(detail, example, open) {
  const differing = detail.calls.filter((call) => call.mark !== "=").length;
  const rows = detail.calls.flatMap((call, position) => {
    const here = [call.recorded && call.recorded.id === example.calls[0], call.replayed && call.replayed.id === example.calls[1]].some(Boolean);
    const row = el("tr", { class: `m${marks[call.mark]} ${here ? "here" : ""}` },
      el("td", { class: "step" }, position + 1),
      el("td", { class: "left" }, callSide(call.recorded)),
      el("td", { class: "verb" }, el("span", { class: `arrow ${call.state}` }, stateWord(call))),
      el("td", { class: "right" }, callSide(call.replayed)));
    if (!call.body) return [row];
    const [, headers] = headerTable(call.headers, null);
    const more = el("details", { open: here },
      el("summary", {}, "What was sent, recorded beside replayed"),
      bodyView(call.body, example.path, "Body of the outbound call"),
      call.headers.some((row) => row[0] !== "=") && headers);
    return [row, el("tr", { class: "more" }, el("td", {}), el("td", { colspan: 3 }, more))];
  });
  return section("Outbound calls", differing ? `${number(differing)} of ${number(detail.calls.length)} differ` : `${number(detail.calls.length)}, all the same`, open,
    sequenceView(detail, example),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Outbound calls" },
      el("table", { class: "calls" },
        el("thead", {}, el("tr", {}, ["#", "The recorded build called", "", "The replayed build called"].map((word) => el("th", { scope: "col" }, word || hidden("Comparison"))))),
        el("tbody", {}, rows))),
    detail.calls_left > 0 && el("p", { class: "facts" }, `${plural(detail.calls_left, "call")} more in the captures.`));
}
