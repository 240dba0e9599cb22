// File systems that are read-only, or full, under each command that writes a directory: what is wrong is said once and clearly,
// and nothing is left that was begun. They are mounted in a mount namespace of the test's own, and are gone with it; that needs root.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {test} = require('node:test');
const {spawn, spawnSync} = require('node:child_process');
const {Connection, Node, program, run, startCluster, until} = require('./cluster');
const {freePort} = require('./ports');

const canMount = process.getuid() === 0 && spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k none /mnt']).status === 0;
const skip = canMount ? false : 'a file system of its own takes root, and a kernel that lets it be mounted';
const READ_ONLY = /Read-only file system/;
const FULL = /[Nn]o space left on (the )?device/;

// A tmpfs of that size at `at`, seen by what is started there alone.
async function mountFor(t, size) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-mounts-')), at = path.join(directory, 'mounted');
  fs.mkdirSync(at);
  const holder = spawn('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o "size=$1" none "$2" && exec sleep 600', 'sh', size, at], {stdio: 'ignore'});
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  t.after(async () => {
    holder.kill('SIGKILL');
    await ended;
    fs.rmSync(directory, {recursive: true});
  });
  const inside = `/proc/${holder.pid}/root${at}`;
  await until('the file system is mounted', async () => fs.statSync(inside).dev !== fs.statSync(directory).dev);
  const enter = ['nsenter', '-t', String(holder.pid), '-m'];
  return {
    at, directory, enter,
    run: (words, options) => run(enter[0], [...enter.slice(1), program, ...words], options),
    list: () => fs.readdirSync(inside, {recursive: true}).filter((name) => name !== 'ballast').sort(),
    readOnly: () => assert.strictEqual(spawnSync(enter[0], [...enter.slice(1), 'mount', '-o', 'remount,ro', at]).status, 0),
    fill: () => spawnSync('dd', ['if=/dev/zero', `of=${inside}/ballast`, 'bs=4k'], {stdio: 'ignore'}),
    empty: () => fs.rmSync(`${inside}/ballast`),
  };
}

// What writes a directory that is not there yet.
const COMMANDS = [
  (at) => ['server', '--dir', `${at}/node`],
  (at) => ['agent', '--dir', `${at}/agent`, '--name', 'a1'],
  (at, store) => ['restore', '--from', store, '--dir', `${at}/restored`],
  (at) => ['demo', '--dir', `${at}/demo`],
  (at) => ['drill', '--dir', `${at}/drill`, '--short'],
  (at) => ['chaos', '--agents', 2, '--report', `${at}/page.html`, '--scenario', path.join(path.dirname(at), 'scenario')],
];
const TAKES_PORTS = new Set(['server', 'agent', 'demo', 'drill']);

// The ports that follow from the first one may be another's.
async function runOnPorts(place, words) {
  for (;;) {
    const done = await place.run(TAKES_PORTS.has(words[0]) ? [...words, '--port', await freePort()] : words);
    if (!/already in use|is in use by another/.test(done.stderr)) return done;
  }
}

// A cluster's backup, and the directory of its only node, which has ended.
async function makeBackup(t) {
  const store = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-store-'));
  t.after(() => fs.rmSync(store, {recursive: true, maxRetries: 10}));
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--shards', 2, '--backup-to', store, '--backup-log-interval-ms', 100]});
  for (let i = 0; i < 40; i++) assert.strictEqual(await node.ask('SET', `key-${i}`, 'value'), 'OK');
  const done = await run(program, ['backup', 'now', node.address]);
  assert.strictEqual(done.code, 0, done.stderr);
  await node.stop();
  return {store, node};
}

async function expectRefusals(place, store, reason) {
  fs.writeFileSync(path.join(place.directory, 'scenario'), 'messages 1/s\nlasts 1s\n');
  for (const command of COMMANDS) {
    const words = command(place.at, store);
    const {code, stdout, stderr} = await runOnPorts(place, words);
    const said = `${words[0]}: ${code}\n${stdout}${stderr}`;
    assert.ok(code === 1 || code === 2, said);
    assert.strictEqual(stderr.split('\n').filter((line) => reason.test(line)).length, 1, said);
  }
}

