// Two releases in one cluster: what the control shard decides anew waits until all nodes know it, and then there is no way
// back to a release that does not.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {run, program, startCluster, startNodes, until} = require('./cluster.js');

const levelOf = async (node) => Number(/feature_level:(\d+)/.exec(await node.ask('INFO'))[1]);

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
    for (const node of cluster.nodes) assert.strictEqual(await levelOf(node), 0);
  });

  await t.test('it is raised when all nodes know it', async () => {
    await upgrade(cluster.nodes[2]);
    await until('all nodes have it', async () => (await Promise.all(cluster.nodes.map(levelOf))).every((level) => level === 1), 60000);
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
  await until('the level', async () => await levelOf(node) === 1);
});
