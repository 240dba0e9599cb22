// Nodes that all lead write each other's entries: their logs wait for them (wal-gather-us), and 0 ends it.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, sleep, startCluster, until} = require('./cluster.js');

const CLIENTS = 4, PIPELINE = 16;

async function gathered(node, outcome) {
  const {text} = await node.get('/metrics');
  const line = text.split('\n').find((row) => row.startsWith(`trothdb_wal_gathers_total{outcome="${outcome}"}`));
  return line ? Number(line.split(' ').pop()) : 0;
}
const sum = async (nodes, outcome) => (await Promise.all(nodes.map((node) => gathered(node, outcome)))).reduce((a, b) => a + b, 0);

// Keys of slots that the node leads.
async function keysOf(cluster, node) {
  const keys = [];
  for (let i = 0; keys.length < PIPELINE; i++) {
    const slot = await node.ask('CLUSTER', 'KEYSLOT', `key:${i}`);
    if (await cluster.leaderOf(slot) === node) keys.push(`key:${i}`);
  }
  return keys;
}

// Writes to all leaders at once, each client a batch at a time, until `isEnough`.
async function write(loads, isEnough) {
  let isOver = false;
  const clients = loads.map(async ({connection, keys}) => {
    while (!isOver) await Promise.all(keys.map((key) => connection.ask('SET', key, 'v')));
  });
  await isEnough();
  isOver = true;
  await Promise.all(clients);
}

test('logs wait for the entries of all who lead, and are told not to', async (t) => {
  const cluster = await startCluster(t, {shards: 12, isCalm: true});
  const loads = [];
  for (const node of cluster.nodes) {
    const keys = await keysOf(cluster, node);
    for (let i = 0; i < CLIENTS; i++) loads.push({connection: await Connection.open(node.port), keys});
  }
  t.after(() => loads.forEach(({connection}) => connection.close()));

  const ends = async () => Promise.all(['complete', 'late'].map((outcome) => sum(cluster.nodes, outcome)));
  const lone = loads.filter((_, at) => at % CLIENTS === 0).map(({connection, keys}) => ({connection, keys: keys.slice(0, 1)}));
  await write(lone, () => sleep(500));
  assert.deepStrictEqual(await ends(), [0, 0], 'a command alone goes to the disk at once');

  await write(loads, () => until('all come in time, again and again', async () => (await ends())[0] >= 20));

  for (const node of cluster.nodes) assert.strictEqual(await node.ask('CONFIG', 'SET', 'wal-gather-us', '0'), 'OK');
  await write(loads, () => sleep(300)); // what was begun ends
  const before = await ends();
  await write(loads, () => sleep(300));
  assert.deepStrictEqual(await ends(), before, 'nothing waits any more');
});
