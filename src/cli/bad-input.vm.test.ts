import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ensureImage } from '../guest/image/image.ts'
import { fillDisk, smallDisk } from '../lab/small-disk.fixture.ts'
import { writeReport } from '../lab/report.ts'
import { kholabProcess, scratchDirectory, type CliOptions, type CliResult } from './cli.fixture.ts'

let kernel = ''
let withoutKho = ''
beforeAll(async () => {
  kernel = (await ensureImage()).kernel
  withoutKho = (await ensureImage({ release: '7.3-without-kho' })).kernel
})

/** What `run --json` prints, with or without a comparison. */
const RunDocument = z.object({
  directory: z.string().optional(),
  summary: z.object({ run: z.string(), match: z.int(), differ: z.int() }).optional(),
  error: z
    .object({ code: z.string(), message: z.string(), hint: z.string().optional(), evidence: z.array(z.string()).optional() })
    .optional(),
})

interface Ended extends CliResult {
  readonly document: z.infer<typeof RunDocument>
  /** Files of the run folder, without raw/. */
  readonly files: readonly string[]
  readonly out: string
}

async function run(
  experiment: string,
  options: CliOptions & { readonly out?: string; readonly kernel?: string } = {},
): Promise<Ended> {
  const directory = scratchDirectory()
  const file = join(directory, 'x.yaml')
  const out = options.out ?? join(directory, 'out')
  writeFileSync(file, experiment)
  const result = await kholabProcess(
    ['run', file, '--kernel', options.kernel ?? kernel, '--accelerator', 'tcg', '--out', out, '--json'],
    options,
  )
  const files = existsSync(out)
    ? readdirSync(out)
        .filter((name) => name !== 'raw')
        .sort()
    : []
  return { ...result, files, out, document: RunDocument.parse(JSON.parse(result.stdout)) }
}

const DOCUMENTS = [
  'comparison.json',
  'events.json',
  'experiment.json',
  'experiment.yaml',
  'observation.json',
  'prediction.json',
  'prediction.sha256',
  'report.html',
  'report.ktap',
  'report.md',
  'report.txt',
  'run.json',
]

/** Processes whose arguments hold this one. */
const processesWith = (argument: string): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => cmdline(pid).split('\0').includes(argument))

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has ended since it was listed.
    return ''
  }
}

describe('what the host lacks', () => {
  it('RAM', async () => {
    const { code, document } = await run('name: a\nmachine: { memory: 64TiB }\nhops: 0\n')
    expect([code, document.error?.code]).toEqual([2, 'not-enough-memory'])
    expect(document.error?.message).toContain('64 TiB')
  })

  it('QEMU', async () => {
    const { code, document } = await run('name: a\nhops: 0\n', { env: { PATH: '/nonexistent' } })
    expect([code, document.error?.code]).toEqual([2, 'qemu-missing'])
    expect(document.error?.hint).toContain('qemu-system-x86')
  })

  it('disk, found out before anything is started', async () => {
    const { code, document } = await run('name: a\nhops: 0\n', { out: join(smallDisk('4m'), 'out') })
    expect([code, document.error?.code]).toEqual([2, 'disk-full'])
  })

  it('disk, found out while results are written', async () => {
    const disk = smallDisk('48m')
    const { code, document, files, out } = await run('name: a\nhops: 0\n', {
      out: join(disk, 'out'),
      onStderr: (text) => text.includes('/init runs') && fillDisk(disk),
    })
    expect([code, document.error?.code]).toEqual([2, 'disk-full'])
    expect(existsSync(join(out, 'prediction.json'))).toBe(true)
    // No document is there in part.
    for (const name of files.filter((file) => file.endsWith('.json'))) JSON.parse(readFileSync(join(out, name), 'utf8'))
    expect(files.filter((file) => file.endsWith('.new'))).toEqual([])
  })

  it('disk, found out while a report is written: the one before stays', async () => {
    const disk = smallDisk('64k')
    const file = join(disk, 'report.html')
    writeFileSync(file, 'the one before')
    await expect(writeReport(file, 'x'.repeat(100_000))).rejects.toMatchObject({ code: 'disk-full' })
    expect([readFileSync(file, 'utf8'), readdirSync(disk)]).toEqual(['the one before', ['report.html']])
    // A pipeline's file is the shell's; what is lost then is said.
    const { code, stderr } = await kholabProcess(['--version'], { stdout: '/dev/full' })
    expect([code, stderr]).toEqual([2, expect.stringContaining('cannot write to stdout: no space is left on the device')])
  })
})

