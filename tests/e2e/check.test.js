// `trothdb check`: what is sound is called sound, every place that was changed is found, and nothing is written.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const Redis = require('ioredis');
const {endWithTest, program, run, sleep, startCluster, until} = require('./cluster.js');

const keyCount = 350;
const check = async (node, ...flags) => run(program, ['check', node.directory, ...flags]);
const checked = async (node) => {
  const {code, stdout, stderr} = await check(node, '--json');
  assert.ok(code === 0 || code === 1, stderr);
  return {code, ...JSON.parse(stdout)};
};

function filesOf(node, pattern) {
  const directory = path.join(node.directory, 'worker-0');
  return fs.readdirSync(directory).filter((name) => pattern.test(name)).map((name) => path.join(directory, name));
}

function digestOf(directory) {
  const hash = crypto.createHash('sha256');
  for (const name of fs.readdirSync(directory, {recursive: true}).map(String).sort()) {
    const file = path.join(directory, name);
    hash.update(name);
    if (fs.statSync(file).isFile()) hash.update(fs.readFileSync(file)).update(String(fs.statSync(file).mtimeMs));
  }
  return hash.digest('hex');
}

// Changes one bit, calls, and puts it back.
async function withFlip(file, offset, call) {
  const handle = fs.openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(handle, byte, 0, 1, offset);
  fs.writeSync(handle, Buffer.from([byte[0] ^ 0x04]), 0, 1, offset);
  try {
    return await call();
  } finally {
    fs.writeSync(handle, byte, 0, 1, offset);
    fs.closeSync(handle);
  }
}

// The last snapshot is written, its mark is in the log, and what it stands for is gone.
async function settled(node) {
  const status = async () => JSON.stringify([(await node.ask('TROTHDB', 'STATUS'))[7], fs.readdirSync(path.join(node.directory, 'worker-0'))]);
  let before = '';
  await until('no snapshot is under way', async () => {
    const last = before;
    await sleep(500);
    before = await status();
    return before === last && filesOf(node, /^snapshot-1-\d+$/).length === 1;
  });
}

// A stopped node with a snapshot and a log behind it.
async function stopped(t) {
  const flags = ['--snapshot-log-entries', 100, '--wal-segment-bytes', 65536];
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags});
  for (let i = 0; i < keyCount; i++) assert.strictEqual(await node.ask('SET', `key${i}`, `value ${i}`.repeat(20)), 'OK');
  await settled(node);
  assert.strictEqual(await node.ask('SET', 'last', 'record'), 'OK');
  await node.stop();
  return node;
}

test('a sound directory is called sound, a running node is left alone, nothing is written', async (t) => {
  const node = await stopped(t);
  const before = digestOf(node.directory);
  const sound = await check(node);
  assert.strictEqual(sound.code, 0, sound.stdout);
  assert.match(sound.stdout, /^sound: /m);
  assert.doesNotMatch(sound.stdout, /file\(s\)/, 'every file there is known');
  assert.strictEqual(digestOf(node.directory), before, 'nothing is written');
  const {shards: [, shard], logs: [log]} = await checked(node);
  assert.ok(shard.snapshot_index >= 100, 'a snapshot was taken and checked');
  assert.strictEqual(shard.first_index, shard.snapshot_index + 1);
  assert.ok(shard.last_index >= keyCount && log.segments >= 1);

  await node.startWhole();
  const refused = await check(node);
  assert.strictEqual(refused.code, 2);
  assert.match(refused.stderr, /in use by another process; stop that one/);
  assert.strictEqual((await run(program, ['check'])).code, 2);
  const nowhere = await run(program, ['check', path.join(node.directory, 'nothing')]);
  assert.strictEqual(nowhere.code, 2);
  assert.match(nowhere.stderr, /cannot open the directory/);
  const empty = fs.mkdtempSync(`${node.directory}-empty`);
  const never = await run(program, ['check', empty]);
  assert.strictEqual(never.code, 2);
  assert.match(never.stderr, /no node ever ran in/);
  assert.match(JSON.parse((await run(program, ['check', '--json', empty])).stdout).error, /no node ever ran in/);
});

