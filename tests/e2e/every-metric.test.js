// Every metric of metric.def is counted by real processes; where it is known how often a thing happened, so often. What cannot be
// made to happen here is in ELSEWHERE, with the test that has it.
'use strict';
const assert = require('node:assert');
const {spawnSync} = require('node:child_process');
const dgram = require('node:dgram');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {Connection, makeAgent, program, run, sleep, startCluster, startNodes, until} = require('./cluster.js');

const root = path.join(__dirname, '../..');
const METRICS = [...fs.readFileSync(path.join(root, 'src/metric/metric.def'), 'utf8').matchAll(/^METRIC\((\w+), (\w+), (?:NULL|"(\w+)"), (\S+),/gm)]
  .map(([, name, kind]) => ({name, kind}));

const ELSEWHERE = {
  append_hedges_total: 'tests/e2e/lazy.test.js', // which follower is served later changes with the machine
  backup_objects_removed_total: 'tests/e2e/backup-moments.test.js', // what is too old takes a while to become so
  clients_held_bytes: 'tests/unit/node/test_pressure.c', // is read and sent at once, as a rule
  disk_is_full: 'tests/e2e/mounts.test.js', // takes a file system of its own
  disk_is_slow: 'tests/e2e/metrics.test.js',
  gossip_adaptations_total: 'tests/unit/member/test_gossip_meter.c', // takes a minute, or more members than are here
  gossip_clock_skew_largest_seconds: 'tests/unit/member/test_gossip_meter.c', // one machine has one clock
  gossip_pace: 'tests/unit/member/test_gossip_meter.c',
  gossip_streams_served: 'tests/e2e/streams.test.js', // is over before it can be looked at
  memory_limit_bytes: 'tests/unit/node/test_memory_limit.c',
  learners_given_up_total: 'tests/e2e/membership.test.js', // takes ten seconds and more
  replica_differences_total: 'tests/unit/shard/test_compare.c', // anything but 0 is an error
  log_waits_for_files: 'tests/unit/node/test_info.c', // takes a process that may open no more files
  rewinds_total: 'tests/unit/shard/test_rewind.c', // takes a machine that loses its memory
  stamps_ahead_total: 'tests/unit/shard/test_propose.c', // one machine has one clock
  shards_without_leader: 'tests/e2e/silent.test.js', // takes a majority that is lost
  snapshot_chunks_left: 'tests/e2e/metrics.test.js',
  unfreed_bytes: 'tests/unit/node/test_freeing.c',
  wal_gathers_total: 'tests/e2e/gather.test.js', // takes nodes that all lead, under load
};

// ---- what was seen

const moved = new Set(); // metrics that were something other than 0

class Scrape {
  constructor(text) {
    this.rows = text.split('\n').map((line) => /^trothdb_(\S+) (\S+)$/.exec(line)).filter(Boolean)
      .map(([, series, value]) => ({series, name: /^\w+/.exec(series)[0], value: Number(value)}));
  }
  // Of one series, or, where that names no label, of all that differ by it.
  of(series) {
    return this.rows.filter((row) => row.series === series || row.name === series).reduce((sum, {value}) => sum + value, 0);
  }
}

// What /metrics of a node tells now.
async function look(node) {
  const {status, text} = await node.get('/metrics');
  assert.strictEqual(status, 200);
  const scrape = new Scrape(text);
  for (const {name, kind} of METRICS) {
    const shown = kind === 'HISTOGRAM' || kind === 'TRACED' ? `${name}_count` : name;
    if (scrape.rows.some((row) => row.name === shown && row.value !== 0)) moved.add(name);
  }
  return scrape;
}

const shows = (node, series, least = 1) => until(`${series} is ${least} at least`, async () => (await look(node)).of(series) >= least);

// Each series rose by exactly so much since `before`. Some are published by a tick, so they may come a moment later.
async function expectRise(node, before, expected) {
  const rises = (now) => Object.fromEntries(Object.keys(expected).map((series) => [series, now.of(series) - before.of(series)]));
  let risen;
  for (let i = 0; i < 40; i++, await sleep(50)) {
    risen = rises(await look(node));
    if (Object.keys(expected).every((series) => risen[series] === expected[series])) break;
  }
  assert.deepStrictEqual(risen, expected);
}

// ---- one node: what clients do to it, to the byte

// Nothing but what is asked for: no comparison, no trace, no forgotten connection of the start.
const STILL = ['--compare-interval-ms', 0, '--trace-after-slow', 'no', '--quiet-after-ms', 0];

test('what one client asks of one node', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: STILL});
  await until('nobody else is connected', async () => (await look(node)).of('clients_connected') === 0);
  // What the node itself proposes after its start is over.
  await until('nothing is proposed any more', async () => {
    const proposed = (await look(node)).of('proposals_total');
    await sleep(1000);
    return (await look(node)).of('proposals_total') === proposed;
  });
  let before = await look(node);
  const client = await Connection.open(node.port);
  t.after(() => client.close());

  await t.test('commands, their errors, their keys and their bytes', async () => {
    for (const [words, reply] of [[['SET', 'a', '1'], 'OK'], [['SET', 'b', '2'], 'OK'], [['GET', 'a'], '1'], [['GET', 'none'], null]])
      assert.strictEqual(await client.ask(...words), reply);
    assert.match(String(await client.ask('GET')), /wrong number/);
    assert.match(String(await client.ask('INCR', 'a', 'b', 'c')), /wrong number/);
    assert.strictEqual(await client.ask('APPEND', 'a', 'x'), 2);
    assert.match(String(await client.ask('INCR', 'a')), /not an integer/);
    await expectRise(node, before, {
      clients_accepted_total: 1,
      clients_connected: 1,
      client_received_bytes_total: client.socket.bytesWritten,
      client_sent_bytes_total: client.socket.bytesRead,
      'commands_total{command="set"}': 2,
      'commands_total{command="get"}': 3,
      'commands_total{command="incr"}': 2,
      'commands_total{command="append"}': 1,
      'command_errors_total{command="get"}': 1,
      'command_errors_total{command="incr"}': 2,
      'command_errors_total{command="set"}': 0,
      'command_rejections_total{command="get"}': 1,
      'command_rejections_total{command="incr"}': 1,
      'command_latency_seconds_count{command="set"}': 2,
      'error_replies_total{kind="ERR"}': 3,
      keyspace_hits_total: 1,
      keyspace_misses_total: 1,
      'reads_total{kind="lease"}': 2,
      'reads_total{kind="quorum"}': 0,
      proposals_total: 4,
      entries_applied_total: 4,
      batch_commands_count: 4,
      batch_commands_sum: 4,
      batch_bytes_count: 4,
      commit_seconds_count: 4,
      proposal_queue_seconds_count: 4,
      async_replies_total: 0,
      expired_keys_total: 0,
      'keys{shard="1"}': 2,
    });
  });

  await t.test('a key whose time has come, a write from memory, a read by a quorum', async () => {
    before = await look(node);
    assert.strictEqual(await client.ask('SET', 'short', 'x', 'PX', 1), 'OK');
    assert.strictEqual(await client.ask('TROTHDB', 'WITH', 'async', 'SET', 'c', 'x'), 'OK');
    assert.strictEqual(await client.ask('CONFIG', 'SET', 'read-mode', 'quorum'), 'OK');
    assert.strictEqual(await client.ask('GET', 'a'), '1x');
    await expectRise(node, before, {expired_keys_total: 1, async_replies_total: 1, 'reads_total{kind="quorum"}': 1, 'reads_total{kind="lease"}': 0});
  });

  await t.test('what is written is as many bytes of the log', async () => {
    before = await look(node);
    const entries = 50, bytes = 20000;
    for (let i = 0; i < entries; i++) assert.strictEqual(await client.ask('SET', 'a', 'x'.repeat(bytes)), 'OK');
    const now = await look(node);
    for (const series of ['wal_bytes_total', 'batch_bytes_sum']) {
      const written = now.of(series) - before.of(series);
      assert.ok(written > entries * bytes && written < 1.5 * entries * bytes, `${series}: ${written}`);
    }
    const stages = ['wal_round_seconds', 'wal_write_seconds', 'wal_sync_seconds', 'apply_seconds', 'reply_seconds'];
    // The last reply is timed once it is sent: its client may have it a moment sooner.
    for (const stage of stages) {
      const counted = async () => (await look(node)).of(`${stage}_count`);
      await until(stage, async () => await counted() >= before.of(`${stage}_count`) + entries);
    }
  });

  await t.test('connections that the node ends', async () => {
    before = await look(node);
    const opened = [];
    const open = async (bytes) => {
      opened.push(await Connection.open(node.port));
      opened.at(-1).write(bytes);
    };
    t.after(() => opened.forEach((one) => one.close()));
    const ends = (cause) => shows(node, `clients_refused_total{cause="${cause}"}`);
    await open('*1\r\n:1\r\n');
    await ends('protocol');
    assert.strictEqual(await client.ask('CONFIG', 'SET', 'client-query-buffer-limit', 1 << 20, 'client-output-limit', 65536), 'OK');
    await open(`*2\r\n$3\r\nGET\r\n$9000000\r\n${'x'.repeat(2 << 20)}`);
    await ends('query-buffer-limit');
    await open('*2\r\n$3\r\nGET\r\n$1\r\na\r\n'.repeat(1000));
    await ends('output-limit');
    await until('they are gone', async () => (await look(node)).of('clients_connected') === 1);
    assert.strictEqual(await client.ask('CONFIG', 'SET', 'maxclients', 1), 'OK');
    await open('');
    await ends('maxclients');
    await expectRise(node, before, Object.fromEntries(['protocol', 'query-buffer-limit', 'output-limit', 'maxclients']
      .map((cause) => [`clients_refused_total{cause="${cause}"}`, 1])));
    assert.strictEqual(await client.ask('CONFIG', 'SET', 'maxclients', 100), 'OK');
  });

  await t.test('clients that wait for their answers return together', async () => {
    const crowd = await Promise.all(Array.from({length: 8}, () => Connection.open(node.port)));
    t.after(() => crowd.forEach((one) => one.close()));
    await Promise.all(crowd.map(async (one, at) => {
      for (let i = 0; i < 200; i++) assert.strictEqual(await one.ask('SET', `crowd:${at}`, i), 'OK');
    }));
    await shows(node, 'crowd_returns_total');
  });

  await t.test('what promtool says of it', async (sub) => {
    const {text} = await node.get('/metrics');
    const {error, status, stdout, stderr} = spawnSync('promtool', ['check', 'metrics'], {input: text, encoding: 'utf8'});
    if (error?.code === 'ENOENT') return sub.skip('promtool is not installed: tools/setup test');
    assert.deepStrictEqual([status, stdout, stderr], [0, '', '']);
  });
});

