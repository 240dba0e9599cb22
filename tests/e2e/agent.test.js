// Agents and a node in one gossip, asked and watched with the clients that people have.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {spawn} = require('node:child_process');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const Redis = require('ioredis');
const {freePort} = require('./ports.js');
const {Connection, Node, endWithTest, makeAgent, program, run, startNodes, until, within} = require('./cluster.js');

const RESIDENT_KIB_MAXIMUM = 6 * 1024;
const RESTING_KIB_MAXIMUM = 4 * 1024; // among four, when the start is over

// A node and agents a1, a2, a3 in one gossip that all know all.
async function startMixed(t, ...flags) {
  const cluster = await startNodes(t, {nodes: 1, flags});
  const [node] = cluster.nodes;
  const agents = [];
  for (const name of ['a1', 'a2', 'a3']) {
    const agent = await makeAgent(cluster, name, agents[0] || node, '--tag', `role=${name === 'a3' ? 'db' : 'web'}`, ...flags);
    agents.push(agent);
    await agent.start();
  }
  await until('everybody knows everybody', async () =>
    (await Promise.all(cluster.nodes.map((asked) => members(asked)))).every((known) =>
      known.length === 4 && known.every(({state}) => state === 'alive')));
  return {cluster, node, agents};
}

// What `trothdb members --json` says.
async function members(asked, ...flags) {
  const {code, stdout, stderr} = await run(program, ['members', '--at', asked.address, '--json', ...flags]);
  assert.strictEqual(code, 0, stderr + stdout);
  return JSON.parse(stdout);
}
const stateOf = async (asked, name) => (await members(asked)).find((member) => member.name === name)?.state;
const gossip = (asked, ...words) => run(program, ['gossip', ...words, '--at', asked.address]);
// By gRPC, as a load balancer or Kubernetes asks for it on the peer port.
const health = (asked) => new Promise((resolve, reject) => {
  const proto = loader.loadSync(path.join(__dirname, '..', '..', 'proto', 'health.proto'), {enums: String});
  const {Health} = grpc.loadPackageDefinition(proto).grpc.health.v1;
  const client = new Health(`127.0.0.1:${asked.peerPort}`, grpc.credentials.createInsecure());
  client.Check({service: ''}, (error, answer) => {
    client.close();
    if (error) reject(error);
    else resolve(answer.status);
  });
});
const isRedisCli = async () => (await run('sh', ['-c', 'command -v redis-cli'])).code === 0;

test('a member says something, and everybody can find it by that', async (t) => {
  const {node, agents: [first, second, third]} = await startMixed(t);
  assert.deepStrictEqual((await members(node, '--tag', 'role=web')).map(({name}) => name).sort(), ['a1', 'a2']);
  const [found] = await members(first, '--tag', 'role=db');
  assert.strictEqual(found.client, third.address);
  assert.strictEqual(found.kind, 'agent');
  assert.strictEqual((await gossip(first, 'set', 'release', '2 beta')).code, 0);
  await until('the node hears of it', async () => (await gossip(node, 'get', 'a1', 'release')).stdout === '2 beta\n');
  assert.strictEqual((await gossip(first, 'del', 'release')).stdout, '1\n');
  await until('nobody says it any more', async () => (await gossip(second, 'get', 'a1', 'release')).code === 1);
  // The node says things too, through any of its workers, and what it says by itself stays its own.
  assert.strictEqual(await node.ask('GOSSIP', 'SET', 'rack', 'r7'), 'OK');
  await until('an agent hears of it', async () => await third.ask('GOSSIP', 'GET', node.address, 'rack') === 'r7');
  // A zone is a setting; the round trip of two others is known by what they say of where they lie.
  assert.strictEqual(await third.ask('CONFIG', 'SET', 'zone', 'west'), 'OK');
  await until('its zone is known', async () => (await members(node)).find(({name}) => name === 'a3').zone === 'west');
  await until('the round trip of two others is known', async () =>
    /^[\d.]+ ms\n$/.test((await gossip(first, 'rtt', 'a2', 'a3')).stdout), 60000);
  const table = await run(program, ['members', '--at', second.address]);
  assert.match(table.stdout, /^name .* tags\n/);
  assert.strictEqual(table.stdout.trim().split('\n').length, 5);
  assert.match(table.stdout, /rack=r7/);
});

