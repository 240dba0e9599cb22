// What a program sees of libtroth-gossip: the functions of symbols.txt and nothing else, from the shared and the static
// library; and a header that compiles on its own, in C99, in the C of this repository, and in C++.
//   abi.js SHARED STATIC HEADER
'use strict';
const assert = require('node:assert');
const {spawnSync} = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const [shared, archive, header] = process.argv.slice(-3);
const expected = fs.readFileSync(path.join(__dirname, 'symbols.txt'), 'utf8').trim().split('\n');

function run(...words) {
  const result = spawnSync(words[0], words.slice(1), {encoding: 'utf8'});
  assert.ok(!result.error, `${words[0]}: ${result.error}`);
  assert.strictEqual(result.status, 0, `${words.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

// Names that a symbol table defines; what sanitizers put there is theirs.
const defined = (listing) => [...new Set(listing.split('\n')
  .map((line) => /^\S+ [TDBRVW] ([^@\s]+)/.exec(line)).filter(Boolean).map((match) => match[1])
  .filter((name) => !/^(__asan|__odr_asan|__ubsan|__sanitizer|__start_|__stop_|__gcov|__llvm)/.test(name)))].sort();

test('the shared library exports what the header declares', () => {
  assert.deepStrictEqual(defined(run('nm', '-D', '--defined-only', shared)), expected);
});

test('so does the static one', () => {
  assert.deepStrictEqual(defined(run('nm', '-g', '--defined-only', archive)), expected);
});

test('and the header declares what they export', () => {
  const text = fs.readFileSync(header, 'utf8').replace(/\/\*[^]*?\*\//g, '');
  const declared = [...text.matchAll(/\b(troth_gossip_\w+)\s*\(/g)].map((match) => match[1]);
  assert.deepStrictEqual([...new Set(declared)].filter((name) => name !== 'troth_gossip_log').sort(), expected);
});

for (const [language, standard] of [['c', 'c99'], ['c', 'gnu17'], ['c++', 'c++11']]) {
  test(`the header alone, as ${standard}`, (t) => {
    const compiler = language === 'c' ? 'gcc' : 'g++';
    if (spawnSync(compiler, ['--version']).error) return t.skip(`there is no ${compiler}`);
    run(compiler, '-x', language, `-std=${standard}`, '-Wall', '-Wextra', '-pedantic', '-Werror',
      '-fsyntax-only', '-include', header, '/dev/null');
  });
}
