// What TrothDB holds itself to beside its peers' throughput: restarting, snapshots under load, a slow disk, many shards, idle ones, memory. Each
// measure starts what it needs and says in a row what came out: what, against what, the figure, the wanted bound, kept or not.
'use strict'
const fs = require('fs')
const path = require('path')
const { spawnSync } = require('child_process')
const idle = require('./idle')
const { systems, startTrothdb, trothdbNode, trothdbStatus, end, waitUntil, sleep, makeDirectory, removeDirectory, findFreeBase } = require('./systems')
const { median } = require('./report')

const KEYS = 1000000
const VALUE_BYTES = 64
const RESTART_MOST_S = 3
const SNAPSHOT_LONGEST_S = 120
const DATA_CHUNKS_LEAST = 16 // of 1,000,000 keys; the control shard's snapshot has one

function load(options, running, wanted) {
  const line = { protocol: running.protocol, operation: 'set', bytes: VALUE_BYTES, clients: 50, pipeline: 16, keys: 100000, seconds: options.seconds, ...wanted }
  const flags = Object.entries(line).flatMap(([name, value]) => [`--${name}`, String(value)])
  const run = spawnSync(path.join(options.build, 'bench/bench-load'), ['--target', running.target, ...flags], { encoding: 'utf8', timeout: 120000 })
  if (run.status !== 0) throw new Error(`${running.name}: ${run.stderr || run.error}`)
  const report = JSON.parse(run.stdout)
  if (report.errors > 0) throw new Error(`${running.name}: ${report.errors} errors, the first: ${run.stderr.trim()}`)
  return report
}

const residentBytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024

async function metric(port, name) {
  const text = await fetch(`http://127.0.0.1:${port + 2000}/metrics`).then((response) => response.text())
  return text.split('\n').filter((line) => line.startsWith(`trothdb_${name} `) || line.startsWith(`trothdb_${name}{`))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
}

const isReady = (port) => fetch(`http://127.0.0.1:${port + 2000}/health/ready`).then((response) => response.ok, () => false)

function row(what, against, figure, wanted, isKept) {
  return [what, against, figure, wanted, isKept ? 'met' : 'NOT MET']
}

async function withCluster(options, name, change, measure) {
  const directory = makeDirectory(options.dir, name)
  const running = await startTrothdb({ ...options, directory, ...change })
  try {
    return await measure(running, { ...options, directory, ...change })
  } finally {
    await running.stop()
    removeDirectory(directory)
  }
}

// A node is killed with a log of 1,000,000 commands and no snapshot, and started again.
const measureRestart = (options) => withCluster(options, 'restart', { settings: ['--snapshot-log-entries', '1000000000', '--snapshot-log-bytes', '1tb'] }, async (running, own) => {
  load(options, running, { operation: 'fill', keys: KEYS })
  const [node] = running.nodes
  node.kill('SIGKILL')
  await node.ended
  const begun = performance.now()
  running.nodes[0] = trothdbNode(own, 0)
  await waitUntil(() => isReady(own.base), 'the killed node')
  const seconds = (performance.now() - begun) / 1000
  return [row('restart with a log of 1,000,000 commands, until ready', '', `${seconds.toFixed(2)} s`, `<= ${RESTART_MOST_S} s`, seconds <= RESTART_MOST_S)]
})

const mean = (rates) => rates.reduce((a, b) => a + b) / rates.length