// Names are for people, and each member tells of two that are alike, not only these two themselves.
test('two members of one name are marked wherever one looks', async (t) => {
  const {cluster, node, agents: [first, second]} = await startMixed(t);
  const metric = async (asked) => Number(/^trothdb_gossip_names_shared (\d+)$/m.exec((await asked.get('/metrics')).text)[1]);
  assert.deepStrictEqual((await members(second)).filter((member) => member.name_shared), []);
  assert.strictEqual(await metric(second), 0);
  const twin = await makeAgent(cluster, 'twin', first);
  twin.flags[twin.flags.indexOf('--name') + 1] = 'a1';
  await twin.start();
  await until('all know five members', async () =>
    (await Promise.all(cluster.nodes.map((asked) => members(asked)))).every((known) => known.length === 5));
  for (const asked of [node, second]) {
    await until('both are marked', async () =>
      (await members(asked)).filter((member) => member.name_shared).map(({name}) => name).join() === 'a1,a1');
    assert.strictEqual((await run(program, ['members', '--at', asked.address])).stdout.match(/^a1 \(shared\) /gm).length, 2);
    await until('the metric says so', async () => await metric(asked) === 2);
  }
});

test('SIGHUP: an agent reads its file again, all of it or nothing; a seed may be a name', async (t) => {
  const cluster = await startNodes(t, {nodes: 1});
  const file = path.join(cluster.directory, 'agent.conf');
  const write = (text) => fs.writeFileSync(file, `# of this agent\n${text}`);
  write('gossip-fan-out 5\nzone west\n');
  const agent = await makeAgent(cluster, 'a1', null, '--config', file, '--tag', 'role=web');
  await agent.start();
  const value = async (name) => (await agent.ask('CONFIG', 'GET', name))[1];
  const becomes = (name, expected) => until(`${name} is ${expected}`, async () => await value(name) === expected);
  assert.strictEqual(await agent.ask('CONFIG', 'SET', 'gossip-suspicion-factor', '6'), 'OK');
  write('gossip-fan-out 7\nzone east\ngossip-suspicion-factor 5\n');
  agent.process.kill('SIGHUP');
  await becomes('gossip-fan-out', '7');
  await becomes('zone', 'east');
  assert.strictEqual(await value('gossip-suspicion-factor'), '6'); // said to this agent itself
  assert.match(agent.log, /level=warn msg="what the file says has no effect: [^"]*" setting=gossip-suspicion-factor file=5 by=node\n/);
  await until('it is logged', async () => /setting changed.* setting=gossip-fan-out before=5 after=7 by=file/.test(agent.log));
  for (const [text, why] of [['zone north\nnosuch 1\n', /nosuch/], ['zone north\nlog-format json\n', /log-format: can only be set at start/],
    ['zone north\ngossip-fan-out many\n', /gossip-fan-out/]]) {
    const before = agent.log.length;
    write(text);
    agent.process.kill('SIGHUP');
    await until('the refusal is logged', async () => /not read again; nothing is changed.*/.test(agent.log.slice(before)));
    assert.match(agent.log.slice(before), why);
    assert.strictEqual(await value('zone'), 'east');
    assert.strictEqual(await value('gossip-fan-out'), '7');
  }
  // It knows nobody so far.
  assert.strictEqual((await members(agent)).length, 1);
  assert.strictEqual((await gossip(agent, 'seed', `localhost:${cluster.nodes[0].peerPort}`)).code, 0);
  await until('the name is looked up, and joined', async () => (await members(agent)).length === 2);
});

