// json-server behind json-server-auth, everything in memory: sign-up, login by token, rows that belong to their owner.
// `node guarded.js now` (2.1.0) or `node guarded.js before` (2.0.2).
'use strict';

const jsonServer = require('json-server');
const auth = require(process.argv[2] === 'before' ? 'json-server-auth-before' : 'json-server-auth');

const app = jsonServer.create();
const router = jsonServer.router({ users: [], notes: [], posts: [] });
app.db = router.db;
app.use(jsonServer.defaults({ logger: false }));
app.use(auth.rewriter({ users: 600, notes: 660, posts: 644 }));
app.use(auth);
app.use(router);
app.listen(Number(process.env.PORT), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
