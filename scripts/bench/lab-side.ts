import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { appendCpio } from '../../src/guest/image/cpio.ts'
import { makeRunKeys } from '../../src/guest/image/run-cpio.ts'
import { startMachine } from '../../src/guest/start-machine.ts'
import { captureGuest } from '../../src/guest/observe/capture.ts'
import { decodeGuestView } from '../../src/guest/observe/guest-view.ts'
import type { GuestImage } from '../../src/guest/types.ts'
import { commandLine } from '../../src/model/command-line.ts'
import type { Experiment } from '../../src/shared/documents/index.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const DOCUMENTS = fileURLToPath(new URL('documents.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Milliseconds from the spawn of QEMU until what debugfs shows is read and decoded, the way every run does it. */
export async function bareFirstRead(image: GuestImage, experiment: Experiment): Promise<number> {
  const keys = makeRunKeys()
  let spawnedAt = NaN
  const machine = await startMachine(
    {
      ...experiment.machine,
      kernel: image.kernel,
      initrd: appendCpio(await readFile(image.initramfs), keys.cpio),
      cmdline: commandLine(experiment, 0),
      accelerator: 'tcg',
      keys,
    },
    { onPhase: ({ ms }) => (spawnedAt = performance.now() - ms) },
  )
  try {
    await machine.waitForBoot()
    const view = decodeGuestView(await captureGuest(machine), {
      put: (_name, bytes) => ({ size: bytes.length, sha256: sha256(bytes) }),
    })
    if (!view.scratchPhys.ok || view.scratchPhys.value.length === 0) throw new Error('no scratch region was read')
    return performance.now() - spawnedAt
  } finally {
    await machine.dispose()
  }
}

/** Milliseconds of a whole `kho-lab run`, the start of the program included. */
export async function labRun(file: string, out: string): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [CLI, 'run', file, '--out', out, '--accelerator', 'tcg', '--json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await new Promise((done) => void child.once('close', done))
  if (code !== 0) throw new Error(`kho-lab run ended with ${String(code)}: ${said}`)
  return performance.now() - started
}

/** Milliseconds that the pure parts of one finished run take when a fresh process does them again from its documents. */
export async function documentsTime(directory: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [DOCUMENTS, directory])
  return Number(stdout)
}