describe('what the guest does not like', () => {
  it('an init that ends: a panic, shown with its last lines', async () => {
    const { code, document, files } = await run('name: a\nkernel: { cmdline: rdinit=/bin/false }\nhops: 0\n')
    expect([code, document.summary?.run, document.error?.code]).toEqual([2, 'lost', 'guest-panicked'])
    expect(document.error?.evidence?.join('\n')).toContain('Attempted to kill init')
    expect(files).toEqual(DOCUMENTS)
  })

  it('scratch that is larger than RAM: the kernel gives KHO up, which is predicted and said', async () => {
    const { code, document, files, stderr, out } = await run('name: a\nkho: { scratch: "2G,0M,0M" }\nhops: 0\n')
    expect([code, document.summary?.run, document.error]).toEqual([0, 'agreed', undefined])
    expect(stderr).toContain('the guest has no /sys/kernel/debug/kho')
    expect(readFileSync(join(out, 'raw/serial.log'), 'utf8')).toMatch(/KHO: .*scratch/)
    expect(files).toEqual(DOCUMENTS)
  })

  it('a kernel without KHO that the lab built: predicted, and said', async () => {
    const { code, document, files, stderr } = await run('name: a\nhops: 0\n', { kernel: withoutKho })
    expect([code, document.summary?.run, document.error]).toEqual([0, 'agreed', undefined])
    expect(stderr).toContain('the guest has no /sys/kernel/debug/kho')
    expect(files).toEqual(DOCUMENTS)
  })

  it("a kernel without KHO of the user's own: the run differs where KHO was predicted, and says what is missing", async () => {
    const strange = join(scratchDirectory(), 'bzImage')
    // Another kernel for all that the lab can know; the bytes behind it are never read.
    writeFileSync(strange, Buffer.concat([readFileSync(withoutKho), Buffer.alloc(16)]))
    const { code, document, files, stderr, out } = await run('name: a\nhops: 0\n', { kernel: strange })
    expect([code, document.summary?.run, document.error]).toEqual([1, 'disagreed', undefined])
    expect(stderr).toContain('the guest has no /sys/kernel/debug/kho')
    expect(readFileSync(join(out, 'report.txt'), 'utf8')).toContain('hop0.boot.kho')
    expect(files).toEqual(DOCUMENTS)
  })

  it('kho=off is an experiment like any other', async () => {
    const { code, document, files } = await run('name: a\nkho: { enabled: false }\nhops: 1\n')
    expect([code, document.summary?.run, document.error]).toEqual([0, 'agreed', undefined])
    expect(files).toEqual(DOCUMENTS)
  })
})

describe('Ctrl-C', () => {
  it('stops the guest, keeps the evidence and ends with 2', async () => {
    // A size that no other guest has tells this one from others on the machine.
    const memory = `${509 * 1024}k`
    let running: readonly string[] = []
    const { code, document, files } = await run('name: a\nmachine: { memory: 509MiB }\nhops: 5\n', {
      onStderr: (text, child) => {
        if (running.length > 0 || !text.includes('/init runs')) return
        running = processesWith(memory)
        child.kill('SIGINT')
      },
    })
    expect(running).toHaveLength(1)
    expect([code, document.summary?.run, document.error?.code]).toEqual([2, 'lost', 'cancelled'])
    expect(files).toEqual(DOCUMENTS)
    expect(processesWith(memory)).toEqual([])
  })
})
