// The pledge under fire: no acknowledged write is lost and no read is stale, whichever process dies or stops.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const Redis = require('ioredis');
const {Connection, endWithTest, program, run, sleep, startCluster, until, within} = require('./cluster.js');

// A client must not wait for ever for a node that is stopped, and must look again who leads.
const PATIENT = {retryDelayOnFailover: 50, retryDelayOnClusterDown: 50, slotsRefreshTimeout: 1000, slotsRefreshInterval: 500,
  redisOptions: {maxRetriesPerRequest: 1, connectTimeout: 1000, commandTimeout: 1000}};
// What it says while a leader is being looked for counts for nothing.
const answered = (what, call) => until(what, async () => [await call()]).then(([answer]) => answer);

// Writers that never write a key twice, so that what was acknowledged must be there, exactly so.
class Load {
  constructor(cluster, writers) {
    this.client = new Redis.Cluster(cluster.ports, PATIENT);
    this.client.on('error', () => {});
    this.acknowledged = new Map();
    this.counted = 0;
    this.tried = 0;
    this.isEnding = false;
    this.writers = Array.from({length: writers}, (_, i) => this.write(i));
  }
  async write(writer) {
    for (let i = 0; !this.isEnding; i++) {
      const key = `w${writer}:${i}`, value = `${writer * 1000003 + i}`;
      this.tried++;
      try {
        await this.client.set(key, value);
        this.acknowledged.set(key, value);
        await this.client.incr('{count}er');
        this.counted++;
      } catch {
        await sleep(10); // not acknowledged: it may be there or not
      }
    }
  }
  async end() {
    this.isEnding = true;
    await Promise.all(this.writers);
  }
  // As many of the acknowledged as are not there now.
  async lost() {
    const keys = [...this.acknowledged.keys()];
    let lost = 0;
    for (let at = 0; at < keys.length; at += 500) {
      const some = keys.slice(at, at + 500);
      const values = await Promise.all(some.map((key) => this.client.get(key)));
      lost += values.filter((value, i) => value !== this.acknowledged.get(some[i])).length;
    }
    return lost;
  }
}

async function loadOn(t, cluster, writers = 16) {
  const load = new Load(cluster, writers);
  endWithTest(t, load.client);
  await until('the load runs', async () => load.acknowledged.size > 100);
  return load;
}

async function expectProgress(load, what) {
  const before = load.acknowledged.size;
  await until(`writes are acknowledged again ${what}`, async () => load.acknowledged.size > before + 100);
}

async function expectNothingLost(load) {
  await load.end();
  assert.strictEqual(await answered('the whole cluster can be read', () => load.lost()), 0, 'acknowledged writes that are not there');
  const counter = Number(await answered('the counter can be read', () => load.client.get('{count}er')));
  assert.ok(counter >= load.counted, `${counter} increments of ${load.counted} that were acknowledged`);
  assert.ok(load.acknowledged.size > 500, `enough was written to tell: ${load.acknowledged.size} of ${load.tried} tried`);
}

test('SIGKILL of each node in turn under load', async (t) => {
  const cluster = await startCluster(t, {shards: 6});
  const load = await loadOn(t, cluster);
  for (const node of cluster.nodes) {
    await node.kill();
    await expectProgress(load, `without ${node.address}`);
    await node.start();
    await cluster.whole();
    await expectProgress(load, `with ${node.address} again`);
  }
  await expectNothingLost(load);
});

// From now on: how long no write is acknowledged by any of these nodes.
async function unavailableMs(nodes) {
  const begun = performance.now();
  const connections = await Promise.all(nodes.map(({port}) => Connection.open(port)));
  let isWritten = false;
  const write = async (connection) => {
    while (!isWritten && await connection.ask('SET', 'register', begun) !== 'OK') await sleep(1);
    isWritten = true;
  };
  await within(Promise.any(connections.map(write)), 60000, 'a write that is acknowledged');
  const time = performance.now() - begun;
  for (const connection of connections) connection.close();
  return time;
}

// `hurt` is done to whoever leads, five times, and `heal` after each; the middle one of the times without a leader, each by what
// `unit` said before.
async function medianWithoutLeader(cluster, {hurt, heal, unit}) {
  const times = [];
  for (let i = 0; i < 5; i++) {
    const slot = await cluster.nodes[0].ask('CLUSTER', 'KEYSLOT', 'register');
    await until('all have all', async () => (await Promise.all(cluster.nodes.map(appliedIndex))).every((index, _, all) => index === all[0]));
    const leader = await until('a leader', () => cluster.leaderOf(slot)), scale = await unit(leader);
    const [time] = await Promise.all([unavailableMs(cluster.nodes.filter((node) => node !== leader)), hurt(leader)]);
    times.push(time / scale);
    await heal(leader);
    await cluster.whole();
  }
  return times.sort((a, b) => a - b)[2];
}

const appliedIndex = async (node) => (await node.ask('TROTHDB', 'STATUS'))[7].find(([shard]) => shard === 1)[4];

// The streams of its connections end with it. An election timeout that nobody would wait for, and gossip that looks for nobody
// meanwhile, show that nobody waits.
test('a leader that is killed is missed long before its time is over', async (t) => {
  const electionTimeoutMs = 5000;
  const cluster = await startCluster(t, {shards: 1});
  const {code, stderr} = await run(program, ['cluster', 'set', 'election-timeout-ms', electionTimeoutMs, 'gossip-probe-interval-ms', 10000,
    '--at', cluster.nodes[0].address]);
  assert.strictEqual(code, 0, stderr);
  const median = await medianWithoutLeader(cluster, {hurt: (node) => node.kill(), heal: (node) => node.start(), unit: () => electionTimeoutMs});
  t.diagnostic(`${median.toFixed(3)} of the election timeout`);
  assert.ok(median < 1 / 4, `the middle one of five took ${median.toFixed(3)} of the election timeout`);
});

