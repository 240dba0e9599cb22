// Backups of a running cluster, in a directory and in an S3 store, and new clusters out of them.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {test} = require('node:test');
const {Node, program, run, sleep, startCluster, until} = require('./cluster');
const {startListing, startS3} = require('./s3');

// For one test, with the nodes that it starts in there beside its cluster.
function placeFor(t) {
  const place = {directory: fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-backup-')), nodes: []};
  t.after(async () => {
    await Promise.all(place.nodes.map((node) => node.kill()));
    fs.rmSync(place.directory, {recursive: true, maxRetries: 10}); // a cluster that archives into it may still be ending
  });
  return place;
}

async function setAll(node, value, count = 40) {
  for (let i = 0; i < count; i++) {
    const answer = await node.ask('SET', `key-${i}`, value);
    assert.strictEqual(answer, 'OK', `SET key-${i}: ${answer}`);
  }
}

// Of the node that leads the key's shard, whichever that is.
function askLeader(nodes, ...words) {
  return until(`an answer to ${words.join(' ')}`, async () => {
    for (const node of nodes) {
      const answer = await node.ask(...words);
      if (!(answer instanceof Error)) return answer;
    }
  });
}

// What the shards' archives lack, summed up over the nodes that lead them.
async function lag(cluster) {
  const lines = [];
  for (const node of cluster.nodes) lines.push(...(await node.ask('TROTHDB', 'BACKUP')).trim().split('\n').filter(Boolean));
  return lines.map((line) => line.split(' ').map(Number)).reduce((sum, [, applied, archived]) => sum + applied - archived, 0);
}

// A node on a directory that was restored: a cluster of its own.
async function startRestored(place, name) {
  const node = await Node.make(place.directory, name);
  place.nodes.push(node);
  await node.startWhole();
  return node;
}

// A node that may use the store.
async function startWithS3(t, environment, flags) {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  await node.kill();
  fs.rmSync(node.directory, {recursive: true});
  node.environment = environment;
  node.flags.push(...flags);
  await node.startWhole();
  return node;
}

async function expectAll(node, value, count = 40) {
  for (let i = 0; i < count; i++) assert.strictEqual(await node.ask('GET', `key-${i}`), value, `key-${i}`);
}

const restore = (...args) => run(program, ['restore', '--json', ...args]);

test('a restore to a time between two writes, and one to the latest after all nodes were killed', async (t) => {
  const place = placeFor(t);
  const cluster = await startCluster(t, {nodes: 1, flags: ['--shards', 3, '--backup-to', path.join(place.directory, 'store'),
    '--backup-log-interval-ms', 100]});
  const [node] = cluster.nodes;
  await setAll(node, 'first');
  await sleep(20);
  const between = Date.now();
  await sleep(20);
  await setAll(node, 'second');
  const done = await run(program, ['backup', 'now', node.address]);
  assert.strictEqual(done.code, 0, done.stderr);
  await setAll(node, 'third');
  await until('all is archived', async () => await lag(cluster) === 0);
  await node.kill();

  const store = path.join(place.directory, 'store');
  const then = await restore('--from', store, '--dir', path.join(place.directory, 'then'), '--to', between);
  assert.strictEqual(then.code, 0, then.stderr);
  const latest = await restore('--from', `file://${store}`, '--dir', path.join(place.directory, 'latest'));
  assert.strictEqual(latest.code, 0, latest.stderr);
  for (const [to, expected] of [['1:9999999', /--to: shard 1 is backed up to index \d+, not to 9999999/], ['2:1,77:1', /--to: there is no shard 77/]]) {
    const refused = await restore('--from', store, '--dir', path.join(place.directory, 'nowhere'), '--to', to);
    assert.strictEqual(refused.code, 1);
    assert.match(refused.stderr, expected);
    assert.ok(!fs.existsSync(path.join(place.directory, 'nowhere')));
  }
  const late = await run(program, ['restore', '--from', store, '--dir', path.join(place.directory, 'late'), '--to', '2099-01-01T00:00:00Z']);
  assert.match(late.stdout, /the last write in the backup is of 20\d\d-.*: what came later/);
  const early = await run(program, ['restore', '--from', store, '--dir', path.join(place.directory, 'early'), '--to', '2016-01-01T00:00:00Z']);
  assert.strictEqual(early.code, 0, early.stderr);
  assert.match(early.stdout, /by the time asked for nothing had been written yet: what is restored is empty;\nthe last write in the backup is of 20\d\d-/);
  for (const shard of JSON.parse(then.stdout).shards) assert.ok(shard.time_ms <= between, JSON.stringify(shard));
  await expectAll(await startRestored(place, 'then'), 'first');
  await expectAll(await startRestored(place, 'latest'), 'third');
});

test('a cluster of three is restored into a new one, which grows to three nodes', async (t) => {
  const place = placeFor(t), store = path.join(place.directory, 'store');
  const cluster = await startCluster(t, {nodes: 3, shards: 2, isCalm: true,
    flags: ['--backup-to', store, '--backup-log-interval-ms', 100]});
  for (let i = 0; i < 40; i++) assert.strictEqual(await askLeader(cluster.nodes, 'SET', `key-${i}`, 'kept'), 'OK');
  const done = await run(program, ['backup', 'now', cluster.nodes[0].address]);
  assert.strictEqual(done.code, 0, done.stderr);
  await Promise.all(cluster.nodes.map((node) => node.kill()));

  const restored = await restore('--from', store, '--dir', path.join(place.directory, 'again'));
  assert.strictEqual(restored.code, 0, restored.stderr);
  const first = await startRestored(place, 'again');
  const others = [];
  for (const name of ['second', 'third']) {
    const spare = await Node.make(place.directory, name);
    spare.flags.push('--join', `127.0.0.1:${first.peerPort}`);
    place.nodes.push(spare);
    await spare.start();
    const added = await run(program, ['cluster', 'add', spare.address, '--at', first.address]);
    assert.strictEqual(added.code, 0, added.stderr);
    others.push(spare);
  }
  const everywhere = [first, ...others].map((node) => node.address).join(',');
  for (const shard of [0, 1, 2]) {
    const wished = await run(program, ['cluster', 'replicas', shard, everywhere, '--at', first.address], {timeout: 60000});
    assert.strictEqual(wished.code, 0, wished.stderr);
  }
  for (let i = 0; i < 40; i++) assert.strictEqual(await askLeader([first, ...others], 'GET', `key-${i}`), 'kept');
});

test('what a recovered shard archives is not mixed with what it gave up', async (t) => {
  const place = placeFor(t), store = path.join(place.directory, 'store');
  const cluster = await startCluster(t, {nodes: 3, shards: 2, isCalm: true,
    flags: ['--backup-to', store, '--backup-log-interval-ms', 100]});
  const [left, ...lost] = cluster.nodes;
  const set = async (nodes, value, count) => {
    for (let i = 0; i < count; i++) await until(`key-${i} is ${value}`, async () => await askLeader(nodes, 'SET', `key-${i}`, value) === 'OK');
  };
  await set(cluster.nodes, 'before', 40);
  await until('all is archived', async () => await lag(cluster) === 0);
  left.pause();
  await set(lost, 'given up', 40);
  await until('that is archived, too', async () => await lag({nodes: lost}) === 0);
  await Promise.all(lost.map((node) => node.kill()));
  left.resume();
  const recovered = await run(program, ['cluster', 'recover', left.address, '--yes'], {timeout: 90000});
  assert.strictEqual(recovered.code, 0, recovered.stderr);
  await set([left], 'after', 20);
  const done = await run(program, ['backup', 'now', left.address]);
  assert.strictEqual(done.code, 0, done.stderr);

  const listed = JSON.parse((await run(program, ['backup', 'list', '--json', '--to', store])).stdout).clusters[0].shards;
  assert.deepStrictEqual(listed.map(({number, recovery}) => [number, recovery]), [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]);
  const checked = await run(program, ['backup', 'check', '--to', store]);
  assert.strictEqual(checked.code, 0, checked.stdout + checked.stderr);
  const latest = await restore('--from', store, '--dir', path.join(place.directory, 'latest'));
  assert.strictEqual(latest.code, 0, latest.stderr);
  const node = await startRestored(place, 'latest');
  for (let i = 0; i < 40; i++) assert.strictEqual(await node.ask('GET', `key-${i}`), i < 20 ? 'after' : 'before', `key-${i}`);

  // And from a copy without what came after it, as the guide has it, comes what was given up.
  const copy = path.join(place.directory, 'copy');
  fs.cpSync(store, copy, {recursive: true, filter: (name) => !/shard-\d+\.1$/.test(name)});
  const former = await restore('--from', copy, '--dir', path.join(place.directory, 'former'));
  assert.strictEqual(former.code, 0, former.stderr);
  await expectAll(await startRestored(place, 'former'), 'given up');
});

// Each slot of a restored shard is written in one piece until it is more than a chunk, and then in parts.
test('a slot of many megabytes among smaller ones is restored whole', async (t) => {
  const place = placeFor(t);
  const store = path.join(place.directory, 'store');
  const cluster = await startCluster(t, {nodes: 1, shards: 1, flags: ['--backup-to', store, '--backup-log-interval-ms', 100]});
  const [node] = cluster.nodes;
  const keys = [];
  for (let i = 0; i < 12; i++) keys.push(`{large}${i}`, `small-${i}`);
  for (let i = 0; i < 5; i++) for (const tag of ['a', 'b', 'c', 'd']) keys.push(`{${tag}}${i}`);
  const valueOf = (key) => `${key};`.repeat(1 << 20).slice(0, key.startsWith('small') ? 100 : 1 << 20);
  for (const key of keys) assert.strictEqual(await node.ask('SET', key, valueOf(key)), 'OK', key);
  await until('all of it is archived', async () => await lag(cluster) === 0);
  await node.kill();
  const restored = await restore('--from', store, '--dir', path.join(place.directory, 'again'));
  assert.strictEqual(restored.code, 0, restored.stderr);
  const report = await run(program, ['check', path.join(place.directory, 'again')]);
  assert.strictEqual(report.code, 0, report.stdout + report.stderr);
  const again = await startRestored(place, 'again');
  for (const key of keys) assert.ok(await again.ask('GET', key) === valueOf(key), key);
});

test('an S3 store: backups, a restore, and what is wrong is said once and clearly', async (t) => {
  const place = placeFor(t);
  const {endpoint, environment} = await startS3(t, path.join(place.directory, 's3'), 'safe');
  const store = 's3://safe/some/where';
  Object.assign(process.env, environment);
  t.after(() => Object.keys(environment).forEach((name) => delete process.env[name]));

  const node = await startWithS3(t, environment, ['--shards', 2, '--backup-log-interval-ms', 100]);
  await setAll(node, 'in the bucket');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'backup-endpoint', endpoint, 'backup-to', store), 'OK');
  const done = await run(program, ['backup', 'now', node.address]);
  assert.strictEqual(done.code, 0, done.stderr);
  assert.match(done.stdout, /3 shards/);
  await node.kill();

  const from = ['--from', store, '--endpoint', endpoint];
  const restored = await restore(...from, '--dir', path.join(place.directory, 'again'));
  assert.strictEqual(restored.code, 0, restored.stderr);
  await expectAll(await startRestored(place, 'again'), 'in the bucket');

  process.env.AWS_SECRET_ACCESS_KEY = 'wrong';
  const refused = await run(program, ['backup', 'list', '--to', store, '--endpoint', endpoint]);
  assert.strictEqual(refused.code, 1);
  assert.match(refused.stderr, /403 SignatureDoesNotMatch.*check AWS_ACCESS_KEY_ID/);
  process.env.AWS_SECRET_ACCESS_KEY = environment.AWS_SECRET_ACCESS_KEY;
  const elsewhere = await run(program, ['backup', 'list', '--to', 's3://nothere', '--endpoint', endpoint]);
  assert.match(elsewhere.stderr, /NoSuchBucket.*make the bucket/);
});

