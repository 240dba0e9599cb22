// What a member lacks goes to it by a stream of gRPC where it is much: between agents and nodes, sealed or not, and as a client sees it
// that makes the calls by hand.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const {Node, startNodes, until} = require('./cluster.js');

const proto = loader.loadSync(path.join(__dirname, '..', '..', 'proto', 'peer.proto'));
const {Peer} = grpc.loadPackageDefinition(proto).trothdb.peer.v1;
const KEYS = 100, VALUE_BYTES = 600;

async function startAgent(cluster, name, seed, ...flags) {
  const agent = await Node.make(cluster.directory, name);
  agent.flags = ['agent', '--name', name, '--port', agent.port, '--peer-port', agent.peerPort, '--admin-port',
    agent.adminPort, ...(seed ? ['--join', `127.0.0.1:${seed.peerPort}`] : []), ...flags];
  cluster.nodes.push(agent);
  await agent.start();
  return agent;
}

// It says so many keys, of values that cannot be shortened much.
async function fill(agent) {
  for (let i = 0; i < KEYS; i++)
    await agent.ask('GOSSIP', 'SET', `key-${i}`, crypto.randomBytes(VALUE_BYTES * 3 / 4).toString('base64'));
}

async function streams(asked, end) {
  const {text} = await asked.get('/metrics');
  return Number(new RegExp(`^trothdb_gossip_streams_total\\{end="${end}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

async function checkFirstCopies(t, ...flags) {
  const cluster = await startNodes(t, {nodes: 1, flags});
  const [node] = cluster.nodes;
  const first = await startAgent(cluster, 'first', node, ...flags);
  await fill(first);
  await until('the node knows the last key', () => node.ask('GOSSIP', 'GET', 'first', `key-${KEYS - 1}`));
  const newcomer = await startAgent(cluster, 'newcomer', node, ...flags);
  await until('the newcomer took its copy by a stream', () => streams(newcomer, 'asked-done'));
  // Either may be asked: the newcomer hears of both at about the same time.
  await until('one of the two gave it', async () => await streams(node, 'served-done') + await streams(first, 'served-done'));
  await until('nothing is lacking', async () => (await Promise.all(Array.from({length: KEYS}, (_, i) =>
    newcomer.ask('GOSSIP', 'GET', 'first', `key-${i}`)))).every((value) => value?.length === VALUE_BYTES));
  // The other way round: an agent gives, a node takes. It comes back with nothing but its own directory.
  await node.kill();
  node.flags = [...node.flags.filter((flag, i) => flag !== '--join' && node.flags[i - 1] !== '--join'),
    '--join', `127.0.0.1:${newcomer.peerPort}`];
  await node.start();
  await until('the node took its copy by a stream', () => streams(node, 'asked-done'));
  await until('the node knows all again', () => node.ask('GOSSIP', 'GET', 'first', `key-${KEYS - 1}`));
}

test('a newcomer takes its first copy by a stream', async (t) => checkFirstCopies(t));

test('so it does where all is sealed', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-streams-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const file = path.join(directory, 'key');
  fs.writeFileSync(file, crypto.randomBytes(32).toString('hex'), {mode: 0o600});
  await checkFirstCopies(t, '--cluster-key-file', file, '--cluster-name', 'sealed');
});

// ---- by hand ----

// "What do I lack?", of a newcomer at an address where nobody answers (docs/format/gossip.md).
function digest() {
  const uuid = crypto.randomBytes(16), host = Buffer.from('127.0.0.1');
  const record = Buffer.concat([uuid, Buffer.from([1, 0, 0, host.length]), host, Buffer.from([9, 0, 4]), Buffer.from('hand')]);
  const range = Buffer.concat([Buffer.alloc(16), Buffer.alloc(16, 255)]);
  const section = (tag, bytes) => Buffer.concat([Buffer.from([tag, bytes.length & 255, bytes.length >> 8]), bytes]);
  return Buffer.concat([Buffer.from([0, 6]), uuid, Buffer.from([1]), section(9, Buffer.from([1])), section(32, Buffer.alloc(0)),
    section(5, record), section(7, range)]);
}

// A call; `pieces` and `code` grow as it goes on.
function catchUp(client, request) {
  const call = client.CatchUp(request);
  const seen = {call, pieces: [], code: null};
  seen.ended = new Promise((resolve) => call.on('status', ({code}) => resolve(seen.code = code)));
  call.on('error', () => {});
  call.on('data', (piece) => seen.pieces.push(piece));
  return seen;
}

// The same call on a connection of HTTP/2 whose windows are small, and are never opened further.
function readNothing(connection, {nonce, digest: asked}) {
  const message = Buffer.concat([Buffer.from([0x0a, nonce.length]), nonce, Buffer.from([0x12, asked.length]), asked]);
  const call = connection.request({':method': 'POST', ':path': '/trothdb.peer.v1.Peer/CatchUp', 'content-type': 'application/grpc',
    te: 'trailers'});
  call.on('error', () => {});
  call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
}

test('by hand: pieces repeat the nonce, bad requests get one clear status, four are served and the fifth is sent elsewhere', async (t) => {
  const cluster = await startNodes(t, {nodes: 1});
  const [node] = cluster.nodes;
  const agent = await startAgent(cluster, 'agent', node);
  await fill(agent);
  const client = new Peer(`127.0.0.1:${agent.peerPort}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  await until('the agent has met the node', async () => (await agent.ask('GOSSIP', 'MEMBERS')).length > 1);

  const nonce = crypto.randomBytes(16);
  const served = catchUp(client, {nonce, digest: digest()});
  assert.strictEqual(await served.ended, grpc.status.OK);
  assert.ok(served.pieces.length >= 2, `${served.pieces.length} pieces`);
  for (const piece of served.pieces) {
    assert.deepStrictEqual(piece.nonce, nonce);
    assert.ok([8, 9].includes(piece.fill[1]), 'a FILL, packed or not');
    assert.ok(piece.fill.length <= 60 * 1024);
  }
  assert.ok(Buffer.concat(served.pieces.map(({fill}) => fill)).length > KEYS * VALUE_BYTES * 0.6);

  const {INVALID_ARGUMENT, ABORTED, RESOURCE_EXHAUSTED} = grpc.status;
  assert.strictEqual(await catchUp(client, {nonce: Buffer.alloc(15), digest: digest()}).ended, INVALID_ARGUMENT);
  assert.strictEqual(await catchUp(client, {nonce, digest: Buffer.alloc(0)}).ended, INVALID_ARGUMENT);
  assert.strictEqual(await catchUp(client, {nonce, digest: Buffer.from('no datagram of gossip')}).ended, ABORTED);
  assert.strictEqual(await catchUp(client, {nonce, digest: digest().subarray(0, 40)}).ended, ABORTED);

  // Four that do not read hold their places; the fifth hears of somebody else to ask. Who reads nothing is not waited for.
  const slow = http2.connect(`http://127.0.0.1:${agent.peerPort}`, {settings: {initialWindowSize: 1000}});
  t.after(() => slow.destroy());
  slow.on('error', () => {});
  for (let i = 0; i < 4; i++) readNothing(slow, {nonce, digest: digest()});
  await until('four are served', async () => /^trothdb_gossip_streams_served 4$/m.test((await agent.get('/metrics')).text));
  const fifth = catchUp(client, {nonce, digest: digest()});
  assert.strictEqual(await fifth.ended, RESOURCE_EXHAUSTED);
  assert.strictEqual(fifth.pieces.length, 1);
  await until('their time is over', async () => await streams(agent, 'served-failed') >= 4, 30000);
  assert.strictEqual(await catchUp(client, {nonce, digest: digest()}).ended, grpc.status.OK);
});

// Carries bytes to and from `port` until so many came from there, and from then on swallows all, as a cable that is cut does.
async function startCable(t, port, bytes) {
  let left = bytes;
  const cable = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const end of [near, far]) { t.after(() => end.destroy()); end.on('error', () => {}); }
    near.on('data', (data) => left > 0 && far.write(data));
    far.on('data', (data) => {
      if (left > 0) near.write(data);
      left -= data.length;
    });
  });
  t.after(() => cable.close());
  await new Promise((resolve) => cable.listen(0, '127.0.0.1', resolve));
  return cable.address().port;
}

