// Conversations byte by byte: what clients say before, between and instead of commands on keys, sent to a real server and to a
// real Redis (in cluster mode, alone, with all slots). The same bytes come back, and the connection ends, or does not, alike.
// TROTHDB_TALKS=100000 compares so many random ones.
'use strict';
const assert = require('node:assert');
const {spawn, spawnSync} = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {run, startCluster, startNodes, until} = require('./cluster.js');
const {freePort, isFree} = require('./ports.js');
const {randomSource} = require('./redis-compare-commands.js');
const {LINES, STRANGERS, ACROSS_SLOTS, BYTES, randomTalk} = require('./redis-talk.js');

const AT_ONCE = 16, SHOWN = 10;
// Until nothing has come for so long both are asked again, apart and with more patience, before a difference counts.
const QUIET_MS = 60, PATIENT_QUIET_MS = 4000;

async function redisPort() { // its bus takes the port 10000 above
  for (;;) {
    const port = await freePort();
    if (port < 50000 && await isFree(port + 10000)) return port;
  }
}

async function startRedis(t, password = '') {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'redis-talk-'));
  const port = await redisPort();
  const server = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', directory, '--cluster-enabled', 'yes',
    '--requirepass', password],
    {stdio: 'ignore'});
  t.after(async () => {
    server.kill('SIGKILL');
    await new Promise((resolve) => (server.exitCode === null && server.signalCode === null ? server.once('exit', resolve) : resolve()));
    fs.rmSync(directory, {recursive: true, force: true});
  });
  const login = password ? ['--no-auth-warning', '-a', password] : [];
  const ask = async (...words) => (await run('redis-cli', ['-p', port, ...login, ...words])).stdout;
  await until('redis-server answers', async () => (await ask('PING')).includes('PONG'));
  await ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until('redis-server serves', async () => (await ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  return port;
}

// All that a server says to `talk`, until it has said nothing for a while, or `last`: {bytes, isClosed}.
function converse(port, talk, quietMs, last) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let bytes = '', timer;
    const end = (isClosed) => { clearTimeout(timer); socket.destroy(); resolve({bytes, isClosed}); };
    const wait = () => { clearTimeout(timer); timer = setTimeout(() => end(false), quietMs); };
    socket.on('connect', () => { socket.write(Buffer.from(talk, 'latin1')); wait(); });
    socket.on('data', (chunk) => {
      bytes += chunk.latin1Slice();
      if (last && bytes.endsWith(last)) end(false);
      else wait();
    });
    socket.on('end', () => end(true));
    socket.on('error', () => end(true));
  });
}

// Of a talk that has an answer to its end, which need not be waited for in vain.
const END = 'PING the-end\r\n', END_ANSWERED = '$7\r\nthe-end\r\n';
const converseToTheEnd = async (port, talk) => {
  const {bytes, isClosed} = await converse(port, talk + END, PATIENT_QUIET_MS, END_ANSWERED);
  assert.ok(!isClosed && bytes.endsWith(END_ANSWERED), `no answer to the last of ${talk}: ${bytes}`);
  return bytes.slice(0, -END_ANSWERED.length);
};

// Every connection has an id of its own, and who leaves all channels leaves them in any order.
const masked = ({bytes, isClosed}) => ({isClosed, bytes: bytes.replace(/(\$2\r\nid\r\n):\d+/g, '$1:N')
  .replace(/(unsubscribe\r\n)\$\d+\r\n[^\r]*\r\n/g, '$1NAME\r\n')});

// What was said and the two answers, as text; null where these are equal.
async function difference(redis, other, talk) {
  for (const quietMs of [QUIET_MS, PATIENT_QUIET_MS]) {
    const [expected, got] = (await Promise.all([redis, other].map((port) => converse(port, talk, quietMs)))).map(masked);
    if (expected.bytes === got.bytes && expected.isClosed === got.isClosed) return null;
    if (quietMs === PATIENT_QUIET_MS) return [talk, expected, got].map((side) => JSON.stringify(side).slice(0, 1000)).join('\n  ');
  }
}

async function compare(redis, other, talks) {
  const differences = [];
  let next = 0;
  const lane = async () => {
    while (next < talks.length) {
      const found = await difference(redis, other, talks[next++]);
      if (found) differences.push(found);
    }
  };
  await Promise.all(Array.from({length: AT_ONCE}, lane));
  return differences.slice(0, SHOWN).join('\n');
}