// What is missing in a listing would be taken for not being there: a restore would end too early, and say nothing.
test('an S3 store that answers wrongly: half a listing is none, and what passes is tried again', async (t) => {
  const place = placeFor(t);
  let wrong = () => ({}), asked = 0;
  const {endpoint, environment} = await startS3(t, path.join(place.directory, 's3'), 'safe', async () => {},
    (request, bytes) => { asked++; return wrong(request, bytes); });
  Object.assign(process.env, environment);
  t.after(() => Object.keys(environment).forEach((name) => delete process.env[name]));
  const at = ['s3://safe/a', '--endpoint', endpoint];
  const node = await startWithS3(t, environment, ['--shards', 2, '--backup-log-interval-ms', 100, '--backup-endpoint', endpoint, '--backup-to', at[0]]);
  await setAll(node, 'in the bucket');
  const done = await run(program, ['backup', 'now', node.address]);
  assert.strictEqual(done.code, 0, done.stderr);
  await node.kill();

  const isListing = ({url}) => url.includes('list-type=2');
  const listings = [
    [(bytes) => bytes.subarray(0, bytes.length / 2), /the store's listing cannot be read/],
    [() => Buffer.from('<html>log in first</html>'), /the store's listing cannot be read; is its endpoint .* an S3 one/],
    [() => Buffer.alloc(0), /the store's listing cannot be read/],
    [(bytes) => Buffer.from(String(bytes).replace('<IsTruncated>false', '<IsTruncated>true')), /the store's listing does not go on behind /],
  ];
  for (const [change, expected] of listings) {
    wrong = (request, bytes) => (isListing(request) ? {bytes: change(bytes)} : {});
    for (const words of [['backup', 'list', '--to', ...at], ['restore', '--from', ...at, '--dir', path.join(place.directory, 'none')]]) {
      const {code, stderr} = await run(program, words, {timeout: 20000});
      assert.strictEqual(code, 1, stderr);
      assert.match(stderr, expected);
    }
  }

  // A store that is busy says so for a moment; one that always does is given up.
  const statuses = [503, 500, 429];
  let count = 0;
  wrong = () => (++count % 3 ? {status: statuses[count % 3], bytes: Buffer.from('<Error><Code>SlowDown</Code></Error>')} : {});
  const restored = await restore('--from', ...at, '--dir', path.join(place.directory, 'again'));
  assert.strictEqual(restored.code, 0, restored.stderr);
  wrong = () => ({});
  await expectAll(await startRestored(place, 'again'), 'in the bucket');
  asked = 0;
  wrong = () => ({status: 503, bytes: Buffer.from('<Error><Code>SlowDown</Code></Error>')});
  const given = await run(program, ['backup', 'list', '--to', ...at]);
  assert.strictEqual(given.code, 1);
  assert.match(given.stderr, /503 SlowDown/);
  assert.strictEqual(asked, 5, 'so often it was asked');
  wrong = () => ({status: 403, bytes: Buffer.from('<Error><Code>AccessDenied</Code></Error>')});
  asked = 0;
  await run(program, ['backup', 'list', '--to', ...at]);
  assert.strictEqual(asked, 1, 'what does not pass is not asked again');
  wrong = (request) => (isListing(request) ? {} : {status: 403, bytes: Buffer.from('<Error><Code>AccessDenied</Code></Error>')});
  const checked = await run(program, ['backup', 'check', '--to', ...at, '--json']);
  assert.strictEqual(checked.code, 1);
  assert.match(JSON.parse(checked.stdout).error, /403 AccessDenied/, 'who asks for JSON is told in JSON why');
});

test('a listing of a bucket goes past the blobs of others, whatever these are called, and ends', async (t) => {
  const cluster = '0123456789abcdef'.repeat(2);
  const log = (first) => `p/${cluster}/shard-00001/log/${String(first).padStart(20, '0')}-${String(first + 9).padStart(20, '0')}-1-2`;
  const others = ["p/%20 'x'", 'p/& #1+?', 'p/+/\u20ac=~', 'p/-', 'p/..', 'p/.hidden/.'];
  const keys = [...others, log(1), log(11), 'p/z', 'p/\u{1f600}'];
  const list = async ({endpoint, environment}) => {
    Object.assign(process.env, environment);
    t.after(() => Object.keys(environment).forEach((name) => delete process.env[name]));
    return run(program, ['backup', 'list', '--to', 's3://safe/p', '--endpoint', endpoint], {timeout: 60000});
  };
  const store = await startListing(t, keys);
  const listed = await list(store);
  assert.strictEqual(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, new RegExp(cluster));
  assert.deepStrictEqual(store.asked, ['', keys[1], keys[3], keys[5], keys[7]]);

  const round = await startListing(t, keys, (all) => all);
  const refused = await list(round);
  assert.strictEqual(refused.code, 1);
  assert.match(refused.stderr, /the store's listing does not go on behind/);
  assert.strictEqual(round.asked.length, 2);
});

test('a backup that is asked for while another is under way holds what was written between them', async (t) => {
  const place = placeFor(t);
  let isHeld = false, open, held = 0;
  const opened = new Promise((resolve) => { open = resolve; });
  const {endpoint, environment} = await startS3(t, path.join(place.directory, 's3'), 'safe', async ({method, url}) => {
    if (!isHeld || method !== 'PUT' || !url.includes('/shard-00001/')) return;
    held++;
    await opened;
  });
  const node = await startWithS3(t, environment, ['--shards', 1, '--backup-to', 's3://safe/there', '--backup-endpoint', endpoint,
    '--backup-log-interval-ms', 100]);
  await setAll(node, 'first');
  const back = async () => run(program, ['backup', 'now', node.address, '--wait', 20]);
  assert.strictEqual((await back()).code, 0);
  await setAll(node, 'second');
  isHeld = true;
  const earlier = back();
  const stateOf = async () => (await node.ask('TROTHDB', 'BACKUP')).split('\n').map((line) => line.split(' ').map(Number)).find(([shard]) => shard === 1);
  await until('the snapshot is on its way', async () => held > 0 && (await stateOf())[4] > (await stateOf())[3]);
  await setAll(node, 'third');
  const later = back();
  await until('the later one was asked for', async () => (await stateOf())[4] === (await stateOf())[1]);
  open();
  for (const done of [await earlier, await later]) assert.strictEqual(done.code, 0, done.stderr);
  const [, applied, , snapshot] = await stateOf();
  assert.ok(snapshot >= applied, `the snapshot holds ${snapshot} of ${applied} entries`);
});

test('a backup is made while a node is down', async (t) => {
  const place = placeFor(t);
  const cluster = await startCluster(t, {nodes: 3, shards: 2, flags: ['--backup-to', path.join(place.directory, 'store')]});
  const [first, , third] = cluster.nodes;
  assert.strictEqual(await askLeader(cluster.nodes, 'SET', 'key', 'value'), 'OK');
  await third.kill();
  const done = await run(program, ['backup', 'now', first.address]);
  assert.strictEqual(done.code, 0, done.stderr);
  assert.match(done.stdout, /^3 shards are backed up/);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
});

test('a blob that is damaged or missing is named, and what it alone holds is not restored', async (t) => {
  const place = placeFor(t), store = path.join(place.directory, 'store');
  const cluster = await startCluster(t, {nodes: 1, flags: ['--backup-to', store, '--backup-log-interval-ms', 100]});
  const [node] = cluster.nodes;
  await setAll(node, 'value');
  assert.strictEqual((await run(program, ['backup', 'now', node.address])).code, 0);
  await node.kill();
  // All of them: one of an older snapshot may not have been removed yet.
  const chunks = fs.readdirSync(store, {recursive: true}).filter((name) => /shard-00001\/chunk\//.test(name)).map((name) => path.join(store, name));
  for (const chunk of chunks) fs.writeFileSync(chunk, fs.readFileSync(chunk).map((byte, at) => (at === 60 ? byte ^ 1 : byte)));
  const damaged = await run(program, ['backup', 'check', '--to', store]);
  assert.strictEqual(damaged.code, 1);
  assert.match(damaged.stdout, /DAMAGED .*shard-00001\/chunk\//);

  // The log goes back to the beginning: it has all that the snapshots have.
  const around = await restore('--from', store, '--dir', path.join(place.directory, 'around'));
  assert.strictEqual(around.code, 0, around.stderr);
  const {passed_over: passed, shards} = JSON.parse(around.stdout);
  assert.match(passed[0].name, /shard-00001\/snapshot\//);
  assert.match(passed[0].what, /damaged/);
  assert.deepStrictEqual(shards.filter((shard) => shard.number === 1).map((shard) => [shard.snapshot_index, shard.keys]), [[0, 40]]);
  await expectAll(await startRestored(place, 'around'), 'value');
  const told = await run(program, ['restore', '--from', store, '--dir', path.join(place.directory, 'told')]);
  assert.match(told.stdout, /passed over, .*\n +shard 1: .*\/snapshot\/.*: damaged/);

  // Without the beginning of the log only they have it.
  const logs = path.join(path.dirname(path.dirname(chunks[0])), 'log'), [oldest] = fs.readdirSync(logs).sort();
  fs.renameSync(path.join(logs, oldest), path.join(place.directory, oldest));
  const refused = await restore('--from', store, '--dir', path.join(place.directory, 'again'));
  assert.strictEqual(refused.code, 1);
  assert.match(JSON.parse(refused.stdout).error, /shard-00001\/chunk\/.*damaged.*; nothing of it is left in .*again$/);
  assert.ok(!fs.existsSync(path.join(place.directory, 'again')));
  fs.renameSync(path.join(place.directory, oldest), path.join(logs, oldest));

  const entire = path.dirname(path.dirname(chunks[0])), aside = path.join(place.directory, 'aside');
  fs.renameSync(entire, aside);
  const lacking = await run(program, ['backup', 'check', '--to', store]);
  assert.strictEqual(lacking.code, 1, 'a shard of which nothing is there');
  assert.match(lacking.stdout, /DAMAGED shard-00001\n +nothing of this shard is there/);
  fs.renameSync(aside, entire);

  const index = (number) => String(number).padStart(20, '0'), log = path.join(entire, 'log');
  const stray = path.join(log, fs.readdirSync(log)[0].replace(/^\d+-\d+/, `${index(9000)}-${index(9001)}`));
  fs.copyFileSync(path.join(log, fs.readdirSync(log)[0]), stray);
  const gap = await run(program, ['backup', 'check', '--to', store]);
  assert.match(gap.stdout, /log\/0*9000-.*\n +what comes before it is missing: a restore ends at \d+/);
  fs.rmSync(stray);

  for (const gone of [...chunks, path.join(logs, oldest)]) fs.rmSync(gone);
  fs.mkdirSync(path.join(place.directory, 'another'));
  const missing = await restore('--from', store, '--dir', path.join(place.directory, 'another'));
  assert.match(JSON.parse(missing.stdout).error, /chunk.*No such file/);
  assert.deepStrictEqual(fs.readdirSync(path.join(place.directory, 'another')), []);
});
