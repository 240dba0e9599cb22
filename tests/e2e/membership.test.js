// Replicas move while clients write: a spare joins, takes the place of a node that died, and the dead one comes back.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Node, program, run, startNodes, until} = require('./cluster.js');

const SHARDS = 3;

async function cluster(node, ...words) {
  const result = await run(program, ['cluster', ...words], {timeout: 90000});
  assert.strictEqual(result.code, 0, `cluster ${words.join(' ')}:\n${result.stdout}${result.stderr}\n${node.logTail}`);
  return result;
}

const status = async (node) => JSON.parse((await cluster(node, 'status', node.address, '--json')).stdout);

// Writes through whichever node leads; keeps what was acknowledged.
async function write(nodes, acknowledged, from, count) {
  for (let i = from; i < from + count; i++) {
    await until(`key ${i} is written`, async () => {
      for (const node of nodes) {
        if (!node.process) continue;
        const answer = await node.ask('SET', `key:${i}`, `value ${i}`);
        if (answer === 'OK') return acknowledged.add(i);
      }
      return false;
    });
  }
}

async function check(nodes, acknowledged) {
  for (const i of acknowledged) {
    const value = await until(`key ${i} is read`, async () => {
      for (const node of nodes) {
        if (!node.process) continue;
        const answer = await node.ask('GET', `key:${i}`);
        if (!(answer instanceof Error)) return `is ${answer}`;
      }
      return false;
    });
    assert.strictEqual(value, `is value ${i}`);
  }
}

