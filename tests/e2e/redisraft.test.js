// What Jepsen found in RedisRaft (jepsen.io/analyses/redis-raft-1b3fbf6), each finding asked of TrothDB under its number in
// that project's list of issues. tests/README.md has the table, with the simulator's part in it.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, program, run, sleep, startCluster, startNodes, until} = require('./cluster.js');
const {startAppends, History} = require('./append.js');

const SMALL_SNAPSHOTS = ['--snapshot-log-entries', 64];

const live = (cluster) => cluster.nodes.filter((node) => node.process);

// Who has done this write.
function leads(cluster, ...words) {
  return until('a leader', async () => {
    for (const node of live(cluster)) if (await node.ask(...words.length ? words : ['SET', 'who', 'leads']).catch(() => null) === 'OK') return node;
  });
}

// Of whichever node leads.
function answer(cluster, ...words) {
  return until(`an answer to ${words.join(' ')}`, async () => {
    for (const node of live(cluster)) {
      const reply = await node.ask(...words);
      if (!(reply instanceof Error)) return reply;
    }
  });
}

// A node that ended by itself is a fault, whatever else went right.
async function expectAllAlive(cluster, what) {
  assert.strictEqual(live(cluster).length, cluster.nodes.length, `every node lives ${what}`);
}

test('the checker finds what it is for', () => {
  const history = new History(1);
  history.acknowledged('list:0', 1);
  history.acknowledged('list:0', 2);
  const check = (list, change = {}) => () => Object.assign(Object.create(History.prototype), history, change).check(new Map([['list:0', list]]));
  check([1, 2])();
  assert.throws(check([1]), /lost/);
  assert.throws(check([1, 2, 2]), /twice/);
  assert.throws(check([1, 2], {refused: [['list:0', 2, 'CLUSTERDOWN']]}), /refused/);
  assert.throws(check([1, 2], {reads: [{key: 'list:0', least: 0, list: [2]}]}), /another past/);
  assert.throws(check([1, 2], {reads: [{key: 'list:0', least: 2, list: [1]}]}), /were acknowledged before/);
});

test('13: one command is executed once, through whichever node it came', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true});
  const leader = await leads(cluster);
  for (const node of cluster.nodes) assert.match(String(await node.ask('APPEND', 'a-list', 'x')), node === leader ? /^1$/ : /MOVED/);
  const applied = async () => (await leader.ask('TROTHDB', 'STATUS'))[7].find(([shard]) => shard === 1)[4];
  await until('nothing is executed again and again', async () => {
    const before = await applied();
    await sleep(500); // what is told is as of a while ago
    return await applied() === before;
  });
  assert.strictEqual(await leader.ask('STRLEN', 'a-list'), 1);
});

test('14: a failover loses nothing', async (t) => {
  const cluster = await startCluster(t, {shards: 1});
  for (let i = 0; i < 4; i++) {
    const leader = await leads(cluster, 'SET', `key-${i}`, `value-${i}`);
    await leader.kill();
    for (let j = 0; j <= i; j++) assert.strictEqual(await answer(cluster, 'GET', `key-${j}`), `value-${j}`);
    await leader.start();
  }
});

test('18: after all were killed no read is empty for a moment', async (t) => {
  const cluster = await startCluster(t, {shards: 1});
  for (let i = 1; i <= 3; i++) {
    assert.strictEqual(await answer(cluster, 'SET', 'kept', 'x'.repeat(i)), 'OK');
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    const answers = [];
    await until('it is read', async () => {
      for (const node of cluster.nodes) answers.push(await node.ask('GET', 'kept'));
      return answers.filter((reply) => !(reply instanceof Error)).length >= 3;
    });
    for (const reply of answers) if (!(reply instanceof Error)) assert.strictEqual(reply, 'x'.repeat(i), 'all of it, or an error');
  }
});

test('19, 50: leaders that are stopped for a while: no stale read, nobody dies of it', async (t) => {
  const cluster = await startCluster(t, {shards: 2});
  const appends = startAppends(t, cluster);
  for (let i = 0; i < 4; i++) {
    const leader = await leads(cluster);
    leader.pause();
    await sleep(900);
    leader.resume();
    await sleep(300);
  }
  await appends.end();
  await expectAllAlive(cluster, 'after pauses');
});

test('19: what waits for a leader that stands still is not answered from the past', async (t) => {
  const cluster = await startCluster(t, {shards: 1});
  for (let i = 1; i <= 4; i++) {
    const old = await leads(cluster, 'SET', 'kept', `before-${i}`);
    const clients = await Promise.all(Array.from({length: 8}, () => Connection.open(old.port)));
    for (const client of clients) assert.strictEqual(await client.ask('GET', 'kept'), `before-${i}`);
    old.pause();
    const pongs = clients.map((client) => client.ask('PING')); // so their turn comes before that of the other nodes' messages
    await until('another one leads', async () => {
      for (const node of cluster.nodes) if (node !== old && await node.ask('SET', 'kept', `after-${i}`) === 'OK') return true;
    });
    const answers = clients.map((client) => client.ask('GET', 'kept'));
    await sleep(20); // they have reached it
    old.resume();
    assert.deepStrictEqual(new Set(await Promise.all(pongs)), new Set(['PONG']));
    for (const answer of await Promise.all(answers)) if (!(answer instanceof Error)) assert.strictEqual(answer, `after-${i}`);
    for (const client of clients) client.close();
    await cluster.whole();
  }
});