test('a log without the files that say of which cluster it is is not sound, as the node itself says', async (t) => {
  const node = await stopped(t);
  for (const name of ['founding', 'topology']) fs.rmSync(path.join(node.directory, name));
  const {code, findings} = await checked(node);
  assert.strictEqual(code, 1);
  assert.match(findings[0].what, /of which cluster is the log/);
  assert.notStrictEqual(await node.startInVain(), 0);
});

// Where the very last round begins, the mark of a log that was closed: it cannot be told from one that was never finished.
function lastRound(bytes) {
  const roundAt = (magic) => bytes.readBigUInt64LE(magic + 24);
  let first = bytes.lastIndexOf('TWAL');
  for (let before = first; roundAt(before) === roundAt(first); before = bytes.lastIndexOf('TWAL', before - 1)) first = before;
  return first - 8;
}

test('a flipped bit is found wherever it is in the log, with file and byte', async (t) => {
  const node = await stopped(t);
  const files = filesOf(node, /^wal-\d+$/);
  const newest = files[files.length - 1];
  for (const file of files) {
    const bytes = fs.readFileSync(file);
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    const limit = file === newest ? lastRound(bytes) : end;
    for (let i = 0; i < 20; i++) {
      const offset = Math.floor((limit - 1) * i / 19);
      const report = await withFlip(file, offset, () => checked(node));
      assert.strictEqual(report.code, 1, `byte ${offset} of ${file}`);
      const [finding] = report.findings;
      assert.strictEqual(finding.file, `worker-0/${path.basename(file)}`);
      assert.ok(finding.offset <= offset && offset < finding.offset + finding.bytes, `byte ${offset}: ${finding.offset}`);
    }
  }
  assert.strictEqual((await check(node)).code, 0);
});

// A digit of an address makes as much sense as another, so that what cannot be read is not enough.
test('a flipped bit is found wherever it is in the files that say who the node is and of which cluster', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  await until('its files have sums', async () => await node.level() >= 1);
  await node.stop();
  for (const name of ['founding', 'topology', 'identity']) {
    const file = path.join(node.directory, name);
    const {size} = fs.statSync(file);
    for (let i = 0; i < 20; i++) {
      const offset = Math.floor((size - 1) * i / 19);
      const report = await withFlip(file, offset, () => checked(node));
      assert.strictEqual(report.code, 1, `byte ${offset} of ${name}`);
      assert.strictEqual(report.findings[0].file, name);
    }
  }
  assert.strictEqual((await check(node)).code, 0);
});

test('a changed entry is named by shard and index, several places at once', async (t) => {
  const node = await stopped(t);
  const files = filesOf(node, /^wal-\d+$/);
  const file = files[files.length - 1];
  const bytes = fs.readFileSync(file);
  const places = [...bytes.toString('latin1').matchAll(/key3[1-4]0/g)].map(({index}) => index);
  assert.ok(places.length >= 2, 'entries of these keys are in the log');
  const nested = (at) => (at === places.length ? checked(node) : withFlip(file, places[at], () => nested(at + 1)));
  const report = await nested(0);
  assert.strictEqual(report.finding_count, places.length);
  for (const finding of report.findings) {
    assert.strictEqual(finding.shard, 1);
    assert.ok(finding.first_index > 0 && finding.first_index === finding.last_index);
    assert.match(finding.advice, /no other node holds the data/);
  }
  const text = await withFlip(file, places[0], () => check(node));
  assert.match(text.stdout, /^DAMAGED worker-0\/wal-\d+ at byte \d+, \d+ bytes, shard 1, index \d+$/m);
});