// ---- three nodes: what replicas do to each other; of two workers, so that what both see is not counted by both

const VALUE = 'x'.repeat(1000);

async function write(node, count, tag = 'k') {
  for (let i = 0; i < count; i++) assert.strictEqual(await node.ask('SET', `${tag}:${i}`, VALUE), 'OK');
}

const snapshotOf = async (node) => (await node.ask('TROTHDB', 'STATUS'))[7].find(([shard]) => shard === 1)[7];
const catchesUp = (leader) => until('nobody lags', async () => (await look(leader)).of('replication_lag_entries') === 0);

// A bit of the first such file of which `at` names a place.
function flip(directory, pattern, at) {
  const files = fs.readdirSync(directory).filter((one) => pattern.test(one)).sort().map((name) => path.join(directory, name));
  const [file, bytes] = files.map((one) => [one, fs.readFileSync(one)]).find(([, content]) => at(content) > 0);
  bytes[at(bytes)] ^= 1;
  fs.writeFileSync(file, bytes);
}

test('what three nodes do', async (t) => {
  const cluster = await startCluster(t, {shards: 2, workers: 2, isCalm: true, flags: ['--scrub-bytes-per-second', 0, '--log-memory-bytes', 4096]});
  const {nodes} = cluster;
  const leader = await cluster.leaderOf(0);
  const [behind, other] = nodes.filter((node) => node !== leader);
  const all = async () => Promise.all(nodes.map(look));
  const sum = (scrapes, series) => scrapes.reduce((total, scrape) => total + scrape.of(series), 0);
  const key = await (async () => {
    for (let i = 0; ; i++) if (await leader.ask('CLUSTER', 'KEYSLOT', `{${i}}`) < 4096) return `{${i}}`;
  })();

  await t.test('who asks in the wrong place is sent away', async () => {
    const before = await look(behind);
    assert.match(String(await behind.ask('GET', key)), /^Error: MOVED/);
    assert.match(String(await behind.ask('MGET', key, 'elsewhere')), /^Error: CROSSSLOT/);
    await expectRise(behind, before, {'redirects_total{kind="moved"}': 1, 'redirects_total{kind="crossslot"}': 1, 'error_replies_total{kind="MOVED"}': 1,
      'command_rejections_total{command="get"}': 1, 'command_rejections_total{command="mget"}': 1});
  });

  await t.test('messages between them, by kind, and shards that fall quiet', async () => {
    await write(leader, 20, key);
    for (const node of nodes) await until('all is quiet', async () => (await look(node)).of('shards_quiet') === 3);
    await until('followers are told that nothing happens', async () => sum(await all(), 'pair_heartbeats_total{outcome="equal"}') > 0);
    const scrapes = await all(), later = await all(); // nobody received what nobody had sent by then
    assert.strictEqual(sum(scrapes, 'shards_led'), 3);
    for (const scrape of scrapes) {
      assert.strictEqual(scrape.of('shards_hosted'), 3);
      for (const worker of [0, 1]) assert.ok(scrape.of(`election_timeout_seconds{worker="${worker}"}`) >= 5, 'as calm as was set');
      assert.ok(scrape.of('applied_index{shard="1"}') >= 20);
    }
    for (const kind of ['append', 'append_reply', 'pre_vote', 'vote', 'vote_reply']) {
      const sent = sum(later, `raft_messages_sent_total{kind="${kind}"}`), received = sum(scrapes, `raft_messages_received_total{kind="${kind}"}`);
      assert.ok(received > 0 && received <= sent, `${kind}: ${sent} sent and ${received} received`);
    }
    const [sent, received] = [sum(later, 'peer_sent_bytes_total'), sum(scrapes, 'peer_received_bytes_total')];
    assert.ok(received > 2 * 20 * VALUE.length && received <= sent, `${sent} bytes sent and ${received} received`);
  });

  await t.test('a read by a quorum waits; compared and compressed is what is asked for', async () => {
    assert.strictEqual(await leader.ask('CONFIG', 'SET', 'read-mode', 'quorum', 'compare-interval-ms', 50, 'append-compress-min-bytes', 500), 'OK');
    const before = await look(leader);
    assert.strictEqual(await leader.ask('GET', `${key}:1`), VALUE);
    await expectRise(leader, before, {read_wait_seconds_count: 1, 'reads_total{kind="quorum"}': 1});
    await write(leader, 20, key);
    for (const series of ['append_packed_bytes_total{side="before"}', 'append_packed_bytes_total{side="after"}']) await shows(leader, series);
    await until('they were compared', async () => {
      await write(leader, 5, key);
      return (await look(leader)).of('replica_comparisons_total') > 0;
    });
    assert.strictEqual(sum(await all(), 'replica_differences_total'), 0);
  });

  await t.test('the lead moves, as asked', async () => {
    const before = await all();
    const {code, stderr} = await run(program, ['cluster', 'leader', 1, other.address, '--at', leader.address]);
    assert.strictEqual(code, 0, stderr);
    await until('it leads', async () => await cluster.leaderOf(0, other) === other);
    await expectRise(leader, before[nodes.indexOf(leader)], {'leader_moves_total{cause="asked"}': 1, 'elections_total{cause="transfer"}': 0});
    await expectRise(other, before[nodes.indexOf(other)], {'elections_total{cause="transfer"}': 1, 'leader_moves_total{cause="asked"}': 0});
    assert.ok(sum(await all(), 'leader_changes_total') > sum(before, 'leader_changes_total'));
    assert.strictEqual((await run(program, ['cluster', 'leader', 1, leader.address, '--at', leader.address])).code, 0);
    await until('all know who leads', async () => (await Promise.all(nodes.map((node) => cluster.leaderOf(0, node)))).every((one) => one === leader));
  });

  await t.test('what waits for followers that stand still, and is too much', async () => {
    await leader.ask('CONFIG', 'SET', 'read-mode', 'lease', 'uncommitted-bytes', 16384);
    behind.pause();
    other.pause();
    // Connections of both workers: what the other one is told by mail waits there, and is no proposal yet.
    const clients = await Promise.all(Array.from({length: 12}, () => Connection.open(leader.port)));
    t.after(() => clients.forEach((client) => client.close()));
    const answers = clients.flatMap((client) => Array.from({length: 10}, (_, i) => client.ask('SET', `${key}:${i}`, VALUE)));
    await shows(leader, 'proposals_refused_total{cause="busy"}');
    await shows(leader, 'uncommitted_bytes', 10000);
    const now = await look(leader);
    assert.ok(now.of('proposal_queue_commands') >= 10, 'those that wait');
    await shows(leader, 'replication_lag_entries');
    await shows(leader, 'replication_lag_bytes', 10000);
    behind.resume();
    other.resume();
    for (const answer of answers) assert.strictEqual(await answer, 'OK');
    await until('nothing waits', async () => (await look(leader)).of('uncommitted_bytes') === 0);
    await leader.ask('CONFIG', 'SET', 'uncommitted-bytes', '256mb');
  });

  await t.test('a snapshot that goes to one that was away', async () => {
    await behind.kill();
    await write(leader, 300, key);
    await shows(leader, 'peer_dropped_total');
    const before = await look(leader);
    assert.strictEqual(await leader.ask('TROTHDB', 'SNAPSHOT', 1), 1);
    await until('it is there', async () => await snapshotOf(leader) > 300);
    await expectRise(leader, before, {snapshots_taken_total: 1, snapshot_seconds_count: 1, snapshots_sent_total: 0});
    const taken = await look(leader);
    assert.ok(taken.of('snapshot_bytes_total') > before.of('snapshot_bytes_total'));
    assert.ok(taken.of('snapshot_chunks_total{what="saved"}') > before.of('snapshot_chunks_total{what="saved"}'));
    await behind.start();
    await shows(behind, 'snapshots_installed_total');
    await expectRise(leader, before, {snapshots_sent_total: 1});
    const [sent, got] = await Promise.all([look(leader), look(behind)]);
    assert.strictEqual(got.of('snapshots_installed_total'), 1);
    assert.ok(got.of('snapshot_received_bytes_total') > 0);
    assert.strictEqual(got.of('snapshot_received_bytes_total'), sent.of('snapshot_sent_bytes_total') - before.of('snapshot_sent_bytes_total'));
    assert.ok(got.of('snapshot_chunks_total{what="received"}') > 0);
    assert.ok(got.of('snapshot_loaded_bytes_total') > 300 * VALUE.length, 'all of it, not compressed');
    await catchesUp(leader);
  });

  // While the others stand still nothing comes back of what the disk lost.
  const startAlone = async () => {
    for (const node of [leader, other]) node.pause();
    await behind.start();
    await shows(behind, 'replicas_in_repair');
    for (const node of [leader, other]) node.resume();
    await until('it has got back what it lost', async () => (await look(behind)).of('replicas_in_repair') === 0);
  };

  await t.test('a snapshot and a log that rotted', async () => {
    const directory = path.join(behind.directory, 'worker-1');
    await behind.stop();
    flip(directory, /^chunk-1-/, (bytes) => bytes.length >> 1);
    await startAlone();
    assert.strictEqual((await look(behind)).of('snapshots_lost_total'), 1);
    await write(leader, 40, key);
    await until('its log has them', async () => fs.readdirSync(directory).some((name) => /^wal-\d+$/.test(name) &&
      fs.readFileSync(path.join(directory, name)).includes(`${key}:39`)));
    await behind.kill();
    flip(directory, /^wal-\d+$/, (bytes) => bytes.lastIndexOf(VALUE) - 5 * VALUE.length); // others were written after it
    await startAlone();
    assert.strictEqual((await look(behind)).of('wal_gaps_repaired_total'), 1);
  });
});

