// The lead of a shard goes where it is asked to; a follower that is stopped costs the leader little.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const Redis = require('ioredis');
const {endWithTest, program, run, startCluster, until} = require('./cluster.js');

const PATIENT = {retryDelayOnFailover: 50, retryDelayOnClusterDown: 50, slotsRefreshTimeout: 1000,
  redisOptions: {maxRetriesPerRequest: 1, connectTimeout: 10000, commandTimeout: 30000}};

function clientOf(t, cluster) {
  const client = new Redis.Cluster(cluster.ports, PATIENT);
  client.on('error', () => {});
  endWithTest(t, client);
  return client;
}

// The sum of a metric's rows that have this in their labels.
async function metric(node, name, label = '') {
  const {text} = await node.get('/metrics');
  const rows = text.split('\n').filter((line) => line.startsWith(name) && line.includes(label));
  return rows.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}

const leader = (shard, node, at) => run(program, ['cluster', 'leader', shard, node.address, '--at', at.address, '--wait', '20']);

test('the lead goes round under load; clients hear of it by a redirection and nothing else', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true});
  const client = clientOf(t, cluster);
  const refusals = [];
  let written = 0, isEnding = false;
  const writers = Array.from({length: 8}, async (_, writer) => {
    for (let i = 0; !isEnding; i++) {
      await client.set(`w${writer}:${i}`, i).then(() => written++, (error) => refusals.push(error.message));
    }
  });
  await until('the load runs', async () => written > 100);
  for (let round = 0; round < 6; round++) {
    const to = cluster.nodes[round % 3];
    const asked = await leader(1, to, cluster.nodes[(round + 1) % 3]);
    assert.strictEqual(asked.code, 0, asked.stderr);
    assert.strictEqual(await cluster.leaderOf(0, to), to);
    await until('it is preferred from now on', async () => {
      const {stdout} = await run(program, ['cluster', 'status', to.address, '--json']);
      return JSON.parse(stdout).shards[1].replicas[0].node === cluster.nodes.indexOf(to) + 1;
    });
    const before = written;
    await until('writes go on', async () => written > before + 50);
  }
  isEnding = true;
  await Promise.all(writers);
  assert.deepStrictEqual(refusals, [], 'refused writes');
  const moves = await Promise.all(cluster.nodes.map((node) => metric(node, 'trothdb_leader_moves_total', 'asked')));
  assert.ok(moves.reduce((sum, count) => sum + count) >= 5, `moves were counted: ${moves}`);
  const elections = await Promise.all(cluster.nodes.map((node) => metric(node, 'trothdb_elections_total', 'transfer')));
  assert.ok(elections.reduce((sum, count) => sum + count) >= 5, `elections were counted: ${elections}`);
});

test('who holds no replica, or does not answer, is given no lead', async (t) => {
  const cluster = await startCluster(t, {nodes: 4, shards: 1, isCalm: true});
  const outsider = await leader(1, cluster.nodes[3], cluster.nodes[0]);
  assert.strictEqual(outsider.code, 1);
  assert.match(outsider.stderr, /holds no replica of that shard/);
  const leading = await cluster.leaderOf(0);
  const other = cluster.nodes.slice(0, 3).find((node) => node !== leading);
  other.pause();
  const hung = await run(program, ['cluster', 'leader', 1, other.address, '--at', leading.address, '--wait', 1], {timeout: 60000});
  assert.strictEqual(hung.code, 1);
  assert.match(hung.stderr, /the lead stays where it is:\n.*(?:told to give it away and still leads; node \d did not take it|nobody can take the lead of that shard now)/);
  await until('it leads still', async () => await leading.ask('SET', 'k', 'u') === 'OK');
  await other.kill();
  await leading.ask('TROTHDB', 'TRANSFER', 1, cluster.nodes.indexOf(other) + 1); // nobody takes it: it is given up
  await until('writes go on', async () => await leading.ask('SET', 'k', 'v') === 'OK');
  assert.strictEqual(await cluster.leaderOf(0, leading), leading);
});

// How many shards each node leads, as the node asked believes.
async function leadsOf(cluster, asked) {
  const slots = await asked.ask('CLUSTER', 'SLOTS');
  return cluster.nodes.map(({port}) => slots.filter(([, , leading]) => leading[1] === port).length);
}

