import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MiB } from '../../shared/units.ts'
import { Memblock } from './memblock.ts'
import { answer, randomOperations } from './oracle.fixture.ts'

/** A kernel source of the release whose memblock.c is to be asked, whole or the part that `npm test` gets from Debian's package. */
const tree = process.env['KHO_LAB_KERNEL_TREE']
const HARNESS = 'tools/testing/memblock'
const missing =
  process.env['KHO_LAB_KERNEL_TREE_MISSING'] ?? 'KHO_LAB_KERNEL_TREE does not name a kernel source; npm test gets one'
const why = tree === undefined ? missing : `${tree} has no ${HARNESS}`
const possible = tree !== undefined && existsSync(path.join(tree, HARNESS))

/** Builds the kernel's own harness with oracle.c as its main program, beside links to the tree, which stays as it is. */
function buildOracle(source: string, folder: string): string {
  const linkAll = (from: string, to: string, except: string): void => {
    mkdirSync(to, { recursive: true })
    for (const name of readdirSync(from)) if (name !== except) symlinkSync(path.join(from, name), path.join(to, name))
  }
  linkAll(source, folder, 'tools')
  linkAll(path.join(source, 'tools'), path.join(folder, 'tools'), 'testing')
  linkAll(path.join(source, 'tools/testing'), path.join(folder, 'tools/testing'), 'memblock')
  const harness = path.join(folder, HARNESS)
  cpSync(path.join(source, HARNESS), harness, { recursive: true })
  // oracle.c needs the low addresses that a sanitizer keeps for itself, and the harness leaves out what KHO adds.
  const makefile = path.join(harness, 'Makefile')
  writeFileSync(makefile, readFileSync(makefile, 'utf8').replaceAll(/-fsanitize=\w+/g, '-DCONFIG_MEMBLOCK_KHO_SCRATCH'))
  // Its allocator counts with liburcu, of which nothing else is needed.
  mkdirSync(path.join(harness, 'urcu'))
  writeFileSync(
    path.join(harness, 'urcu/uatomic.h'),
    '#define uatomic_inc(counter) ((void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED))\n' +
      '#define uatomic_dec(counter) ((void)__atomic_sub_fetch(counter, 1, __ATOMIC_RELAXED))\n',
  )
  copyFileSync(path.join(import.meta.dirname, 'oracle.c'), path.join(harness, 'main.c'))
  execFileSync('make', ['-C', harness, 'NUMA=1', 'main'], { stdio: 'pipe' })
  return path.join(harness, 'main')
}

describe('Memblock against mm/memblock.c built from source', () => {
  let folder = ''
  let oracle = ''
  beforeAll(() => {
    if (!possible) return
    folder = mkdtempSync(path.join(tmpdir(), 'kho-lab-memblock-'))
    oracle = buildOracle(tree, folder)
  }, 300_000)
  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true })
  })

  it('has the same lists after every step of 1000 random sequences', { timeout: 600_000 }, ({ skip }) => {
    skip(!possible, why)
    for (let seed = 1; seed <= 1000; seed++) {
      const operations = randomOperations(seed, seed % 10 === 0 ? 400 : 40)
      const { stdout } = spawnSync(oracle, { input: `${operations.join('\n')}\n`, encoding: 'utf8', maxBuffer: 64 * MiB })
      const answers = stdout.split('\n').filter((line) => /^[0-9a-f]+ \d+ \d+ m/.test(line))
      const memblock = new Memblock()
      memblock.canResize = true
      expect(
        operations.map((operation) => answer(memblock, operation)),
        `seed ${seed}`,
      ).toEqual(answers)
    }
  })
})
