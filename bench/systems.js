// The systems that are measured: how each is started on free ports in a directory of its own, and stopped by process id.
'use strict'
const fs = require('fs')
const net = require('net')
const path = require('path')
const { spawn, spawnSync } = require('child_process')

const START_MS = 20000
const STOP_MS = 5000
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// ---- ports and directories ----

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

// Ports base .. base + 19, and for TrothDB's nodes those 2000 and 10000 higher.
async function findFreeBase() {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 12000 + 20 * Math.floor(Math.random() * 500) // so that base + 10000 is below Linux's ephemeral ports
    const ports = Array.from({ length: 20 }, (_, i) => base + i)
    for (let i = 0; i < 3; i++) ports.push(base + i + 2000, base + i + 10000)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base
  }
  throw new Error('no free ports between 20000 and 30000')
}

function makeDirectory(parent, name) {
  const directory = path.join(parent, name)
  fs.rmSync(directory, { recursive: true, force: true })
  fs.mkdirSync(directory, { recursive: true })
  return directory
}
const removeDirectory = (directory) => fs.rmSync(directory, { recursive: true, force: true })

// ---- processes ----

const children = new Set()

// What is started dies with this process, also when it is killed without a chance to clean up.
const SETPRIV = '/usr/bin/setpriv'
const diesWithUs = (program, args) => (fs.existsSync(SETPRIV) ? [SETPRIV, ['--pdeathsig', 'KILL', '--', program, ...args]] : [program, args])

function launch(program, args, directory, name) {
  const log = fs.openSync(path.join(directory, `${name}.log`), 'a')
  const child = spawn(...diesWithUs(program, args), { stdio: ['ignore', log, log], cwd: directory })
  fs.closeSync(log)
  child.ended = new Promise((resolve) => child.once('exit', resolve))
  child.once('error', () => {})
  children.add(child)
  child.ended.then(() => children.delete(child))
  return child
}

async function end(child, signal) {
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await child.ended
  clearTimeout(timer)
}

// The last resort, when the run itself ends early.
function stopAll() {
  for (const child of children) child.kill('SIGKILL')
}

async function waitUntil(isMet, what) {
  const deadline = Date.now() + START_MS
  while (!(await isMet())) {
    if (Date.now() > deadline) throw new Error(`${what} did not start within ${START_MS / 1000} s`)
    await sleep(30)
  }
}

const isListening = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1')
  socket.once('connect', () => { socket.destroy(); resolve(true) })
  socket.once('error', () => resolve(false))
})

// ---- TrothDB ----

function trothdbNode({ build, directory, base, workers, settings }, index) {
  const seeds = [0, 1, 2].map((i) => `127.0.0.1:${base + i + 10000}`).join(',')
  return launch(path.join(build, 'trothdb'), ['server', '--dir', path.join(directory, `node-${index + 1}`), '--port', String(base + index),
    '--join', seeds, '--workers', String(workers), ...(settings ?? [])], directory, `node-${index + 1}`)
}

const trothdbStatus = ({ build }, port) => {
  const asked = spawnSync(path.join(build, 'trothdb'), ['cluster', 'status', `127.0.0.1:${port}`, '--json'], { encoding: 'utf8' })
  try { return JSON.parse(asked.stdout) } catch { return null }
}

async function startTrothdb(options) {
  const nodes = [0, 1, 2].map((index) => trothdbNode(options, index))
  const addresses = [0, 1, 2].map((i) => `127.0.0.1:${options.base + i}`)
  for (let i = 0; i < 3; i++) await waitUntil(() => isListening(options.base + i), 'trothdb')
  await waitUntil(() => (trothdbStatus(options, options.base)?.members ?? []).filter((member) => member.client).length === 3, 'gossip')
  const made = spawnSync(path.join(options.build, 'trothdb'), ['cluster', 'create', ...addresses, '--shards', String(options.shards), '--json'], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`trothdb cluster create: ${made.stdout}${made.stderr}`)
  return {
    name: 'trothdb', nodes, target: addresses[0], protocol: 'cluster', keys: 100000, pids: nodes.map((node) => node.pid),
    stop: () => Promise.all(nodes.map((node) => end(node, 'SIGKILL')))
  }
}

// ---- Redis ----

async function startRedis(options, name, persistence) {
  const port = options.base + 10
  const server = launch('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', options.directory, '--save', '', ...persistence], options.directory, name)
  await waitUntil(() => isListening(port), name)
  return { name, target: `127.0.0.1:${port}`, protocol: 'redis', keys: 100000, pids: [server.pid], stop: () => end(server, 'SIGKILL') }
}

// ---- the bare bound: bound.h ----

async function startBound(options) {
  const port = options.base + 18
  const leader = launch(path.join(options.build, 'bench/bench-bound'), [String(port), options.directory], options.directory, 'bare-bound')
  await waitUntil(() => isListening(port), 'bare-bound')
  const followers = fs.readFileSync(`/proc/${leader.pid}/task/${leader.pid}/children`, 'utf8').trim().split(' ').map(Number)
  return { name: 'bare-bound', target: `127.0.0.1:${port}`, protocol: 'redis', keys: 100000, pids: [leader.pid, ...followers], stop: () => end(leader, 'SIGKILL') }
}

// ---- etcd ----

async function etcdLeader(ports) {
  for (const port of ports) {
    const answer = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, { method: 'POST', body: '{}' }).then((response) => response.json()).catch(() => null)
    if (answer?.leader && answer.leader === answer.header.member_id) return port
  }
  return null
}

async function startEtcd(options) {
  const clients = [0, 1, 2].map((i) => options.base + 12 + i)
  const peers = [0, 1, 2].map((i) => options.base + 15 + i)
  const cluster = peers.map((port, i) => `e${i}=http://127.0.0.1:${port}`).join(',')
  const nodes = clients.map((port, i) => launch('etcd', ['--name', `e${i}`, '--data-dir', path.join(options.directory, `e${i}`),
    '--listen-client-urls', `http://127.0.0.1:${port}`, '--advertise-client-urls', `http://127.0.0.1:${port}`,
    '--listen-peer-urls', `http://127.0.0.1:${peers[i]}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peers[i]}`,
    '--initial-cluster', cluster, '--initial-cluster-state', 'new'], options.directory, `e${i}`))
  let leader = null
  await waitUntil(async () => (leader = await etcdLeader(clients)) !== null, 'etcd')
  return {
    name: 'etcd', target: `127.0.0.1:${leader}`, protocol: 'etcd', keys: 5000, pids: nodes.map((node) => node.pid),
    stop: () => Promise.all(nodes.map((node) => end(node, 'SIGKILL')))
  }
}

const systems = {
  trothdb: { name: 'trothdb', start: startTrothdb },
  'redis-always': { name: 'redis-always', start: (options) => startRedis(options, 'redis-always', ['--appendonly', 'yes', '--appendfsync', 'always']) },
  'redis-memory': { name: 'redis-memory', start: (options) => startRedis(options, 'redis-memory', ['--appendonly', 'no']) },
  'bare-bound': { name: 'bare-bound', start: startBound },
  etcd: { name: 'etcd', start: startEtcd, isSlow: true }
}

module.exports = { systems, launch, diesWithUs, isFree, startTrothdb, trothdbNode, trothdbStatus, end, waitUntil, sleep, makeDirectory, removeDirectory, findFreeBase, stopAll }
