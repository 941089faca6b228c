import type { Socket } from 'node:net'
import { LabError, messageOf } from '../../shared/result.ts'
import { type RamBlock, parseMtree } from '../observe/mtree.ts'
import { type QemuInput, qemuArgv, ramBackends } from './argv.ts'
import { type RunFiles, createRunFiles, placeFile, removeRunFiles, writeSidecar } from './files.ts'
import { identityOf } from './identity.ts'
import { type Listener, listenForOne } from './listen.ts'
import { type QemuProcess, findProgram, findQemu, startQemu } from './process.ts'
import { QmpClient, type QmpVersion } from './qmp.ts'
import { chooseRamDirectory, closeFirmwareHole, guestMemory, hostRoom, openRamFiles, type WritableMemory } from './ram.ts'

/** Loading QEMU from a cold disk included. */
const MONITOR_TIMEOUT_MS = 30_000
/** From a broken start to the end of a QEMU that is already ending. */
const LAST_WORDS_MS = 2000

export interface LaunchSpec extends Pick<QemuInput, 'type' | 'memory' | 'cpus' | 'nodes' | 'kernel' | 'cmdline' | 'accelerator'> {
  /** Path, or the bytes themselves. */
  readonly initrd: string | Uint8Array
  /** Program name or path; default qemu-system-x86_64. */
  readonly qemu?: string
}

/** Told as soon as it is there, not when the launch is complete: the guest speaks while the monitor is being asked. */
export interface LaunchListeners {
  readonly onConsole: (chunk: Buffer) => void
  readonly onLabPort: (chunk: Buffer) => void
}

/** A QEMU whose guest runs. */
export interface Launched {
  readonly binary: string
  readonly argv: readonly string[]
  readonly version: QmpVersion
  /** False when nothing would end QEMU if the lab were killed. */
  readonly guarded: boolean
  readonly process: QemuProcess
  readonly qmp: QmpClient
  readonly files: RunFiles
  readonly memory: WritableMemory
  /** Port on 127.0.0.1 that is the guest's port 22. */
  readonly sshPort: number
  /** `performance.now()` at spawn. */
  readonly spawnedAt: number
  /** Resolves when the guest's console is read to its end. */
  readonly consoleEnded: Promise<void>
  /** Gives back everything but the process: RAM, sockets, run directory. */
  dispose(): Promise<void>
}

/**
 * Starts QEMU and asks its monitor where RAM lies and which port is ssh. Rejects with LabError: qemu-missing,
 * not-enough-memory, qemu-start-failed (with QEMU's own words). Leaves nothing behind when it rejects.
 */
export async function launch(spec: LaunchSpec, listeners: LaunchListeners): Promise<Launched> {
  const [binary, cat, room] = await Promise.all([findQemu(spec.qemu), findProgram('cat'), hostRoom()])
  if (cat === undefined)
    throw new LabError({ code: 'tool-missing', message: 'cat is not installed', hint: 'On Debian: apt-get install coreutils' })
  const ramDirectory = chooseRamDirectory(spec.memory, room)
  const undo: (() => void | Promise<void>)[] = []
  const dispose = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const files = await createRunFiles()
    undo.push(() => removeRunFiles(files))
    const ram = openRamFiles(
      spec.nodes.map((node) => node.memory).filter((size) => size > 0),
      ramDirectory,
    )
    undo.push(() => ram.close())
    const sockets = await listen(files)
    undo.push(() => sockets.close())
    await placeFile(files.initrd, spec.initrd)
    const argv = qemuArgv({
      ...spec,
      initrd: files.initrd,
      sockets: files.sockets,
      fetch: { cat, ...files.next },
      ramPaths: ram.fds.map((_fd, index) => `/proc/self/fd/${index + 3}`),
    })
    const spawnedAt = performance.now()
    const { process, guarded } = await startQemu(binary, argv, { fds: ram.fds })
    undo.push(() => killed(process))
    const consoleEnded = sockets.console.connection.then((socket) => drain(socket, listeners.onConsole))
    void sockets.lab.connection.then((socket) => drain(socket, listeners.onLabPort))
    const [{ client: qmp, version }] = await orExit(
      process,
      Promise.all([
        sockets.qmp.connection.then((socket) => QmpClient.open(socket, MONITOR_TIMEOUT_MS)),
        identityOf(process.pid, binary).then((identity) => writeSidecar(files, identity)),
      ]),
    )
    const [blocks, sshPort] = await orExit(process, Promise.all([ramBlocks(qmp, spec), forwardedPort(qmp)]))
    const fds = new Map(ramBackends(spec.nodes).map((name, index) => [name, ram.fds[index] ?? -1]))
    const memory = guestMemory(closeFirmwareHole(blocks), fds)
    return { binary, argv, version, guarded, process, qmp, files, memory, sshPort, spawnedAt, consoleEnded, dispose }
  } catch (error) {
    await dispose()
    throw explained(error)
  }
}