test('clients of Redis watch: ioredis by channels, redis-cli in RESP3, the command line by lines', async (t) => {
  const {node, agents: [first, second, third]} = await startMixed(t);
  const subscriber = new Redis(second.port, '127.0.0.1');
  endWithTest(t, subscriber);
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push({channel, ...JSON.parse(message)}));
  subscriber.on('pmessage', (pattern, channel, message) => heard.push({pattern, channel, ...JSON.parse(message)}));
  await within(subscriber.subscribe('__gossip__:key:color'), 10000, 'subscribed');
  await within(subscriber.psubscribe('__gossip__:mem*'), 10000, 'subscribed by pattern');
  const ofNode = new Redis(node.port, '127.0.0.1'); // a full node tells the same
  endWithTest(t, ofNode);
  ofNode.on('message', (channel, message) => heard.push({node: true, channel, ...JSON.parse(message)}));
  await within(ofNode.subscribe('__gossip__:key:color'), 10000, 'subscribed at the node');
  const watch = spawn(program, ['gossip', 'watch', '--at', third.address, '--json']);
  t.after(() => watch.kill('SIGKILL'));
  let lines = '';
  watch.stdout.on('data', (chunk) => { lines += chunk; });
  await until('the command line watches', async () => /pubsub_clients:1/.test(await third.ask('INFO')));
  assert.strictEqual(await first.ask('GOSSIP', 'SET', 'color', 'red'), 'OK');
  const isRed = (news) => news.event === 'key' && news.name === 'a1' && news.key === 'color' && news.value === 'red';
  await until('ioredis heard it, from an agent and from the node', async () =>
    heard.some((news) => isRed(news) && !news.node) && heard.some((news) => isRed(news) && news.node));
  await until('the line came', async () => lines.split('\n').some((line) => line && isRed(JSON.parse(line))));
  await first.stop();
  await until('ioredis heard that it left', async () =>
    heard.some(({pattern, event, name}) => pattern && event === 'left' && name === 'a1'));
  // A connection that subscribed in RESP2 is for that only, until it says otherwise.
  await assert.rejects(within(subscriber.call('GOSSIP', 'MEMBERS'), 10000, 'refused'), /Can't execute|subscriber mode/);
  if (await isRedisCli()) {
    const cli = await run('redis-cli', ['-3', '-p', second.port, '--json', 'GOSSIP', 'MEMBER', 'a2']);
    assert.strictEqual(JSON.parse(cli.stdout).tags.role, 'web');
  }
});

test('a killed agent is dead to all, one that leaves has left, and one that comes back is the same', async (t) => {
  const {cluster, node, agents: [first, second]} = await startMixed(t);
  await second.kill();
  await until('everybody knows that it is dead', async () =>
    await stateOf(node, 'a2') === 'dead' && await stateOf(first, 'a2') === 'dead', 60000);
  assert.deepStrictEqual((await members(node, '--state', 'dead')).map(({name}) => name), ['a2']);
  const kept = await makeAgent(cluster, 'kept', first, '--dir', path.join(cluster.directory, 'kept-state'));
  await kept.start();
  await until('it is known', async () => await stateOf(node, 'kept') === 'alive');
  const before = (await members(kept)).find(({self}) => self);
  assert.strictEqual((await gossip(kept, 'leave')).code, 0);
  assert.deepStrictEqual(await kept.ended(), {code: 0, signal: null}, kept.logTail);
  await until('it has left', async () => await stateOf(node, 'kept') === 'left');
  await kept.start();
  await until('it is back', async () => await stateOf(node, 'kept') === 'alive');
  const after = (await members(node)).filter(({name}) => name === 'kept');
  assert.strictEqual(after.length, 1, 'never two of it');
  assert.strictEqual(after[0].id, before.id);
  assert.ok(after[0].generation > before.generation, `${after[0].generation} after ${before.generation}`);
  assert.strictEqual((await kept.get('/health/ready')).status, 200);
  const another = await run(program, ['agent', '--port', await freePort(), '--peer-port', await freePort(), '--admin-port',
    await freePort(), '--dir', path.join(cluster.directory, 'kept-state')]);
  assert.strictEqual(another.code, 1);
  assert.match(another.stderr, /another process/);
  const asNode = await run(program, ['server', '--port', await freePort(), '--peer-port', await freePort(), '--admin-port',
    await freePort(), '--dir', path.join(cluster.directory, 'kept-state')]);
  assert.match(asNode.stderr, /another process/);
  assert.strictEqual(await health(kept), 'SERVING');
  assert.match((await kept.get('/metrics')).text, /trothdb_members\{state="alive"\} [1-9]/);
});

