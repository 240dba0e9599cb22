// What a node refuses, and how: it says why, it stays as it was, and nobody else suffers.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {Connection, Node, program, run, sleep, startCluster, startNodes, until, within} = require('./cluster.js');

// Sends bytes on a connection of its own: what comes back until the node closes it.
async function send(node, bytes) {
  const connection = await Connection.open(node.port);
  connection.take = function (chunk) { this.received += chunk.toString('latin1'); };
  connection.socket.removeAllListeners('data');
  connection.socket.on('data', (chunk) => connection.take(chunk));
  connection.write(bytes);
  await within(connection.closed, 60000, `${JSON.stringify(bytes.slice(0, 40))} should end the connection`);
  return connection.received;
}

test('broken requests end their own connection and nothing else', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const neighbour = await Connection.open(node.port);
  assert.strictEqual(await neighbour.ask('SET', 'key', 'value'), 'OK');
  const broken = [
    ['*1\r\n:1\r\n', /^-ERR Protocol error: expected '\$', got ':'/],
    ['*2147483648\r\n', /^-ERR Protocol error: invalid multibulk length/],
    ['*x\r\n', /^-ERR Protocol error: invalid multibulk length/],
    ['*1\r\n$-5\r\n', /^-ERR Protocol error: invalid bulk length/],
    ['*1\r\n$999999999999\r\n', /^-ERR Protocol error: invalid bulk length/],
    ['*1\r\n$abc\r\n', /^-ERR Protocol error: invalid bulk length/],
    ['SET "unbalanced\r\n', /^-ERR Protocol error: unbalanced quotes in request/],
    ['x'.repeat(70000), /^-ERR Protocol error: too big inline request/],
    [`*${'1'.repeat(70000)}`, /^-ERR Protocol error: too big mbulk count string/],
    ['*2\r\n$4\r\nPING\r\n!oops\r\n', /^-ERR Protocol error: expected '\$', got '!'/],
  ];
  for (const [bytes, expected] of broken) assert.match(await send(node, bytes), expected);
  // What was asked before it is still answered.
  assert.match(await send(node, '*1\r\n$4\r\nPING\r\n*1\r\n:1\r\n'), /^\+PONG\r\n-ERR Protocol error/);
  assert.strictEqual(await neighbour.ask('GET', 'key'), 'value');
  await until('nobody else is left', async () => (await node.ask('CLIENT', 'LIST')).trim().split('\n').length === 2);
  neighbour.close();
});

test('random bytes by the hundred connections', async (t) => {
  const {nodes: [node]} = await startNodes(t);
  let seed = 12345;
  const byte = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16 & 0xff;
  for (let round = 0; round < 100; round++) {
    const connection = await Connection.open(node.port);
    connection.take = () => {};
    connection.socket.write(Buffer.from(Array.from({length: 300}, byte)));
    await sleep(2);
    connection.close();
  }
  assert.strictEqual(await node.ask('PING'), 'PONG');
  await until('they are all gone', async () => (await node.ask('CLIENT', 'LIST')).trim().split('\n').length === 1);
});