test('21: a healthy cluster never says that it has no leader', async (t) => {
  const cluster = await startCluster(t, {shards: 2, isCalm: true});
  const terms = async () => (await Promise.all(cluster.nodes.map((node) => node.ask('TROTHDB', 'STATUS'))))
    .map((status) => status[7].map(([shard, , term]) => `${shard}: ${term}`).join());
  const before = await terms();
  const appends = startAppends(t, cluster, {clients: 6});
  await sleep(6000); // longer than an election timeout of a calm cluster
  await appends.end();
  assert.deepStrictEqual(await terms(), before, 'nobody was elected');
  const others = appends.history.refused.filter(([, , message]) => !message.startsWith('MOVED'));
  assert.deepStrictEqual(others, [], 'refusals other than redirections');
});

test('23, 42: what is refused is never seen, while the lead is handed around or all others stand still', async (t) => {
  const cluster = await startCluster(t, {shards: 1, flags: [...SMALL_SNAPSHOTS, '--write-timeout-ms', 300]});
  const appends = startAppends(t, cluster);
  for (let i = 0; i < 8; i++) {
    const to = cluster.nodes[i % 3];
    await run(program, ['cluster', 'leader', 1, to.address, '--at', cluster.nodes[0].address, '--wait', 5]);
    await sleep(200);
  }
  // What was sent to those who stand still is given up before they read it, and then they do.
  for (let i = 0; i < 2; i++) {
    const leader = await leads(cluster), others = cluster.nodes.filter((node) => node !== leader);
    for (const node of others) node.pause();
    await sleep(900);
    for (const node of others) node.resume();
    await sleep(300);
  }
  await appends.end();
  assert.ok(appends.history.unknown > 0, 'somebody is told that nobody knows');
  await expectAllAlive(cluster, 'after moves of the lead, and pauses');
});

test('25, 26: every reply goes to whom it belongs, in order, with its own type', async (t) => {
  const cluster = await startCluster(t, {shards: 6, workers: 2}); // some of which answer sooner than others
  const isAnswer = (reply) => !(reply instanceof Error && /^(MOVED|CLUSTERDOWN|TRYAGAIN|UNKNOWN)/.test(reply.message));
  let isEnding = false, rounds = 0;
  const client = async (number) => {
    const tag = `t${number}`;
    const connection = await Connection.open(cluster.nodes[number % 3].port);
    for (; !isEnding; rounds++) {
      const [set, get, missing, wrong, echo, count] = await Promise.all([connection.ask('SET', tag, tag), connection.ask('GET', tag),
        connection.ask('HGETALL', 'nothing'), connection.ask('HGET', tag, 'field'), connection.ask('ECHO', tag), connection.ask('INCRBY', 'number', 0)]);
      assert.strictEqual(echo, tag);
      if (isAnswer(set)) assert.strictEqual(set, 'OK');
      if (isAnswer(get)) assert.ok(get === tag || get === null, `GET is answered by ${get}`);
      if (isAnswer(missing)) assert.deepStrictEqual(missing, []);
      if (isAnswer(wrong)) assert.ok(wrong === null || /^WRONGTYPE/.test(wrong.message), `HGET is answered by ${wrong}`);
      if (isAnswer(count)) assert.strictEqual(count, 0);
    }
    connection.close();
  };
  const clients = Promise.all(Array.from({length: 9}, (_, i) => client(i)));
  for (let i = 0; i < 4; i++) {
    await sleep(300);
    await run(program, ['cluster', 'leader', 1, cluster.nodes[i % 3].address, '--at', cluster.nodes[0].address, '--wait', 5]);
  }
  await until('enough was asked to tell', async () => rounds > 50);
  isEnding = true;
  await clients;
});

test('28, 33, 43, 44, 52, 53, 54: nodes killed at any time beside small snapshots: each starts again, with one past', async (t) => {
  const cluster = await startCluster(t, {shards: 2, flags: SMALL_SNAPSHOTS});
  const appends = startAppends(t, cluster);
  for (let i = 0; i < 8; i++) {
    const node = cluster.nodes[Math.floor(Math.random() * 3)];
    await sleep(200 + 300 * Math.random());
    await node.kill();
    if (i % 3 === 2) await cluster.nodes[(i + 1) % 3].kill();
    await sleep(400 * Math.random());
    for (const dead of cluster.nodes) if (!dead.process) await dead.start();
  }
  await cluster.whole();
  await appends.end();
  await expectAllAlive(cluster, 'and started each time');
});

test('17, 30, 48: replicas are moved around while nodes are killed: nothing lost, nothing empty, nobody dies of it', async (t) => {
  const cluster = await startNodes(t, {nodes: 4, flags: SMALL_SNAPSHOTS});
  const three = cluster.nodes.slice(0, 3);
  await cluster.create({among: three, shards: 1});
  const added = await run(program, ['cluster', 'add', cluster.nodes[3].address, '--at', three[0].address]);
  assert.strictEqual(added.code, 0, added.stderr);
  await cluster.whole();
  const appends = startAppends(t, cluster);
  const voters = (away) => cluster.nodes.filter((_, i) => i !== away).map((node) => node.address).join(',');
  for (const away of [0, 1, 3]) {
    const moving = run(program, ['cluster', 'replicas', 1, voters(away), '--at', cluster.nodes[2].address, '--wait', 60], {timeout: 90000});
    await sleep(100);
    const victim = cluster.nodes[(away + 1) % 4];
    await victim.kill();
    await sleep(300);
    await victim.start();
    const moved = await moving;
    assert.strictEqual(moved.code, 0, `${moved.stdout}${moved.stderr}`);
  }
  await appends.end();
  await expectAllAlive(cluster, 'after all moves');
});
