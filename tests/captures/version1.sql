-- A capture of version 1, as Retape wrote them before heads and dictionaries (sqlite3's .dump).
PRAGMA page_size = 8192;
PRAGMA application_id = 1381257265;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,            -- before compression
    codec TEXT NOT NULL,              -- raw, zstd
    data BLOB NOT NULL
);
INSERT INTO "body" VALUES(1,X'8589EFAB68C9A803899596E022C3F653BD430AFCA6D73BCC82051C623AAB242F',13,'raw',X'7B22736B75223A22412D31227D');
INSERT INTO "body" VALUES(2,X'2F7839A87CAB24A87DECF71E9CC63DB8C9F33FF64995E195E7D8BD663ACC920A',219,'zstd',X'28B52FFD20DBFD0000C07B226964223A31372C226E6F7465223A2266696E6520227D010080A04A13');
INSERT INTO "body" VALUES(3,X'46D75E495B579E7195224166109910C9AFD0F242CFA3E565D60F14619209C859',9,'raw',X'7B22746178223A337D');
INSERT INTO "body" VALUES(4,X'35E6F3DAAC9123DAE8D5D7C1352C98229C5765DB74C1AD8FEDB2AD516BAE94C5',9,'raw',X'7B226964223A31387D');
CREATE TABLE decision (
    fingerprint TEXT PRIMARY KEY,
    decision TEXT NOT NULL,           -- accepted, ignored, rejected
    who TEXT,
    at REAL NOT NULL,
    reason TEXT
);
CREATE TABLE exchange (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    direction TEXT NOT NULL,          -- inbound, outbound
    protocol TEXT NOT NULL DEFAULT 'http',
    dependency TEXT,
    caused_by INTEGER,                -- inbound exchange in this file; written before its target is, so no REFERENCES
    cause_how TEXT,
    cause_evidence TEXT,
    replay_of INTEGER,                -- exchange id in the source capture of a run
    method TEXT NOT NULL,
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    target TEXT NOT NULL,             -- raw, latin-1
    request_version TEXT NOT NULL,
    request_headers TEXT NOT NULL,    -- JSON [[name, value], ...], latin-1
    request_body INTEGER REFERENCES body(id),
    request_trailers TEXT,
    status INTEGER,
    reason TEXT,
    response_version TEXT,
    response_headers TEXT,
    response_body INTEGER REFERENCES body(id),
    response_trailers TEXT,
    failure TEXT,                     -- kind, see captures.model.FailureKind
    failure_detail TEXT,
    body_truncated INTEGER NOT NULL DEFAULT 0,
    connection TEXT NOT NULL DEFAULT '',
    started REAL NOT NULL,
    request_done REAL,
    response_started REAL,
    ended REAL,
    notes TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "exchange" VALUES(1,1,'inbound','http',NULL,NULL,NULL,NULL,NULL,'POST','http','shop',80,'/orders','HTTP/1.1','[["Host", "shop"], ["Accept", "ÿ"], ["Accept", "*/*"]]',1,NULL,201,'OK','HTTP/1.1','[["Content-Type", "application/json"], ["X-Request-Id", "7f3a"]]',2,NULL,NULL,NULL,0,'c1',101.0,101.1,101.2,101.3,'{}');
INSERT INTO "exchange" VALUES(2,1,'outbound','http','tax',1,'window','only one was open',NULL,'GET','http','shop',80,'/tax?of=17','HTTP/1.1','[["Host", "shop"], ["Accept", "ÿ"], ["Accept", "*/*"]]',NULL,NULL,200,'OK','HTTP/1.1','[["Content-Type", "application/json"], ["X-Request-Id", "7f3a"]]',3,NULL,NULL,NULL,0,'c1',102.0,102.1,102.2,102.3,'{}');
INSERT INTO "exchange" VALUES(3,1,'inbound','http',NULL,NULL,NULL,NULL,NULL,'GET','http','shop',80,'/orders/17','HTTP/1.1','[["Host", "shop"], ["Accept", "ÿ"], ["Accept", "*/*"]]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'timeout','30 s',0,'c1',103.0,103.1,103.2,103.3,'{}');
INSERT INTO "exchange" VALUES(4,1,'inbound','http',NULL,NULL,NULL,NULL,NULL,'GET','http','shop',80,'/orders/18','HTTP/1.1','[["Host", "shop"], ["Accept", "ÿ"], ["Accept", "*/*"]]',NULL,NULL,200,'OK','HTTP/1.1','[["Content-Type", "application/json"], ["X-Request-Id", "7f3a"]]',4,NULL,NULL,NULL,0,'c1',104.0,104.1,104.2,104.3,'{"redacted": {"request.header Cookie": 1}}');
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    exchange INTEGER NOT NULL REFERENCES exchange(id),
    seq INTEGER NOT NULL,
    from_client INTEGER NOT NULL,
    kind TEXT NOT NULL,               -- text, binary, event, chunk
    at REAL NOT NULL,
    body INTEGER REFERENCES body(id)
);
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    mode TEXT NOT NULL,               -- record, replay, import
    started REAL NOT NULL,
    ended REAL,                       -- NULL: still being written, or the writer died
    seen INTEGER NOT NULL DEFAULT 0,
    written INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    truncated INTEGER NOT NULL DEFAULT 0,
    redaction_key TEXT,               -- fingerprint of the key, never the key
    meta TEXT NOT NULL DEFAULT '{}'   -- JSON: versions, labels, source capture of a run
);
INSERT INTO "session" VALUES(1,'record',1000.0,1000.0,4,4,0,0,'abcd','{"label": "v1"}');
CREATE TABLE skipped (
    session INTEGER NOT NULL REFERENCES session(id),
    exchange INTEGER NOT NULL,        -- id in the source capture
    reason TEXT NOT NULL
);
CREATE INDEX exchange_caused_by ON exchange(caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX exchange_replay_of ON exchange(replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX exchange_direction ON exchange(direction, id);
CREATE INDEX message_exchange ON message(exchange, seq);
CREATE VIEW traffic AS
SELECT e.id,
       strftime('%Y-%m-%d %H:%M:%f', e.started, 'unixepoch') AS time,
       e.direction,
       e.method || ' ' || e.target AS request,
       e.scheme || '://' || e.host || ':' || e.port AS server,
       COALESCE(CAST(e.status AS TEXT), 'failed: ' || e.failure) AS outcome,
       ROUND((e.ended - e.started) * 1000, 1) AS milliseconds,
       q.size AS request_bytes,
       p.size AS response_bytes,
       (SELECT json_extract(h.value, '$[1]') FROM json_each(e.response_headers) h
         WHERE lower(json_extract(h.value, '$[0]')) = 'content-type' LIMIT 1) AS response_type,
       e.dependency,
       e.caused_by,
       e.cause_how,
       e.replay_of
FROM exchange e LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body;
CREATE VIEW outbound_calls AS
SELECT o.id,
       i.method || ' ' || i.target AS caused_by_request,
       o.caused_by,
       o.cause_how,
       o.cause_evidence,
       o.dependency,
       o.method || ' ' || o.target AS call,
       COALESCE(CAST(o.status AS TEXT), 'failed: ' || o.failure) AS outcome,
       ROUND((o.ended - o.started) * 1000, 1) AS milliseconds
FROM exchange o LEFT JOIN exchange i ON i.id = o.caused_by
WHERE o.direction = 'outbound';
CREATE VIEW headers AS
SELECT e.id AS exchange, 'request' AS side, h.key + 1 AS position,
       json_extract(h.value, '$[0]') AS name, json_extract(h.value, '$[1]') AS value
FROM exchange e, json_each(e.request_headers) h
UNION ALL
SELECT e.id, 'response', h.key + 1, json_extract(h.value, '$[0]'), json_extract(h.value, '$[1]')
FROM exchange e, json_each(e.response_headers) h WHERE e.response_headers IS NOT NULL;
COMMIT;