// The copy of a directory is started more often than the original, runs beside it, and leaves; the original hears of it, and
// one more start is enough to be heard again.
async function outliveCopy(cluster, original, asked) {
  const named = (name) => original.flags.indexOf(name) + 1;
  const directory = original.flags[named('--dir')];
  const copy = await Node.make(cluster.directory, `copy-of-${path.basename(directory)}`);
  copy.flags = original.flags.map((flag, i) => (
    {[named('--dir')]: copy.directory, [named('--port')]: copy.port, [named('--peer-port')]: copy.peerPort,
      [named('--admin-port')]: copy.adminPort}[i] ?? flag)).concat('--join', `127.0.0.1:${asked.peerPort}`);
  cluster.nodes.push(copy);
  const {id} = (await members(original)).find(({self}) => self);
  const seen = async () => (await members(asked)).find((member) => member.id === id);
  await original.stop();
  fs.cpSync(directory, copy.directory, {recursive: true});
  await original.start();
  await until('the original is there', async () => (await seen()).state === 'alive');
  for (let life = 0; life < 3; life++) {
    await copy.start();
    await copy.stop();
  }
  await copy.start();
  await until('the copy is where it was', async () => (await seen()).address === `127.0.0.1:${copy.peerPort}`);
  const {generation} = await seen();
  const conflicts = async () => Number(/^trothdb_gossip_identity_conflicts_total (\d+)/m.exec((await original.get('/metrics')).text)[1]);
  const before = await conflicts(); // it may have heard of an earlier life of the copy already
  await until('the original knows', async () => await conflicts() >= before + 5);
  await copy.stop();
  await original.stop();
  await original.start();
  await until('the original is back', async () => (await seen()).state === 'alive');
  assert.strictEqual((await seen()).generation, generation + 1);
  assert.strictEqual((await seen()).address, `127.0.0.1:${original.peerPort}`);
}

test('who ran beside a copy of its directory is heard again at its next start', async (t) => {
  const {cluster, node, agents: [first]} = await startMixed(t);
  const kept = await makeAgent(cluster, 'kept', first, '--dir', path.join(cluster.directory, 'kept-state'));
  await kept.start();
  await until('it is known', async () => await stateOf(first, 'kept') === 'alive');
  await outliveCopy(cluster, kept, first);
  node.flags.push('--join', `127.0.0.1:${first.peerPort}`);
  await outliveCopy(cluster, node, first);
});

// When `asked` is told something of a member by that name, by the clock of this process.
async function listen(t, asked) {
  const client = new Redis(asked.port, '127.0.0.1'), told = [];
  endWithTest(t, client);
  client.on('message', (_, message) => told.push({...JSON.parse(message), at: Date.now()}));
  await within(client.subscribe('__gossip__:members'), 10000, 'subscribed');
  return told;
}