test('a flipped bit is found wherever it is in a snapshot; a lost manifest or chunk is missed', async (t) => {
  const node = await stopped(t);
  const {shards: [, {snapshot_index: index}]} = await checked(node);
  const manifest = path.join(node.directory, 'worker-0', `snapshot-1-${index}`);
  const [chunk] = filesOf(node, /^chunk-1-[0-9a-f]{32}-[0-9a-f]{16}$/);
  for (const file of [manifest, chunk]) {
    const {size} = fs.statSync(file);
    for (let i = 0; i < 15; i++) {
      const offset = Math.floor((size - 1) * i / 14);
      const report = await withFlip(file, offset, () => checked(node));
      assert.strictEqual(report.code, 1, `byte ${offset} of ${file}`);
      assert.strictEqual(report.findings[0].file, `worker-0/${path.basename(file)}`);
      assert.ok(file === manifest || report.findings[0].offset <= offset);
    }
    fs.renameSync(file, `${file}.away`);
    const report = await checked(node);
    assert.match(report.findings[0].what, /names this (snapshot|chunk): not found/);
    fs.renameSync(`${file}.away`, file);
  }
});

test('a torn tail is told and is no damage; a wrong identity is damage', async (t) => {
  const node = await stopped(t);
  const files = filesOf(node, /^wal-\d+$/);
  const file = files[files.length - 1];
  const bytes = fs.readFileSync(file);
  const report = await withFlip(file, bytes.lastIndexOf('TWAL') + 20, () => checked(node));
  assert.strictEqual(report.code, 0, JSON.stringify(report.findings));
  assert.strictEqual(report.logs[0].is_torn, true);
  assert.strictEqual(report.logs[0].torn_file, `worker-0/${path.basename(file)}`);
  const wrong = await withFlip(path.join(node.directory, 'identity'), 10, () => checked(node));
  assert.strictEqual(wrong.code, 1);
  assert.strictEqual(wrong.findings[0].file, 'identity');
  const unreadable = await withFlip(path.join(node.directory, 'topology'), 0, () => checked(node));
  assert.strictEqual(unreadable.findings[0].file, 'topology');
});

test('the directory of a node that was taken out is no damage, and of no use', async (t) => {
  const {nodes: [node, goes]} = await startCluster(t, {nodes: 2, shards: 2, replicas: 1});
  const removed = await run(program, ['cluster', 'remove', goes.address, '--at', node.address]);
  assert.strictEqual(removed.code, 0, removed.stderr);
  await goes.ended();
  const {code, stdout} = await check(goes);
  assert.strictEqual(code, 0, stdout);
  assert.match(stdout, /^this node was removed from its cluster, and what it holds is of no use any more; remove its directory, and it starts as a new one$/m);
  assert.match(stdout, /^sound: /m);
  const told = await checked(goes);
  assert.deepStrictEqual([told.code, told.is_removed, told.finding_count], [0, true, 0]);
  await node.stop();
  assert.strictEqual((await checked(node)).is_removed, false);
});

test('nodes killed under load, with snapshots and several workers, are sound', async (t) => {
  const flags = ['--snapshot-log-entries', 200, '--wal-segment-bytes', 65536];
  const cluster = await startCluster(t, {nodes: 3, workers: 2, shards: 6, flags});
  const client = new Redis.Cluster(cluster.ports, {redisOptions: {commandTimeout: 2000}});
  endWithTest(t, client);
  for (const node of cluster.nodes) {
    await until(`${node.address} has its replica of each shard`, async () => {
      const replicas = (await node.ask('TROTHDB', 'STATUS'))[7];
      return replicas.length === 7 && replicas.every(([, , , , applied]) => applied > 0);
    });
  }
  for (let round = 0; round < 3; round++) {
    const writes = [];
    for (let i = 0; i < 4000; i++) writes.push(client.set(`key${i % 1000}`, `value ${round} ${i}`.repeat(10)).catch(() => {}));
    await sleep(100 + 100 * round);
    const killed = cluster.nodes[round];
    await killed.kill();
    const {code, findings, shards, logs} = await checked(killed);
    assert.deepStrictEqual({code, findings}, {code: 0, findings: []});
    assert.strictEqual(logs.length, 2);
    assert.ok(shards.length >= 7, `${shards.length} shards`);
    await killed.start();
    await cluster.whole();
    await Promise.all(writes);
  }
  for (const node of cluster.nodes) {
    await node.stop();
    assert.strictEqual((await checked(node)).code, 0);
  }
});
