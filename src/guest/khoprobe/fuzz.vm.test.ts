import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MiB } from '../../shared/units.ts'
import { appendCpio } from '../image/cpio.ts'
import { ensureImage } from '../image/image.ts'
import { makeRunKeys } from '../image/run-cpio.ts'
import type { Machine } from '../machine.ts'
import { quoted } from '../ssh/session.ts'
import { startMachine } from '../start-machine.ts'
import { fuzzLines } from './fuzz.fixture.ts'

const LINES = 400
const AT_ONCE = 40
let machine: Machine

beforeAll(async () => {
  const image = await ensureImage()
  const keys = makeRunKeys()
  if (image.modules === undefined) throw new Error('the image has no khoprobe')
  const lab = appendCpio(await readFile(image.initramfs), await readFile(image.modules))
  machine = await startMachine({
    type: 'q35',
    memory: 512 * MiB,
    cpus: 1,
    nodes: [{ memory: 512 * MiB }],
    kernel: image.kernel,
    initrd: appendCpio(lab, keys.cpio),
    cmdline: 'console=ttyS0 panic=-1 kho=on no_timer_check',
    accelerator: 'tcg',
    keys,
  })
  await machine.waitForBoot()
})
afterAll(() => machine.dispose())

it('khoprobe answers every line, refuses with an errno and a line, and never warns', async () => {
  const lines = fuzzLines(1, LINES)
  let refused = 0
  for (let at = 0; at < LINES; at += AT_ONCE) {
    const asked = lines.slice(at, at + AT_ONCE)
    const { code, stdout } = await machine.exec(`khoprobe ${asked.map(quoted).join(' ')}`)
    expect(code).toBe(0)
    const said = stdout.toString('latin1')
    const answers = [...said.matchAll(/^= (\d+) \d+$/gm)].map(([, errno]) => Number(errno))
    expect(answers).toHaveLength(asked.length)
    const explained = [...said.matchAll(/^error (\d+) .+$/gm)].map(([, errno]) => Number(errno))
    expect(explained).toEqual(answers.filter((errno) => errno !== 0))
    refused += explained.length
  }
  expect(refused).toBeGreaterThan(LINES / 4)
  expect(refused).toBeLessThan(LINES)
  const { stdout } = await machine.exec('dmesg')
  expect(stdout.toString('latin1').match(/^.*(WARNING:|BUG:|Oops|general protection|bad page).*$/gim) ?? []).toEqual([])
})
