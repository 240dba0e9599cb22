// Every stage that a write passes is measured, and shows at /metrics.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

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

// The value of the row with this label; the sum of all rows where there is none. Nothing where there is no such row.
async function row(node, name, label = '') {
  const {text} = await node.get('/metrics');
  const rows = text.split('\n').filter((line) => line.startsWith(`trothdb_${name}`) && /^[{ ]/.test(line.slice(`trothdb_${name}`.length)) &&
    line.includes(label));
  return rows.length ? rows.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0) : undefined;
}

// A client that writes all the time, through whoever leads.
function writeOn(t, cluster) {
  const load = {isEnding: false, written: 0};
  const turn = async () => {
    for (let i = 0; !load.isEnding; i++) {
      const node = cluster.nodes[i % cluster.nodes.length];
      const answer = node.process && await node.ask('SET', 'load', i).catch(() => null);
      if (answer !== 'OK') continue;
      load.written++;
      i--; // it leads: the next one as well
    }
  };
  const ended = turn();
  t.after(async () => {
    load.isEnding = true;
    await ended;
  });
  return load;
}

test('who lags and by how much, how far a snapshot is, what the disk takes, who led and why no more', async (t) => {
  const cluster = await startCluster(t, {nodes: 3, shards: 1, isCalm: true, flags: ['--enable-debug-command', 'local', '--leader-return-ms', 0]});
  const numberOf = (node) => cluster.nodes.indexOf(node) + 1;
  const leader = await cluster.leaderOf(0);
  const [behind, other] = cluster.nodes.filter((node) => node !== leader);

  await t.test('a follower that stands still lags in entries and bytes, and only that one', async () => {
    behind.pause();
    const value = 'x'.repeat(50000);
    for (let i = 0; i < 40; i++) assert.strictEqual(await leader.ask('SET', `big:${i}`, value), 'OK');
    const peer = `peer="${numberOf(behind)}"`;
    await until('its lag shows', async () => await row(leader, 'replication_lag_entries', peer) >= 40);
    const lagBytes = await row(leader, 'replication_lag_bytes', peer);
    assert.ok(lagBytes >= 40 * 50000 && lagBytes < 41 * 50000 + 100000, `${lagBytes} bytes`);
    assert.strictEqual(await row(leader, 'replication_lag_bytes', `peer="${numberOf(other)}"`), 0);
    behind.resume();
    await until('it has caught up', async () => await row(leader, 'replication_lag_entries', peer) === 0 &&
      await row(leader, 'replication_lag_bytes', peer) === 0);
  });

  await t.test('a snapshot says how much of it is left, and then how long it took', async () => {
    const taken = await row(leader, 'snapshots_taken_total');
    assert.strictEqual(await leader.ask('CONFIG', 'SET', 'snapshot-turn-bytes', 256, 'snapshot-turn-ms', 20), 'OK');
    assert.strictEqual(await leader.ask('TROTHDB', 'SNAPSHOT', 1), 1);
    const left = await until('chunks are left', () => row(leader, 'snapshot_chunks_left', 'shard="1"'));
    await until('there are fewer', async () => await row(leader, 'snapshot_chunks_left', 'shard="1"') < left);
    assert.strictEqual(await leader.ask('CONFIG', 'SET', 'snapshot-turn-bytes', 1 << 20), 'OK');
    await until('it is taken', async () => await row(leader, 'snapshots_taken_total') > taken);
    assert.strictEqual(await row(leader, 'snapshot_chunks_left', 'shard="1"'), 0);
    assert.strictEqual(await row(leader, 'snapshot_seconds_count'), taken + 1);
    assert.ok(await row(leader, 'snapshot_seconds_sum') >= 0.02, 'more than one turn');
  });

  await t.test('a slow disk shows by what it takes; the lead moves away, and why is counted', async () => {
    const load = writeOn(t, cluster);
    await until('the load runs', async () => load.written > 200);
    const changes = await row(other, 'leader_changes_total');
    assert.strictEqual(await row(leader, 'disk_is_slow'), 0);
    assert.strictEqual(await leader.ask('CONFIG', 'SET', 'debug-sync-delay-us', 60000, 'leader-move-pause-ms', 0), 'OK');
    await until('a round takes so long', async () => await row(leader, 'disk_score_seconds', 'worker="0"') >= 0.05);
    await until('the disk is called slow', async () => await row(leader, 'disk_is_slow', 'worker="0"') === 1);
    await until('another one leads', async () => ![undefined, leader].includes(await cluster.leaderOf(0, other)));
    assert.ok(await row(leader, 'leader_moves_total', 'slow-disk') >= 1);
    await until('the change was seen', async () => await row(other, 'leader_changes_total') > changes);
    const before = load.written;
    await until('writes go on', async () => load.written > before + 50);
    assert.strictEqual(await leader.ask('CONFIG', 'SET', 'debug-sync-delay-us', 0), 'OK');
    await until('it is well again', async () => await row(leader, 'disk_is_slow', 'worker="0"') === 0);
    assert.ok(await row(leader, 'disk_score_seconds', 'worker="0"') < 0.05);
  });

  await t.test('a leader that is stopped gives the lead away, and its successor says so', async () => {
    const now = await until('somebody leads', () => cluster.leaderOf(0));
    const rest = cluster.nodes.filter((node) => node !== now);
    const elections = async () => (await Promise.all(rest.map((node) => row(node, 'elections_total', 'cause="transfer"'))))
      .reduce((sum, count) => sum + (count || 0), 0);
    const before = await elections();
    await now.stop();
    assert.ok(await elections() > before, 'when it has ended its successor was told already');
    await until('another leads', async () => ![undefined, now].includes(await cluster.leaderOf(0, rest[0])));
  });

  await t.test('appends are compressed from the size on that is set, if that pays, and by how much shows', async () => {
    await cluster.nodes.find((node) => !node.process).startWhole();
    const now = await until('somebody leads', () => cluster.leaderOf(0));
    assert.ok(!await row(now, 'append_packed_bytes_total'), 'by default nothing is');
    assert.strictEqual(await now.ask('CONFIG', 'SET', 'append-compress-min-bytes', 2000), 'OK');
    const values = {long: 'abcdefgh'.repeat(5000), short: 'abcdefgh'};
    for (const [key, value] of Object.entries(values)) assert.strictEqual(await now.ask('SET', `packed:${key}`, value), 'OK');
    const [raw, packed] = await until('it was counted', async () => {
      const found = [await row(now, 'append_packed_bytes_total', 'side="before"'), await row(now, 'append_packed_bytes_total', 'side="after"')];
      return found[0] > 0 && found;
    });
    assert.ok(raw >= 40000 && packed > 0 && packed < raw / 10, `${raw} bytes became ${packed}`);
    for (const node of cluster.nodes) {
      const reader = await Connection.open(node.port);
      await reader.ask('READONLY');
      for (const [key, value] of Object.entries(values)) assert.strictEqual(await reader.ask('GET', `packed:${key}`), value, key);
      reader.close();
    }
  });
});