async function listen(files: RunFiles): Promise<{ console: Listener; lab: Listener; qmp: Listener; close(): void }> {
  const [console, lab, qmp] = await Promise.all([
    listenForOne(files.sockets.console),
    listenForOne(files.sockets.lab),
    listenForOne(files.sockets.qmp),
  ])
  return { console, lab, qmp, close: () => [console, lab, qmp].forEach((listener) => listener.close()) }
}

/** Hands on what comes until the other side closes; a broken connection is an end like any other. */
function drain(socket: Socket, onChunk: (chunk: Buffer) => void): Promise<void> {
  socket.on('data', onChunk)
  return new Promise((resolve) => {
    socket.once('error', () => resolve())
    socket.once('close', () => resolve())
  })
}

async function killed(process: QemuProcess): Promise<void> {
  process.kill('SIGKILL')
  await process.exited
}

/** A step of the start, or QEMU's own words when it ended or did not answer instead. */
async function orExit<T>(process: QemuProcess, step: Promise<T>): Promise<T> {
  const ended = process.exited.then(() => {
    throw new Error('QEMU ended')
  })
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`QEMU's monitor did not answer within ${MONITOR_TIMEOUT_MS} ms`)),
    MONITOR_TIMEOUT_MS,
  )
  try {
    return await Promise.race([step, ended, tooLate])
  } catch (error) {
    // A monitor that closes is the first sign of a QEMU that ends: its own words follow within moments.
    const kill = setTimeout(() => process.kill('SIGKILL'), LAST_WORDS_MS)
    const { signal, code } = await process.exited
    clearTimeout(kill)
    const words = signal === 'SIGKILL' ? undefined : process.stderr().at(-1)
    throw new LabError(
      {
        code: 'qemu-start-failed',
        message: `QEMU did not start: ${words ?? messageOf(error)}`,
        evidence: [...process.stderr(), signal ? `ended by ${signal}` : `exit code ${code}`],
      },
      { cause: error },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** What the file system said, for people: a full disk has a code of its own. */
function explained(error: unknown): unknown {
  const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
  if (!full) return error
  return new LabError(
    {
      code: 'disk-full',
      message: `the files of a run do not fit: ${messageOf(error)}`,
      hint: 'Free space there, or set TMPDIR or XDG_RUNTIME_DIR.',
    },
    { cause: error },
  )
}

async function ramBlocks(qmp: QmpClient, spec: LaunchSpec): Promise<RamBlock[]> {
  const blocks = parseMtree(await qmp.human('info mtree -f'), new Set(ramBackends(spec.nodes)))
  if (!blocks.ok) throw new Error(blocks.error)
  return blocks.value
}

/** The host port that slirp chose, from the HOST_FORWARD line of `info usernet`. */
async function forwardedPort(qmp: QmpClient): Promise<number> {
  const text = await qmp.human('info usernet')
  const port = Number(/TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(text)?.[1] ?? 0)
  if (port < 1 || port > 65535) throw new Error(`QEMU does not tell the forwarded port: ${text}`)
  return port
}
