// What is lost and what comes back: a log that rotted, a majority that is gone for good, a node that is taken out.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const {program, run, startCluster, startNodes, until} = require('./cluster.js');

const trothdb = (...words) => run(program, ['cluster', ...words], {timeout: 90000});

async function cluster(...words) {
  const result = await trothdb(...words);
  assert.strictEqual(result.code, 0, `cluster ${words.join(' ')}:\n${result.stdout}${result.stderr}`);
  return result;
}

// On a busy machine a node may be held for suspect for a moment, and then nothing is changed: asked again.
async function eventually(...words) {
  return until(`cluster ${words.join(' ')}`, async () => {
    const result = await trothdb(...words);
    return result.code === 0 && result;
  }, 60000);
}

// Three nodes of a cluster, and one that belongs to none.
async function startWithSpare(t, shards, flags = []) {
  const started = await startNodes(t, {nodes: 4, flags});
  const {nodes} = started;
  const [first, second, third, spare] = nodes;
  await started.create({among: [first, second, third], shards});
  return {nodes, first, second, third, spare};
}

// Of whichever of them leads at that moment.
const answers = async (nodes, expected, ...words) => {
  for (const node of nodes) if (node.process && await node.ask(...words) === expected) return true;
  return false;
};

async function write(nodes, from, count) {
  for (let i = from; i < from + count; i++) await until(`key ${i} is written`, () => answers(nodes, 'OK', 'SET', `key:${i}`, `value ${i}`));
}

async function check(nodes, count) {
  for (let i = 0; i < count; i++) await until(`key ${i} is what was acknowledged`, () => answers(nodes, `value ${i}`, 'GET', `key:${i}`));
}

async function leader(nodes) {
  return until('one of them leads', async () => {
    for (const node of nodes) if (node.process && await node.ask('SET', 'probe', '1') === 'OK') return node;
    return null;
  });
}

test('a wrong byte in the log of one node: the node starts, and gets from the others what it lost', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 3, shards: 1, isCalm: true});
  const first = await leader(nodes);
  await write(nodes, 0, 200);
  const victim = nodes.find((node) => node !== first);
  await victim.kill();
  const directory = path.join(victim.directory, 'worker-0');
  const segment = path.join(directory, fs.readdirSync(directory).filter((name) => /^wal-\d+$/.test(name)).sort()[0]);
  const bytes = fs.readFileSync(segment);
  const at = bytes.indexOf('value 100');
  assert.ok(at > 0, 'the value is in the log');
  bytes[at] ^= 1;
  fs.writeFileSync(segment, bytes);
  await write(nodes, 200, 20);
  await victim.startWhole();
  assert.match(victim.log, /the log is damaged.*segment=wal-/);
  assert.match(victim.log, /entries of a replica are lost here; its peers have them/);
  assert.ok(fs.readdirSync(directory).some((name) => /^damaged-\d+$/.test(name)), 'what is damaged is set aside');
  await until('nothing is missing any more', async () => /replicas_in_repair:0\r/.test(await victim.ask('INFO', 'trothdb')));
  // It is as good as any: with one of the others gone, these two serve.
  const leads = await leader(nodes);
  const other = nodes.find((node) => node !== victim && node !== leads);
  await other.kill();
  await write(nodes, 220, 20);
  await check(nodes, 240);
});

test('a majority is lost for good: the operator has the shards go on from the node that is left', async (t) => {
  const {nodes, first, second, third, spare} = await startWithSpare(t, 2);
  await write([first, second, third], 0, 60);
  // All have applied all, so that what was acknowledged is on the first one.
  await until('all are even', async () => {
    const {shards} = JSON.parse((await cluster('status', first.address, '--json')).stdout);
    return shards.every((shard) => shard.replicas.every(({lag_entries: lag}) => !lag));
  });
  const early = await trothdb('recover', first.address, '--yes');
  assert.notStrictEqual(early.code, 0, 'nodes that answer are not given up');
  assert.match(early.stderr, /is not named and answers/);
  await second.kill();
  await third.kill();

  const dry = JSON.parse((await cluster('recover', first.address, '--dry-run', '--json')).stdout);
  assert.strictEqual(dry.lost_nodes, '2,3');
  assert.ok(dry.shards.every((shard) => !shard.has_majority && shard.node === 1 && shard.last_index > 0));
  const unasked = await trothdb('recover', first.address);
  assert.notStrictEqual(unasked.code, 0);
  assert.match(unasked.stdout, /are lost/);
  assert.match(unasked.stderr, /not confirmed/);
  // What is decided by stands there whole in the usual window.
  const plan = (await run('script', ['-qec', `stty cols 80; "${program}" cluster recover ${first.address} --dry-run`, '/dev/null'])).stdout.replaceAll('\r', '');
  const {node, last_index: last, last_term: term} = dry.shards[1];
  assert.match(plan, new RegExp(`^ +1 +lost +node ${node} +${last} +${term} +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}$`, 'm'));
  assert.ok(!plan.includes('left out') && plan.split('\n').every((line) => line.length <= 80), plan);
  await cluster('recover', first.address, '--yes', '--json');
  await check([first], 60);
  await write([first], 60, 10);

  // A new node takes a share, and is one of two.
  await cluster('add', spare.address, '--at', first.address);
  for (let shard = 0; shard <= 2; shard++) {
    await cluster('replicas', shard, `${first.address},${spare.address}`, '--at', first.address);
  }
  await write([first, spare], 70, 10);

  // Both that were given up come back: a majority of what once was, and told so.
  second.spawn();
  third.spawn();
  for (const node of [second, third]) {
    assert.notStrictEqual((await node.ended()).code, 0);
    assert.match(node.log, /this node was removed from its cluster/);
    assert.notStrictEqual(await node.startInVain(), 0);
    assert.match(node.logTail, /this node was removed from its cluster, and what it holds is of no use any more/);
  }
  await write([first, spare], 80, 5);
  await check([first, spare], 85);
});

