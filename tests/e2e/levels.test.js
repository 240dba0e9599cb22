// Two releases in one cluster: what the control shard decides anew waits until all nodes know it, and then there is no way
// back to a release that does not.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {run, program, startCluster, startNodes, until} = require('./cluster.js');

test('feature levels', async (t) => {
  const cluster = await startNodes(t, {nodes: 3, flags: ['--feature-level-maximum', 0]});
  await cluster.create();
  await cluster.whole();
  const upgrade = async (node) => {
    await node.stop();
    node.flags.push('--feature-level-maximum', 1);
    await node.startWhole();
  };

  await t.test('it stays low while one node is of the older release', async () => {
    await upgrade(cluster.nodes[0]);
    await upgrade(cluster.nodes[1]);
    await cluster.whole();
    await until('a write', async () => /OK|MOVED/.test(await cluster.nodes[0].ask('SET', '{level}k', 'v')));
    for (const node of cluster.nodes) assert.strictEqual(await node.level(), 0);
  });

  await t.test('and no entry has a trace id, which that node could not read', async () => {
    assert.match(String(await cluster.nodes[0].ask('TROTHDB', 'TRACE', 'early-1', 'SET', '{level}k', 'w')), /ERR not all nodes .* can read trace ids/);
  });

  await t.test('it is raised when all nodes know it', async () => {
    await upgrade(cluster.nodes[2]);
    await until('all nodes have it', async () => (await Promise.all(cluster.nodes.map((node) => node.level()))).every((level) => level === 1), 60000);
  });

  await t.test('a node that is told not to know it does not start any more', async () => {
    const [node] = cluster.nodes;
    await node.stop();
    const {code, stderr} = await run(program, [...node.flags, '--feature-level-maximum', 0]);
    assert.notStrictEqual(code, 0);
    assert.match(stderr, /feature level 1.*raise feature-level-maximum/);
    await node.startWhole();
  });
});

test('a cluster of one knows all that it knows', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  await until('the level', async () => await node.level() === 4);
});