test('a stream that is cut halfway has failed for who gives it, too', async (t) => {
  const cluster = await startNodes(t, {nodes: 1});
  const agent = await startAgent(cluster, 'agent', cluster.nodes[0]);
  await fill(agent);
  await until('the node knows the last key', () => cluster.nodes[0].ask('GOSSIP', 'GET', 'agent', `key-${KEYS - 1}`));
  const port = await startCable(t, agent.peerPort, 20000);
  const client = new Peer(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const failed = await streams(agent, 'served-failed');
  const cut = catchUp(client, {nonce: crypto.randomBytes(16), digest: digest()});
  await until('who gives it has noticed', async () => await streams(agent, 'served-failed') > failed, 30000);
  cut.call.cancel();
});

test('with a key nobody is served who does not have it', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-streams-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const file = path.join(directory, 'key');
  fs.writeFileSync(file, crypto.randomBytes(32).toString('hex'), {mode: 0o600});
  const cluster = await startNodes(t, {nodes: 1, flags: ['--cluster-key-file', file]});
  const client = new Peer(`127.0.0.1:${cluster.nodes[0].peerPort}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const refused = catchUp(client, {nonce: crypto.randomBytes(16), digest: digest()});
  assert.strictEqual(await refused.ended, grpc.status.UNAUTHENTICATED);
  assert.strictEqual(refused.pieces.length, 0);
});