// ---- what lies on the disk, and what goes to a store of backups

test('what is read again at rest, and what is archived', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--wal-segment-bytes', 65536, '--scrub-bytes-per-second', 0, '--snapshot-log-entries', 50]});
  const store = `${node.directory}-store`;
  await write(node, 150);
  await until('there is a snapshot, and it stays', async () => {
    const taken = (await look(node)).of('snapshots_taken_total');
    await sleep(500);
    return taken > 0 && (await look(node)).of('snapshots_taken_total') === taken;
  });
  flip(path.join(node.directory, 'worker-0'), /^chunk-1-/, (bytes) => bytes.length >> 1);
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', '1gb'), 'OK');
  await shows(node, 'scrub_passes_total');
  await expectRise(node, new Scrape(''), {scrub_damages_total: 1});
  assert.ok((await look(node)).of('scrub_bytes_total') > 10000);
  assert.ok((await look(node)).of('wal_segments') >= 1);

  fs.writeFileSync(store, 'this is no directory');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'backup-to', store, 'backup-log-interval-ms', 50), 'OK');
  await write(node, 1);
  await shows(node, 'backup_failures_total');
  await until('what is not there grows older', async () => (await look(node)).of('backup_lag_seconds{shard="1"}') > 0.1);
  assert.ok(!(await look(node)).rows.some(({name}) => name === 'backup_lag_entries'), 'how much that is cannot be known');
  assert.strictEqual((await look(node)).of('backup_bytes_total'), 0);
  fs.rmSync(store);
  assert.strictEqual((await run(program, ['backup', 'now', node.address, '--wait', 60], {timeout: 90000})).code, 0);
  for (const kind of ['log', 'snapshot']) await shows(node, `backup_objects_total{kind="${kind}"}`);
  const isAll = async () => (await look(node)).of('backup_lag_entries') + (await look(node)).of('backup_lag_seconds') === 0;
  await until('nothing is missing there', isAll);
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'backup-log-interval-ms', 60000), 'OK');
  await write(node, 5);
  await shows(node, 'backup_lag_entries{shard="1"}');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'backup-log-interval-ms', 50), 'OK');
  await until('nothing is missing again', isAll);
  const bytes = fs.readdirSync(store, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile())
    .reduce((all, entry) => all + fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size, 0);
  const put = (await look(node)).of('backup_bytes_total');
  assert.ok(put > 0 && put >= 0.9 * bytes && put < 3 * bytes, `${put} bytes were put, and ${bytes} are there`);
});

