// What the pages tell a reader is so: what links lead to is there, and each command, flag, setting with its default, and metric.
'use strict'
const assert = require('assert')
const { execFileSync } = require('child_process')
const fs = require('fs')
const path = require('path')

const root = path.resolve(__dirname, '../../..')
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8')
const pages = execFileSync('find', ['.', '-name', 'node_modules', '-prune', '-o', '-name', 'build*', '-prune', '-o', '-name', '*.md', '-print'],
  { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean).map((file) => path.posix.normalize(file))
const texts = new Map(pages.map((page) => [page, read(page)]))
const missing = []
let looked = 0
const want = (isThere, page, what) => {
  looked++
  if (!isThere) missing.push(`${page}: ${what}`)
}

// ---- links, as GitHub makes names of headings

const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/^ {4}.*$/gm, '')
function headingsOf(page) {
  const seen = new Map()
  return new Set([...withoutCode(texts.get(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const name = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim().toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replace(/ /g, '-')
    const before = seen.get(name) || 0
    seen.set(name, before + 1)
    return before ? `${name}-${before}` : name
  }))
}

for (const page of pages) {
  for (const [, target] of withoutCode(texts.get(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https:/.test(target)) continue
    const [file, heading] = target.split('#')
    const there = file ? path.posix.normalize(path.posix.join(path.posix.dirname(page), file)) : page
    want(fs.existsSync(path.join(root, there)), page, `the link ${target}`)
    if (heading) want(texts.has(there) && headingsOf(there).has(heading), page, `the heading of ${target}`)
  }
}
const links = looked

// ---- what the program has

const settings = new Map([...read('src/config/config.def').matchAll(/^SETTING_\w+\(\w+, "([^"]+)", "?([^",]*)/gm)].map(([, name, value]) => [name, value]))
const metrics = new Set([...read('src/metric/metric.def').matchAll(/^METRIC\((\w+),/gm)].map((match) => `trothdb_${match[1]}`))
const rows = new Set([...read('src/command/command.def').matchAll(/^COMMAND\(\w+, "([^"]+)"/gm)].map((match) => match[1]))
// A row of the table in main.c: {"name", "summary", "usage: ... help", run}.
const subcommands = new Map([...read('src/cli/main.c').replace(/"\s*\n\s*"/g, '').matchAll(/\{"(\w+)", "[^"]*",\s*"((?:[^"\\]|\\.)*)"/g)]
  .map(([, name, help]) => [name, help.replace(/\\n/g, '\n')]))
assert.ok(settings.size > 80 && metrics.size > 80 && rows.size > 150 && subcommands.size >= 13,
  `${settings.size} settings, ${metrics.size} metrics, ${rows.size} commands, ${subcommands.size} subcommands`)

// Of `cluster set` the line of its usage that speaks of it, and what all of them take; of `cluster` alone, and of the others, all.
function usageOf(name, second) {
  const help = subcommands.get(name)
  const lines = help.split('\n').map((line) => line.replace(/^usage:/, '').trim())
  const own = lines.filter((line) => line.startsWith(`trothdb ${name} ${second} `))
  const ofAll = own.length ? lines.filter((line) => line.startsWith('All take ')) : []
  return (name === 'cluster' || name === 'backup') && second ? [...own, ...ofAll].join('\n') : help
}

const agentSettings = /SETTINGS\[\] = \{([^}]*)\}/.exec(read('src/agent/agent_options.c'))[1]
const hasSetting = (name, flag) => (name === 'server' && settings.has(flag)) ||
  (name === 'agent' && (agentSettings.includes(`"${flag}"`) || (flag.startsWith('gossip-') && settings.has(flag))))
const simulators = { 'trothdb-sim': read('sim/run/main.c'), 'trothdb-gossip-sim': read('sim/gossip/main.c') }

function checkLine(page, line) {
  const [, program, rest] = /^(?:[A-Z_]+=\S+ )*(?:build\/)?(trothdb(?:-gossip)?(?:-sim)?) (.*)$/.exec(line)
  const words = rest.replace(/\s#.*$/, '').replace(/'[^']*'|"[^"]*"/g, 'TEXT').split(/\s+/)
  const flags = words.filter((word) => /^--./.test(word)).map((word) => /^--([\w-]+)/.exec(word)[1])
  if (simulators[program]) {
    for (const flag of flags) want(simulators[program].includes(`--${flag}`), page, `--${flag} of ${program}`)
    return
  }
  const usage = subcommands.has(words[0]) ? usageOf(words[0], words[1]) : ''
  want(usage !== '', page, `trothdb ${words[0]} ${words[1]}`)
  for (const flag of flags) {
    want(usage.includes(`--${flag}`) || flag === 'help' || flag === 'config' || hasSetting(words[0], flag), page, `--${flag} of trothdb ${words[0]}`)
  }
}

// ---- what a page shows: lines of code, and code within the text

const COMMAND = /^(?:[A-Z_]+=\S+ )*(?:build\/)?trothdb(?:-gossip)?(?:-sim)? [a-z-]/
const shown = (text) => [
  ...[...text.replace(/\\\n\s*/g, ' ').matchAll(/^(?: {4}|\s*\$ )(.*)$/gm)].map(([, line]) => line.trim().replace(/^\$ /, '')),
  ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code.replace(/\.\.\.$/, '').trim())
]
for (const page of pages.filter((each) => !/^docs\/(?:format|decisions)\//.test(each))) {
  const text = texts.get(page)
  for (const [name] of text.matchAll(/\btrothdb_[a-z0-9_]*[a-z0-9]\b/g)) {
    if (/^(?:src|sim)\//.test(page)) break // functions are called so there
    want(metrics.has(name) || metrics.has(name.replace(/_(?:bucket|sum|count)$/, '')), page, `the metric ${name}`)
  }
  for (const [, name, value] of text.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)) {
    if (settings.has(name)) want(settings.get(name) === value, page, `${name} is ${settings.get(name)} unless set, not ${value}`)
  }
  for (const line of shown(text)) {
    if (COMMAND.test(line)) checkLine(page, line)
    for (const [, container, word] of line.matchAll(/\b(GOSSIP|TROTHDB) ([A-Z]+)\b/g)) {
      want(rows.has(`${container.toLowerCase()}|${word.toLowerCase()}`), page, `the command ${container} ${word}`)
    }
    for (const [, name] of line.matchAll(/\bCONFIG SET ([a-z]+(?:-[a-z]+)*)\b/g)) want(settings.has(name) || name === 'name', page, `the setting ${name}`)
  }
}

assert.ok(links > 90 && looked - links > 150, `${links} links, ${looked - links} names`)
assert.deepStrictEqual(missing, [], 'a page names what is not there')