test('a read-only file system', {skip}, async (t) => {
  const {store, node} = await makeBackup(t);
  const place = await mountFor(t, '1m');
  place.readOnly();
  await expectRefusals(place, store, READ_ONLY);
  assert.deepStrictEqual(place.list(), []);

  // What only reads gets on.
  const [bind, ...words] = ['unshare', '-m', 'sh', '-c', 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"', 'sh'];
  const sound = await run(bind, [...words, node.directory, program, 'check', node.directory]);
  assert.strictEqual(sound.code, 0, sound.stdout + sound.stderr);
  const listed = await run(bind, [...words, store, program, 'backup', 'check', '--to', store]);
  assert.strictEqual(listed.code, 0, listed.stdout + listed.stderr);
});

test('a full file system', {skip}, async (t) => {
  const {store} = await makeBackup(t);
  const place = await mountFor(t, '256k');
  place.fill();
  await expectRefusals(place, store, FULL);
  assert.deepStrictEqual(place.list().filter((name) => /\.new$|^restored|^page/.test(name)), []);

  // There is space again, and what was begun is in nobody's way.
  const roomy = await mountFor(t, '200m');
  const node = await Node.make(roomy.at, 'node');
  node.logFile = path.join(roomy.directory, 'log');
  node.launcher = roomy.enter;
  roomy.fill();
  assert.strictEqual(await node.startInVain(), 1);
  roomy.empty();
  await node.startWhole();
  assert.strictEqual(await node.ask('SET', 'key', 'value'), 'OK');
  await node.stop();
  roomy.fill();
  assert.strictEqual(await node.startInVain(), 1, 'a start that cannot be counted is none');
  roomy.empty();
  await node.startWhole();
  assert.strictEqual(await node.ask('GET', 'key'), 'value');
  await node.stop();
});

test('a disk that fills up under a node: writes are refused and counted, reads go on, and so do writes once there is space', {skip}, async (t) => {
  const place = await mountFor(t, '48m');
  const node = await Node.make(place.at, 'node');
  node.logFile = path.join(place.directory, 'log');
  node.launcher = place.enter;
  node.flags.push('--wal-segment-bytes', '1mb', '--wal-spare-segments', 0, '--wal-reserve-bytes', '1mb', '--snapshot-log-bytes', '10gb');
  t.after(() => node.kill());
  await node.startWhole();
  const metric = async (series) => Number((await node.get('/metrics')).text.split('\n').find((line) => line.startsWith(`trothdb_${series} `))?.split(' ')[1]);
  assert.strictEqual(await node.ask('SET', 'before', 'x'), 'OK');
  assert.strictEqual(await metric('disk_is_full{worker="0"}'), 0);
  place.fill();
  const client = await Connection.open(node.port), value = 'x'.repeat(100000);
  t.after(() => client.close());
  let written = 0;
  const refused = await until('the disk is full', async () => {
    const reply = await client.ask('SET', `key-${written}`, value);
    written += reply === 'OK';
    return reply !== 'OK' && reply;
  });
  assert.match(String(refused), /disk of this node is full/);
  assert.ok(written < 200, `${written} times 100 kB on a disk without space`);
  assert.match(String(await client.ask('SET', 'one', 'more')), /disk of this node is full/);
  await until('it shows', async () => await metric('disk_is_full{worker="0"}') === 1);
  assert.strictEqual(await metric('proposals_refused_total{cause="no-space"}'), 2);
  assert.strictEqual(await client.ask('GET', 'before'), 'x');
  place.empty();
  await until('there is space', async () => await client.ask('SET', 'after', 'y') === 'OK');
  await until('that shows, too', async () => await metric('disk_is_full{worker="0"}') === 0);
  await client.ask('SET', 'last', 'z');
  await node.kill();
  await node.startWhole();
  assert.deepStrictEqual([await node.ask('GET', 'after'), await node.ask('GET', 'last'), await node.ask('EXISTS', 'one')], ['y', 'z', 0]);
  for (let i = 0; i < written; i++) assert.strictEqual(await node.ask('STRLEN', `key-${i}`), value.length);
});

test('a restore that runs out of space, wherever, leaves nothing', {skip}, async (t) => {
  const {store} = await makeBackup(t);
  const codes = new Set();
  for (const size of ['16k', '64k', '300k', '4100k', '5m', '64m', '66m', '130m', '200m']) {
    for (const below of ['/deep/restored', '']) {
      const place = await mountFor(t, size), directory = `${place.at}${below}`;
      const {code, stdout, stderr} = await place.run(['restore', '--from', store, '--dir', directory]);
      codes.add(code);
      if (code === 0) break;
      assert.strictEqual(code, 1, stdout + stderr);
      assert.match(stderr, FULL);
      assert.strictEqual(stderr.trim().split('\n').length, 1, stderr);
      assert.deepStrictEqual(place.list().filter((name) => name !== 'deep'), []);
    }
  }
  assert.deepStrictEqual([...codes].sort(), [0, 1]);
});

test('a store of backups that is full: nothing half-written stays, and it goes on when there is space', {skip}, async (t) => {
  const place = await mountFor(t, '1m');
  const node = await Node.make(place.directory, 'node');
  node.launcher = place.enter;
  node.flags.push('--backup-to', place.at, '--backup-log-interval-ms', 100);
  t.after(() => node.kill());
  await node.startWhole();
  assert.strictEqual(await node.ask('SET', 'key', 'value'), 'OK');
  assert.strictEqual((await run(program, ['backup', 'now', node.address])).code, 0);
  place.fill();
  assert.strictEqual(await node.ask('SET', 'key', 'another value'), 'OK');
  const vain = await run(program, ['backup', 'now', node.address, '--wait', 3]);
  assert.strictEqual(vain.code, 1, vain.stdout);
  await until('it is told', async () => FULL.test(node.log));
  assert.deepStrictEqual(place.list().filter((name) => name.includes('~')), []);
  place.empty();
  const done = await run(program, ['backup', 'now', node.address, '--wait', 120], {timeout: 150000});
  assert.strictEqual(done.code, 0, done.stderr);
  const checked = await place.run(['backup', 'check', '--to', place.at]);
  assert.strictEqual(checked.code, 0, checked.stdout);
  await node.stop();
});
