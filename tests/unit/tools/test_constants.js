// docs/guide/gossip-limits.md: every constant of gossip's headers stands there, and every one that stands there is in the code with that
// number; every setting of gossip is in its table of what happens while nodes differ.
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')

const root = path.resolve(__dirname, '../../..')
const page = fs.readFileSync(path.join(root, 'docs/guide/gossip-limits.md'), 'utf8')

function filesBelow(folder) {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = path.posix.join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(relative) : [relative]
  })
}

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\\\n/g, ' ')

// What has a number of its own: members of enums with a value, and macros. [name, expression]
function constantsOf(file) {
  const text = withoutComments(fs.readFileSync(path.join(root, file), 'utf8'))
  const members = [...text.matchAll(/\benum\s*\w*\s*\{([^}]*)\}/g)]
    .flatMap(([, body]) => [...body.matchAll(/\b([A-Z][A-Z0-9_]+)\s*=\s*([^,}]+)/g)])
  const macros = [...text.matchAll(/^#define[ \t]+([A-Z][A-Z0-9_]+)[ \t]+(.+)$/gm)]
  return [...members, ...macros].map(([, name, expression]) => [name, expression.trim()])
}

const files = filesBelow('src/gossip').filter((file) => /\.[ch]$/.test(file))
const known = new Map() // name -> expressions; a name may stand in several .c files
for (const file of files) {
  for (const [name, expression] of constantsOf(file)) known.set(name, [...(known.get(name) || []), expression])
}

// A number, or NaN for what is none: a word, a string, the last member of an enum.
function valueOf(expression) {
  const plain = expression.replace(/UINT64_C\((\w+)\)/g, '$1').replace(/\(u?int\d+_t\)/g, '')
    .replace(/\b[A-Z][A-Z0-9_]+\b/g, (name) => (known.has(name) ? `(${valueOf(known.get(name)[0])})` : 'NaN'))
    .replace(/(\S+)\s*<<\s*(\S+)/g, (all, number, by) => `${number} * 2 ** ${by}`)
  return /^[\d\s.e()*+\/-]+$/.test(plain) ? Number(eval(plain)) : NaN // eslint-disable-line no-eval
}

const UNITS = { KB: 2 ** 10, MB: 2 ** 20, s: 1e6, ms: 1e3 }
function numberOf(text) {
  const [, number, power, unit] = /^(-?[\d.]+)(?:\^(\d+))?(?: (KB|MB|s|ms))?$/.exec(text)
  return Number(number) ** Number(power || 1) * (unit ? UNITS[unit] : 1)
}

const named = new Map([...page.matchAll(/`([A-Z][A-Z0-9_]+)`\s(-?[\d.]*\d(?:\^\d+)?(?: (?:KB|MB|ms|s)\b)?)/g)].map(([, name, text]) => [name, numberOf(text)]))
const problems = []
for (const [name, value] of named) {
  const expressions = known.get(name) || []
  if (!expressions.some((expression) => valueOf(expression) === value)) problems.push(`${name} ${value}: the code has ${expressions.join(', ') || 'none'}`)
}
for (const file of files.filter((each) => each.endsWith('.h'))) {
  for (const [name, expression] of constantsOf(file)) {
    const isCount = /^GOSSIP_\w+_COUNT$/.test(name) || ['GOSSIP_SECOND_US', 'GOSSIP_NEVER'].includes(name)
    if (!isCount && !Number.isNaN(valueOf(expression)) && !named.has(name)) problems.push(`${file}: ${name} is not on the page`)
  }
}
const [, table] = page.split('## While nodes differ')
const settings = [...fs.readFileSync(path.join(root, 'src/config/config.def'), 'utf8').matchAll(/^SETTING_\w+\(\w+, "(gossip-[\w-]+)"/gm)]
for (const [, name] of settings) {
  if (!table.split('##')[0].includes(`\`${name}\``)) problems.push(`the setting ${name} is not in the table of what differs`)
}
assert.ok(named.size > 80 && settings.length > 20, `${named.size} constants, ${settings.length} settings`)
assert.deepStrictEqual(problems, [], 'docs/guide/gossip-limits.md and src/gossip say different things')
