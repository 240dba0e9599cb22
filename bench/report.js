// The table, and the ratios that the project holds itself to.
'use strict'

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

// What is wanted of TrothDB: the figure of `cell` over the same figure of `peer`.
const BUDGETS = [
  { cell: 'set 3B P1', peer: 'redis-always', least: 1.0 },
  { cell: 'set 3B P16', peer: 'redis-always', least: 1.25 },
  { cell: 'set 3B P64', peer: 'redis-always', least: 1.5 },
  { cell: 'set 512B P1', peer: 'redis-always', least: 1.2 },
  { cell: 'set 512B P16', peer: 'redis-always', least: 1.2 },
  { cell: 'set 512B P64', peer: 'redis-always', least: 1.2 },
  { cell: 'set 3B P1', peer: 'etcd', least: 9 },
  { cell: 'get 3B P1', peer: 'redis-memory', least: 0.95 },
  { cell: 'get 3B P16', peer: 'redis-memory', least: 0.95 },
  { cell: 'get 3B P1', peer: 'etcd', least: 15 },
  { cell: 'set 3B P1', peer: 'etcd', most: 0.35, isLatency: true }
]

// RedisRaft, three nodes, synced, whole batches, measured on such a machine another day: it is no Debian package, so it is
// not run here. Operations a second and median milliseconds.
const REDISRAFT = {
  'set 3B P1 C1': [2390, 0.40], 'set 3B P1 C50': [38000, 1.25], 'set 3B P16 C50': [41000, 18.8], 'set 3B P64 C50': [41000, 72.7],
  'set 512B P1 C50': [29000], 'set 512B P16 C50': [32000], 'set 512B P64 C50': [31000],
  'get 3B P1 C50': [80000], 'get 3B P16 C50': [128000], 'get 3B P64 C50': [135000]
}

function table(rows, alignment) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) => row.map((cell, i) => (alignment[i] === 'r' ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('   ').trimEnd()
  return rows.map(line).join('\n')
}

const thousands = (number) => Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, ',')

// One line a system below each other, so that what is compared stands together.
function formatCells(report) {
  const names = Object.keys(report.results)
  const keys = [...new Set(names.flatMap((name) => Object.keys(report.results[name])))]
  const rows = [['', 'system', 'operations/s', 'p50 ms', 'p99 ms', 'CPU s', 'CPU us/op', 'cores', 'TrothDB is']]
  for (const key of keys) {
    const ours = report.results.trothdb?.[key]
    let label = key
    for (const name of names) {
      const one = report.results[name][key]
      if (!one) continue
      rows.push([label, name, thousands(one.perSecond), one.p50Ms.toFixed(2), one.p99Ms.toFixed(2), one.cpuSeconds.toFixed(1),
        one.cpuMicrosecondsAnOperation.toFixed(2), one.cores.toFixed(1), ours && name !== 'trothdb' ? (ours.perSecond / one.perSecond).toFixed(2) + 'x' : ''])
      label = ''
    }
    if (REDISRAFT[key] && ours) {
      const [perSecond, p50Ms] = REDISRAFT[key]
      rows.push([label, 'redisraft *', thousands(perSecond), p50Ms?.toFixed(2) ?? '', '', '', '', '', (ours.perSecond / perSecond).toFixed(2) + 'x'])
    }
  }
  return table(rows, 'llrrrrrrr')
}

function judge(report, budget) {
  const { results, options } = report
  const key = `${budget.cell} C${budget.isLatency ? 1 : options.clients}`
  const ours = results.trothdb?.[key], theirs = results[budget.peer]?.[key]
  if (!ours || !theirs) return null
  const ratio = budget.isLatency ? ours.p50Ms / theirs.p50Ms : ours.perSecond / theirs.perSecond
  const isMet = budget.least ? ratio >= budget.least : ratio <= budget.most
  const wanted = budget.least ? `>= ${budget.least}` : `<= ${budget.most}`
  return [`${budget.cell}, ${budget.isLatency ? 'one client, median latency' : 'operations a second'}`, budget.peer, ratio.toFixed(2), wanted, isMet ? 'met' : 'NOT MET']
}

function judgeFailover({ medianMs, worstMs, kills }) {
  const row = (what, time, most) => [what, `${kills} kills`, `${Math.round(time)} ms`, `<= ${most} ms`, time <= most ? 'met' : 'NOT MET']
  return [row('leader killed -> first acknowledged write, median', medianMs, 150), row('leader killed -> first acknowledged write, worst', worstMs, 400)]
}

function formatReport(report) {
  const { machine, options } = report
  const lines = [
    `${machine.date}, ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, ${machine.kernel}, ${machine.fileSystem}`,
    `trothdb ${machine.commit}: 3 nodes, workers: ${options.workers}, shards: ${options.shards}; Redis ${machine.redis}; etcd ${machine.etcd}: 3 nodes`,
    `medians of ${options.rounds} rounds of ${options.seconds} s; P: commands in flight on a client, C: clients; latency is that of a whole batch`,
    '', formatCells(report), '', '* not of this run: measured once on such a machine'
  ]
  if (report.spoiled) lines.push('', `${report.spoiled} measurements were spoiled (a leader changed hands in the middle) and done again.`)
  const rows = BUDGETS.map((budget) => judge(report, budget)).filter(Boolean)
  if (report.failover) rows.push(...judgeFailover(report.failover))
  rows.push(...(report.budgets ?? []))
  if (rows.length) lines.push('', table([['TrothDB', 'against', 'measured', 'wanted', ''], ...rows], 'llrrl'))
  return lines.join('\n')
}

module.exports = { formatReport, median, table }
