// The cluster's key, rotated while it runs, and what it keeps out.
'use strict';
const assert = require('node:assert');
const dgram = require('node:dgram');
const {once} = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {Node, program, run, sleep, startCluster, startNodes, until} = require('./cluster.js');

const [OLD, FRESH] = ['5c'.repeat(32), 'a7'.repeat(32)];

// Three nodes, each with a key file of its own.
async function startSealed(t, flags = []) {
  const cluster = await startNodes(t, {nodes: 0});
  for (let i = 1; i <= 3; i++) cluster.nodes.push(await Node.make(cluster.directory, `node-${i}`));
  const join = cluster.nodes.map((node) => `127.0.0.1:${node.peerPort}`).join(',');
  for (const node of cluster.nodes) {
    node.keyFile = `${node.directory}.key`;
    fs.writeFileSync(node.keyFile, `${OLD}\n`);
    node.flags.push('--join', join, '--cluster-key-file', node.keyFile, ...flags);
    await node.start();
  }
  await until('all see all', async () => (await alive(cluster.nodes)).every((count) => count === 3));
  return cluster;
}

const alive = (nodes) => Promise.all(nodes.map(async (node) =>
  Number((/members_alive:(\d+)/.exec(await node.ask('GOSSIP', 'INFO')) || [])[1])));
const refused = async (node, cause) =>
  Number((new RegExp(`gossip_refused_total\\{cause="${cause}"\\} (\\d+)`).exec((await node.get('/metrics')).text) || [0, 0])[1]);
const ids = async (node) => (await node.ask('GOSSIP', 'KEYS', 'LIST')).map((key) => key[1]);

test('a key is rotated over all members while they hear each other', async (t) => {
  const {nodes} = await startSealed(t);
  const [old] = await ids(nodes[0]);
  assert.match(old, /^[0-9a-f]{16}$/);
  const fresh = await nodes[0].ask('GOSSIP', 'KEYS', 'ADD', FRESH);
  assert.notStrictEqual(fresh, old);
  for (const node of nodes) assert.strictEqual(await node.ask('GOSSIP', 'KEYS', 'ADD', FRESH), fresh);
  for (const [i, node] of nodes.entries()) {
    assert.strictEqual(await node.ask('GOSSIP', 'KEYS', 'USE', fresh), 'OK');
    assert.strictEqual(await node.ask('GOSSIP', 'SET', 'step', String(i)), 'OK');
    for (const other of nodes) {
      await until('a half rotated cluster still hears everybody', async () =>
        (await other.ask('GOSSIP', 'GET', node.address, 'step')) === String(i));
    }
  }
  for (const node of nodes) assert.strictEqual(await node.ask('GOSSIP', 'KEYS', 'REMOVE', old), 'OK');
  for (const node of nodes) {
    assert.deepStrictEqual(await ids(node), [fresh]);
    assert.strictEqual(fs.readFileSync(node.keyFile, 'utf8'), `${FRESH}\n`);
    assert.strictEqual(fs.statSync(node.keyFile).mode & 0o777, 0o600);
  }
  // A restarted node has the new key from its file; nobody was lost on the way.
  await nodes[2].stop();
  await nodes[2].start();
  await until('it is back', async () => (await alive(nodes)).every((count) => count === 3), 30000);
  for (const node of nodes) assert.doesNotMatch(node.log, new RegExp(`${FRESH}|${OLD}`));
});

const keys = async (node, ...words) => run(program, ['gossip', 'keys', ...words, '--at', node.address]);

