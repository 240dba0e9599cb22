// Every stage that a write passes is measured, and shows at /metrics.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {startCluster, until} = require('./cluster.js');

async function metrics(node) {
  const {status, text} = await node.get('/metrics');
  assert.strictEqual(status, 200);
  const value = (name) => Number((new RegExp(`^trothdb_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text) || [])[1]);
  return {value};
}

test('each stage of a write has its histogram', async (t) => {
  const {nodes: [node, ...others]} = await startCluster(t, {nodes: 3, shards: 1, isCalm: true});
  const leader = await until('a leader', async () => {
    for (const one of [node, ...others]) if (await one.ask('SET', 'k', 'v') === 'OK') return one;
    return false;
  });
  for (let i = 0; i < 20; i++) assert.strictEqual(await leader.ask('SET', 'k', i), 'OK');
  await leader.ask('CONFIG', 'SET', 'read-mode', 'quorum');
  assert.strictEqual(await leader.ask('GET', 'k'), '19');
  for (const stage of ['proposal_queue_seconds', 'batch_commands', 'batch_bytes', 'wal_round_seconds', 'wal_write_seconds', 'wal_sync_seconds',
    'commit_seconds', 'apply_seconds', 'reply_seconds']) {
    await until(`${stage} was observed for each of 20 writes, one after the other`,
      async () => (await metrics(leader)).value(`${stage}_count`) >= 20);
  }
  const {value} = await metrics(leader);
  assert.ok(value('wal_round_seconds_sum') >= value('wal_sync_seconds_sum'), 'a sync is a part of its round');
  assert.ok(value('read_wait_seconds_count') >= 1, 'the read waited for a quorum');
  await until('nothing is under way any more', async () => {
    const now = await metrics(leader);
    return now.value('uncommitted_bytes') === 0 && now.value('proposal_queue_commands') === 0;
  });
});
