// A service whose links expire: GET /links/NAME gives one that is good for a minute, GET /files/NAME wants such a one.
'use strict';

const http = require('node:http');
const { createHmac } = require('node:crypto');

const KEY = 'a key that only the tests know, and that is long enough';

function signed(name, expires) {
  return createHmac('sha256', KEY).update(`${name} ${expires}`).digest('hex');
}

function answer(url) {
  const [, kind, name] = url.pathname.split('/');
  if (kind === 'links') {
    const expires = Math.floor(Date.now() / 1000) + 60;
    return [200, { url: `/files/${name}?expires=${expires}&signature=${signed(name, expires)}` }];
  }
  if (kind !== 'files') return [404, { error: 'no such page' }];
  const expires = Number(url.searchParams.get('expires'));
  if (url.searchParams.get('signature') !== signed(name, expires)) return [403, { error: 'the signature is wrong' }];
  if (expires * 1000 < Date.now()) return [403, { error: 'the link has expired' }];
  return [200, { name, lines: 12, read: new Date().toISOString() }];
}

const server = http.createServer((request, response) => {
  const [status, value] = answer(new URL(request.url, 'http://localhost'));
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
