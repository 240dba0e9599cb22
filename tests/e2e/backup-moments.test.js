// Backups in an S3 store while nodes die, and what can be restored of them: every index, every moment of the time kept, and
// nothing older.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {test} = require('node:test');
const {Connection, Node, program, run, sleep, startCluster, until} = require('./cluster');
const {startS3} = require('./s3');

const SHARD = 1;
const restore = (...args) => run(program, ['restore', '--json', ...args]);

function placeFor(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-moments-'));
  const place = {nodes: [], in: (name) => path.join(directory, name)};
  t.after(async () => {
    await Promise.all(place.nodes.map((node) => node.kill()));
    fs.rmSync(directory, {recursive: true, maxRetries: 10});
  });
  place.start = async (name) => {
    const node = await Node.make(directory, name);
    place.nodes.push(node);
    await node.startWhole();
    return node;
  };
  return place;
}

// Nodes that archive to the store, and commands that read it.
async function startWithStore(t, {endpoint, environment}, where, options) {
  Object.assign(process.env, environment);
  t.after(() => Object.keys(environment).forEach((name) => delete process.env[name]));
  const cluster = await startCluster(t, options);
  for (const node of cluster.nodes) {
    await node.stop();
    node.environment = environment;
    node.flags.push('--backup-endpoint', endpoint, '--backup-to', where, '--backup-log-interval-ms', 50);
    await node.start();
  }
  await cluster.whole();
  return cluster;
}

// [shard, applied, archived, snapshot, ...] of the one node that leads it.
async function backupOf(node) {
  const lines = (await node.ask('TROTHDB', 'BACKUP')).trim().split('\n').filter(Boolean);
  const found = lines.map((line) => line.split(' ').map(Number)).find(([shard]) => shard === SHARD);
  return found && {applied: found[1], archived: found[2], snapshot: found[3]};
}

const archived = (node) => until('all is archived', async () => {
  const {applied, archived: until_} = await backupOf(node);
  return until_ === applied;
});

test('a restore to any index has what was written up to there and nothing more', async (t) => {
  const place = placeFor(t);
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--shards', SHARD, '--backup-to', place.in('store'),
    '--backup-log-interval-ms', 50]});
  const client = await Connection.open(node.port);
  t.after(() => client.close());
  const valueAt = new Map();
  for (let i = 1; i <= 60; i++) {
    assert.strictEqual(await client.ask('INCR', 'n'), i);
    valueAt.set((await backupOf(node)).applied, String(i));
    if (i === 30) assert.strictEqual((await run(program, ['backup', 'now', node.address])).code, 0);
  }
  await archived(node);
  await node.kill();
  const indexes = [...valueAt.keys()];
  assert.strictEqual(new Set(indexes).size, 60, 'each write has its index');
  for (const index of [indexes[0], indexes[17], indexes[29], indexes[30], indexes[58], indexes[59]]) {
    const done = await restore('--from', place.in('store'), '--dir', place.in(`at-${index}`), '--to', `${SHARD}:${index}`);
    assert.strictEqual(done.code, 0, done.stdout + done.stderr);
    assert.strictEqual(JSON.parse(done.stdout).shards.find(({number}) => number === SHARD).index, index);
    const again = await place.start(`at-${index}`);
    assert.strictEqual(await again.ask('GET', 'n'), valueAt.get(index), `at index ${index}`);
    await again.kill();
  }
});

