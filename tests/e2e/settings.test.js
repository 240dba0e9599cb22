// Settings change while nodes run: on one node, of all nodes, from the file, and back; whole or not at all.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const {Connection, program, run, startCluster, startNodes, until} = require('./cluster.js');

const value = async (node, name) => (await node.ask('CONFIG', 'GET', name))[1];
const everywhere = (nodes, name, wanted) => until(`${name} is ${wanted} on all nodes`, async () =>
  (await Promise.all(nodes.map((node) => value(node, name)))).every((is) => is === wanted));

async function cluster(...words) {
  const result = await run(program, ['cluster', ...words], {timeout: 90000});
  return {...result, text: result.stdout + result.stderr};
}

test('settings of all nodes, of one, and of the file', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 3, shards: 2, workers: 2});
  const [first, second, third] = nodes;
  const at = ['--at', first.address];

  await t.test('cluster set reaches all nodes, and each logs the old and the new value', async () => {
    const set = await cluster('set', 'heartbeat-ms', '25', 'SLOWLOG-max-len', '7', ...at);
    assert.strictEqual(set.code, 0, set.text);
    assert.match(set.stdout, /^heartbeat-ms +25 +cluster +all$/m);
    await everywhere(nodes, 'heartbeat-ms', '25');
    await everywhere(nodes, 'slowlog-max-len', '7');
    for (const node of nodes) {
      assert.match(node.log, /setting changed.* setting=heartbeat-ms before=40 after=25 by=cluster/);
    }
  });

  await t.test('what is wrong is refused as a whole, before it is proposed', async () => {
    for (const [words, why] of [
      [['timeout', '9', 'heartbeat-ms', '5000'], /heartbeat-ms: 5000 is too long/],
      [['timeout', '9', 'nosuch', '1'], /no setting is called 'nosuch'/],
      [['timeout', '9', 'port', '7009'], /port: can only be set at start/],
      [['timeout', '9', 'requirepass', 'x'], /requirepass: a secret/],
      [['timeout', '9', 'maxmemory-samples', '1'], /maxmemory-samples: has no effect here/],
      [['timeout', '-1'], /timeout: '-1' is not allowed/],
    ]) {
      const refused = await cluster('set', ...words, ...at);
      assert.strictEqual(refused.code, 1);
      assert.match(refused.stderr, why);
    }
    assert.strictEqual((await cluster('set', 'timeout', ...at)).code, 2);
    for (const node of nodes) assert.strictEqual(await value(node, 'timeout'), '0');
  });

  await t.test('CONFIG SET comes before it on its node, until TROTHDB UNSET', async () => {
    assert.strictEqual(await second.ask('CONFIG', 'SET', 'heartbeat-ms', '33', 'timeout', '3'), 'OK');
    const log = second.log;
    assert.match(log, /setting changed.* setting=heartbeat-ms before=25 after=33 by=node/);
    assert.match(log, /setting changed.* setting=timeout before=0 after=3 by=node/);
    // One of several is wrong: none of them is set, and nothing is said to have changed.
    for (const wrong of [['election-timeout-ms', 'x'], ['port', '7009'], ['nosuch', '1'], ['heartbeat-ms', '9000']]) {
      const refused = await second.ask('CONFIG', 'SET', 'timeout', '8', 'maxclients', '99', ...wrong);
      assert.ok(refused instanceof Error, `CONFIG SET with ${wrong.join(' ')}: ${refused}`);
    }
    assert.strictEqual(await value(second, 'timeout'), '3');
    assert.notStrictEqual(await value(second, 'maxclients'), '99');
    assert.doesNotMatch(second.log.slice(log.length), /setting changed/);
    const table = JSON.parse((await cluster('settings', 'heart*', ...at, '--json')).stdout);
    assert.deepStrictEqual(table, {settings: [
      {setting: 'heartbeat-ms', value: '25', source: 'cluster', nodes: [1, 3]},
      {setting: 'heartbeat-ms', value: '33', source: 'node', nodes: [2]}], silent: []});
    assert.strictEqual((await cluster('set', 'heartbeat-ms', '24', ...at)).code, 0);
    assert.strictEqual(await value(second, 'heartbeat-ms'), '33');
    assert.strictEqual(await second.ask('TROTHDB', 'UNSET', 'heartbeat-ms', 'timeout'), 'OK');
    await everywhere(nodes, 'heartbeat-ms', '24');
    assert.strictEqual(await value(second, 'timeout'), '0');
    assert.match(String(await second.ask('TROTHDB', 'UNSET', 'nosuch')), /no setting is called/);
  });

  await t.test('a node with whose own settings those of the cluster cannot go keeps what it has, all of it, until they can', async () => {
    // Whoever leads the control shard: the leader itself, and another one.
    const {leader} = JSON.parse((await cluster('status', first.address, '--json')).stdout).shards[0];
    for (const own of [nodes[leader - 1], nodes[leader % 3]]) {
      const others = nodes.filter((node) => node !== own);
      assert.strictEqual(await own.ask('CONFIG', 'SET', 'election-timeout-ms', '300'), 'OK');
      const refused = await cluster('set', 'timeout', '9', 'heartbeat-ms', '120', ...at);
      assert.strictEqual(refused.code, 1);
      assert.match(refused.stderr, new RegExp(`nothing was changed:\\nit does not go with settings of node ${nodes.indexOf(own) + 1}: heartbeat-ms: 120 is too long`));
      assert.strictEqual(refused.stderr.match(/settings of node/g).length, 1, 'of the others it is not said');
      const before = own.log.length;
      // Who asks for it by no command of ours is heard: all but that node follow.
      assert.strictEqual(await nodes[leader - 1].ask('TROTHDB', 'CLUSTERSET', 'timeout', '9', 'heartbeat-ms', '120'), 'OK');
      await everywhere(others, 'heartbeat-ms', '120');
      await everywhere(others, 'timeout', '9');
      await until('it says so', async () =>
        /cannot take the settings of the cluster, and keeps those it has.*heartbeat-ms: 120 is too long/.test(own.log.slice(before)));
      assert.deepStrictEqual([await value(own, 'timeout'), await value(own, 'heartbeat-ms')], ['0', '24']);
      assert.doesNotMatch(own.log.slice(before), /setting changed/);
      await until('INFO says so', async () => /cluster_settings_refused:1\r/.test(await own.ask('INFO', 'trothdb')));
      const late = await cluster('set', 'timeout', '9', '--wait', '1', ...at);
      assert.strictEqual(late.code, 1);
      assert.match(late.stderr, new RegExp(`not every node follows: node ${nodes.indexOf(own) + 1};`));
      assert.strictEqual(await own.ask('TROTHDB', 'UNSET', 'election-timeout-ms'), 'OK');
      await everywhere([own], 'heartbeat-ms', '120');
      await everywhere([own], 'timeout', '9');
      await until('nor does INFO any more', async () => /cluster_settings_refused:0\r/.test(await own.ask('INFO', 'trothdb')));
      assert.strictEqual((await cluster('set', 'heartbeat-ms', '24', ...at)).code, 0);
      assert.strictEqual((await cluster('unset', 'timeout', ...at)).code, 0);
      await everywhere(nodes, 'timeout', '0');
    }
  });

  await t.test('a node that was away takes it when it is back, and it outlives all nodes', async () => {
    await third.kill();
    const set = await cluster('set', 'heartbeat-ms', '22', ...at);
    assert.strictEqual(set.code, 0, set.text);
    assert.match(set.stdout, /^node 3 does not answer/m);
    await third.startWhole();
    await everywhere([third], 'heartbeat-ms', '22');
    for (const node of nodes) await node.kill();
    for (const node of nodes) await node.start();
    for (const node of nodes) await node.whole();
    await everywhere(nodes, 'heartbeat-ms', '22');
  });

  await t.test('cluster unset: the file and the defaults decide again', async () => {
    const unset = await cluster('unset', 'heartbeat-ms', 'slowlog-max-len', ...at);
    assert.strictEqual(unset.code, 0, unset.text);
    await everywhere(nodes, 'heartbeat-ms', '40');
    await everywhere(nodes, 'slowlog-max-len', '128');
  });

  await t.test('SIGHUP reads the file again, all of it or nothing; the cluster comes before it', async () => {
    const file = `${first.directory}.conf`;
    fs.writeFileSync(file, '# of this node\ntimeout 11 \nslowlog-max-len 9\n');
    await first.stop();
    first.flags.push('--config', file);
    await first.startWhole();
    assert.strictEqual(await value(first, 'timeout'), '11');
    assert.strictEqual((await cluster('set', 'slowlog-max-len', '12', ...at)).code, 0);
    fs.writeFileSync(file, '# of this node\ntimeout 13\nslowlog-max-len 10\n');
    first.process.kill('SIGHUP');
    await everywhere([first], 'timeout', '13');
    assert.strictEqual(await value(first, 'slowlog-max-len'), '12');
    assert.match(first.log, /level=warn msg="what the file says has no effect: [^"]*" node=1 setting=slowlog-max-len file=10 by=cluster\n/);
    assert.strictEqual(first.log.match(/what the file says has no effect/g).length, 1);
    assert.match(first.log, /setting changed.* setting=timeout before=11 after=13 by=file/);
    for (const [text, why] of [['timeout 14\nheartbeat-ms 9000\n', /heartbeat-ms/], ['timeout 14\nnosuch 1\n', /nosuch/],
      ['timeout 14\nlog-format json\n', /log-format: can only be set at start/]]) {
      const before = first.log.length;
      fs.writeFileSync(file, text);
      first.process.kill('SIGHUP');
      await until('the refusal is logged', async () => /not read again; nothing is changed.*/.test(first.log.slice(before)));
      assert.match(first.log.slice(before), why);
      assert.strictEqual(await value(first, 'timeout'), '13');
    }
    assert.strictEqual((await cluster('unset', 'slowlog-max-len', ...at)).code, 0);
    await everywhere([first], 'slowlog-max-len', '10');
  });

  await t.test('CONFIG REWRITE keeps what a person wrote', async () => {
    const file = `${first.directory}.conf`;
    fs.writeFileSync(file, '# of this node\n\ntimeout 13\n  # and why\nslowlog-max-len 10\ntimeout 13');
    assert.strictEqual(await first.ask('CONFIG', 'SET', 'timeout', '15', 'requirepass', 'a "b" c', 'maxclients', '77'), 'OK');
    const connection = await Connection.open(first.port);
    assert.strictEqual(await connection.ask('AUTH', 'a "b" c'), 'OK');
    assert.strictEqual(await connection.ask('CONFIG', 'REWRITE'), 'OK');
    assert.strictEqual(fs.readFileSync(file, 'utf8'), '# of this node\n\ntimeout 15\n  # and why\nslowlog-max-len 10\n\n' +
      '# Written by CONFIG REWRITE\nrequirepass "a \\"b\\" c"\nmaxclients 77\n');
    connection.close();
    await first.stop();
    await first.start();
    const again = await Connection.open(first.port);
    assert.strictEqual(await again.ask('AUTH', 'a "b" c'), 'OK');
    assert.deepStrictEqual(await again.ask('CONFIG', 'GET', 'timeout'), ['timeout', '15']);
    assert.deepStrictEqual(await again.ask('TROTHDB', 'SETTINGS', 'requirepass'), [['requirepass', '(hidden)', 'file', 'live']]);
    again.close();
    assert.match(String(await second.ask('CONFIG', 'REWRITE')), /The server is running without a config file/);
  });
});

// Those of signals and of the end as well, which no mail reaches.
test('CONFIG SET loglevel is for every thread', async (t) => {
  const {nodes: [loud, silent]} = await startNodes(t, {nodes: 2});
  assert.strictEqual(await silent.ask('CONFIG', 'SET', 'loglevel', 'warn'), 'OK');
  const before = silent.log.length;
  await loud.stop();
  await silent.stop();
  assert.match(loud.log, /stopping.*[^]*stopped/);
  assert.doesNotMatch(silent.log.slice(before), /stopping|stopped/);
});