test('leads that went elsewhere go back to the preferred leaders, which are spread evenly', async (t) => {
  const cluster = await startCluster(t, {shards: 6, flags: ['--leader-return-ms', '0', '--quiet-after-ms', '200']});
  const second = cluster.nodes[1];
  await until('one node leads all shards', async () => {
    for (const node of cluster.nodes) for (let shard = 1; shard <= 6; shard++) await node.ask('TROTHDB', 'TRANSFER', shard, 1);
    return (await leadsOf(cluster, second))[0] === 6;
  });
  for (const node of cluster.nodes) {
    const said = await node.ask('CONFIG', 'SET', 'leader-return-ms', '300', 'leader-move-pause-ms', '0');
    assert.strictEqual(said, 'OK');
  }
  await until('each leads two again', async () => (await leadsOf(cluster, second)).join() === '2,2,2');
  const moves = await Promise.all(cluster.nodes.map((node) => metric(node, 'trothdb_leader_moves_total', 'preferred')));
  assert.ok(moves.reduce((sum, count) => sum + count) >= 1, `moves were counted: ${moves}`);
});

const residentBytes = (node) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))[1]) * 1024;
// A sanitizer keeps what was freed.
const isSanitized = (node) => /lib[at]san/.test(fs.readFileSync(`/proc/${node.process.pid}/maps`, 'utf8'));

test('a follower that is stopped costs the others nothing, and bounded memory', async (t) => {
  // The log is kept for a follower that was heard within an election timeout: a long one would keep much.
  const cluster = await startCluster(t, {shards: 1, flags: ['--leader-move-pause-ms', '3600000', '--election-timeout-ms', '1000',
    '--snapshot-log-bytes', '4mb', '--wal-segment-bytes', '4mb']});
  const client = clientOf(t, cluster);
  const value = 'v'.repeat(64 << 10);
  const write = (from, count) => Promise.all(Array.from({length: 8}, async (_, writer) => {
    for (let i = from + writer; i < from + count; i += 8) await until('a write', () => client.set(`key:${i % 16}`, value));
  }));
  await write(0, 200);
  const leading = await cluster.leaderOf(0);
  const stopped = cluster.nodes.find((node) => node !== leading);
  const before = residentBytes(leading);
  stopped.pause();
  await write(0, 6400); // 400 MiB
  const links = await leading.ask('CLUSTER', 'LINKS');
  const used = Math.max(...links.map((link) => link[link.indexOf('send-buffer-used') + 1]));
  assert.ok(used <= 12 << 20, `${used} bytes wait for the stopped node: no more than the window of appends`);
  // What was written within an election timeout of the stop is kept for a while: on a quick machine that is much.
  await until('the leader keeps no more than a part of what it wrote', async () => {
    await write(0, 800);
    return isSanitized(leading) || residentBytes(leading) - before < 200 << 20;
  });
  stopped.resume();
  await until('it has caught up', async () => await metric(leading, 'trothdb_replication_lag_entries') === 0);
});

// Each is asked of nodes that would wait half a minute for a leader that they do not hear.
test('a leader whose process ends, or stands still, is replaced long before an election timeout', async (t) => {
  const TIMEOUT_MS = 30000, SOON_MS = 15000;
  const cluster = await startCluster(t, {shards: 1, isCalm: true});
  for (const node of cluster.nodes) assert.strictEqual(await node.ask('CONFIG', 'SET', 'election-timeout-ms', TIMEOUT_MS), 'OK');
  const replaced = async (cause, hurt) => {
    const before = await cluster.leaderOf(0);
    const rest = cluster.nodes.filter((node) => node !== before);
    const counted = async () => (await Promise.all(rest.map((node) => metric(node, 'trothdb_elections_total', `cause="${cause}"`))))
      .reduce((sum, count) => sum + count);
    const elections = await counted(), began = Date.now();
    await hurt(before);
    await until('another one leads', async () => ![undefined, before].includes(await cluster.leaderOf(0, rest[0])));
    await until('it is written to', async () => (await Promise.all(rest.map((node) => node.ask('SET', 'k', cause)))).includes('OK'));
    const took = Date.now() - began;
    assert.ok(took < SOON_MS, `${cause}: ${took} ms`);
    assert.ok(await counted() > elections, `an election for ${cause}`);
    return before;
  };
  const killed = await replaced('stream_closed', (node) => node.kill());
  killed.flags.push('--election-timeout-ms', TIMEOUT_MS);
  await killed.startWhole();
  const stopped = await replaced('gossip', async (node) => node.pause());
  stopped.resume();
  await until('it follows', async () => await cluster.leaderOf(0, stopped) !== stopped);
});
