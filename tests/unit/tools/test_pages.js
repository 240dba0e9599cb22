// The pages of src/ and sim/: every file and folder that one names is there, seen from the page, the folder above it, the house or the root.
'use strict'
const assert = require('assert')
const { execFileSync } = require('child_process')
const fs = require('fs')
const path = require('path')

const root = path.resolve(__dirname, '../../..')
const files = execFileSync('find', ['src', 'sim', 'tests', 'tools', 'docs', 'proto', 'bench', 'console', '-name', 'node_modules', '-prune', '-o', '-type', 'f', '-print'], {
  cwd: root, encoding: 'utf8'
}).split('\n').filter(Boolean)
const ENDING = /\.(?:c|h|def|md|txt|js|html|map|proto)$/
const MADE = /\.pb-c\.h$/ // while building

// "raft/step.c", "store/wal/", "LAYERS", "test_*.c"; a name without a folder may stand anywhere below the page, or have one there.
function isThere(page, name) {
  const here = path.posix.dirname(page)
  const pattern = name.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')
  const places = [`${here}/`, `${path.posix.dirname(here)}/`, 'src/', 'sim/', 'tests/', '']
  const isFolder = name.endsWith('/')
  if (places.some((place) => files.some((file) => new RegExp(`^${place}${pattern}${isFolder ? '' : '$'}`).test(file)))) return true
  return !name.includes('/') && files.some((file) => new RegExp(`(^|/)${pattern}$`).test(file))
}

const isName = (text) => /^[\w*.-]+(?:\/[\w*.-]+)*\/?$/.test(text) && (ENDING.test(text) || text.endsWith('/')) && !MADE.test(text)

const pages = files.filter((file) => /^(src|sim)\/(.*\/)?README\.md$/.test(file))
const missing = []
let looked = 0
for (const page of pages) {
  const text = fs.readFileSync(path.join(root, page), 'utf8')
  for (const [, name] of text.matchAll(/`([^`\n]+)`/g)) {
    if (!isName(name)) continue
    looked++
    if (!isThere(page, name)) missing.push(`${page}: ${name}`)
  }
}
assert.ok(pages.length > 60 && looked > 400, `${looked} names on ${pages.length} pages`)
assert.deepStrictEqual(missing, [], 'a page names what is not there')