test('limits: clients, output, input before a login', async (t) => {
  const {nodes: [node]} = await startNodes(t, {flags: ['--maxclients', 5, '--client-output-limit', '1mb', '--requirepass', 'secret']});
  assert.match(String(await node.ask('GET', 'key')), /NOAUTH Authentication required/);
  assert.match(await send(node, '*11\r\n'), /^-ERR Protocol error: unauthenticated multibulk length/);
  assert.match(await send(node, '*1\r\n$20000\r\n'), /^-ERR Protocol error: unauthenticated bulk length/);
  const client = await Connection.open(node.port);
  assert.match(String(await client.ask('AUTH', 'wrong')), /WRONGPASS/);
  assert.strictEqual(await client.ask('AUTH', 'secret'), 'OK');
  assert.strictEqual(await client.ask('SET', 'big', 'x'.repeat(600000)), 'OK');
  const greedy = await Connection.open(node.port);
  assert.strictEqual(await greedy.ask('AUTH', 'secret'), 'OK');
  greedy.socket.pause();
  for (let i = 0; i < 200; i++) greedy.write('*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n');
  await until('the client whose replies passed the limit is gone', async () => (await client.ask('CLIENT', 'LIST')).trim().split('\n').length === 1);
  greedy.close();
  const others = await Promise.all(Array.from({length: 6}, () => Connection.open(node.port)));
  await until('the refusal', async () => others.filter((other) => other.isClosed || other.received.includes('max number of clients')).length === 2);
  others.forEach((other) => other.close());
  assert.strictEqual(node.log.match(/clients are refused, maxclients is reached;.* clients=5 maxclients=5/g).length, 1, 'once, not for each');
  assert.strictEqual(await client.ask('PING'), 'PONG');
  client.close();
});

test('connections do not take the descriptors that the node needs for its log', async (t) => {
  const {nodes: [node]} = await startNodes(t, {flags: ['--wal-segment-bytes', '1mb', '--wal-spare-segments', '1']});
  await node.stop();
  node.launcher = ['prlimit', '--nofile=256:256'];
  await node.startWhole();
  assert.match(node.log, /fewer open files than maxclients needs.*allowed=256 clients=96/);
  const client = await Connection.open(node.port);
  const crowd = [];
  t.after(() => crowd.forEach((one) => one.close()));
  for (let i = 0; i < 300; i++) crowd.push(await Connection.open(node.port), await Connection.open(node.peerPort));
  await until('those too many are refused', async () => crowd.filter((one) => one.received.includes('max number of clients')).length >= 200);
  const value = 'x'.repeat(100000);
  for (let i = 0; i < 100; i++) assert.strictEqual(await client.ask('SET', `key:${i}`, value), 'OK', node.logTail);
  assert.match(await client.ask('INFO', 'clients'), /maxclients:96\r/);
  assert.ok(fs.readdirSync(`/proc/${node.process.pid}/fd`).length < 256, 'some are left');
  client.close();
});

test('cluster create where a node belongs to a cluster already', async (t) => {
  const cluster = await startCluster(t, {shards: 2});
  const before = await cluster.nodes[0].ask('TROTHDB', 'STATUS');
  assert.deepStrictEqual(before[5].map(([, , , port, peer, admin]) => [port, peer, admin]),
    cluster.nodes.map(({port, peerPort, adminPort}) => [port, peerPort, adminPort]), 'the ports that each node says it has');
  const refused = await run(program, ['cluster', 'create', ...cluster.addresses]);
  assert.strictEqual(refused.code, 1);
  assert.match(refused.stderr, /cluster/);
  assert.deepStrictEqual((await cluster.nodes[0].ask('TROTHDB', 'STATUS')).slice(0, 5), before.slice(0, 5));
  const {nodes: [lonely]} = await startNodes(t);
  const mixed = await run(program, ['cluster', 'create', lonely.address, '127.0.0.1:1', '127.0.0.1:2']);
  assert.strictEqual(mixed.code, 1);
  assert.match(mixed.stderr, new RegExp(`127.0.0.1:${lonely.port}`), 'names the node that is no spare');
  assert.match(mixed.stderr, /127\.0\.0\.1:1\b/, 'names the node that does not answer');
});

