// A service that asks two dependencies: rates over HTTPS (undici, and https-proxy-agent over node:https) and stock over
// plain HTTP. Its clients find their proxy in the environment, as services in the field do; Node before 22.21 needs
// an agent for that.
'use strict';

const http = require('node:http');
const https = require('node:https');
const { EnvHttpProxyAgent, fetch } = require('undici');
const { HttpsProxyAgent } = require('https-proxy-agent');

const [rates, stock] = [process.env.RATES_URL, process.env.STOCK_URL];
const dispatcher = new EnvHttpProxyAgent();
const agent = process.env.HTTPS_PROXY ? new HttpsProxyAgent(process.env.HTTPS_PROXY) : undefined;

async function viaUndici(url, options = {}) {
  const answer = await fetch(url, { ...options, dispatcher });
  return { status: answer.status, body: await answer.json() };
}

function viaHttps(url) {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(chunks)) }));
      answer.on('error', reject);
    });
    request.on('error', reject);
  });
}

async function price(sku) {
  const [rate, level] = [await viaHttps(`${rates}/rates/EUR`), await viaUndici(`${stock}/stock/${sku}`)];
  return { sku, cents: 250 * rate.body.percent, available: level.body.level, quoted: new Date().toISOString() };
}

async function order(text) {
  const wanted = JSON.parse(text);
  const answer = await viaUndici(`${rates}/charges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sku: wanted.sku, cents: wanted.count * 250 }),
  });
  return [answer.status === 201 ? 201 : 502, { charge: answer.body.id, count: wanted.count }];
}

function read(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

const server = http.createServer(async (request, response) => {
  let [status, body] = [404, { error: 'no such page' }];
  try {
    if (request.url.startsWith('/prices/')) [status, body] = [200, await price(request.url.slice(8))];
    else if (request.url === '/orders' && request.method === 'POST') [status, body] = await order(await read(request));
    else if (request.url === '/health') [status, body] = [200, { up: true }];
  } catch (error) {
    [status, body] = [502, { error: String(error.cause ?? error) }];
  }
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
});

server.listen(Number(process.env.PORT), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