// From its process's first sign of life: what a program takes to be loaded is not gossip's.
async function returnElsewhere(agent, others, listeners) {
  const [port, peerPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const {id} = (await members(others[0])).find(({name}) => name === 'roamer');
  for (const [flag, value] of [['--port', port], ['--peer-port', peerPort], ['--admin-port', adminPort]]) agent.flags[agent.flags.indexOf(flag) + 1] = value;
  await agent.kill();
  Object.assign(agent, {port, peerPort, adminPort});
  agent.spawn();
  const connects = async () => (await Connection.open(port)).close();
  while (!await connects().then(() => true, () => false)) await new Promise((resolve) => setImmediate(resolve));
  const begun = Date.now();
  const address = `127.0.0.1:${peerPort}`;
  const isToldOf = (told) => told.find((news) => news.id === id && news.address === address);
  await until('all are told of the new address', async () => listeners.every(isToldOf));
  for (const asked of others) {
    const known = (await members(asked)).filter((member) => member.name === 'roamer');
    assert.deepStrictEqual(known.map((member) => [member.id, member.address]), [[id, address]], 'never two of it');
  }
  return Math.max(...listeners.map((told) => isToldOf(told).at)) - begun;
}

// A machine on which all is busy delays one or the other; who waits for a probe would be late each time.
test('an agent that comes back elsewhere is seen there by all within 300 ms, and never twice', async (t) => {
  const {cluster, node, agents} = await startMixed(t);
  const roamer = await makeAgent(cluster, 'roamer', agents[0], '--dir', path.join(cluster.directory, 'roamer-state'));
  await roamer.start();
  const others = [node, ...agents];
  await until('all know it', async () => (await Promise.all(others.map((asked) => stateOf(asked, 'roamer')))).every((state) => state === 'alive'));
  const listeners = await Promise.all(others.map((asked) => listen(t, asked)));
  const taken = [];
  for (let i = 0; i < 5; i++) taken.push(await returnElsewhere(roamer, others, listeners));
  t.diagnostic(`milliseconds until all knew: ${taken}`);
  assert.ok(taken.sort((a, b) => a - b)[2] <= 300, `milliseconds until all knew: ${taken}`);
});

function resident(agent) {
  const text = fs.readFileSync(`/proc/${agent.process.pid}/status`, 'utf8');
  return {kib: Number(/VmRSS:\s+(\d+) kB/.exec(text)[1]), threads: Number(/Threads:\s+(\d+)/.exec(text)[1]), text};
}

test('an agent at rest has at most 6 MB of memory', {skip: process.env.TSAN_OPTIONS !== undefined}, async (t) => {
  const {node, agents} = await startMixed(t);
  const built = await run('sh', ['-c', `ldd "${program}" | grep -E 'lib(a|t|ub)san' || true`]);
  if (built.stdout) return t.skip('a sanitizer has memory of its own');
  await until('they have heard of each other again and again', async () =>
    /datagrams_received:\d{2}/.test(await agents[0].ask('GOSSIP', 'INFO')), 30000);
  for (const agent of agents) {
    const {kib, threads, text} = resident(agent);
    assert.ok(kib <= RESIDENT_KIB_MAXIMUM, `${kib} KiB:\n${text}`);
    assert.strictEqual(threads, 1);
    await until('what only the start needed is given back', () => resident(agent).kib <= RESTING_KIB_MAXIMUM, 40000);
  }
  assert.strictEqual((await members(node)).length, 4);
});

test('bad input of every kind is one clear error, and changes nothing', async (t) => {
  const cluster = await startNodes(t, {nodes: 1});
  const [node] = cluster.nodes;
  const agent = await makeAgent(cluster, 'a1', node);
  await agent.start();
  const refused = async (code, words, expected) => {
    const result = await run(program, words);
    assert.strictEqual(result.code, code, `${words.join(' ')}: ${result.stdout}${result.stderr}`);
    assert.match(result.stderr, expected);
  };
  await refused(2, ['agent', '--nonsense', '1'], /an agent has no flag --nonsense/);
  await refused(2, ['agent', '--shards', '4'], /an agent has no flag --shards/);
  await refused(2, ['agent', '--tag', 'web'], /is not key=value/);
  await refused(2, ['agent', '--tag', 'leads=1:1'], /'leads' is what the node says by itself/);
  await refused(2, ['agent', '--tag', `k=${'x'.repeat(801)}`], /has 801 bytes/);
  await refused(2, ['agent', '--name', 'two words'], /is no name/);
  await refused(2, ['agent', '--join', 'nowhere'], /is not host:port/);
  await refused(2, ['agent', '--gossip-probe-interval-ms', 'soon'], /gossip-probe-interval-ms/);
  await refused(2, ['agent', '--bind', '0.0.0.0'], /cluster key/);
  await refused(2, ['agent', '--cluster-key-file', path.join(cluster.directory, 'none')], /none/);
  await refused(1, ['agent', '--port', agent.port, '--peer-port', agent.peerPort], /another process has it/);
  await refused(2, ['members', '--at', 'nowhere'], /is not host:port/);
  await refused(1, ['members', '--at', '127.0.0.1:1'], /cannot connect/);
  await refused(1, ['members', '--at', `127.0.0.1:${agent.peerPort}`], /cannot understand/);
  await refused(1, ['members', '--at', agent.address, '--state', 'gone'], /no state is called 'gone'/);
  await refused(2, ['members', '--tag', 'web'], /key=value/);
  await refused(2, ['gossip', 'shout'], /usage/);
  await refused(1, ['gossip', 'get', 'nobody', 'k', '--at', agent.address], /no member has the name or id 'nobody'/);
  await refused(1, ['gossip', 'seed', 'x', '--at', agent.address], /'x' is not host:port/);
  await refused(1, ['gossip', 'seed', '[::1]:7001', '--at', agent.address], /is an address of IPv6/);
  await refused(1, ['gossip', 'leave', '--at', node.address], /holds replicas of shards/);
  const said = async () => JSON.parse((await run(program, ['gossip', 'get', 'a1', '--at', agent.address, '--json'])).stdout);
  const before = await said();
  for (const [words, expected] of [
    [['GOSSIP', 'SET', 'a b', '1'], /printable ASCII/], [['GOSSIP', 'SET', '', '1'], /printable ASCII/],
    [['GOSSIP', 'SET', 'k', ''], /has 0 bytes/], [['GOSSIP', 'SET', 'client', '1'], /by itself/],
    [['GOSSIP', 'SET', 'k'], /wrong number of arguments/], [['GOSSIP', 'NONSENSE'], /unknown subcommand/i],
    [['GOSSIP', 'MEMBERS', 'TAG', 'k'], /syntax error/], [['GOSSIP', 'MEMBERS', 'TAG', '', 'v'], /a tag is a key and a value/],
    [['GOSSIP', 'MEMBERS', 'TAG', 'k', ''], /a tag is a key and a value/], [['SET', 'k', 'v'], /is not for an agent/],
    [['CONFIG', 'SET', 'shards', '2'], /an agent has no setting 'shards'/],
    [['CONFIG', 'SET', 'gossip-flush-ms', 'x'], /gossip-flush-ms/], [['CONFIG', 'SET', 'port', '1'], /port/],
    [['SUBSCRIBE', 'x'.repeat(300)], /256 bytes/]]) {
    assert.match(String(await agent.ask(...words)), expected, words.join(' ').slice(0, 80));
  }
  assert.deepStrictEqual(await said(), before);
  assert.strictEqual(await agent.ask('CONFIG', 'SET', 'gossip-flush-ms', 7), 'OK');
  assert.deepStrictEqual(await agent.ask('CONFIG', 'GET', 'gossip-flush-ms'), ['gossip-flush-ms', '7']);
  assert.strictEqual(await agent.ask('PING'), 'PONG');
});

test('COMMAND on an agent tells of what an agent has, and only of that', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const agent = await makeAgent(cluster, 'a1');
  await agent.start();
  const client = new Redis({host: '127.0.0.1', port: agent.port, lazyConnect: false});
  t.after(() => client.disconnect());
  const told = await client.call('COMMAND', 'LIST');
  for (const name of ['ping', 'client', 'client|list', 'config|get', 'gossip', 'gossip|members', 'subscribe', 'command|docs'])
    assert.ok(told.includes(name), name);
  for (const name of ['get', 'set', 'cluster', 'config|rewrite', 'client|kill'])
    assert.ok(!told.includes(name), name);
  const names = told.filter((name) => !name.includes('|'));
  assert.strictEqual(await client.call('COMMAND', 'COUNT'), names.length);
  assert.deepStrictEqual((await client.call('COMMAND')).map(([name]) => name), names);
  assert.deepStrictEqual(await client.call('COMMAND', 'INFO', 'get'), [null]);
  await assert.rejects(client.call('GET', 'x'), /is not for an agent/);
});