// As scripts do it that start everything at once.
test('cluster create waits for nodes that do not listen yet, says so, and names who stays away', async (t) => {
  const cluster = await startNodes(t, {nodes: 2});
  const late = await Node.make(cluster.directory, 'late');
  late.flags.push('--join', cluster.nodes.map((node) => `127.0.0.1:${node.peerPort}`).join(','));
  const addresses = [...cluster.addresses, late.address];
  const create = (...flags) => run(program, ['cluster', 'create', ...addresses, ...flags], {timeout: 60000});
  const refused = await create('--wait', '2');
  assert.strictEqual(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`^waiting for ${late.address} to answer\ntrothdb cluster: no cluster was made, and nothing was changed:\n.*${late.address}`), refused.stderr);
  for (const node of cluster.nodes) assert.doesNotMatch(refused.stderr, new RegExp(node.address));
  const json = await create('--wait', '0', '--json');
  assert.strictEqual(json.code, 1);
  assert.match(JSON.parse(json.stdout).error, new RegExp(late.address));
  const waiting = create('--shards', '2');
  await sleep(1500);
  cluster.nodes.push(late);
  await late.start();
  const made = await waiting;
  assert.strictEqual(made.code, 0, made.stdout + made.stderr);
  assert.match(made.stderr, new RegExp(`waiting for ${late.address} to answer`));
});

test('a spare serves no keys and says so', async (t) => {
  const {nodes: [spare]} = await startNodes(t, {nodes: 2});
  assert.match(String(await spare.ask('SET', 'key', 'value')), /^Error: CLUSTERDOWN/);
  assert.match(await spare.ask('CLUSTER', 'INFO'), /cluster_state:fail[^]*cluster_known_nodes:1/);
  assert.strictEqual((await spare.get('/health/live')).status, 200);
  const ready = await spare.get('/health/ready');
  assert.strictEqual(ready.status, 503);
  assert.match(ready.text, /spare/);
});

test('an address that is not loopback needs a key', async (t) => {
  const cluster = await startNodes(t);
  const refused = await Node.make(cluster.directory, 'refused');
  refused.flags.push('--bind', '0.0.0.0');
  assert.strictEqual(await refused.startInVain(), 2);
  assert.match(refused.log, /cluster-key-file/);
  const key = path.join(cluster.directory, 'key');
  fs.writeFileSync(key, '0123456789abcdef'.repeat(4), {mode: 0o600});
  refused.flags.push('--cluster-key-file', key, '--announce', '127.0.0.1');
  cluster.nodes.push(refused);
  await refused.start();
  const unreachable = await Node.make(cluster.directory, 'unreachable');
  unreachable.flags.push('--announce', '::1');
  assert.strictEqual(await unreachable.startInVain(), 2);
  assert.match(unreachable.log, /announce: ::1 is an address of IPv6/);
});

test('unknown flags and bad values are named with what is allowed', async () => {
  const unknown = await run(program, ['server', '--no-such-setting', '1']);
  assert.strictEqual(unknown.code, 2);
  assert.match(unknown.stderr, /no-such-setting/);
  const bad = await run(program, ['server', '--port', '99999999']);
  assert.strictEqual(bad.code, 2);
  assert.match(bad.stderr, /port.*65535/);
});

// A counter that is not there and then is 1 has not increased, to Prometheus.
test('what alerts wait for is shown from the start, as 0', async (t) => {
  const {nodes: [node]} = await startNodes(t);
  const told = (await node.get('/metrics')).text;
  const rules = ['data', 'gossip'].map((name) => fs.readFileSync(path.join(__dirname, `../../deploy/prometheus/${name}.rules.yml`), 'utf8')).join('');
  const counters = [...rules.matchAll(/(?:increase|rate)\((trothdb_\w+_total)\[/g)].map(([, name]) => name);
  assert.ok(counters.length > 5, 'the rules were read');
  for (const name of counters) assert.match(told, new RegExp(`^${name}(?:{.*})? \\d+$`, 'm'), name);
});

test('metrics pass promtool; health says ready', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--shards', 2]});
  await until('ready', async () => (await node.get('/health/ready')).status === 200);
  const metrics = await node.get('/metrics');
  assert.strictEqual(metrics.status, 200);
  assert.match(metrics.text, /^trothdb_shards_hosted 3$/m);
  const checked = await run('promtool', ['check', 'metrics'], {input: metrics.text});
  assert.strictEqual(checked.code, 0, checked.stdout + checked.stderr);
  assert.strictEqual((await node.get('/nowhere')).status, 404);
});
