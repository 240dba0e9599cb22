// What the console makes of a node's answers, without a browser: who may still fail, what is wrong, how long things took.
'use strict';
const assert = require('node:assert');
const path = require('node:path');
const test = require('node:test');
const {pathToFileURL} = require('node:url');

const load = (name) => import(pathToFileURL(path.join(__dirname, '../../console', name)).href);
const modules = Promise.all(['facts.js', 'problems.js', 'figures.js', 'metrics.js'].map(load))
  .then((all) => Object.assign({}, ...all));

const id = (number) => String(number).repeat(32);
const calm = {repairing: 0, health: 0, isDiskFull: 0};

function member(number, changes = {}) {
  return {id: id(number), name: `n${number}`, name_shared: false, address: `127.0.0.1:1700${number}`, self: number === 1, state: 'alive',
    state_ms: 60000, heard_ms_ago: 0, round_trip_us: 200, clock_offset_us: 0, clock_error_us: 100, client: `127.0.0.1:700${number}`,
    admin: `127.0.0.1:900${number}`, kind: '', version: '1.0', cluster: number > 3 ? '' : 'c', standing: '', zone: '', ...changes};
}

// Three nodes, the control shard and two others on all of them, led by 1, 2 and 3; `changes` by node number.
function status(changes = {}) {
  const node = (number) => ({number, id: `${id(number)}00000000`, host: '127.0.0.1', client_port: 7000 + number, admin_port: 9000 + number});
  const shard = (number, leader) => ({number, slots: '', leader, term: 1, is_settled: true, replicas: [1, 2, 3]});
  const replica = (number) => ({shard: number, role: number === 0 ? 'leader' : 'follower', term: 1, voters: [1, 2, 3], old_voters: [],
    followers: number === 0 ? [{node: 2, lag_entries: 0}, {node: 3, lag_entries: 7}] : []});
  const members = [1, 2, 3].map((number) => member(number, changes[number]));
  return {format: 1, version: '1.0', member_counts: {alive: 3}, members, members_left_out: 0, durability: {mode: 'sync', async_ms: 10, risk: 'none'},
    cluster: {id: 'c', epoch: 1, node: 1, nodes: [1, 2, 3].map(node), shards: [shard(0, 1), shard(1, 2), shard(2, 3)]},
    replicas: [replica(0), replica(1), replica(2)]};
}

async function wrong(told, gauges = calm) {
  const {understand, problemsOf} = await modules;
  return problemsOf(understand(told), gauges, told.members).map(({text}) => text);
}

test('nothing is wrong with three nodes that are well', async () => {
  const {understand} = await modules;
  const facts = understand(status());
  assert.deepStrictEqual(await wrong(status()), []);
  assert.strictEqual(facts.kind, 'node');
  assert.strictEqual(facts.mayFail, 1);
  assert.deepStrictEqual(facts.nodes.map(({leads, hosts}) => [leads, hosts]), [[0, 2], [1, 2], [1, 2]]);
  assert.deepStrictEqual(facts.shards.map(({followers}) => followers && followers.map(({lag_entries: lag}) => lag)), [[0, 7], null, null]);
});

test('a dead node leaves no other to fail; two take the majority', async () => {
  const {understand} = await modules;
  const one = status({3: {state: 'dead', state_ms: 12000}});
  one.cluster.shards[2].leader = 1;
  assert.strictEqual(understand(one).mayFail, 0);
  assert.deepStrictEqual(await wrong(one), ['Node 3 (n3) has been dead for 12 s: it answers nobody.']);
  const two = status({2: {state: 'left', state_ms: 1000}, 3: {state: 'dead', state_ms: 12000}});
  assert.strictEqual(understand(two).mayFail, -1);
  assert.deepStrictEqual(await wrong(two), [
    'The control shard and shards 1 and 2 have no majority: 1 of 3 replicas lives. Until one is back they take no writes and no reads.',
    'Node 2 (n2) has been stopped for 1 s: it said goodbye.', 'Node 3 (n3) has been dead for 12 s: it answers nobody.']);
});

test('a majority is counted of who votes, in a joint configuration of both', async () => {
  const {understand, spareVotes} = await modules;
  assert.deepStrictEqual([[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5]].map((voters) => spareVotes(voters, new Set(voters))), [0, 0, 1, 1, 2]);
  assert.strictEqual(spareVotes([1, 2, 3], new Set([1])), -1);
  const told = status({3: {state: 'dead', state_ms: 1}});
  told.replicas[1].voters = [1, 2];
  told.replicas[2].old_voters = [3];
  assert.deepStrictEqual(understand(told).shards.map(({mayFail}) => mayFail), [0, 0, -1]);
  told.replicas = []; // a node that hosts none of them knows who is to vote
  assert.deepStrictEqual(understand(told).shards.map(({mayFail}) => mayFail), [0, 0, 0]);
});

