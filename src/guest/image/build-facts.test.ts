import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KERNEL_BUILD_NUMBERS, KERNEL_BUILD_SYMBOLS } from '../../shared/documents/kernel-build-facts.ts'
import { factNumbers, kernelBuildFacts, symbolAddresses } from './build-facts.ts'
import { readLabSources } from './lab-sources.ts'

/** Compiles facts as facts.c declares them, with the machine's compiler. */
function compileFacts(folder: string, facts: readonly string[]): Buffer {
  const macro = /struct fact \{[\s\S]*?\};[\s\S]*?#define FACT[\s\S]*?\n\n/.exec(readLabSources().facts)?.[0] ?? ''
  const kernelWords =
    '#define u64 unsigned long long\n#define __used __attribute__((used))\n' +
    '#define __section(s) __attribute__((section(s)))\n#define __aligned(n) __attribute__((aligned(n)))\n'
  writeFileSync(path.join(folder, 'facts.c'), `${kernelWords}${macro}${facts.join('\n')}\n`)
  execFileSync('gcc', ['-O2', '-c', '-o', path.join(folder, 'facts.o'), path.join(folder, 'facts.c')])
  return readFileSync(path.join(folder, 'facts.o'))
}

describe('factNumbers', () => {
  let folder = ''
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'kho-lab-facts-'))))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('reads what a compiler put into an object file', () => {
    const object = compileFacts(folder, [
      'FACT(nrCpus, 16);',
      'FACT(sizeofPage, sizeof(long long[8]));',
      'FACT(large, 1ULL << 40);',
    ])
    expect(factNumbers(object)).toEqual({ nrCpus: 16, sizeofPage: 64, large: 2 ** 40 })
  })

  it('is empty for an object file without facts, and for something else', () => {
    expect([factNumbers(compileFacts(folder, ['int x;'])), factNumbers(Buffer.from('text'))]).toEqual([{}, {}])
  })
})

describe('kernelBuildFacts', () => {
  it('asks in facts.c for every number that the model knows, and for nothing else', () => {
    const asked = [...readLabSources().facts.matchAll(/^FACT\((\w+),/gm)].map((match) => match[1])
    expect([...new Set(asked)].sort()).toEqual([...KERNEL_BUILD_NUMBERS].sort())
  })

  it('names what a build does not say', () => {
    const systemMap = KERNEL_BUILD_SYMBOLS.map((name) => `ffffffff81000000 T ${name}`)
      .slice(1)
      .join('\n')
    const facts = kernelBuildFacts({ object: Buffer.alloc(0), systemMap, config: new Map() })
    expect(facts.ok ? 'all' : facts.error).toMatch(/^the build does not say symbols\._text, numbers\./)
  })
})

it('finds symbols in System.map', () => {
  const map = 'ffffffff81000000 T _text\nffffffff81cb2000 B __brk_base\nffffffff81cb2000 b other\n'
  expect(symbolAddresses(map, ['_text', '__brk_base', 'absent'])).toEqual({
    _text: '0xffffffff81000000',
    __brk_base: '0xffffffff81cb2000',
  })
})