test('what is said around commands is answered as Redis does, byte for byte', async (t) => {
  if (spawnSync('redis-server', ['--version']).error) { t.skip('redis-server is not installed'); return; }
  const [redis, {nodes: [node]}] = await Promise.all([startRedis(t), startCluster(t, {nodes: 1})]);
  const known = await compare(redis, node.port, [...LINES, ...BYTES]);
  assert.ok(known === '', known);
  const seed = Date.now() % 100000, below = randomSource(seed);
  const talks = Array.from({length: Number(process.env.TROTHDB_TALKS || 300)}, () => randomTalk(below));
  const random = await compare(redis, node.port, talks);
  assert.ok(random === '', `seed ${seed}\n${random}`);
});

test('who has not said the password is answered as Redis does', async (t) => {
  if (spawnSync('redis-server', ['--version']).error) { t.skip('redis-server is not installed'); return; }
  const [redis, {nodes: [node]}] = await Promise.all([startRedis(t, 'secret'), startNodes(t, {nodes: 1, flags: ['--requirepass', 'secret']})]);
  await until('the node serves', async () => (await converseToTheEnd(node.port, 'AUTH secret\r\nGET k\r\n')).endsWith('$-1\r\n'));
  const differences = await compare(redis, node.port, STRANGERS);
  assert.ok(differences === '', differences);
});

test('keys that lie in several slots are refused as Redis refuses them', async (t) => {
  if (spawnSync('redis-server', ['--version']).error) { t.skip('redis-server is not installed'); return; }
  const [redis, {nodes: [node]}] = await Promise.all([startRedis(t), startNodes(t, {nodes: 1, flags: ['--shards', 12]})]);
  await node.whole();
  const differences = await compare(redis, node.port, ACROSS_SLOTS);
  assert.ok(differences === '', differences);
});

// What is called, rejected before it runs, and fails.
const COUNTED = ['SET s 1', 'SET s', 'SET', 'SET s 1 EX 0', 'SET s 1 FOO', 'GET s', 'GET', 'GET s', 'HGET s f', 'INCR s', 'APPEND s x', 'INCR s',
  'MSET {t}a 1', 'MSET {t}a 1 {t}b', 'MGET {t}a {t}b', 'MGET', 'OBJECT', 'OBJECT ENCODING s', 'OBJECT ENCODING', 'OBJECT NOSUCH', 'EXPIRE s x', 'HSET h f',
  'STRLEN h', 'NOSUCH s', 'SUBSCRIBE c', 'TTL s', 'DEL s', 'UNSUBSCRIBE c', 'TYPE s', 'CLIENT SETNAME "a b"', 'CLIENT SETNAME',
  'SCAN abc', 'SCAN 0 COUNT 0', 'FLUSHALL FOO', 'KEYS', 'CLIENT REPLY OFF', 'PERSIST', 'DECR h', 'SETRANGE s x y', 'CLIENT REPLY ON', 'ECHO'];

// "cmdstat_get:calls=..." without its times, of what was asked above, in one order.
async function commandFigures(port) {
  const bytes = await converseToTheEnd(port, 'INFO commandstats\r\nINFO errorstats\r\n');
  const names = new Set(COUNTED.flatMap((line) => { const [first, second] = line.toLowerCase().split(' '); return [first, `${first}|${second}`]; }));
  return bytes.split('\r\n').filter((line) => /^errorstat_WRONGTYPE/.test(line) || names.has((line.match(/^cmdstat_([^:]+)/) || [])[1]))
    .map((line) => line.replace(/usec=\d+,usec_per_call=\d+\.\d\d,/, 'usec=N,usec_per_call=N,')).sort();
}

test('INFO counts what was called, rejected and failed as Redis does', async (t) => {
  if (spawnSync('redis-server', ['--version']).error) { t.skip('redis-server is not installed'); return; }
  const [redis, {nodes: [node]}] = await Promise.all([startRedis(t), startCluster(t, {nodes: 1})]);
  for (const port of [redis, node.port]) await converseToTheEnd(port, COUNTED.map((line) => `${line}\r\n`).join(''));
  const expected = await commandFigures(redis);
  assert.ok(expected.length > 15, expected.join('\n'));
  assert.deepStrictEqual(await commandFigures(node.port), expected);
});

test('a form that a web page sends to the port runs no command of its body', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const answer = await converse(node.port, 'POST / HTTP/1.1\r\nHost: a\r\n\r\nSET stolen 1\r\n', PATIENT_QUIET_MS);
  assert.deepStrictEqual(answer, {bytes: '-ERR Protocol error: this is HTTP; the port speaks the Redis protocol\r\n', isClosed: true});
  assert.strictEqual(await converseToTheEnd(node.port, 'GET stolen\r\n'), '$-1\r\n');
});
