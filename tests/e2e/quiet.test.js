// Idle shards fall quiet on all nodes, are there at once when somebody comes, and stay awake beside a node of the release before.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

const SHARDS = 12; // and the control shard

async function metric(node, name) {
  const {text} = await node.get('/metrics');
  return text.split('\n').filter((line) => line.startsWith(`trothdb_${name}`))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}
const quietOf = (cluster) => Promise.all(cluster.nodes.map((node) => metric(node, 'shards_quiet')));
const allQuiet = (cluster) => until('every replica is quiet',
  async () => (await quietOf(cluster)).every((count) => count === SHARDS + 1));

// One key in each shard: slots are shared out evenly, so one in each part of them.
async function keysOfShards(node) {
  const keys = [];
  for (let i = 0; keys.filter(Boolean).length < SHARDS; i++) {
    const slot = await node.ask('CLUSTER', 'KEYSLOT', `k${i}`);
    keys[Math.floor(slot * SHARDS / 16384)] ??= `k${i}`;
  }
  return keys;
}

// To the leader, wherever it is; undefined: there is none, or it is not known.
async function atLeader(cluster, ...words) {
  const live = cluster.nodes.filter((node) => node.process);
  let node = live[0];
  for (let hops = 0; hops < 4; hops++) {
    const connection = await Connection.open(node.port).catch(() => null);
    if (!connection) return undefined;
    const answer = await connection.ask(...words).catch((error) => error);
    connection.close();
    const moved = /MOVED \d+ \S+:(\d+)/.exec(String(answer?.message ?? answer));
    if (!moved) return String(answer?.message ?? answer).startsWith('CLUSTERDOWN') ? undefined : answer;
    node = live.find((other) => other.port === Number(moved[1]));
    if (!node) return undefined;
  }
  return undefined;
}

const written = async (cluster, key, value) =>
  assert.strictEqual(await until(`a write of ${key}`, () => atLeader(cluster, 'SET', key, value)), 'OK');
const read = (cluster, key) => until(`a read of ${key}`, () => atLeader(cluster, 'GET', key));

test('quiet shards answer at once, and are led by others when their leader is killed', async (t) => {
  // A lease that is long does not run out because the machine is busy; a calm election timeout bounds it.
  const cluster = await startCluster(t, {shards: SHARDS, workers: 2, isCalm: true, flags: ['--quiet-after-ms', 300, '--lease-ms', 2000]});
  const keys = await keysOfShards(cluster.nodes[0]);
  for (const key of keys) await written(cluster, key, 1);
  await allQuiet(cluster);
  const quorumReads = async () => (await Promise.all(cluster.nodes.map((node) => metric(node, 'reads_total{kind="quorum"}')))).reduce((a, b) => a + b);
  const before = await quorumReads();
  for (const key of keys) assert.strictEqual(await read(cluster, key), '1');
  assert.ok(await quorumReads() - before < SHARDS, 'most reads rest on the lease that the heartbeats of the nodes keep');

  await cluster.wake();
  await cluster.nodes[0].kill();
  for (const key of keys) await written(cluster, key, 2);
  await cluster.nodes[0].start();
  await allQuiet(cluster);
  for (const key of keys) assert.strictEqual(await read(cluster, key), '2');
});

test('beside a node of the release before shards stay awake; upgraded, they fall quiet', async (t) => {
  const cluster = await startCluster(t, {shards: SHARDS, flags: ['--quiet-after-ms', 300]});
  const keys = await keysOfShards(cluster.nodes[0]);
  await allQuiet(cluster);
  const node = cluster.nodes[2];
  await node.stop();
  node.flags.push('--peer-protocol-maximum', 1);
  await node.startWhole();
  for (const key of keys) await written(cluster, key, 'old');
  await until('nothing is quiet', async () => (await quietOf(cluster)).every((count) => count === 0));
  await node.stop();
  node.flags.splice(-2);
  await node.startWhole();
  await allQuiet(cluster);
  for (const key of keys) assert.strictEqual(await read(cluster, key), 'old');
});