test('what an agent tells of itself it tells once, with its version and since when it runs', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const agent = await makeAgent(cluster, 'a1');
  await agent.start();
  const names = (await agent.ask('GOSSIP', 'INFO')).split('\r\n').filter((line) => line.includes(':')).map((line) => line.split(':')[0]);
  assert.ok(names.length > 30);
  assert.deepStrictEqual(names.filter((name, index) => names.indexOf(name) !== index || /replayed/.test(name)), ['datagrams_replayed']);
  await until('it has run for a while', async () =>
    Number(/^trothdb_uptime_seconds ([\d.]+)$/m.exec((await agent.get('/metrics')).text)[1]) > 0.5);
  assert.match((await agent.get('/metrics')).text, /^trothdb_build_info\{version="\d+\.\d+[^"]*"\} 1$/m);
});

// Without a descriptor an agent can try no stream, look up no name and keep no new key.
test('who connects to an agent does not take its last descriptors', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const agent = await makeAgent(cluster, 'a1');
  agent.launcher = ['prlimit', '--nofile=256:256'];
  await agent.start();
  await until('it says so', async () => /fewer open files than maxclients needs.*allowed=256 clients=96/.test(agent.log));
  const client = await Connection.open(agent.port);
  const crowd = [];
  t.after(() => [client, ...crowd].forEach((one) => one.close()));
  for (let i = 0; i < 300; i++) crowd.push(await Connection.open(agent.port), await Connection.open(agent.peerPort));
  await until('those too many are refused', async () => crowd.filter((one) => one.received.includes('max number of clients')).length >= 200);
  assert.strictEqual((await agent.get('/health/live')).status, 200);
  assert.strictEqual(await client.ask('GOSSIP', 'SET', 'k', 'v'), 'OK');
  assert.ok(fs.readdirSync(`/proc/${agent.process.pid}/fd`).length < 200, 'some are left');
});

