// The table of bench/gossip: one column a cluster, and TrothDB's figures as parts of Serf's with as many agents.
'use strict'
const { table } = require('./report')

const quantile = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.ceil(list.length * share) - 1)]
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`
const milliseconds = (ms) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(2)} kB/s`
const megabytes = (bytes) => `${(bytes / 1048576).toFixed(1)} MB`

// What, how it is taken from a result, how it is shown. Less is better in all of them.
const ROWS = [
  ['killed: known to one agent, p50', (one) => quantile(one.deaths.views, 0.5), seconds],
  ['killed: known to one agent, p99', (one) => quantile(one.deaths.views, 0.99), seconds],
  ['killed: known to all, p50', (one) => quantile(one.deaths.all, 0.5), seconds],
  ['killed: known to all, worst', (one) => Math.max(...one.deaths.all), seconds],
  ['changed tag: known to all, p50', (one) => quantile(one.tags.all, 0.5), milliseconds],
  ['changed tag: known to all, worst', (one) => Math.max(...one.tags.all), milliseconds],
  ['idle: packets a second, an agent', (one) => one.idle.packetsPerSecond, (value) => value.toFixed(2)],
  ['idle: bytes a second, an agent', (one) => one.idle.bytesPerSecond, kilobytes],
  ['idle: processor, an agent', (one) => one.idle.cpuShare, (value) => `${(value * 100).toFixed(3)} %`],
  ['resident memory, an agent, mean', (one) => one.idle.residentMeanBytes, megabytes],
  ['resident memory, the largest', (one) => one.idle.residentMostBytes, megabytes],
  ['stopped for 1 s: held for dead, of all', (one) => one.stops.dead, (value) => String(value)],
  ['stopped for 1 s: suspected, of all', (one) => one.stops.suspect, (value) => String(value)]
]

function formatGossip(report) {
  const { results, options } = report
  const ours = results.find((one) => one.name === 'trothdb'), theirs = results.find((one) => one.name === 'serf' && one.count === ours.count)
  const rows = [['', ...results.map((one) => `${one.name} ${one.count}`), 'TrothDB is']]
  for (const [what, take, show] of ROWS) {
    const ratio = theirs && take(theirs) > 0 ? `${(take(ours) / take(theirs)).toFixed(2)}x` : ''
    rows.push([what, ...results.map((one) => show(take(one))), ratio])
  }
  return `${report.date}, ${report.processor}, ${report.cores} cores, ${report.memoryGiB} GiB, ${report.kernel}
trothdb ${report.commit}; Serf ${report.serf}; both at their default settings, all agents of a cluster on this machine
${options.kills} kills and ${options.tags} tags one after the other; idle for ${options.idleMs / 1000} s; ${ours.stops.stopped} agents stopped for 1 s each within ${options.stopsMs / 1000} s${report.isAlone ? '' : '\nnot in a network of its own: packets and bytes are those of all programs on the loopback interface'}

${table(rows, 'l' + 'r'.repeat(results.length + 1))}
`
}

module.exports = { formatGossip }
