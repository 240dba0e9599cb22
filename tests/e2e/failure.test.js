// The pledge under fire: no acknowledged write is lost and no read is stale, whichever process dies or stops.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const Redis = require('ioredis');
const {Connection, endWithTest, sleep, startCluster, until} = require('./cluster.js');

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
  const unavailable = Date.now() - stoppedAt;

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
  assert.ok(unavailable < 8000, `another led after ${unavailable} ms`);
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
