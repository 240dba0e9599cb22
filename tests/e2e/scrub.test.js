// What the disk changes under a running node is found and put right before anybody needs it, without a restart.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {spawnSync} = require('node:child_process');
const {Connection, program, run, sleep, startCluster, until} = require('./cluster.js');

const FLAGS = ['--wal-segment-bytes', 65536, '--scrub-bytes-per-second', 0];
const filesOf = (node, pattern) => {
  const directory = path.join(node.directory, 'worker-0');
  return fs.readdirSync(directory).filter((name) => pattern.test(name)).sort().map((name) => path.join(directory, name));
};
const info = async (node, name) => Number(new RegExp(`${name}:(\\d+)`).exec(await node.ask('INFO', 'everything'))[1]);
const passes = async (node) => Number(/trothdb_scrub_passes_total(?:\{.*\})? (\d+)/.exec((await node.get('/metrics')).text)[1]);

function flip(file) {
  const bytes = fs.readFileSync(file);
  const at = bytes.indexOf('value-of-') > 0 ? bytes.indexOf('value-of-') + 3 : Math.floor(bytes.length / 2);
  const handle = fs.openSync(file, 'r+');
  fs.writeSync(handle, Buffer.from([bytes[at] ^ 0x20]), 0, 1, at);
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

async function write(node, from, count) {
  for (let i = from; i < from + count; i++) assert.strictEqual(await node.ask('SET', `key${i}`, `value-of-${i}`.repeat(100)), 'OK');
}

async function expectSound(node, count) {
  await node.stop();
  const report = await run(program, ['check', node.directory]);
  assert.strictEqual(report.code, 0, report.stdout + report.stderr);
  await node.startWhole();
  for (let i = 0; i < count; i += 7) assert.strictEqual(await node.ask('GET', `key${i}`), `value-of-${i}`.repeat(100));
}

async function flipAndExpectGone(node, bad) {
  flip(bad);
  await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', '1gb');
  await until('the damage is told', async () => await info(node, 'scrub_damages') === 1);
  assert.match(node.log, new RegExp(`the disk has changed what was written.*${path.basename(bad)}`));
  await until('the segment is gone', async () => !fs.existsSync(bad));
}

test('a byte flipped in a sealed segment: said, and the segment goes', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: FLAGS});
  await write(node, 0, 200);
  const segments = filesOf(node, /^wal-\d+$/);
  assert.ok(segments.length >= 3, 'the log has sealed segments');
  const bad = segments[1];
  await flipAndExpectGone(node, bad);
  await expectSound(node, 200);
});

// Of an idle log all but its mark is at rest. The segment holds the term and the vote too, so it has to be left before it can go.
test('a byte flipped in the newest segment of an idle log: said, and the segment goes', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: ['--wal-segment-bytes', '4mb', '--scrub-bytes-per-second', 0]});
  await write(node, 0, 50);
  const [bad, ...others] = filesOf(node, /^wal-\d+$/);
  assert.strictEqual(others.length, 0, 'the log has one segment');
  await until('the mark is written', async () => {
    const bytes = fs.readFileSync(bad);
    return bytes.findLastIndex((byte) => byte !== 0) - bytes.lastIndexOf('value-of-49') > 128;
  });
  await flipAndExpectGone(node, bad);
  await expectSound(node, 50);
});

test('a byte flipped in a snapshot, its chunks or its manifest: said, and written anew', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: [...FLAGS, '--snapshot-log-entries', 50]});
  await write(node, 0, 150);
  const damages = [/^chunk-1-/, /^snapshot-1-/];
  for (const [i, pattern] of damages.entries()) {
    const bad = await until('there is a snapshot, and no other takes its place', async () => {
      const [file] = filesOf(node, pattern);
      await sleep(500);
      return filesOf(node, pattern).join() === file && file;
    });
    flip(bad);
    await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', String(1 << (29 + i)));
    await until('the damage is told', async () => await info(node, 'scrub_damages') === i + 1);
    assert.match(node.log, new RegExp(`the disk has changed what was written.*${path.basename(bad)}`));
    await until('a whole pass finds nothing more', async () => await passes(node) > i);
  }
  await expectSound(node, 150);
});