test('one command rotates the key of all members, and changes nothing where one does not answer', async (t) => {
  const {nodes} = await startSealed(t, ['--cluster-name', 'ours']);
  const [old] = await ids(nodes[0]);
  const withKey = ['--cluster-key-file', nodes[0].keyFile, '--cluster-name', 'ours'];
  const listed = await keys(nodes[1], 'list');
  assert.strictEqual(listed.code, 0, listed.stderr);
  for (const node of nodes) assert.match(listed.stdout, new RegExp(`^${node.address} +alive +${old} +-$`, 'm'));
  for (const [expected, ...words] of [[/--cluster-key-file/, 'rotate'], [/usage/, 'rotate', 'x'], [/usage/], [/usage/, 'add'],
    [/16 hex digits/, 'remove', 'x'], [/no key of the ring/, 'use', '0123456789abcdef'], [/cannot open/, 'add', '/nowhere'],
    [/sealed with a key that this member does not have/, 'rotate', '--cluster-key-file', nodes[0].keyFile]]) {
    const wrong = await keys(nodes[0], ...words);
    assert.notStrictEqual(wrong.code, 0);
    assert.match(wrong.stderr, expected);
    for (const node of nodes) assert.deepStrictEqual(await ids(node), [old]);
  }
  const agent = await Node.make(path.dirname(nodes[0].directory), 'agent');
  t.after(() => agent.kill());
  fs.writeFileSync(`${agent.directory}.key`, `${OLD}\n`);
  agent.flags = ['agent', '--name', 'an-agent', '--port', agent.port, '--peer-port', agent.peerPort, '--admin-port', agent.adminPort,
    '--join', `127.0.0.1:${nodes[0].peerPort}`, '--cluster-key-file', `${agent.directory}.key`, '--cluster-name', 'ours'];
  await agent.start();
  await until('the agent is one of them', async () => (await alive([...nodes, agent])).every((count) => count === 4), 30000);
  // It dies and comes back as another member where it was: nobody is missed in the place of the dead one.
  await agent.kill();
  await agent.start();
  await until('the one before is dead', async () => /^members_dead:1\r$/m.test(await nodes[0].ask('GOSSIP', 'INFO')), 30000);
  await until('its successor is known', async () => (await alive([...nodes, agent])).every((count) => count === 4), 30000);
  const rotated = await keys(nodes[0], 'rotate', ...withKey);
  assert.strictEqual(rotated.code, 0, rotated.stderr);
  const [fresh] = await ids(nodes[0]);
  assert.deepStrictEqual(await ids(agent), [fresh]);
  await agent.stop();
  await until('the agent has left', async () => (await alive(nodes)).every((count) => count === 3), 30000);
  assert.match(rotated.stdout, new RegExp(fresh));
  assert.notStrictEqual(fresh, old);
  for (const node of nodes) {
    assert.deepStrictEqual(await ids(node), [fresh]);
    assert.strictEqual(fs.readFileSync(node.keyFile, 'utf8'), fs.readFileSync(nodes[0].keyFile, 'utf8'));
  }
  await nodes[2].kill();
  // Who does not answer may be the other half of a partition, before it is called dead and after.
  for (const what of [/nothing is changed; --partial/, /is dead, or cut off: it keeps the keys that it has\n.*nothing is changed; --partial/s]) {
    const half = await keys(nodes[0], 'rotate', ...withKey);
    assert.strictEqual(half.code, 1, half.stdout + half.stderr);
    assert.match(half.stderr, what);
    assert.deepStrictEqual(await ids(nodes[1]), [fresh]);
    await until('it is called dead', async () => (await alive(nodes.slice(0, 2))).every((count) => count === 2), 30000);
  }
  const partial = await keys(nodes[0], 'rotate', ...withKey, '--partial', '--json');
  assert.strictEqual(partial.code, 0, partial.stderr);
  assert.strictEqual(JSON.parse(partial.stdout).members, 2);
  for (const node of nodes.slice(0, 2)) assert.notDeepStrictEqual(await ids(node), [fresh]);
  // Whoever was away has the old key, and is not let in before it is given the new one.
  await nodes[2].start();
  await until('it is refused', async () => (await refused(nodes[2], 'seal')) > 0, 30000);
  assert.match(await nodes[2].ask('GOSSIP', 'INFO'), /^members:1\r$/m);
  await nodes[2].kill();
  fs.copyFileSync(nodes[0].keyFile, nodes[2].keyFile);
  await nodes[2].start();
  await until('it is back', async () => (await alive(nodes)).every((count) => count === 3), 30000);
});

