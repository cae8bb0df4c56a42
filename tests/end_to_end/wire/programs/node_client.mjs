// Node's fetch, http and http2: node node_client.mjs BASE WAY. Prints what each saw, as JSON. Node trusts
// NODE_EXTRA_CA_CERTS.
import http from "node:http";
import https from "node:https";
import http2 from "node:http2";

const [base, way] = process.argv.slice(2);
const results = {};
const dateless = (pairs) => pairs.filter(([name]) => name.toLowerCase() !== "date");
const paired = (raw) => dateless(Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at], raw[2 * at + 1]]));
const requests = {
  hello: ["GET", "/hello?x=1&x=1"], echo: ["POST", "/echo", "a".repeat(70000)], large: ["GET", "/large"],
  nothing: ["GET", "/nothing"], unchanged: ["GET", "/unchanged"], early: ["GET", "/early"],
  trailing: ["GET", "/trailing"], broken: ["GET", "/broken"],
};

async function byFetch(name, [method, path, body]) {
  const seen = {};
  try {
    const headers = { "X-Case": `${way}-fetch-${name}`, "Accept-Encoding": "identity" };
    const response = await fetch(base + path, { method, body, headers });
    Object.assign(seen, { status: response.status, reason: response.statusText });
    seen.headers = dateless([...response.headers]);
    seen.body = Buffer.from(await response.arrayBuffer()).toString("base64");
  } catch (error) {
    seen.error = error.cause?.code ?? error.name;
  }
  return seen;
}

// Server-sent events: each is acknowledged when it has come.
async function events() {
  const name = `${way}-fetch-events`;
  const response = await fetch(`${base}/events?${name}`, { headers: { "X-Case": name } });
  let text = "";
  for await (const piece of response.body) {
    text += Buffer.from(piece).toString();
    if (text.endsWith("more\n\n")) await (await fetch(`${base}/acknowledge?${name}`)).text();
  }
  return { status: response.status, text };
}

function byHttp(name, [method, path, body]) {
  return new Promise((resolve) => {
    const seen = { informational: [], body: "" };
    const headers = { "X-Case": `${way}-http-${name}`, "X-MiXed": "Case", TE: "trailers", Connection: "close" };
    const request = (base.startsWith("https") ? https : http).request(base + path, { method, headers });
    request.on("information", (info) => seen.informational.push([info.statusCode, paired(info.rawHeaders)]));
    request.on("error", (error) => resolve({ ...seen, error: error.code }));
    request.on("response", (response) => {
      Object.assign(seen, { status: response.statusCode, reason: response.statusMessage });
      Object.assign(seen, { version: response.httpVersion, headers: paired(response.rawHeaders) });
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", (error) => (seen.error = error.code));
      response.on("close", () => {
        seen.body = Buffer.concat(pieces).toString("base64");
        resolve({ ...seen, trailers: paired(response.rawTrailers), complete: response.complete });
      });
    });
    request.end(body);
  });
}

function byHttp2(session, name, [method, path, body]) {
  return new Promise((resolve) => {
    const seen = { informational: [], trailers: [] };
    const stream = session.request({ ":method": method, ":path": path, "x-case": `${way}-http2-${name}`, te: "trailers" });
    const pieces = [];
    stream.on("headers", (headers) => seen.informational.push([headers[":status"], headers.link]));
    stream.on("response", (headers, flags, raw) => Object.assign(seen, { headers: paired(raw) }));
    stream.on("trailers", (trailers, flags, raw) => (seen.trailers = paired(raw)));
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("error", (error) => (seen.error = error.code));
    stream.on("close", () => {
      seen.reset = stream.rstCode;
      resolve({ ...seen, body: Buffer.concat(pieces).toString("base64") });
    });
    stream.end(body);
  });
}

for (const [name, request] of Object.entries(requests)) {
  results[`fetch-${name}`] = await byFetch(name, request);
  results[`http-${name}`] = await byHttp(name, request);
}
results["fetch-events"] = await events();
const session = http2.connect(base);
delete requests.broken; // hypercorn only ends it with its idle connection, seconds later
for (const [name, request] of Object.entries(requests)) results[`http2-${name}`] = await byHttp2(session, name, request);
session.close();
console.log(JSON.stringify(results));