async function loseWhileMoving(t, flags) {
  const {first, second, third, spare} = await startWithSpare(t, 1, flags);
  await write([first, second, third], 0, 20);
  await cluster('add', spare.address, '--at', second.address);
  const status = async (node) => JSON.parse((await cluster('status', node.address, '--json')).stdout);
  await until('all are even', async () => (await status(second)).shards[1].replicas.every(({lag_entries: lag}) => lag === 0));
  // The spare is to take the first one's place, and stands still: it learns nothing.
  spare.pause();
  const moving = await trothdb('replicas', 1, `${spare.address},${second.address},${third.address}`, '--at', second.address, '--wait', 1);
  assert.strictEqual(moving.code, 1, moving.stdout);
  await until('the first one knows what is wanted', async () => !(await status(first)).shards[1].replicas.some(({node}) => node === 1));
  await second.kill();
  await third.kill();
  spare.resume();
  await until('the spare answers', async () => await spare.ask('PING') === 'PONG');
  const left = `${first.address},${spare.address}`;
  const dry = JSON.parse((await cluster('recover', left, '--dry-run', '--json')).stdout);
  assert.deepStrictEqual(dry.shards.map(({has_majority: has, node}) => [has, node]), [[false, 1], [false, 1]]);
  await cluster('recover', left, '--yes', '--json');
  await check([first, spare], 20);
  await write([first, spare], 20, 5);
  await check([first, spare], 25);
}

test('a majority is lost while a replica moves: the old one that has the data goes on, not the new one that is empty', (t) => loseWhileMoving(t));

test('it goes on at feature level 0 as well, by whose rules none may but one that is wanted', (t) => loseWhileMoving(t, ['--feature-level-maximum', 0]));

test('a majority is lost of those that the one left has not heard of: who gave its replica away does not count', async (t) => {
  const {nodes, first, second, third, spare} = await startWithSpare(t, 1);
  await write([first, second, third], 0, 20);
  await cluster('add', spare.address, '--at', second.address);
  const status = async (node) => JSON.parse((await cluster('status', node.address, '--json')).stdout);
  await until('all are even', async () => (await status(second)).shards[1].replicas.every(({lag_entries: lag}) => lag === 0));
  for (const shard of [0, 1]) await eventually('leader', shard, second.address, '--at', second.address);
  // The third one stands still while the spare takes the first one's place, so it does not hear of that.
  third.pause();
  await trothdb('replicas', 1, `${spare.address},${second.address},${third.address}`, '--at', second.address, '--wait', 10);
  await until('the first one has no replica any more', () => /replica removed.*shard=1/.test(first.log));
  await second.kill();
  await spare.kill();
  third.resume();
  await until('the third one answers', async () => await third.ask('PING') === 'PONG');
  const left = `${first.address},${third.address}`;
  const dry = JSON.parse((await cluster('recover', left, '--dry-run', '--json')).stdout);
  assert.deepStrictEqual(dry.shards.map(({has_majority: has, node}) => [has, node]).slice(1), [[false, 3]]);
  await cluster('recover', left, '--yes', '--json');
  await check([first, third], 20);
  await write([first, third], 20, 5);
});

test('a node is taken out: what it holds moves first; without a place for it, it stays', async (t) => {
  const {nodes, first, second, third, spare} = await startWithSpare(t, 1);
  const node = await leader([first, second, third]);
  await write([first, second, third], 0, 20);
  const goes = [first, second, third].find((one) => one !== node);
  const refused = await trothdb('remove', goes.address, '--at', node.address);
  assert.notStrictEqual(refused.code, 0);
  assert.match(refused.stderr, /no other node can take shard 0/);
  await cluster('add', spare.address, '--at', node.address);
  const left = await cluster('remove', goes.address, '--at', node.address, '--json');
  assert.strictEqual(JSON.parse(left.stdout).nodes.length, 3);
  assert.notStrictEqual((await goes.ended()).code, 0, 'the node that was removed ends');
  assert.match(goes.log, /this node was removed from its cluster/);
  await write([first, second, third, spare], 20, 5);
  await check([first, second, third, spare], 25);
});

