// A node is asked for its health by gRPC's own JavaScript client, as a load balancer or Kubernetes would ask it.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const test = require('node:test');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const {freePort} = require('./ports.js');

const root = path.join(__dirname, '..', '..');
const program = process.env.TROTHDB || path.join(root, 'build', 'trothdb');
const proto = loader.loadSync(path.join(root, 'proto', 'health.proto'), {enums: String});
const {health} = grpc.loadPackageDefinition(proto).grpc;

// Starts a node with these flags beside its ports; gives its peer port and a way to stop it.
async function startNode(...flags) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-health-'));
  const [port, peer, admin] = [await freePort(), await freePort(), await freePort()];
  const node = spawn(program, ['server', '--dir', path.join(dir, 'node'), '--port', port, '--peer-port', peer,
    '--admin-port', admin, ...flags], {stdio: ['ignore', 'ignore', 'pipe']});
  let isServing = false;
  for await (const line of readline.createInterface({input: node.stderr})) {
    isServing = line.includes('msg=serving');
    if (isServing) break;
  }
  assert.ok(isServing, 'the node serves');
  node.stderr.resume();
  const stop = async () => {
    node.kill('SIGTERM');
    const [code] = await once(node, 'exit');
    fs.rmSync(dir, {recursive: true});
    assert.strictEqual(code, 0, 'SIGTERM ends the node cleanly');
  };
  return {peer, admin, stop};
}

const client = (port) => new health.v1.Health(`127.0.0.1:${port}`, grpc.credentials.createInsecure());

const check = (health, service) => new Promise((resolve, reject) =>
  health.Check({service}, (error, answer) => error ? reject(error) : resolve(answer.status)));

async function until(wanted, ask) {
  const limit = Date.now() + 10000;
  while (await ask() !== wanted) {
    assert.ok(Date.now() < limit, `waited for ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a cluster of one is SERVING, and an unknown service is NOT_FOUND', async () => {
  const node = await startNode();
  const asked = client(node.peer);
  await until('SERVING', () => check(asked, ''));
  assert.strictEqual(await check(asked, 'trothdb.peer.v1.Peer'), 'SERVING');
  await assert.rejects(check(asked, 'nobody'), {code: grpc.status.NOT_FOUND});
  asked.close();
  await node.stop();
});

test('a spare is NOT_SERVING, for gRPC and for HTTP', async () => {
  const node = await startNode('--join', '127.0.0.1:1');
  const asked = client(node.peer);
  assert.strictEqual(await check(asked, ''), 'NOT_SERVING');
  const ready = await fetch(`http://127.0.0.1:${node.admin}/health/ready`);
  assert.strictEqual(ready.status, 503);
  const live = await fetch(`http://127.0.0.1:${node.admin}/health/live`);
  assert.strictEqual(live.status, 200);
  asked.close();
  await node.stop();
});

test('Watch tells what it is, and says so of services that are not here', async () => {
  const node = await startNode();
  const asked = client(node.peer);
  await until('SERVING', () => check(asked, ''));
  for (const [service, status] of [['', 'SERVING'], ['nobody', 'SERVICE_UNKNOWN']]) {
    const watch = asked.Watch({service});
    const [first] = await once(watch, 'data');
    assert.strictEqual(first.status, status);
    watch.on('error', () => {}); // cancelling is reported as one
    watch.cancel();
  }
  asked.close();
  await node.stop();
});

test('an unknown method is UNIMPLEMENTED', async () => {
  const node = await startNode();
  const raw = new grpc.Client(`127.0.0.1:${node.peer}`, grpc.credentials.createInsecure());
  const same = (bytes) => bytes;
  await assert.rejects(new Promise((resolve, reject) => raw.makeUnaryRequest('/trothdb.peer.v1.Peer/Nothing', same, same,
    Buffer.from('x'), (error, answer) => error ? reject(error) : resolve(answer))), {code: grpc.status.UNIMPLEMENTED});
  raw.close();
  await node.stop();
});
