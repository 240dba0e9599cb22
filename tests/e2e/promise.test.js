// What a leader was promised outlives the process (lease-ms): the file `promise` says for how long, at every moment at least as
// long as was told.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {program, run, startCluster, until} = require('./cluster.js');

const fileOf = (node) => path.join(node.directory, 'worker-0', 'promise');
const promised = (node) => Number(fs.readFileSync(fileOf(node)).readBigUInt64LE(5)) / 1000;

test('the promise is written before it is longer, and after it was shorter; a restart keeps it', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  assert.strictEqual(promised(node), 120);
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'lease-ms', '399'), 'OK');
  assert.strictEqual(promised(node), 399, 'before the command is answered');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'lease-ms', '50'), 'OK');
  await until('the longer promise has run off', () => promised(node) === 50);
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'lease-ms', '300'), 'OK');
  await node.stop();
  assert.strictEqual(promised(node), 300);
  await node.start(); // by its own settings again
  await until('what the former life promised has run off', () => promised(node) === 120);
  assert.strictEqual(await node.ask('SET', 'key', 'value'), 'OK');
});

test('a promise that cannot be read counts as the longest, is told of, and is no reason not to start', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  await node.stop();
  const bytes = fs.readFileSync(fileOf(node));
  bytes[6] ^= 0x20;
  fs.writeFileSync(fileOf(node), bytes);
  const {code, stdout} = await run(program, ['check', node.directory]);
  assert.strictEqual(code, 1, stdout);
  assert.match(stdout, /worker-0\/promise/);
  assert.match(stdout, /the promise to leaders cannot be read/);
  await node.start();
  assert.match(node.log, /the file \\?"promise\\?" cannot be read/);
  assert.strictEqual(await node.ask('SET', 'key', 'value'), 'OK', 'a sole voter gave its promise to itself only');
});

test('replicas of a release that wrote no promise may have promised anything; a new directory has not', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  assert.doesNotMatch(node.log, /the file \\?"promise\\?"/);
  await node.stop();
  fs.unlinkSync(fileOf(node));
  await node.start();
  assert.match(node.log, /the file \\?"promise\\?" cannot be read, or the log is of a release that had none/);
  assert.strictEqual(await node.ask('SET', 'key', 'value'), 'OK', 'a sole voter gave its promise to itself only');
});
