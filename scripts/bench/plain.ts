import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appendCpio } from '../../src/guest/image/cpio.ts'
import type { GuestImage } from '../../src/guest/types.ts'
import { makeRunKeys } from '../../src/guest/image/run-cpio.ts'
import { qemuArgv } from '../../src/guest/qemu/argv.ts'
import { commandLine } from '../../src/model/command-line.ts'
import type { Experiment } from '../../src/shared/documents/index.ts'

const SCRIPT = fileURLToPath(new URL('plain-script.sh', import.meta.url))

/**
 * Runs plain-script.sh once: the same QEMU command and image as the lab's, with plain files where the lab listens.
 * Resolves to the milliseconds at which each ready line was printed: one, or two with a kexec.
 */
export async function plainRun(image: GuestImage, experiment: Experiment, directory: string, kexec: boolean): Promise<number[]> {
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const keys = makeRunKeys()
  const paths = {
    key: join(directory, 'key'),
    initrd: join(directory, 'initrd'),
    argv: join(directory, 'argv'),
    ram: join('/dev/shm', `kho-lab-bench-${process.pid}`),
  }
  await writeFile(paths.key, keys.clientPrivateKey, { mode: 0o600 })
  await writeFile(paths.initrd, appendCpio(await readFile(image.initramfs), keys.cpio))
  await writeFile(paths.argv, `${['qemu-system-x86_64', ...plainArgv(image, experiment, paths, port)].join('\n')}\n`)
  const hop = kexec ? [paths.key, `${port}`, image.kernel, paths.initrd, commandLine(experiment, 1)] : []
  try {
    return await script([paths.argv, 'kho-lab debugfs', ...hop])
  } finally {
    await rm(paths.ram, { force: true })
  }
}

function plainArgv(
  image: GuestImage,
  experiment: Experiment,
  paths: { readonly initrd: string; readonly ram: string },
  port: number,
): string[] {
  const argv = qemuArgv({
    ...experiment.machine,
    kernel: image.kernel,
    initrd: paths.initrd,
    cmdline: commandLine(experiment, 0),
    accelerator: 'tcg',
    sockets: { console: 'console', lab: 'lab', qmp: 'qmp', monitor: 'monitor' },
    fetch: { cat: '/bin/cat', kernel: image.kernel, initrd: paths.initrd },
    ramPaths: [paths.ram],
  })
  return argv.map((argument) => {
    const id = /^socket,id=(\w+)/.exec(argument)?.[1]
    if (id === 'lab') return 'stdio,id=lab,signal=off'
    return id === undefined ? argument.replace('hostfwd=tcp:127.0.0.1:0-', `hostfwd=tcp:127.0.0.1:${port}-`) : `null,id=${id}`
  })
}

async function script(args: readonly string[]): Promise<number[]> {
  const child = spawn(SCRIPT, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((resolve) => void child.once('close', resolve))
  if (code !== 0) throw new Error(`plain-script.sh ended with ${String(code)}`)
  return output.trim().split('\n').map(Number)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => void server.close(resolve))
  return port
}