test('writes go on while the key of the streams between their replicas is rotated', async (t) => {
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'trothdb-keys-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const key = path.join(directory, 'key'); // one file for all: it is replaced as a whole by each
  fs.writeFileSync(key, `${OLD}\n`);
  const {nodes} = await startCluster(t, {shards: 3, isCalm: true, flags: ['--cluster-key-file', key]});
  let isOver = false, written = 0;
  const writer = (async () => {
    for (let i = 0; !isOver; i++) {
      const slot = await nodes[0].ask('CLUSTER', 'KEYSLOT', `key-${i}`);
      for (const node of nodes) {
        const answer = await node.ask('SET', `key-${i}`, i);
        if (answer === 'OK') written++;
        else assert.match(String(answer), /^Error: (MOVED|CLUSTERDOWN|TRYAGAIN)/, `slot ${slot}`);
      }
    }
  })();
  for (let turn = 0; turn < 3; turn++) {
    const before = written;
    const rotated = await keys(nodes[turn], 'rotate', '--cluster-key-file', key);
    assert.strictEqual(rotated.code, 0, rotated.stderr);
    await until('writes go on', async () => written > before + 20);
  }
  isOver = true;
  await writer;
  for (const node of nodes) assert.doesNotMatch(node.log, /not sealed with this cluster's key/);
});

// It has left, as gossip sees it, and comes back with the keys that it had.
test('a node of the cluster that was stopped in good order is missed as a dead one is', async (t) => {
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'trothdb-keys-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const key = path.join(directory, 'key');
  fs.writeFileSync(key, `${OLD}\n`);
  const cluster = await startCluster(t, {shards: 1, flags: ['--cluster-key-file', key]});
  const {nodes} = cluster;
  const [old] = await ids(nodes[0]);
  await nodes[2].stop();
  await until('it has left', async () => /^members_dead:0\r$/m.test(await nodes[0].ask('GOSSIP', 'INFO')) && (await alive(nodes.slice(0, 2))).every((count) => count === 2), 30000);
  const refusal = await keys(nodes[0], 'rotate', '--cluster-key-file', key);
  assert.strictEqual(refusal.code, 1, refusal.stdout + refusal.stderr);
  assert.match(refusal.stderr, /^  node 3 is a node of the cluster, and away: it keeps the keys that it has\n.*nothing is changed; --partial/m);
  for (const node of nodes.slice(0, 2)) assert.deepStrictEqual(await ids(node), [old]);
  assert.match((await keys(nodes[1], 'list')).stdout, /^node 3 +away +\? +-$/m);
  await nodes[2].start();
  await cluster.whole();
  const rotated = await keys(nodes[0], 'rotate', '--cluster-key-file', key);
  assert.strictEqual(rotated.code, 0, rotated.stderr);
  for (const node of nodes) assert.notDeepStrictEqual(await ids(node), [old]);
});

// Gossip remembers it as dead for a day, and it never comes back.
test('a node that was removed from the cluster is not missed', async (t) => {
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'trothdb-keys-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const key = path.join(directory, 'key');
  fs.writeFileSync(key, `${OLD}\n`);
  const whole = await startNodes(t, {nodes: 4, flags: ['--cluster-key-file', key]});
  const {nodes} = whole, [spare] = nodes.slice(3), left = nodes.slice(0, 3);
  await whole.create({among: left, shards: 1});
  const [old] = await ids(left[0]);
  for (const word of ['add', 'remove']) {
    const told = await run(program, ['cluster', word, spare.address, '--at', left[0].address], {timeout: 90000});
    assert.strictEqual(told.code, 0, told.stdout + told.stderr);
  }
  await until('it has ended', () => /was removed from its cluster and ends/.test(spare.log));
  await until('it is called dead', async () => /^members_dead:1\r$/m.test(await left[0].ask('GOSSIP', 'INFO')), 30000);
  await until('all have heard of that', async () => (await alive(left)).every((count) => count === 3), 30000);
  const rotated = await keys(left[1], 'rotate', '--cluster-key-file', key);
  assert.strictEqual(rotated.code, 0, rotated.stdout + rotated.stderr);
  for (const node of left) assert.notDeepStrictEqual(await ids(node), [old]);
});

test('bad wishes for keys are refused, and the ring stays as it was', async (t) => {
  const {nodes: [node]} = await startNodes(t);
  assert.match(String(await node.ask('GOSSIP', 'KEYS', 'LIST')), /ERR this member has no cluster key/);
  const {nodes: [sealed]} = await startSealed(t, ['--slowlog-log-slower-than', 0]);
  const [only] = await ids(sealed);
  const bad = [[/64 hex digits/, 'ADD', 'secret'], [/64 hex digits/, 'ADD', `${FRESH}0`], [/no key of the ring/, 'USE', FRESH],
    [/no key of the ring/, 'USE', '0123456789abcdef'], [/16 hex digits/, 'REMOVE', 'all'], [/use another one first/, 'REMOVE', only],
    [/syntax/, 'FORGET', only], [/syntax/, 'LIST', only], [/syntax/, 'ADD']];
  for (const [expected, ...words] of bad) assert.match(String(await sealed.ask('GOSSIP', 'KEYS', ...words)), expected);
  assert.match(await sealed.ask('GOSSIP', 'KEYS', 'ADD', FRESH), /^[0-9a-f]{16}$/);
  assert.match(await sealed.ask('GOSSIP', 'KEYS', 'ADD', 'b1'.repeat(32)), /^[0-9a-f]{16}$/);
  assert.match(String(await sealed.ask('GOSSIP', 'KEYS', 'ADD', 'c2'.repeat(32))), /holds 3 keys already/);
  assert.strictEqual((await ids(sealed)).length, 3);
  assert.strictEqual((await ids(sealed))[0], only);
  assert.doesNotMatch(JSON.stringify(await sealed.ask('SLOWLOG', 'GET', 100)), new RegExp(FRESH));
});

// redis: a cluster bus without authentication believes whoever reaches it.
test('cluster bus without authentication: without the key nobody joins, learns or is answered', async (t) => {
  const {nodes} = await startSealed(t, ['--cluster-name', 'ours']);
  const strangers = {'no key': [], 'another key': [FRESH], 'the key of another cluster': [OLD, '--cluster-name', 'theirs']};
  const before = await refused(nodes[0], 'seal');
  for (const [name, [key, ...flags]] of Object.entries(strangers)) {
    const stranger = await Node.make(path.dirname(nodes[0].directory), `stranger-${name.replaceAll(' ', '-')}`);
    t.after(() => stranger.kill());
    if (key) fs.writeFileSync(`${stranger.directory}.key`, `${key}\n`);
    stranger.flags.push('--join', `127.0.0.1:${nodes[0].peerPort}`, ...flags,
      ...(key ? ['--cluster-key-file', `${stranger.directory}.key`] : []));
    const refusedSoFar = await refused(nodes[0], 'seal');
    await stranger.start();
    await until(`who has ${name} is refused`, async () => (await refused(nodes[0], 'seal')) >= refusedSoFar + 2, 30000);
    assert.match(await stranger.ask('GOSSIP', 'INFO'), /^members:1\r$/m, name);
    await stranger.kill();
  }
  assert.ok(await refused(nodes[0], 'seal') > before);
  await until('all see all', async () => (await alive(nodes)).every((count) => count === 3));
  // Bytes that nobody sealed get no answer of any kind.
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let answers = 0;
  socket.on('message', () => answers++);
  for (const length of [0, 1, 39, 40, 41, 200, 1200, 1201, 9000]) {
    socket.send(Buffer.alloc(length, 0), nodes[0].peerPort, '127.0.0.1');
  }
  await until('they are counted', async () => (await refused(nodes[0], 'length')) >= 2);
  await sleep(200);
  assert.strictEqual(answers, 0);
});

// A listener between two nodes hears their datagrams, and sends them again.
test('recorded datagrams that are sent again are counted and ignored', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const [node, talker] = [await Node.make(cluster.directory, 'node'), await Node.make(cluster.directory, 'talker')];
  cluster.nodes.push(node, talker);
  const key = path.join(cluster.directory, 'key');
  fs.writeFileSync(key, `${OLD}\n`);
  // The wire: what comes from the talker goes on to the node, and is kept.
  const wire = dgram.createSocket('udp4');
  t.after(() => wire.close());
  wire.bind(0, '127.0.0.1');
  await once(wire, 'listening');
  const recorded = [];
  wire.on('message', (bytes, from) => {
    if (from.port !== talker.peerPort) return;
    recorded.push(bytes);
    wire.send(bytes, node.peerPort, '127.0.0.1');
  });
  node.flags.push('--cluster-key-file', key);
  talker.flags.push('--cluster-key-file', key, '--join', `127.0.0.1:${wire.address().port}`);
  await node.start();
  await talker.start();
  const know = async () => (await alive([node, talker])).every((count) => count === 2);
  await until('they know each other', know);
  const again = [...recorded]; // the talker goes on talking
  assert.ok(again.length > 0);
  const before = await refused(node, 'replayed');
  for (const bytes of again) wire.send(bytes, node.peerPort, '127.0.0.1');
  await until('the recording is refused', async () => (await refused(node, 'replayed')) >= before + again.length);
  await until('they know each other still', know);
});
