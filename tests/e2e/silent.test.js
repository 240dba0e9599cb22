// Nodes that stand still: whoever asks about the cluster hears which they are, soon, and does not take them for lost.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {program, run, startCluster, until} = require('./cluster.js');

// How long the command line waits for one node; for as many as do not answer it is not to take that as often.
const PATIENCE_MS = 3000;

const cluster = (...words) => run(program, ['cluster', ...words], {timeout: 90000});

test('two nodes that are stopped are named, and waited for together', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 5, shards: 2, isCalm: true});
  const [first, second, third, ...stopped] = nodes;
  const lines = stopped.map(({address}, i) => new RegExp(`^node ${i + 4} does not answer: cannot read from ${address}: no answer in time$`, 'm'));
  for (const node of stopped) node.pause();
  for (const words of [['status', first.address], ['settings', '--at', first.address, '--all']]) {
    const begun = Date.now();
    const {code, stdout, stderr} = await cluster(...words);
    assert.ok(Date.now() - begun < 2 * PATIENCE_MS, `${words[0]} took ${Date.now() - begun} ms`);
    assert.deepStrictEqual([code, stderr], [0, ''], words[0]);
    for (const line of lines) assert.match(stdout, line);
  }
  const told = JSON.parse((await cluster('status', first.address, '--json')).stdout);
  assert.deepStrictEqual(told.nodes.map(({reachable}) => reachable), [true, true, true, false, false]);
  assert.deepStrictEqual(told.nodes.map(({problem}) => problem && problem.replace(/.*: /, '')),
    [undefined, undefined, undefined, 'no answer in time', 'no answer in time']);

  // They may go on at any time, and are not given up.
  const refused = await cluster('recover', `${first.address},${second.address},${third.address}`, '--yes');
  assert.strictEqual(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /nothing was changed:\nnode 4 is not named, and somebody listens at its address: .*no answer in time; end what runs there first/);
  for (const node of stopped) node.resume();
});

// A leader that is left alone takes the wish in, and whoever leads on from its log grants it.
test('a wish without a majority is given up in time, and its outcome is said to be unknown, as it may be granted yet', async (t) => {
  const {nodes: [first, second, third]} = await startCluster(t, {nodes: 3, shards: 1});
  assert.strictEqual((await cluster('leader', 0, first.address, '--at', first.address)).code, 0);
  await Promise.all([second.kill(), third.kill()]);
  const begun = Date.now();
  const {code, stderr} = await cluster('set', 'timeout', '100', '--at', first.address);
  const took = Date.now() - begun;
  assert.strictEqual(code, 1);
  assert.match(stderr, /^trothdb cluster: the outcome is not known:\n.*; it was taken in, and may be done yet when nodes come back\n$/);
  assert.ok(took < 8 * PATIENCE_MS, `it took ${took} ms`);
  await until('it is told that two shards have no leader', async () => (await first.get('/metrics')).text.includes('\ntrothdb_shards_without_leader 2\n'));
  await third.start(); // it lacks the wish, and votes for the first
  await until('the wish is granted', async () => (await first.ask('CONFIG', 'GET', 'timeout'))[1] === '100');
});

test('a node that wants another password is not taken for lost', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 2, replicas: 2, shards: 1});
  const [first, second] = nodes;
  assert.strictEqual(await second.ask('CONFIG', 'SET', 'requirepass', 'secret'), 'OK');
  const refused = await cluster('recover', first.address, '--yes');
  assert.strictEqual(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /node 2 is not named, and somebody listens at its address: .*asks for a password/);
  assert.strictEqual(JSON.parse((await cluster('status', first.address, '--json')).stdout).nodes.length, 2, 'nobody was given up');
});