// ---- gossip

// Suspicions that come soon and last for some five seconds.
const GOSSIP = ['--gossip-probe-interval-ms', 100, '--gossip-probe-timeout-ms', 50, '--gossip-suspicion-factor', 100, '--fault-injection', 'yes'];

// Spares: no Raft by which they would hear each other.
test('what members say of each other', async (t) => {
  const cluster = await startNodes(t, {nodes: 3, flags: [...GOSSIP, '--gossip-stream-min-bytes', 1]});
  const {nodes} = cluster;
  const [first, second, third] = nodes;
  const peer = (node) => `127.0.0.1:${node.peerPort}`;
  const fault = async (node, ...rules) => assert.strictEqual(await node.ask('GOSSIP', 'FAULT', ...rules.length ? ['SET', ...rules] : ['CLEAR']), 'OK');
  const allAlive = (count = 3) => until('all are alive', async () => (await Promise.all(nodes.filter((node) => node.process).map(look)))
    .every((scrape) => scrape.of('members{state="alive"}') === count));
  await allAlive();

  await t.test('a spare owns no slot', async () => {
    const before = await look(first);
    assert.match(String(await first.ask('GET', 'x')), /CLUSTERDOWN/);
    await expectRise(first, before, {'redirects_total{kind="clusterdown"}': 1, 'command_rejections_total{command="get"}': 1});
  });

  await t.test('news, and how long it took', async () => {
    assert.strictEqual(await first.ask('GOSSIP', 'SET', 'color', 'red'), 'OK');
    await shows(second, 'gossip_propagation_latency_seconds_count');
    for (const series of ['gossip_news_told_total', 'gossip_news_bytes_total', 'gossip_probe_rtt_seconds_count', 'gossip_clock_skew_seconds_count',
      'gossip_probes_total{outcome="answered"}', 'gossip_fan_out', 'gossip_messages_sent_total{kind="PING"}', 'gossip_messages_received_total{kind="PING"}',
      'gossip_sent_bytes_total{kind="PING"}', 'gossip_received_bytes_total{kind="PING"}', 'resident_memory_bytes']) await shows(first, series);
    const now = await look(first);
    assert.strictEqual(now.of('gossip_flush_seconds'), 0.005);
    assert.ok(now.of('resident_memory_bytes') > 1e6 && now.of('resident_memory_bytes') < 1e9);
    assert.ok(now.of('uptime_seconds') > 0 && now.of('uptime_seconds') < 600);
  });

  await t.test('an older wire, a stranger, an address that cannot be', async () => {
    assert.strictEqual(await third.ask('CONFIG', 'SET', 'gossip-wire-maximum', 0), 'OK');
    await until('undated news', async () => {
      await third.ask('GOSSIP', 'SET', 'now', Date.now());
      return (await look(first)).of('gossip_propagation_unmeasured_total{cause="undated"}') > 0;
    });
    assert.strictEqual(await third.ask('CONFIG', 'SET', 'gossip-wire-maximum', 1), 'OK');
    const socket = dgram.createSocket('udp4');
    t.after(() => socket.close());
    const before = await look(first);
    socket.send('this is no gossip', first.peerPort, '127.0.0.1');
    await expectRise(first, before, {'gossip_refused_total{cause="malformed"}': 1});
    assert.strictEqual(await first.ask('GOSSIP', 'SEED', '192.0.2.1:7001'), 'OK'); // from a socket that is bound to loopback
    await shows(first, 'gossip_unsent_total');
  });

  await t.test('datagrams are lost between two, and others help; with all, and streams answer', async () => {
    await fault(first, `loss 100% with ${peer(second)}`);
    for (const series of ['gossip_helpers_asked_total', 'gossip_probes_total{outcome="through-helper"}']) await shows(first, series);
    await fault(first, 'loss 100% with *');
    for (const series of ['gossip_stream_tries_total', 'gossip_stream_answers_total']) await shows(first, series);
    await fault(first);
  });

  await t.test('one is cut off, suspected, and refutes that', async () => {
    await allAlive();
    await fault(third, 'cut with *');
    for (const node of [first, second]) await fault(node, `cut with ${peer(third)}`); // who is tried by a stream answers
    await shows(first, 'members{state="suspect"}');
    await shows(third, 'gossip_local_health');
    for (const node of nodes) await fault(node);
    await shows(third, 'gossip_refutations_total');
    await allAlive();
    await shows(first, 'gossip_suspicions_ended_total{outcome="refuted"}');
  });

  // How long it took is told by who had heard of it just before; on a busy machine that may be nobody.
  const dieOnce = async () => {
    await allAlive();
    const before = await Promise.all([first, second].map(look));
    await third.kill();
    await until('both know it', async () => (await Promise.all([first, second].map(look))).every((scrape) => scrape.of('members{state="dead"}') === 1));
    for (const [at, node] of [first, second].entries())
      await expectRise(node, before[at], {gossip_deaths_total: 1, 'gossip_suspicions_ended_total{outcome="died"}': 1});
    const now = await Promise.all([first, second].map(look));
    const rise = (series) => now.reduce((all, scrape, at) => all + scrape.of(series) - before[at].of(series), 0);
    assert.ok(rise('gossip_suspicions_total') >= 1 && rise('gossip_detection_seconds_count') <= 2, 'who called it dead had suspected it');
    await third.start();
    return rise('gossip_detection_seconds_count');
  };

  await t.test('one dies', async () => {
    await until('how long that took is told', dieOnce);
    await allAlive();
  });

  await t.test('a newcomer takes what it lacks by a stream', async () => {
    const agent = await makeAgent(cluster, 'newcomer', first, '--gossip-stream-min-bytes', 1, '--dir', path.join(cluster.directory, 'newcomer-state'));
    await agent.start();
    await shows(agent, 'gossip_streams_total{end="asked-done"}');
    await shows(agent, 'gossip_stream_bytes_total{direction="received"}');
    await until('somebody gave it', async () => (await Promise.all(nodes.slice(0, 3).map(look)))
      .some((scrape) => scrape.of('gossip_streams_total{end="served-done"}') > 0 && scrape.of('gossip_stream_bytes_total{direction="sent"}') > 0));
    await allAlive(4);
  });

  await t.test('two of one name, and one directory that runs twice', async () => {
    const namesake = await makeAgent(cluster, 'newcomer', first);
    await namesake.start();
    await shows(first, 'gossip_names_shared', 2);
    await shows(namesake, 'gossip_name_conflicts_total');
    const newcomer = nodes.find((node) => node.flags.includes('--dir') && node.flags.includes('newcomer'));
    fs.cpSync(path.join(cluster.directory, 'newcomer-state'), path.join(cluster.directory, 'copied-state'), {recursive: true});
    const copy = await makeAgent(cluster, 'copy', first, '--dir', path.join(cluster.directory, 'copied-state'));
    await copy.start();
    await until('one of them hears of the other', async () =>
      (await Promise.all([newcomer, copy].filter((node) => node.process).map(look))).some((scrape) => scrape.of('gossip_identity_conflicts_total') > 0));
  });

  await t.test('more news than the bandwidth allows', async () => {
    assert.strictEqual(await first.ask('CONFIG', 'SET', 'gossip-bytes-per-second', 2000), 'OK');
    const client = await Connection.open(first.port);
    t.after(() => client.close());
    for (let i = 0; i < 60; i++) assert.strictEqual(await client.ask('GOSSIP', 'SET', `key-${i}`, 'x'.repeat(500)), 'OK');
    for (const series of ['gossip_queue_depth{priority="rest"}', 'gossip_bandwidth_spent_bytes_total', 'gossip_bandwidth_waits_total',
      'gossip_dropped_total']) await shows(first, series);
    await until('little is left', async () => (await look(first)).of('gossip_bandwidth_left_bytes') < 2000);
  });
});

// ---- all of them

test('every metric has moved, here or in the test that is named for it', () => {
  assert.ok(METRICS.length > 100, 'metric.def was read');
  for (const [name, file] of Object.entries(ELSEWHERE)) {
    assert.ok(METRICS.some((metric) => metric.name === name), `${name} is no metric`);
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    assert.ok(text.includes(name) || text.includes(name.replace(/^gossip_/, '')), `${file} does not name ${name}`);
  }
  const still = METRICS.map(({name}) => name).filter((name) => !moved.has(name) && !(name in ELSEWHERE));
  assert.deepStrictEqual(still, [], 'metrics that no node counted');
});
