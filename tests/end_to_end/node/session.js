// Two people's session with guarded.js through Node's own fetch: `node session.js http://127.0.0.1:3000`.
'use strict';

const base = process.argv[2];

async function ask(method, path, { token, body, headers } = {}, expected = [200, 201]) {
  const answer = await fetch(base + path, {
    method,
    headers: {
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (![expected].flat().includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return { headers: answer.headers, body: text && text[0] !== '"' ? JSON.parse(text) : text };
}

async function signUp(email, password) {
  await ask('POST', '/register', { body: { email, password, name: email.split('@')[0] } });
  const { body } = await ask('POST', '/login', { body: { email, password } });
  const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url'));
  return { token: body.accessToken, id: Number(claims.sub) };
}

(async () => {
  const ada = await signUp('ada@example.org', 'correct horse battery');
  const bob = await signUp('bob@example.org', 'staple and a half');
  await ask('POST', '/login', { body: { email: 'ada@example.org', password: 'wrong horse' } }, 400);
  await ask('GET', '/notes', {}, 401);
  const notes = [];
  for (const title of ['one', 'two', 'three']) {
    const { body, headers } = await ask('POST', '/notes', { token: ada.token, body: { title, userId: ada.id } });
    if (!headers.get('location').endsWith(`/notes/${body.id}`)) throw new Error('another Location');
    notes.push(body);
  }
  const read = await ask('GET', `/notes/${notes[0].id}?userId=${ada.id}`, { token: ada.token }, [200, 403]);
  const list = await ask('GET', '/posts');
  await ask('GET', '/posts', { headers: { 'if-none-match': list.headers.get('etag') } }, [200, 304]);
  const { body: post } = await ask('POST', '/posts', { token: bob.token, body: { title: 'hello', userId: bob.id } });
  await ask('PUT', `/posts/${post.id}`, { token: bob.token, body: { ...post, title: 'changed' } });
  await ask('PATCH', `/posts/${post.id}`, { token: ada.token, body: { title: 'not mine' } }, 403);
  await ask('GET', `/posts?_page=1&_limit=1&userId=${bob.id}`);
  await ask('GET', `/posts/${post.id}`);
  await ask('DELETE', `/posts/${post.id}`, { token: bob.token });
  await ask('GET', `/posts/${post.id}`, {}, 404);
  await ask('PATCH', `/users/${ada.id}`, { token: ada.token, body: { name: 'Ada L.' } }, [200, 403]);
  await ask('GET', `/users/${ada.id}`, { token: ada.token });
  process.stdout.write('done\n');
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
