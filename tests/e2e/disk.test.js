// What is on disk after the worst moments: a torn tail is cut, damage anywhere else is refused with a clear message.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {program, run, startCluster, until} = require('./cluster.js');

const segmentsOf = (node) => {
  const directory = path.join(node.directory, 'worker-0');
  return fs.readdirSync(directory).filter((name) => /^wal-\d+$/.test(name)).sort().map((name) => path.join(directory, name));
};
const newestSegment = (node) => segmentsOf(node).pop();

// Where the zeros begin that no record was written over.
function endOfRecords(file) {
  const bytes = fs.readFileSync(file);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return Math.ceil(end / 8) * 8;
}

function overwrite(file, offset, bytes) {
  const handle = fs.openSync(file, 'r+');
  fs.writeSync(handle, bytes, 0, bytes.length, offset);
  fs.closeSync(handle);
}

async function written(t, count = 100) {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  for (let i = 0; i < count; i++) assert.strictEqual(await node.ask('SET', `key${i}`, i), 'OK');
  await node.kill();
  return node;
}

async function expectKeys(node, count = 100) {
  for (let i = 0; i < count; i++) assert.strictEqual(await node.ask('GET', `key${i}`), String(i));
}

test('garbage behind the last record is cut', async (t) => {
  const node = await written(t);
  const file = newestSegment(node);
  overwrite(file, endOfRecords(file), Buffer.from('TWAL, but no record: what a write that was never finished may leave behind'));
  await node.startWhole();
  await expectKeys(node);
  assert.strictEqual(await node.ask('SET', 'after', 'cut'), 'OK');
  await node.kill();
  await node.startWhole();
  await expectKeys(node);
  assert.strictEqual(await node.ask('GET', 'after'), 'cut');
});

test('a torn last record is cut, and what was before it is there', async (t) => {
  const node = await written(t);
  const file = newestSegment(node);
  const end = endOfRecords(file);
  overwrite(file, end - 8, Buffer.alloc(8, 0xee)); // within the last record: key99, or a later mark of the log
  await node.startWhole();
  await expectKeys(node, 99);
  assert.strictEqual(await node.ask('SET', 'after', 'cut'), 'OK');
});

test('a wrong byte in the very last write of a node that was idle, or stopped, is no torn tail', async (t) => {
  for (const end of ['kill', 'stop']) {
    const {nodes: [node]} = await startCluster(t, {nodes: 1});
    assert.strictEqual(await node.ask('SET', 'key', 'the-very-last-value'), 'OK');
    const file = newestSegment(node);
    const bytesBehind = () => endOfRecords(file) - fs.readFileSync(file).indexOf('the-very-last-value');
    if (end === 'kill') await until('the mark is written', async () => bytesBehind() > 128);
    await node[end]();
    const at = fs.readFileSync(file).indexOf('the-very-last-value');
    overwrite(file, at, Buffer.from('T'));
    assert.notStrictEqual(await node.startInVain(), 0, `after ${end} it must not forget what it acknowledged`);
    assert.match(node.log, /a later round was written after it/);
    overwrite(file, at, Buffer.from('t'));
    await node.startWhole();
    assert.strictEqual(await node.ask('GET', 'key'), 'the-very-last-value');
  }
});

test('a segment that was cut short in its unwritten rest still starts', async (t) => {
  const node = await written(t);
  const file = newestSegment(node);
  fs.truncateSync(file, endOfRecords(file));
  await node.startWhole();
  await expectKeys(node);
});

// A segment has its whole length, durably, before anything is written to it: no crash ends a file within a record.
test('a log that ends within what was written is damaged, not torn', async (t) => {
  const node = await written(t);
  const file = newestSegment(node), bytes = fs.readFileSync(file);
  const middle = bytes.indexOf('key50'), header = bytes.indexOf('TWAL', middle) - 8;
  for (const end of [0, 10, 1000, middle, header + 60, header + 64]) {
    fs.writeFileSync(file, bytes.subarray(0, end));
    assert.notStrictEqual(await node.startInVain(), 0, `${end} bytes are left of the log`);
    assert.match(node.logTail, /the log is damaged in wal-0000000001 at byte \d+ \(round \d+\): the file was cut short/);
    assert.strictEqual(fs.statSync(file).size, end, 'nothing on the disk is changed');
    const {code, stdout} = await run(program, ['check', node.directory]);
    assert.strictEqual(code, 1, stdout);
    assert.match(stdout, /DAMAGED worker-0\/wal-0000000001.*\n +the file was cut short/);
  }
  fs.rmSync(file);
  const {code, stdout} = await run(program, ['check', node.directory]);
  assert.strictEqual(code, 1, stdout);
  assert.match(stdout, /DAMAGED worker-0\n +the log is gone, and with it what this node promised/);
  fs.writeFileSync(file, bytes);
  await node.startWhole();
  await expectKeys(node);
});

// In an entry, that is: what is written beside the entries can be done without where nothing else is damaged.
test('a wrong byte in the middle is refused, and nothing on the disk is changed', async (t) => {
  const node = await written(t);
  const file = newestSegment(node);
  const before = fs.readFileSync(file);
  const middle = before.indexOf('key50');
  overwrite(file, middle, Buffer.from([before[middle] ^ 0x10]));
  const damaged = fs.readFileSync(file);
  const logBefore = node.log.length;
  assert.notStrictEqual(await node.startInVain(), 0);
  const said = node.log.slice(logBefore);
  assert.match(said, /damaged/);
  assert.match(said, new RegExp(path.basename(file)), 'says which file');
  assert.match(said, /byte|offset/, 'says where');
  assert.ok(fs.readFileSync(file).equals(damaged), 'damage is not touched');
  overwrite(file, middle, before.subarray(middle, middle + 1));
  await node.startWhole();
  await expectKeys(node);
});

test('a lost segment, a lost log, a damaged identity, another number of workers: refused with what to do', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: ['--wal-segment-bytes', 65536]});
  const value = 'x'.repeat(1000);
  for (let i = 0; i < 300; i++) assert.strictEqual(await node.ask('SET', `key${i}`, value), 'OK');
  await node.stop();
  const [, second] = segmentsOf(node);
  assert.ok(second, 'the log has several segments');
  const said = async () => {
    const before = node.log.length;
    assert.notStrictEqual(await node.startInVain(), 0);
    return node.log.slice(before);
  };
  fs.renameSync(second, `${second}.away`);
  assert.match(await said(), /segment|wal-/);
  fs.renameSync(`${second}.away`, second);

  const identity = path.join(node.directory, 'identity');
  const whole = fs.readFileSync(identity);
  fs.writeFileSync(identity, Buffer.concat([whole.subarray(0, 10), Buffer.from([whole[10] ^ 1]), whole.subarray(11)]));
  assert.match(await said(), /identity.*restore it/);
  fs.writeFileSync(identity, whole);

  const log = path.join(node.directory, 'worker-0');
  fs.renameSync(log, `${log}.away`);
  assert.match(await said(), /the log of worker 0 is gone, and with it what this node promised/);
  fs.rmSync(log, {recursive: true});
  fs.renameSync(`${log}.away`, log);

  const at = node.flags.indexOf('--workers') + 1;
  node.flags[at] = 2;
  assert.match(await said(), /--workers 1/);
  node.flags[at] = 1;
  await node.startWhole();
  assert.strictEqual(await node.ask('DBSIZE'), 300);
});