// The terminal's and the parent's signal, or one behind GOSSIP LEAVE, are one wish.
test('an agent that is told twice to end says goodbye and ends well', async (t) => {
  const cluster = await startNodes(t);
  const [node] = cluster.nodes;
  const wishes = {interrupted: (agent) => agent.process.kill('SIGINT'), sent: (agent) => agent.ask('GOSSIP', 'LEAVE')};
  for (const [name, wish] of Object.entries(wishes)) {
    const agent = await makeAgent(cluster, name, node);
    await agent.start();
    await until('the node knows it', async () => await stateOf(node, name) === 'alive');
    const {exited} = agent;
    await wish(agent);
    agent.process?.kill('SIGTERM');
    assert.deepStrictEqual(await exited, {code: 0, signal: null}, agent.logTail);
    await until('it has left', async () => await stateOf(node, name) === 'left');
  }
});

test('without the password or the key of the cluster nothing is told', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const key = path.join(cluster.directory, 'key');
  fs.writeFileSync(key, '0123456789abcdef'.repeat(4));
  const first = await makeAgent(cluster, 'a1', null, '--cluster-key-file', key, '--requirepass', 'secret');
  await first.start();
  const stranger = await makeAgent(cluster, 'stranger', first);
  await stranger.start();
  const second = await makeAgent(cluster, 'a2', first, '--cluster-key-file', key);
  await second.start();
  await until('those with the key know each other', async () => await stateOf(second, 'a1') === 'alive');
  assert.strictEqual((await members(stranger)).length, 1);
  assert.match(String(await first.ask('GOSSIP', 'MEMBERS')), /NOAUTH/);
  assert.match(String(await first.ask('SUBSCRIBE', '__gossip__:members')), /NOAUTH/);
  await until('the stranger was refused', async () =>
    /trothdb_gossip_refused_total\{cause="seal"\} [1-9]/.test((await first.get('/metrics')).text));
  const client = new Redis(first.port, '127.0.0.1', {password: 'secret'});
  endWithTest(t, client);
  assert.strictEqual((await within(client.call('GOSSIP', 'MEMBERS'), 10000, 'asked with the password')).length, 2);
});