test('a dead voter is replaced: the new node takes all of its shards, and it never comes back', async (t) => {
  const {nodes, first, second, third, spare} = await startWithSpare(t, 1);
  await write([first, second, third], 0, 20);
  const dead = await leader([first, second, third]);
  const [left, other] = [first, second, third].filter((node) => node !== dead);
  await dead.kill();
  await write([left, other], 20, 20);

  // Whatever cannot be is refused before anything moves.
  const status = async () => JSON.parse((await cluster('status', left.address, '--json')).stdout);
  const refused = async (from, to, why) => {
    const result = await trothdb('replace', from.address, to.address, '--at', left.address);
    assert.strictEqual(result.code, 1, result.stdout);
    assert.match(result.stderr, why);
  };
  await refused(dead, spare, /is no node of the cluster/);
  await cluster('add', spare.address, '--at', left.address);
  await refused(dead, dead, /cannot take its own place/);
  await refused(dead, other, /holds shard 0 already/);
  await refused(left, spare, /give another node of the cluster with --at/);
  await spare.kill();
  await until('the death of the spare is known', async () => (await status()).nodes.find(({number}) => number === 4).gossip_state !== 'alive');
  await refused(dead, spare, /is not alive/); // at once, or as soon as a suspect is dead
  await spare.start();
  await until('the spare is heard of', async () => (await status()).nodes.find(({number}) => number === 4).gossip_state !== 'dead');

  // It is joining still, perhaps: that is waited for.
  const replaced = JSON.parse((await cluster('replace', dead.address, spare.address, '--at', left.address, '--json')).stdout);
  assert.deepStrictEqual(replaced.nodes.map(({number}) => number).sort(), nodes.map((_, i) => i + 1).filter((n) => nodes[n - 1] !== dead));
  for (const shard of replaced.shards) assert.ok(shard.replicas.some(({node}) => node === 4), `shard ${shard.number} is on the new node`);

  // It comes back with its log, hears that it was replaced, and ends; with its directory it cannot be started again.
  dead.spawn();
  assert.notStrictEqual((await dead.ended()).code, 0);
  assert.match(dead.log, /this node was removed from its cluster/);
  assert.notStrictEqual(await dead.startInVain(), 0);

  // The new voter is as good as any: without another one of the old, nothing is missing.
  await other.kill();
  await write([left, spare], 40, 5);
  await check([left, spare], 45);
});

// Four nodes whose control shard is about to go on from a replica that has not heard that a setting was made 77: {deaf, other}, of
// which the other one has.
async function loseDecision(t) {
  const {nodes} = await startCluster(t, {nodes: 4, shards: 1, isCalm: true});
  const level = async (node) => /feature_level:4/.test(await node.ask('INFO'));
  for (const node of nodes) await until('the feature level', async () => level(node));
  const status = async (node) => JSON.parse((await cluster('status', node.address, '--json')).stdout);
  const control = (await status(nodes[0])).shards[0].replicas.map(({node}) => nodes[node - 1]);
  const other = nodes.find((node) => !control.includes(node));
  const ofControl = await until('who leads the control shard', async () => {
    const replica = (await status(nodes[0])).shards[0].replicas.find(({role}) => role === 'leader');
    return replica && nodes[replica.node - 1];
  });
  const deaf = control.find((node) => node !== ofControl);
  deaf.pause();
  await eventually('set', 'slowlog-max-len', '77', '--at', ofControl.address);
  await until('the other one knows', async () => (await other.ask('CONFIG', 'GET', 'slowlog-max-len'))[1] === '77');
  for (const node of control) if (node !== deaf) await node.kill();
  deaf.resume();
  await until('it answers', async () => await deaf.ask('PING') === 'PONG');
  return {deaf, other};
}

async function checkDecision({deaf, other}) {
  for (const node of [deaf, other]) {
    await until('the setting is kept', async () => (await node.ask('CONFIG', 'GET', 'slowlog-max-len'))[1] === '77', 20000);
  }
  await write([deaf, other], 0, 5);
}

test('the control shard goes on from a replica that had not heard the last decision, and it is kept', async (t) => {
  const left = await loseDecision(t);
  await cluster('recover', `${left.deaf.address},${left.other.address}`, '--yes', '--json');
  await checkDecision(left);
});

test('a recovery that broke off when the control shard had gone on does the rest when it is given again', async (t) => {
  const left = await loseDecision(t);
  const role = async () => JSON.parse((await cluster('status', left.deaf.address, '--json')).stdout).shards[0].replicas
    .find(({role}) => role === 'leader');
  await until('the control shard goes on', async () => { await left.deaf.ask('TROTHDB', 'RECOVER'); return role(); });
  await cluster('recover', `${left.deaf.address},${left.other.address}`, '--yes', '--json');
  await checkDecision(left);
  const {nodes} = JSON.parse((await cluster('status', left.deaf.address, '--json')).stdout);
  assert.strictEqual(nodes.length, 2, 'the lost ones are given up');
});