// Its connections stay open, so it is missed when its time is over: by lot up to twice that, and again if two campaign at once. On a
// slow machine nodes wait for longer, and say so.
test('a leader that is stopped is missed when its time is over', async (t) => {
  const cluster = await startCluster(t, {shards: 1});
  const longestTimeoutMs = async () => {
    const told = await Promise.all(cluster.nodes.map((node) => node.get('/metrics')));
    return 1000 * Math.max(...told.map(({text}) => Number(/^trothdb_election_timeout_seconds(?:\{[^}]*\})? ([\d.e+-]+)$/m.exec(text)[1])));
  };
  const median = await medianWithoutLeader(cluster, {hurt: async (node) => node.pause(), heal: async (node) => node.resume(), unit: longestTimeoutMs});
  t.diagnostic(`${median.toFixed(2)} election timeouts`);
  assert.ok(median < 4, `the middle one of five took ${median.toFixed(2)} election timeouts`);
});

const STOPPED_MS = 30000;

test('a leader stopped for 30 s: nothing stale from it afterwards, nothing lost', async (t) => {
  const cluster = await startCluster(t, {shards: 3});
  const load = await loadOn(t, cluster, 8);
  const slot = await cluster.nodes[0].ask('CLUSTER', 'KEYSLOT', 'register');
  const {stopped, asking} = await until('the leader answers', async () => {
    const node = await cluster.leaderOf(slot);
    const connection = await Connection.open(node.port);
    if (await connection.ask('SET', 'register', 0) === 'OK' && await connection.ask('GET', 'register') === '0')
      return {stopped: node, asking: connection};
    return connection.close();
  });
  stopped.pause();
  const stoppedAt = Date.now();

  const others = cluster.nodes.filter((node) => node !== stopped);
  const client = new Redis.Cluster(others.map(({port}) => ({host: '127.0.0.1', port})), PATIENT);
  client.on('error', () => {});
  endWithTest(t, client);
  let newest = 0;
  const raise = async () => await client.set('register', newest + 1) === 'OK' && ++newest;
  await until('another leader', raise);

  // In the kernel's buffers when it wakes: a read that was asked after a write was acknowledged elsewhere, and a write.
  const floorOfEarly = newest;
  const early = asking.ask('GET', 'register');
  const lateWrite = asking.ask('SET', '{register}late', 'written');
  while (Date.now() < stoppedAt + STOPPED_MS) {
    await until('a write', raise);
    await sleep(20);
  }
  stopped.resume();
  const isStale = (reply, floor) => !(reply instanceof Error) && Number(reply) < floor;
  const waited = await early.catch((error) => error);
  assert.ok(!isStale(waited, floorOfEarly), `stale: ${waited} by the read that waited, where ${floorOfEarly} was acknowledged`);
  const late = await lateWrite.catch((error) => error);
  if (late === 'OK') assert.strictEqual(await answered('what was written late is read', () => client.get('{register}late')), 'written');
  const polling = await Connection.open(stopped.port);
  for (const end = Date.now() + 1500; Date.now() < end;) {
    const floor = newest;
    const reply = await polling.ask('GET', 'register');
    assert.ok(!isStale(reply, floor), `stale: ${reply} where ${floor} was acknowledged`);
    await until('a write', raise);
  }
  asking.close();
  polling.close();
  await cluster.whole();
  await expectNothingLost(load);
});

test('all nodes stopped, or all killed, and started again: everything is there', async (t) => {
  const cluster = await startCluster(t, {shards: 6, workers: 2});
  for (const end of ['stop', 'kill']) {
    const load = await loadOn(t, cluster);
    await sleep(500);
    if (end === 'stop') await load.end();
    await Promise.all(cluster.nodes.map((node) => node[end]()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.whole();
    await load.end();
    assert.strictEqual(await answered('all can be read', () => load.lost()), 0, `lost after ${end}`);
    load.client.disconnect();
  }
});

test('a node that was away for long comes back by a snapshot', async (t) => {
  const cluster = await startCluster(t, {shards: 1, flags: ['--snapshot-log-entries', 50]});
  const [, , away] = cluster.nodes;
  await away.kill();
  const client = new Redis.Cluster(cluster.ports, PATIENT);
  client.on('error', () => {});
  endWithTest(t, client);
  for (let i = 0; i < 400; i++) await answered('a write', () => client.set(`key${i}`, i));
  const present = cluster.nodes[0];
  await until('a snapshot stands in for the log', async () =>
    (await present.ask('TROTHDB', 'STATUS'))[7].some(([shard, , , , , , , snapshot]) => shard === 1 && snapshot > 100));
  await away.start();
  const applied = async (node) => (await node.ask('TROTHDB', 'STATUS'))[7].find(([shard]) => shard === 1)[4];
  await until('it has caught up', async () => await applied(away) >= await applied(present));
  assert.match(away.log, /snapshot installed/, 'a snapshot came');
  // It holds the data itself: the others are gone, and with one of them it is a majority.
  await present.kill();
  await until('all keys can be read with its help', async () => {
    const values = await Promise.all(Array.from({length: 400}, (_, i) => client.get(`key${i}`)));
    return values.every((value, i) => value === String(i));
  });
});