test('a sound node is read through, and nothing is said', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 4, workers: 2, flags: [...FLAGS, '--snapshot-log-entries', 50]});
  await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', '512mb');
  await write(node, 0, 300);
  await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', '1gb');
  await until('all was read', async () => await passes(node) >= 2);
  assert.strictEqual(await info(node, 'scrub_damages'), 0);
  await node.ask('CONFIG', 'SET', 'scrub-bytes-per-second', '0');
  await expectSound(node, 300);
});

test('a shorter pause holds for the one that is under way', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: FLAGS});
  await node.ask('CONFIG', 'SET', 'scrub-pause-ms', 86400000, 'scrub-bytes-per-second', '1gb');
  await until('all was read once', async () => await passes(node) === 1);
  await sleep(500);
  assert.strictEqual(await passes(node), 1);
  await node.ask('CONFIG', 'SET', 'scrub-pause-ms', 100);
  await until('it is read again', async () => await passes(node) > 2);
});

// A reader of the log hears of it as well as whoever writes.
test('a log that waits for files says so, and for what', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: ['--wal-segment-bytes', 262144, '--wal-reserve-bytes', 65536, '--wal-spare-segments', 0]});
  const limit = (soft) => assert.strictEqual(spawnSync('prlimit', ['--pid', String(node.process.pid), `--nofile=${soft}:`]).status, 0);
  const before = /Max open files +(\d+)/.exec(fs.readFileSync(`/proc/${node.process.pid}/limits`, 'utf8'))[1];
  const client = await Connection.open(node.port); // no more can be opened then
  const says = async () => /log_waits_for:(\w+)\r[^]*/.exec(await client.ask('INFO', 'persistence'))[1];
  const ready = async () => (await node.get('/health/ready')).text;
  assert.strictEqual(await says(), 'nothing');
  limit(3);
  let answer = 'OK', waited = 'nothing';
  for (let i = 0; i < 1000 && answer === 'OK' && waited === 'nothing'; i++) {
    answer = await client.ask('SET', `key${i}`, 'v'.repeat(500));
    if (i % 20 === 19) await sleep(150); // what INFO says is told every 100 ms
    waited = await says();
  }
  assert.deepStrictEqual([answer, waited], ['OK', 'files'], 'it is said before a write is refused');
  for (let i = 0; i < 1000 && answer === 'OK'; i++) answer = await client.ask('SET', `key${i}`, 'v'.repeat(500));
  assert.match(String(answer), /MISCONF this node may open no more files \(raise its limit, LimitNOFILE or fs.file-max\): it takes no writes/);
  assert.strictEqual(await says(), 'files');
  limit(before);
  await until('it goes on', async () => await client.ask('SET', 'key', 'value') === 'OK' && await says() === 'nothing');
  assert.doesNotMatch(await ready(), /writes are refused/);
  client.close();
});

// So many files are open that the process gets no more: nothing is known of what it cannot look at.
test('what cannot be opened is not called damaged, and is looked at later', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: [...FLAGS, '--snapshot-log-entries', 50]});
  const limit = (soft) => assert.strictEqual(spawnSync('prlimit', ['--pid', String(node.process.pid), `--nofile=${soft}:`]).status, 0);
  await write(node, 0, 150);
  await until('there is a snapshot', async () => filesOf(node, /^snapshot-1-/).length === 1);
  await node.ask('CONFIG', 'SET', 'scrub-pause-ms', 1000, 'scrub-bytes-per-second', '1gb');
  await until('all was read once', async () => await passes(node) > 0);
  const before = /Max open files +(\d+)/.exec(fs.readFileSync(`/proc/${node.process.pid}/limits`, 'utf8'))[1];
  limit(3);
  await until('it is told', async () => /what lies on the disk cannot be looked at; it is tried again.*busy/.test(node.log));
  limit(before);
  const so = await passes(node);
  await until('all was read again', async () => await passes(node) > so + 1);
  assert.strictEqual(await info(node, 'scrub_damages'), 0);
  assert.doesNotMatch(node.log, /the disk has changed what was written/);
  await expectSound(node, 150);
});