test('--to takes what it was meant to, and nothing that it could only be taken for', async (t) => {
  const place = placeFor(t);
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--shards', SHARD, '--backup-to', place.in('store'), '--backup-log-interval-ms', 50]});
  for (let i = 0; i < 5; i++) assert.strictEqual(await node.ask('SET', `k${i}`, i), 'OK');
  assert.strictEqual((await run(program, ['backup', 'now', node.address])).code, 0);
  await archived(node);
  await node.kill();
  for (const to of ['4294967297:3', '-4294967295:3', '1:18446744073709551619', '+1:3', ' 1:3', '1:3,', '1:3,,1:4', '1:3,1:4', '1:', ':3', '',
    '99999999999999999999', '-1', '1969-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '2026-11-21T10:00:00']) {
    const refused = await run(program, ['restore', '--from', place.in('store'), '--dir', place.in('none'), '--to', to]);
    assert.strictEqual(refused.code, 2, `--to '${to}': ${refused.stdout}${refused.stderr}`);
    assert.match(refused.stderr, /--to is `latest`, a time/, `--to '${to}'`);
    assert.ok(!fs.existsSync(place.in('none')), `--to '${to}' wrote something`);
  }
  for (const to of ['latest', '2099-01-01T00:00:00Z', String(Date.now())]) {
    const done = await restore('--from', place.in('store'), '--dir', place.in(`to-${to}`), '--to', to);
    assert.strictEqual(done.code, 0, `--to ${to}: ${done.stdout}${done.stderr}`);
  }
});

test('nodes that are killed while they archive to an S3 store: what was acknowledged is restored', async (t) => {
  const place = placeFor(t);
  let isHeld = false;
  const held = [];
  const store = await startS3(t, place.in('s3'), 'safe', async ({method, url}) => {
    if (!isHeld || method !== 'PUT' || !url.includes('/shard-00001/')) return;
    await new Promise((resolve) => { held.push({url, resolve}); });
  });
  const cluster = await startWithStore(t, store, 's3://safe/all', {nodes: 3, shards: SHARD});
  const acknowledged = new Map();
  const write = async (count) => {
    for (let i = 0; i < count; i++) {
      const key = `key:${acknowledged.size}`, value = `value ${acknowledged.size}`.repeat(50);
      await until('a write', async () => {
        for (const node of cluster.nodes) if (node.process && await node.ask('SET', key, value) === 'OK') return true;
      });
      acknowledged.set(key, value);
    }
  };
  for (const what of ['chunk', 'manifest', 'log']) {
    await write(40);
    isHeld = true;
    const leader = await until('a leader', () => cluster.leaderOf(0));
    const asked = what === 'log' ? null : run(program, ['backup', 'now', leader.address, '--wait', 30]);
    await write(10);
    // What comes before it is let through, and the node dies with it on its way.
    await until(`a ${what} is on its way`, async () => {
      for (const one of held.filter(({url}) => !url.includes(`/${what === 'manifest' ? 'snapshot' : what}/`))) one.resolve();
      return held.some(({url}) => url.includes(`/${what === 'manifest' ? 'snapshot' : what}/`));
    });
    await leader.kill();
    isHeld = false;
    held.splice(0).forEach(({resolve}) => resolve());
    if (asked) await asked;
    await write(10);
    await leader.startWhole();
  }
  const at = cluster.nodes[0];
  const done = await until('a backup of all', async () => {
    const one = await run(program, ['backup', 'now', at.address]);
    return one.code === 0 && one;
  });
  assert.match(done.stdout, /2 shards are backed up/);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  const from = ['--from', 's3://safe/all', '--endpoint', store.endpoint];
  const sound = await run(program, ['backup', 'check', '--to', ...from.slice(1)]);
  assert.strictEqual(sound.code, 0, sound.stdout + sound.stderr);
  const restored = await restore(...from, '--dir', place.in('again'));
  assert.strictEqual(restored.code, 0, restored.stdout + restored.stderr);
  const again = await place.start('again');
  for (const [key, value] of acknowledged) assert.strictEqual(await again.ask('GET', key), value, key);
});

test('what is older than is kept goes, what is kept can be restored, and the store does not grow', async (t) => {
  const place = placeFor(t);
  const store = await startS3(t, place.in('s3'), 'safe');
  const {nodes: [node]} = await startWithStore(t, store, 's3://safe/kept', {nodes: 1,
    flags: ['--shards', SHARD, '--backup-snapshot-interval-seconds', 1, '--backup-keep-seconds', 3]});
  const client = await Connection.open(node.port);
  t.after(() => client.close());
  const from = ['--from', 's3://safe/kept', '--endpoint', store.endpoint];
  const written = []; // {n, at}: n was acknowledged before that time
  const objects = () => fs.readdirSync(place.in('s3'), {recursive: true}).filter((name) => /shard-00001.*_S3rver_object$/.test(name)).length;
  let most = 0;
  for (const end = Date.now() + 12000; Date.now() < end; await sleep(100)) {
    written.push({n: await client.ask('INCR', 'n'), at: Date.now()});
    if (Date.now() > end - 6000) most = Math.max(most, objects());
  }
  const {text} = await node.get('/metrics');
  const count = (what) => Number((new RegExp(`^${what} (\\d+)$`, 'm').exec(text) || [0, 0])[1]);
  const removed = count('trothdb_backup_objects_removed_total');
  assert.ok(removed > most, `${removed} objects were removed, ${most} were there at a time`);
  await archived(node);
  await node.kill();

  // A second within the time kept, by the clock of the last write; a value that was written then, or one just before.
  const last = written[written.length - 1].at, middle = written.findIndex(({at}) => at >= last - 2000);
  const then = await restore(...from, '--dir', place.in('then'), '--to', written[middle].at);
  assert.strictEqual(then.code, 0, then.stdout + then.stderr);
  const again = await place.start('then');
  const n = Number(await again.ask('GET', 'n'));
  assert.ok(n === written[middle].n || n === written[middle].n + 1, `${n} of ${written[middle].n}`);
  const tooOld = await restore(...from, '--dir', place.in('old'), '--to', written[0].at);
  assert.strictEqual(tooOld.code, 1, tooOld.stdout);
  assert.match(tooOld.stdout + tooOld.stderr, /does not go back that far/);
  assert.ok(!fs.existsSync(place.in('old')), 'what cannot be reached leaves nothing');
});