// Load, second by second, until every replica has taken a snapshot since: the rates of the seconds in which one was taken, of those before,
// and the most that the memory of any node grew over what it was just before the first one.
async function loadThroughSnapshots(options, running, ports) {
  const chunkCounts = () => Promise.all(ports.map((port) => metric(port, 'snapshot_chunks_total')))
  const chunksLeft = () => Promise.all(ports.map((port) => metric(port, 'snapshot_chunks_left')))
  const resident = () => running.nodes.map((node) => residentBytes(node.pid))
  const first = await chunkCounts()
  const quiet = [], saving = []
  let residentBefore = resident()
  let growth = 0, counts = first, wasSaving = false
  for (let second = 0; second < SNAPSHOT_LONGEST_S; second++) {
    const rate = load(options, running, { keys: KEYS, seconds: 1 }).per_second
    const residentNow = resident()
    const [now, left] = [await chunkCounts(), await chunksLeft()]
    const hasTaken = (since) => now.map((count, i) => count >= since[i] + DATA_CHUNKS_LEAST)
    const isSaving = left.some((count) => count > 0)
    const isTouched = wasSaving || isSaving || hasTaken(counts).some(Boolean)
    if (isTouched) {
      saving.push(rate)
      growth = Math.max(growth, ...residentNow.map((bytes, i) => bytes / residentBefore[i]))
    } else if (!saving.length) {
      quiet.push(rate)
      residentBefore = residentNow
    }
    if (!isSaving && hasTaken(first).every(Boolean)) return { quiet, saving, growth }
    counts = now
    wasSaving = isSaving
  }
  throw new Error(`no snapshot of all within ${SNAPSHOT_LONGEST_S} s`)
}

// Snapshots of 1,000,000 keys: as the replicas take them by themselves when the log has grown enough, one after the other
// (docs/decisions/0050); then all three at one moment, because they are told to, for which no bound is set.
const measureSnapshot = (options) => withCluster(options, 'snapshot', {}, async (running, own) => {
  load(options, running, { operation: 'fill', keys: KEYS })
  await sleep(2000)
  const ports = [0, 1, 2].map((i) => own.base + i)
  const { quiet, saving, growth } = await loadThroughSnapshots(options, running, ports)
  const before = load(options, running, { keys: KEYS }).per_second
  for (const port of ports) spawnSync('redis-cli', ['-p', String(port), 'TROTHDB', 'SNAPSHOT'])
  const atOnce = await loadThroughSnapshots(options, running, ports)
  const ratio = mean(saving) / mean(quiet)
  return [row('snapshots of 1,000,000 keys under load, operations a second', 'before them', ratio.toFixed(2), '>= 0.8', ratio >= 0.8),
    row('snapshots of 1,000,000 keys under load, resident memory', 'before them', growth.toFixed(2), '<= 1.3', growth <= 1.3),
    ['the same, all three replicas told to at once', 'before them', (mean(atOnce.saving) / before).toFixed(2), '', `memory ${atOnce.growth.toFixed(2)}`]]
})

// The same load on one shard and on 64, in turns of two clusters, of which one is idle: what else the machine does then
// disturbs both alike.
const SHARD_TURNS = 3
async function measureShards(options) {
  const once = async (running) => {
    const rounds = async () => (await Promise.all(running.ports.map((port) => metric(port, 'wal_round_seconds_count')))).reduce((a, b) => a + b)
    const before = await rounds()
    const report = load(options, running, { pipeline: 16 })
    return { perSecond: report.per_second, rounds: ((await rounds()) - before) / options.seconds }
  }
  const withShards = (shards, base, use) => withCluster({ ...options, base }, `shards-${shards}`, { shards },
    (running) => use({ ...running, ports: [0, 1, 2].map((i) => base + i) }))
  // Ports for the second cluster are looked for beside the first, which has its own by then.
  return withShards(1, options.base, async (one) => withShards(64, await findFreeBase(), async (many) => {
    await sleep(1000)
    for (const running of [one, many]) load(options, running, { pipeline: 16 })
    const turns = []
    for (let turn = 0; turn < SHARD_TURNS; turn++) turns.push([await once(one), await once(many)])
    const ratio = median(turns.map(([a, b]) => b.perSecond / a.perSecond)), syncs = median(turns.map(([a, b]) => b.rounds / a.rounds))
    return [row('64 shards, SET P16, operations a second', '1 shard', ratio.toFixed(2), '>= 0.9', ratio >= 0.9),
      row('64 shards, SET P16, fsyncs a second', '1 shard', syncs.toFixed(2), '<= 1.1', syncs <= 1.1)]
  }))
}

