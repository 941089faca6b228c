import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run, say, stop } from './lib/process.mjs'
import {
  ensureAppBuilt,
  ensureHostPackages,
  ensureImages,
  ensureNpmPackages,
  ensurePackagingTools,
  memblockSource,
} from './lib/setup.mjs'

/** Checks without tests of their own, then the tiers, cheapest first. Each has a limit, so that a hang is a failure and not a wait. */
const CHECKS = [
  { name: 'lint', argv: ['npm', 'run', '-s', 'lint'], minutes: 10 },
  { name: 'typecheck', argv: ['npm', 'run', '-s', 'typecheck'], minutes: 10 },
  { name: 'rules', argv: ['npm', 'run', '-s', 'rules'], minutes: 5 },
  { name: 'deadcode', argv: ['npm', 'run', '-s', 'deadcode'], minutes: 5 },
  { name: 'format', argv: ['npm', 'run', '-s', 'format:check'], minutes: 5 },
]
const TIERS = [
  { name: 'unit', minutes: 10 },
  { name: 'oracle', minutes: 10 },
  { name: 'vm', minutes: 60 },
  { name: 'e2e', minutes: 30 },
]
const BOOTING = TIERS.slice(2)
const COUNTS = join(ROOT, 'out/test')
const names = [...CHECKS, ...TIERS].map(({ name }) => name)

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !names.includes(name))
if (unknown !== undefined) stop(`npm test [-- ${names.join(' | ')} ...]\nUnknown: ${unknown}`, 64)
const chosen = ({ name }) => wanted.length === 0 || wanted.includes(name)

await ensureNpmPackages()
await ensureHostPackages(['run', 'test'])
if (BOOTING.some(chosen)) await ensureImages([undefined, '7.3-without-kho'])
if (BOOTING.some(chosen)) await ensureAppBuilt()
// Tests that want them are skipped without, and say so.
if (chosen({ name: 'e2e' })) await ensurePackagingTools()

const sources = chosen({ name: 'oracle' }) ? await memblockSource() : {}

rmSync(COUNTS, { recursive: true, force: true })
mkdirSync(COUNTS, { recursive: true })
const broken = []
for (const { name, argv, minutes } of CHECKS.filter(chosen)) {
  say(`\n== ${name}`)
  await step(name, argv, minutes)
}
for (const { name, minutes } of TIERS.filter(chosen)) {
  say(`\n== ${name}`)
  const reporters = ['--reporter=default', '--reporter=./scripts/lib/count-reporter.mjs']
  await step(name, ['vitest', 'run', '--project', name, ...reporters], minutes, {
    ...sources,
    KHO_LAB_COUNTS: join(COUNTS, `${name}.json`),
  })
}
finish()

async function step(name, argv, minutes, env = {}) {
  const { code } = await run(argv, { minutes, env })
  if (code === 124) say(`${name} did not end within ${minutes} minutes`)
  if (code !== 0) broken.push(name)
}

function finish() {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { name } of TIERS.filter(chosen)) {
    const file = join(COUNTS, `${name}.json`)
    const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: [], skipped: [] }
    for (const { test, reason } of counts.failed) say(`failed: ${test}: ${reason}`)
    for (const { test, reason } of counts.skipped) say(`skipped: ${test}: ${reason}`)
    total.passed += counts.passed
    total.failed += counts.failed.length
    total.skipped += counts.skipped.length
    // A tier that ended badly without a failed test (a crash, a time limit, an error outside any test) counts as one.
    if (broken.includes(name) && counts.failed.length === 0) total.failed += 1
  }
  const badChecks = CHECKS.map(({ name }) => name).filter((name) => broken.includes(name))
  total.failed += badChecks.length
  if (broken.length > 0) say(`\nnot good: ${broken.join(', ')}`)
  process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
  process.exitCode = broken.length === 0 ? 0 : 1
}
