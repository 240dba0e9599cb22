// The index of tests/README.md, trap by trap: every file, test, planted fault, fault and mix that it names is there, and
// each test in the file that is named before it.
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')

const root = path.resolve(__dirname, '../../..')
const read = (...parts) => fs.readFileSync(path.join(root, ...parts), 'utf8')

function filesBelow(folder) {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = path.posix.join(folder, entry.name)
    if (entry.name === 'node_modules') return []
    return entry.isDirectory() ? filesBelow(relative) : [relative]
  })
}

const files = [...filesBelow('tests'), ...filesBelow('sim')]
const sources = files.filter((file) => /\.[ch]$/.test(file)).map((file) => ({ file, text: read(file) }))
const planted = new Set([...read('src/base/planted.def').matchAll(/^PLANTED_FAULT\((\w+)/gm)].map((match) => match[1]))
const faults = new Set([...read('sim/fault/fault.def').matchAll(/^FAULT\((\w+)/gm)].map((match) => match[1]))
const mixes = new Set(/mix_names\[MIX_COUNT\] = \{([^}]*)\}/.exec(read('sim/cluster/mix.c'))[1].match(/\w+/g))

// "quiet*.txt" and "unit/seal/" stand for at least one file.
function isThere(name) {
  const pattern = new RegExp(`(^|/)${name.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')}${name.endsWith('/') ? '' : '$'}`)
  return files.some((file) => pattern.test(file))
}

const missing = []
const want = (isFound, what) => { if (!isFound) missing.push(what) }
const rows = read('tests/README.md').split('\n').filter((line) => line.startsWith('|'))
assert.ok(rows.length > 60, 'the index has its tables')
for (const row of rows) {
  const [, , ...cells] = row.split('|')
  const text = cells.join('|')
  for (const [, name] of text.matchAll(/`([\w*./-]+(?:\.(?:txt|c|js)|\/))`/g)) want(isThere(name), `the file ${name}`)
  for (const [name] of text.matchAll(/\b(?:test|an?|the|every|lost|founding)_\w+\b/g)) {
    if (text.includes(`${name}.`)) continue // a file's name, looked for above
    want(sources.some((source) => source.text.includes(`${name}(`)), `the test ${name}`)
  }
  let named = null // the file in which the tests that follow it are
  for (const [, file, name] of text.matchAll(/`([\w./-]+)`|\b(test_\w+)\b/g)) {
    if (file) named = sources.find((source) => source.file === `tests/${file}`) || null
    else if (named) want(named.text.includes(`${name}(`), `the test ${name} in ${named.file}`)
  }
  for (const [name] of text.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) want(planted.has(name), `the planted fault ${name}`)
  for (const [, list] of text.matchAll(/\bfaults? ((?:`\w+`(?:, )?)+)/g)) {
    for (const name of list.match(/\w+/g)) want(faults.has(name), `the fault ${name}`)
  }
  for (const [, list] of text.matchAll(/\bmix(?:es)? ((?:`\w+`(?:, )?)+)/g)) {
    for (const name of list.match(/\w+/g)) want(mixes.has(name), `the mix ${name}`)
  }
}
assert.deepStrictEqual(missing, [], 'tests/README.md names what is not there')