// The disk of the node that leads becomes 20 ms slower. In time the lead moves, by itself; what counts is the throughput then, and
// that nobody was elected but for such moves.
const SLOWER_US = 20000
const SETTLE_MS = 3000
const measureSlowDisk = (options) => withCluster(options, 'slow-disk', { settings: ['--enable-debug-command', 'local'] }, async (running, own) => {
  const ports = [0, 1, 2].map((i) => own.base + i)
  const sum = async (name) => (await Promise.all(ports.map((port) => metric(port, name)))).reduce((a, b) => a + b)
  const chosen = async () => (await sum('elections_total')) - (await sum('elections_total{cause="transfer"}'))
  load(options, running, { pipeline: 16 })
  const before = load(options, running, { pipeline: 16 }).per_second
  const slow = trothdbStatus(own, own.base).shards[1].leader - 1, elections = await chosen()
  const asked = spawnSync('redis-cli', ['-p', String(ports[slow]), 'CONFIG', 'SET', 'debug-sync-delay-us', String(SLOWER_US)], { encoding: 'utf8' })
  if (asked.stdout.trim() !== 'OK') throw new Error(`the disk cannot be made slower: ${asked.stdout}${asked.stderr}`)
  load(options, running, { pipeline: 16 }) // a disk is called slow by what it does
  await sleep(SETTLE_MS)
  const ratio = load(options, running, { pipeline: 16 }).per_second / before
  const held = (await chosen()) - elections
  return [row('a disk 20 ms slower, SET P16, operations a second', 'before it', ratio.toFixed(2), '>= 0.7', ratio >= 0.7),
    row('a disk 20 ms slower, elections but for the moves of leads', '', String(held), '0', held === 0)]
})

// Three nodes, 1024 shards, nobody asks for anything.
async function measureIdleShards(options) {
  const directory = makeDirectory(options.dir, 'idle')
  const nodes = await idle.measureIdle({ ...options, directory, seconds: idle.SECONDS }).finally(() => removeDirectory(directory))
  const worst = Math.max(...nodes.map(({ percent }) => percent))
  return [row(`idle node with ${idle.SHARDS} shards, of a core`, '', `${worst.toFixed(2)} %`, `<= ${idle.LIMIT_PERCENT} %`, worst <= idle.LIMIT_PERCENT)]
}

// Resident bytes that a key of 16 and a value of 64 bytes cost, log and all, in a node of its own.
async function measureMemory(options) {
  const bytesAKey = async (system) => {
    const directory = makeDirectory(options.dir, `memory-${system.name}`)
    const running = await system.start({ ...options, directory })
    try {
      const before = residentBytes(running.pids[0])
      load(options, running, { operation: 'fill', keys: KEYS })
      if (running.nodes) spawnSync('redis-cli', ['-p', String(options.base), 'TROTHDB', 'SNAPSHOT'])
      await sleep(3000)
      return (residentBytes(running.pids[0]) - before) / KEYS
    } finally {
      await running.stop()
      removeDirectory(directory)
    }
  }
  const ours = await bytesAKey(systems.trothdb), theirs = await bytesAKey(systems['redis-memory'])
  return [row(`memory a key, ${Math.round(ours)} bytes against ${Math.round(theirs)}`, 'redis-memory', (ours / theirs).toFixed(2), '<= 0.8', ours <= 0.8 * theirs)]
}

const measures = { restart: measureRestart, snapshot: measureSnapshot, slow: measureSlowDisk, shards: measureShards, idle: measureIdleShards, memory: measureMemory }

// A measure that cannot be made says so in its row: it never stands as kept.
async function measureBudgets(options, tell) {
  const rows = []
  for (const name of options.budgets) {
    tell(`trothdb: ${name}`)
    rows.push(...await measures[name](options).catch((error) => [[name, '', 'not measured', '', error.message.split('\n')[0]]]))
  }
  return rows
}

module.exports = { measureBudgets, measures }
