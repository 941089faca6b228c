import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { appendCpio } from '../image/cpio.ts'
import { ensureImage } from '../image/image.ts'
import { makeRunKeys } from '../image/run-cpio.ts'
import { findQemu } from '../qemu/process.ts'
import { QmpClient } from '../qemu/qmp.ts'

export const PLAIN_CMDLINE = 'console=ttyS0 panic=-1 kho=on kho_scratch=16M,0M,32M liveupdate=on reserve_mem=1M:4096:trace'

/** What lets somebody in to the guests of {@link plainQemu}. */
export const plainKeys = makeRunKeys()

export interface PlainQemu {
  readonly pid: number
  readonly qmp: string
  /** Goes away with the test. */
  readonly directory: string
  readonly sshPort: number
}

/**
 * A QEMU as somebody starts it by hand, with the lab's kernel in it and nothing of the lab's around it; resolves when ssh
 * answers in it. `more` are arguments, `console` is where the first serial port goes: a file in its directory, unless given.
 */
export async function plainQemu(more: readonly string[], console?: string): Promise<PlainQemu> {
  const image = await ensureImage()
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-plain-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const [qmp, port, initrd] = [join(directory, 'q'), join(directory, 'port'), join(directory, 'initrd')]
  writeFileSync(initrd, appendCpio(await readFile(image.initramfs), plainKeys.cpio))
  const sshPort = await freePort()
  const argv = [
    ...['-name', 'by hand', '-accel', 'tcg', '-cpu', 'max', '-smp', '2', '-m', '512M', '-nodefaults', '-display', 'none'],
    ...['-kernel', image.kernel, '-initrd', initrd, '-append', PLAIN_CMDLINE, '-qmp', `unix:${qmp},server=on,wait=off`],
    ...['-serial', console ?? `file:${join(directory, 'console')}`, '-serial', `file:${port}`],
    ...['-netdev', `user,id=n,hostfwd=tcp:127.0.0.1:${sshPort}-:22`, '-device', 'virtio-net-pci,netdev=n,romfile='],
    ...more,
  ]
  const child = spawn(await findQemu(), argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(() => ended(child))
  await expect.poll(() => textIfThere(port), { timeout: 60_000 }).toContain('kho-lab debugfs')
  return { pid: child.pid ?? 0, qmp, directory, sshPort }
}

/** What QEMU answers to query-status. */
export async function qemuStatus(qmp: string): Promise<unknown> {
  const { client } = await QmpClient.open(connect(qmp))
  try {
    return await client.execute('query-status')
  } finally {
    client.close()
  }
}

/** The text of a file; empty where there is none. */
export function textIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
