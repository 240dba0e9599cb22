// Settings that are changed while nodes run act while they run, on every thread: the log, batches, snapshots and heartbeats.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

const WORKERS = 2;

async function sum(node, name) {
  const {text} = await node.get('/metrics');
  return text.split('\n').filter((line) => line.startsWith(name)).reduce((total, line) => total + Number(line.split(' ').pop()), 0);
}

function segmentSizes(node, worker) {
  const directory = path.join(node.directory, `worker-${worker}`);
  return fs.readdirSync(directory).filter((name) => /^wal-\d+$/.test(name)).map((name) => fs.statSync(path.join(directory, name)).size);
}

test('what is set live acts at once', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, workers: WORKERS, flags: ['--shards', 2, '--wal-segment-bytes', '1mb',
    '--wal-spare-segments', 0, '--snapshot-log-bytes', '10gb']});
  const client = await Connection.open(node.port);
  t.after(() => client.close());
  const set = async (...words) => assert.strictEqual(await node.ask('CONFIG', 'SET', ...words), 'OK');
  let next = 0;
  const write = async (count, bytes) => {
    const answers = Array.from({length: count}, () => client.ask('SET', `key:${next++}`, 'x'.repeat(bytes)));
    for (const answer of await Promise.all(answers)) assert.strictEqual(answer, 'OK');
  };

  await t.test('wal-segment-bytes', async () => {
    await write(40, 1000);
    for (let worker = 0; worker < WORKERS; worker++) assert.ok(segmentSizes(node, worker).every((size) => size === 1 << 20));
    await set('wal-segment-bytes', 128 << 10);
    await until('both logs go on in segments of that size', async () => {
      await write(20, 10000);
      return [0, 1].every((worker) => segmentSizes(node, worker).includes(128 << 10));
    });
  });

  await t.test('entry-commands', async () => {
    const means = [];
    for (const most of [1, 16384]) {
      await set('entry-commands', most);
      const before = [await sum(node, 'trothdb_batch_commands_sum'), await sum(node, 'trothdb_batch_commands_count')];
      await write(2000, 3);
      means.push((await sum(node, 'trothdb_batch_commands_sum') - before[0]) / (await sum(node, 'trothdb_batch_commands_count') - before[1]));
    }
    assert.ok(means[0] < 1.2 && means[1] > 4, `commands an entry: ${means}`);
  });

  await t.test('snapshot-log-entries', async () => {
    const taken = await sum(node, 'trothdb_snapshots_taken_total');
    await set('snapshot-log-entries', 16);
    for (let i = 0; i < 100; i++) await write(1, 3);
    await until('both shards take snapshots', async () => await sum(node, 'trothdb_snapshots_taken_total') >= taken + 2);
  });
});

test('heartbeat-ms acts on every node that leads', async (t) => {
  const cluster = await startCluster(t, {shards: 4, workers: WORKERS, isCalm: true, flags: ['--quiet-after-ms', 0]});
  const perSecond = async () => {
    const before = await Promise.all(cluster.nodes.map((node) => sum(node, 'trothdb_raft_messages_sent_total{kind="append"}')));
    const began = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const after = await Promise.all(cluster.nodes.map((node) => sum(node, 'trothdb_raft_messages_sent_total{kind="append"}')));
    return after.map((count, at) => (count - before[at]) * 1000 / (Date.now() - began));
  };
  const often = await perSecond();
  for (const node of cluster.nodes) assert.strictEqual(await node.ask('CONFIG', 'SET', 'heartbeat-ms', 1000), 'OK');
  const seldom = await perSecond();
  const leads = cluster.nodes.map((node, at) => often[at] > 5);
  assert.ok(leads.some(Boolean), `appends a second: ${often}`);
  for (const at of cluster.nodes.keys()) assert.ok(!leads[at] || seldom[at] < often[at] / 4, `appends a second: ${often[at]}, then ${seldom[at]}`);
});
