// The drill in its short form: everything that goes wrong in it goes wrong, nothing is lost, nothing is left behind.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {program, run, startNodes, until} = require('./cluster.js');
const {freeBase} = require('./ports.js');

const nodesOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const stateOf = (pid) => { try { return /\) (\w)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))[1]; } catch { return ''; } };

test('a short drill loses nothing', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const where = path.join(directory, 'drill');
  const {code, stdout, stderr} = await run(program, ['drill', '--short', '--json', '--port', await freeBase(), '--dir', where],
    {timeout: 120000});
  assert.strictEqual(code, 0, stdout + stderr);
  const drill = JSON.parse(stdout);
  assert.strictEqual(drill.passed, true);
  assert.strictEqual(drill.lost, 0);
  assert.strictEqual(drill.stale, 0);
  assert.ok(drill.acknowledged > 100 && drill.reads > 100, stdout);
  for (const what of [/^SIGKILL to node \d/, /^node \d starts again/, /^SIGSTOP/, /^SIGCONT/, /^the disk of node \d.*slower/, /^SIGKILL to all 3/,
    /^SIGTERM to node 1/, /^SIGTERM to node 3/]) {
    const step = drill.timeline.find((one) => what.test(one.what));
    assert.ok(step, `${what} is a step of\n${stdout}`);
    assert.match(step.leaders, /^1:\d 2:\d 3:\d$/);
  }
  const full = drill.timeline.find((one) => /^the disk of node 1 is full/.test(one.what));
  assert.ok(full || /Operation not permitted|Permission denied|Invalid argument/.test(drill.left_out), `a full disk, or why not:\n${stdout}`);
  assert.ok(!full || drill.timeline.some((one) => /^the disk of node 1 has space again/.test(one.what)), stdout);
  const stopped = drill.timeline.find((step) => /^SIGSTOP/.test(step.what));
  assert.ok(stopped.gap_ms >= 50, 'a stopped leader is missed by somebody');
  assert.ok(!fs.existsSync(where), 'its directory is gone');
});

test('a drill says what is wrong with its ports and words', async (t) => {
  const base = await freeBase();
  const server = net.createServer().listen(base, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const taken = await run(program, ['drill', '--short', '--port', base]);
  assert.strictEqual(taken.code, 1);
  assert.match(taken.stderr, /port \d+ is in use by another program/);
  assert.strictEqual((await run(program, ['drill', '--nodes', '2'])).code, 2);
  assert.strictEqual((await run(program, ['drill', 'now'])).code, 2);
});

// As the system does it for want of memory: to any process, and to one that stands still as well.
test('a node that ends by itself ends the drill, which says so and clears away', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const where = path.join(directory, 'drill');
  const drill = spawn(program, ['drill', '--short', '--port', await freeBase(), '--dir', where], {stdio: ['ignore', 'pipe', 'pipe']});
  t.after(() => drill.kill('SIGKILL'));
  let told = '';
  for (const stream of [drill.stdout, drill.stderr]) stream.on('data', (data) => { told += data; });
  const ended = once(drill, 'close');
  const stopped = await until('a node stands still', async () => nodesOf(drill.pid).find((pid) => stateOf(pid) === 'T'));
  process.kill(stopped, 'SIGKILL');
  assert.deepStrictEqual(await ended, [1, null], told);
  assert.match(told, /trothdb drill: node \d ended by itself, signal 9/);
  assert.ok(!fs.existsSync(where), 'its directory is gone');
});

test('a disk is made slow only where that is allowed', async (t) => {
  const {nodes: [node]} = await startNodes(t, {nodes: 1});
  await node.whole();
  assert.match(String(await node.ask('CONFIG', 'SET', 'debug-sync-delay-us', '30000')), /enable-debug-command/);
  await node.stop();
  node.flags.push('--enable-debug-command', 'local');
  await node.startWhole();
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'debug-sync-delay-us', '30000'), 'OK');
  const begun = Date.now();
  for (let i = 0; i < 5; i++) assert.strictEqual(await node.ask('SET', 'k', i), 'OK');
  assert.ok(Date.now() - begun >= 150, 'each write waits for a sync that takes 30 ms longer');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'debug-sync-delay-us', '0'), 'OK');
});