test('a spare takes the place of a dead node, and what was acknowledged is there', async (t) => {
  const whole = await startNodes(t, {nodes: 4, workers: 2, flags: ['--snapshot-log-entries', '100']});
  const {nodes} = whole;
  const [first, second, third, spare] = nodes;
  const acknowledged = new Set();
  await whole.create({among: [first, second, third], shards: SHARDS});
  await write(nodes, acknowledged, 0, 120);

  const refused = await run(program, ['cluster', 'replicas', '1', `${first.address},${spare.address}`, '--at', first.address]);
  assert.strictEqual(refused.code, 1);
  assert.match(refused.stderr, /no node of the cluster/);
  await cluster(second, 'add', spare.address, '--at', second.address);
  const again = await run(program, ['cluster', 'add', spare.address, '--at', second.address]);
  assert.match(again.stderr, /belongs to this cluster already/);

  await third.kill();
  for (let shard = 0; shard <= SHARDS; shard++) {
    await cluster(first, 'replicas', shard, `${spare.address},${first.address},${second.address}`, '--at', first.address, '--json');
    await write([first, second, spare], acknowledged, 120 + shard * 20, 20);
  }
  for (const shard of (await status(first)).shards) {
    assert.ok(shard.is_settled, `shard ${shard.number} is settled`);
    assert.deepStrictEqual(shard.replicas.map(({node}) => node).sort(), [1, 2, 4]);
  }

  // The dead one finds that it was replaced, and holds nothing any more.
  await third.start();
  await until('the replaced node drops its replicas', async () => (third.log.match(/replica removed/g) || []).length >= SHARDS + 1);
  assert.doesNotMatch((await third.get('/metrics')).text, /trothdb_(applied_index|keys)\{/, 'its metrics tell of what is there');
  // Now the others can lose one: the newcomer is as good as any.
  await first.kill();
  await write([second, spare], acknowledged, 300, 40);
  await check([second, spare], acknowledged);

  // And back again, with what it once promised still known.
  for (let shard = 0; shard <= SHARDS; shard++)
    await cluster(spare, 'replicas', shard, `${second.address},${third.address},${spare.address}`, '--at', spare.address);
  await second.kill();
  await write([third, spare], acknowledged, 400, 20);
  await check([third, spare], acknowledged);
});

test('a spare that the cluster has not heard of yet: the operator who adds it waits, or is told', async (t) => {
  const {nodes, directory} = await startNodes(t);
  const spare = await Node.make(directory, 'spare');
  // It looks for the cluster where nobody listens.
  const nobody = await Node.make(directory, 'nobody');
  const [first] = nodes;
  nodes.push(spare);
  spare.flags.push('--join', `127.0.0.1:${nobody.peerPort}`);
  await spare.start();
  const refused = await until('the spare says where it listens', async () => {
    const result = await run(program, ['cluster', 'add', spare.address, '--at', first.address, '--wait', '0']);
    return !/does not say yet where it listens/.test(result.stderr) && result;
  });
  assert.strictEqual(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /cannot be added.*\n.*does not hear of the node by gossip; start the node with --join/);

  const adding = run(program, ['cluster', 'add', spare.address, '--at', first.address, '--json']);
  assert.strictEqual(await spare.ask('GOSSIP', 'SEED', `127.0.0.1:${first.peerPort}`), 'OK');
  const added = await adding;
  assert.strictEqual(added.code, 0, added.stdout + added.stderr);
  assert.deepStrictEqual(JSON.parse(added.stdout).nodes.map(({number}) => number), [1, 2]);
});

test('a new replica that is not heard is given up, the operator is told so, and it is taken in when it is back', async (t) => {
  const whole = await startNodes(t, {nodes: 4});
  const [first, second, third, spare] = whole.nodes;
  await whole.create({among: [first, second, third], shards: 1});
  await cluster(first, 'add', spare.address, '--at', first.address);
  const wanted = ['replicas', '1', `${first.address},${second.address},${spare.address}`, '--at', first.address];
  spare.pause();
  const asked = await run(program, ['cluster', ...wanted, '--wait', '12'], {timeout: 90000});
  spare.resume();
  assert.strictEqual(asked.code, 1, asked.stdout);
  assert.match(asked.stderr, /; node 4 was given up before: it is not heard/);
  assert.match(asked.stderr, /it is not done yet; the cluster goes on with it by itself/);
  const counts = await Promise.all([first, second, third].map(async (node) =>
    Number((/learners_given_up_total\{cause="silent"\} (\d+)/.exec((await node.get('/metrics')).text) || [0, 0])[1])));
  assert.ok(counts.some((count) => count > 0), `counted by the leader: ${counts}`);
  await cluster(first, ...wanted, '--json');
});

// It stands still while it is added and removed, and goes on as the spare that it was.
test('a spare that was removed before it heard that it was taken is not taken again, and why is said', async (t) => {
  const whole = await startNodes(t, {nodes: 4});
  const [first, second, third, spare] = whole.nodes, nodes = [first, second, third];
  await whole.create({among: nodes, shards: 1});
  const known = await until('the cluster hears of the spare', async () =>
    (await first.ask('TROTHDB', 'STATUS'))[8].find((member) => member[4] === spare.address));
  assert.strictEqual(known[7], 0, 'it was not removed');
  const decided = (...words) => until(words.join(' '), async () => {
    for (const node of nodes) if (await node.ask('TROTHDB', ...words) === 'OK') return true;
    return false;
  });
  spare.pause();
  await decided('ADDNODE', known[0], '127.0.0.1', spare.port, spare.peerPort, spare.adminPort);
  await decided('REMOVENODE', 4);
  spare.resume();
  await until('the node asked knows that it was removed', async () =>
    (await first.ask('TROTHDB', 'STATUS'))[8].some((member) => member[0] === known[0] && member[7] === 4));
  const refused = await run(program, ['cluster', 'add', spare.address, '--at', first.address], {timeout: 90000});
  assert.strictEqual(refused.code, 1, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /removed before it heard of that; stop it, remove its directory/);
  await until('it hears of it itself', async () => /this spare was removed from the cluster before it heard that it was taken/.test(spare.log));
  await until('who asks whether it is ready hears of it', async () => /remove its directory/.test((await spare.get('/health/ready')).text));
});