test('slow and full disks, clocks, names, versions and leaders are told', async () => {
  const told = status({1: {standing: 'draining'}, 2: {standing: 'slow-disk,full-disk', clock_offset_us: -2100000, clock_error_us: 1000},
    3: {version: '1.1', name: 'n2', name_shared: true, clock_offset_us: 600000, clock_error_us: 200000}});
  told.members[1].name_shared = true;
  told.cluster.shards[1].leader = null;
  assert.deepStrictEqual(await wrong(told), [
    'Shard 1 has no leader that this node knows of; an election is awaited.',
    'The disk of node 2 (n2) is full: it refuses writes until there is space.',
    'Node 1 (n1) is draining: it hands its shards over before it stops.',
    'Node 2 (n2) has a slow disk: it gives its leads away where another node can take them.',
    'The clock of n2 is 2.1 s behind this node\'s. Keys expire by the clock of whoever leads their shard; check time synchronisation.',
    'More than one member is called n2. Who asks for one by that name may get the other.',
    'Not all nodes run the same version: 1.0 (nodes 1 and 2) and 1.1 (node 3).']);
  assert.deepStrictEqual(await wrong(status(), {repairing: 2, health: 4, isDiskFull: 1}), [
    '2 replicas of this node get back from the peers what damage took.',
    'This node thinks itself sick (4 of 8): it is late, or its network loses much; it accuses others more slowly.']);
  assert.deepStrictEqual(await wrong(status(), {...calm, memoryUsed: 3, memoryLimit: 2}),
    ['This node holds more than maxmemory lets it: it refuses writes that need memory.']);
  for (const memoryLimit of [3, 0]) assert.deepStrictEqual(await wrong(status(), {...calm, memoryUsed: 3, memoryLimit}), []);
});

