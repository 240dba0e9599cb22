#!/usr/bin/env node
// What three idle nodes cost that replicate many shards: user and system time of each, by the kernel's own count, once all is
// quiet. A part of bench/run; alone, with what each thread uses, it fails if a node takes more than 1 % of a core.
//
//   bench/idle.js [shards] [seconds] [build]      by default 1024 10 build
'use strict'
const fs = require('fs')
const path = require('path')
const { startTrothdb, makeDirectory, removeDirectory, findFreeBase, stopAll, sleep } = require('./systems')

const root = path.resolve(__dirname, '..')
const SHARDS = 1024
const SECONDS = 10
const SETTLE_MS = 120000
const STAYS_MS = 10000 // leads may move once more where the disks were slow while the shards were made
const LOOK_MS = 500
const LIMIT_PERCENT = 1

// The scheduler's own count: the ticks of /proc/PID/stat are as long as what is measured here.
const threadOf = (task) => ({
  name: fs.readFileSync(`${task}/comm`, 'utf8').trim(),
  nanoseconds: Number(fs.readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0])
})
const threadsOf = (pid) => Object.fromEntries(fs.readdirSync(`/proc/${pid}/task`).map((tid) => [tid, threadOf(`/proc/${pid}/task/${tid}`)]))
const percentOf = (nanoseconds, seconds) => 100 * nanoseconds / 1e9 / seconds

async function figure(adminPort, name) {
  const text = await fetch(`http://127.0.0.1:${adminPort}/metrics`).then((response) => response.text())
  return text.split('\n').filter((line) => line.startsWith(`${name} `)).reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)
}

// Every replica, the control shard's too, is quiet on every node, and stays so.
async function waitUntilQuiet(base, shards) {
  const deadline = Date.now() + SETTLE_MS
  for (let looks = 0; looks * LOOK_MS < STAYS_MS; looks++) {
    const quiet = await Promise.all([0, 1, 2].map((i) => figure(base + i + 2000, 'trothdb_shards_quiet')))
    if (quiet.some((count) => count !== shards + 1)) looks = 0
    if (Date.now() > deadline) throw new Error(`after ${SETTLE_MS / 1000} s only ${quiet.join(', ')} of ${shards + 1} replicas are quiet`)
    await sleep(LOOK_MS)
  }
}

// Of each node: percent of a core, in all and by thread.
async function measureIdle({ build, directory, base, shards = SHARDS, seconds = SECONDS }) {
  const running = await startTrothdb({ build, directory, base, workers: 1, shards })
  try {
    await waitUntilQuiet(base, shards)
    const before = running.pids.map(threadsOf)
    await sleep(seconds * 1000)
    return running.pids.map((pid, i) => {
      const after = threadsOf(pid)
      const threads = Object.keys(after)
        .map((tid) => ({ name: after[tid].name, percent: percentOf(after[tid].nanoseconds - (before[i][tid]?.nanoseconds ?? 0), seconds) }))
      return { percent: threads.reduce((sum, thread) => sum + thread.percent, 0), threads }
    })
  } finally {
    await running.stop()
  }
}

async function main() {
  const [shards = SHARDS, seconds = SECONDS] = process.argv.slice(2, 4).map(Number)
  const build = path.resolve(root, process.argv[4] ?? 'build')
  const directory = makeDirectory(path.join(build, 'bench-data'), 'idle')
  const nodes = await measureIdle({ build, directory, base: await findFreeBase(), shards, seconds })
  removeDirectory(directory)
  console.log(`${shards} shards on three nodes, all quiet; ${seconds} s:`)
  nodes.forEach(({ percent, threads }, i) => {
    const busy = threads.filter((thread) => thread.percent > 0).map((thread) => `${thread.name} ${thread.percent.toFixed(2)} %`)
    console.log(`node ${i + 1}: ${percent.toFixed(2)} % of a core (${busy.join(', ')})`)
  })
  return nodes.every(({ percent }) => percent <= LIMIT_PERCENT) ? 0 : 1
}

if (require.main === module) {
  main().then((code) => process.exit(code), (error) => {
    stopAll()
    console.error(error.message)
    process.exit(1)
  })
}

module.exports = { measureIdle, SHARDS, SECONDS, LIMIT_PERCENT }