test('each thing that can be wrong is told, at its limit and not before it', async () => {
  const one = async (changes, change = () => {}, gauges = calm) => {
    const told = status(changes);
    change(told);
    return wrong(told, gauges);
  };
  const dead = 'Node 3 (n3) has been dead for 12 s: it answers nobody.', gone = {state: 'dead', state_ms: 12000};
  assert.deepStrictEqual(await one({2: {state: 'suspect'}}), ['Node 2 (n2) is suspected: it does not answer just now.']);
  assert.deepStrictEqual(await one({}, (told) => told.members.pop()), ['Node 3 (127.0.0.1:7003) has not been heard of since this node started.']);
  assert.deepStrictEqual(await one({2: {standing: 'bored'}}), ['Node 2 (n2) would rather not lead: bored.']);
  assert.deepStrictEqual(await one({3: {...gone, standing: 'draining', version: '0.9'}}), [dead], 'what the dead said last is over');
  assert.deepStrictEqual(await one({3: gone}, (told) => { told.cluster.shards[1].leader = null; }),
    ['Shard 1 has no leader that this node knows of; an election is awaited.', dead]);
  assert.deepStrictEqual(await one({3: gone}, (told) => { told.replicas[1].voters = [3]; }),
    ['Shard 1 has no majority: 0 of 1 replicas live. Until one is back it takes no writes and no reads.', dead]);
  // The error of the estimate is on its clock's side; one that was never measured has none.
  const clock = (offset, error) => one({2: {clock_offset_us: offset, clock_error_us: error}});
  assert.deepStrictEqual(await clock(600000, 100000), []);
  assert.match((await clock(600001, 100000))[0], /^The clock of n2 is 600 ms ahead of this node's\./);
  assert.deepStrictEqual(await clock(2000000, 0), []);
  const others = (count, kind) => one({}, (told) => {
    for (let i = 0; i < count; i++) told.members.push(member(4 + i, {kind, state: 'dead', client: `127.0.0.1:80${10 + i}`}));
  });
  assert.deepStrictEqual(await others(1, ''), ['1 member of no cluster, or of another one, is dead: n4.']);
  assert.deepStrictEqual(await others(2, ''), ['2 members of no cluster, or of another one, are dead: n4 and n5.']);
  assert.deepStrictEqual(await others(5, 'agent'), ['5 agents are dead: n4, n5, n6, n7 and n8.']);
  assert.deepStrictEqual(await others(6, 'agent'), ['6 agents are dead: n4, n5, n6, n7, n8 and 1 more.']);
  assert.deepStrictEqual(await one({}, undefined, {...calm, health: 2, repairing: 1, isDiskFull: 1}),
    ['1 replica of this node gets back from the peers what damage took.'], 'a node says by its standing that its disk is full');
  assert.match((await one({}, undefined, {...calm, health: 3}))[0], /^This node thinks itself sick \(3 of 8\)/);
  assert.deepStrictEqual(await one({}, (told) => { told.cluster = null; told.replicas = []; told.members.length = 1; }, {...calm, isDiskFull: 1}),
    ['The disk of this node is full.']);
});

test('a shard is changing until its voters are settled', async () => {
  const {understand} = await modules;
  const told = status();
  told.cluster.shards[1].is_settled = false;
  told.replicas[2].old_voters = [1, 2];
  assert.deepStrictEqual(understand(told).shards.map(({isChanging}) => isChanging), [false, true, true]);
});

test('a problem keeps its key for as long as it lasts, and a member that was replaced is missed by nobody', async () => {
  const {understand, problemsOf} = await modules;
  const keys = (ms) => {
    const told = status({3: {state: 'dead', state_ms: ms}});
    return problemsOf(understand(told), calm, told.members).map(({key}) => key);
  };
  assert.deepStrictEqual(keys(3000), keys(300000));
  const told = status();
  told.members.push(member(4, {kind: 'agent', state: 'dead'}), member(5, {kind: 'agent', state: 'dead', client: '127.0.0.1:7006'}),
    member(6, {kind: 'agent'}), member(7, {state: 'dead', cluster: 'c'}), member(8, {kind: 'agent', state: 'left'}));
  assert.deepStrictEqual(await wrong(told), ['1 agent is dead: n4.']);
  assert.deepStrictEqual(understand(told).others.map(({name}) => name), ['n4', 'n6']);
});

test('an agent and a spare know no cluster', async () => {
  const {understand} = await modules;
  const told = {...status({1: {kind: 'agent'}}), cluster: null, durability: null, replicas: []};
  assert.strictEqual(understand(told).kind, 'agent');
  assert.strictEqual(understand(told).others.length, 3);
  told.members[0].kind = '';
  assert.strictEqual(understand(told).kind, 'spare');
  assert.deepStrictEqual(await wrong(told), []);
});

test('only what is an address becomes a link', async () => {
  const {consoleOf} = await modules;
  assert.strictEqual(consoleOf('10.0.0.1:9001'), 'http://10.0.0.1:9001/');
  assert.strictEqual(consoleOf('[2001:db8::1]:9001'), 'http://[2001:db8::1]:9001/');
  for (const text of ['', undefined, 'javascript:alert(1)', 'a:1/../x', 'a:1@evil:80', 'user@host:1', 'a b:1', '[::1]', 'http://a:1', 'a:123456', '"><img>:1']) {
    assert.strictEqual(consoleOf(text), null, text);
  }
});

test('rates and percentiles are of what happened between two looks', async () => {
  const {read, perSecond, quantile, History} = await modules;
  const text = (commands, fast, slow) => [`trothdb_commands_total{command="set"} ${commands}`, 'trothdb_commands_total{command="a\\"b"} 5',
    ...[['0.001', fast], ['0.01', fast + slow], ['+Inf', fast + slow]].map(([le, n]) => `trothdb_command_latency_seconds_bucket{command="set",le="${le}"} ${n}`),
    '# a comment', 'nonsense', 'trothdb_keys{shard="1"} 3', 'trothdb_keys{shard="2"} 4'].join('\n');
  const before = read(text(100, 10, 10), 1000);
  const after = read(text(300, 110, 10), 3000);
  assert.strictEqual(perSecond(before, after, 'commands'), 100);
  assert.strictEqual(after.gauges.keys, 7);
  assert.strictEqual(quantile(before, after, 'set', 0.5), 0.0005); // all of them fast: the middle of the first bucket
  assert.ok(Math.abs(quantile(before, read(text(300, 10, 110), 3000), 'set', 0.5) - 0.0055) < 1e-9);
  assert.strictEqual(quantile(after, after, 'set', 0.5), null, 'nothing happened');
  assert.strictEqual(quantile(before, after, 'get', 0.5), null, 'nobody ever did');
  // The node was started again, and has counted less than before; or more, but otherwise.
  assert.strictEqual(quantile(before, read(text(0, 5, 0), 5000), 'set', 0.5), null);
  assert.strictEqual(quantile(before, read(text(300, 0, 30), 5000), 'set', 0.5), null);
  assert.strictEqual(perSecond(after, read(text(0, 5, 0), 5000), 'commands'), null);
  assert.strictEqual(perSecond(after, after, 'commands'), null, 'no time has passed');
  const history = new History(10000);
  for (let at = 0; at <= 30000; at += 2000) history.add({at});
  assert.strictEqual(history.before(5000).at, 24000);
  assert.strictEqual(history.before(60000), null);
  assert.ok(history.all.length <= 6, 'what is old is forgotten');
});

test('figures are for people', async () => {
  const {time, duration, count, rate, size, numbers, some} = await modules;
  assert.deepStrictEqual([null, 0, 0.0000123, 0.00123, 1.5].map(time), ['–', '0 s', '12.3 µs', '1.23 ms', '1.5 s']);
  assert.deepStrictEqual([0, 119000, 120000, 7200000, 172800000].map(duration), ['0 s', '119 s', '2 min', '2 h', '2 d']);
  assert.deepStrictEqual([count(1234567), rate(0), rate(2.345), rate(1234.5), rate(null)], ['1,234,567', '0', '2.3', '1,235', '–']);
  assert.deepStrictEqual([size(0), size(1536), size(100 << 20)], ['0 B', '1.5 kB', '100 MB']);
  assert.deepStrictEqual([numbers([3]), numbers([2, 1]), numbers([1, 9, 4, 5, 6])], ['3', '1 and 2', '1, 4–6 and 9']);
  assert.deepStrictEqual([some(1, 'entry', 'entries'), some(2, 'entry', 'entries')], ['1 entry', '2 entries']);
});
