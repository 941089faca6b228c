import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sidecar, baseDirectory, createRunFiles, placeFile, removeRunFiles, writeSidecar } from './files.ts'
import { type Identity, hostBootId, identityOf, isAlive, ownIdentity } from './identity.ts'
import { findProgram } from './process.ts'
import { reapLeftovers } from './reap.ts'

let env: { XDG_RUNTIME_DIR: string }
const started: { kill: () => void }[] = []

beforeEach(async () => {
  env = { XDG_RUNTIME_DIR: await mkdtemp(join(tmpdir(), 'kho-reap-')) }
})
afterEach(async () => {
  for (const child of started.splice(0)) child.kill()
  await rm(env.XDG_RUNTIME_DIR, { recursive: true })
})

/** A process that stands for a QEMU: what matters is who it is. */
async function sleeper(): Promise<{ identity: Identity; ended: Promise<unknown> }> {
  const exe = (await findProgram('sleep')) ?? 'sleep'
  const child = spawn(exe, ['1000'], { stdio: 'ignore' })
  started.push({ kill: () => void child.kill('SIGKILL') })
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  const identity = await identityOf(child.pid ?? 0, exe)
  if (!identity) throw new Error('no such process')
  return { identity, ended }
}

/** A pid that no process has: the highest possible is never reached in a test. */
const nobody = async (): Promise<Identity> => ({
  pid: 4_194_303,
  startTime: '1',
  exe: '/usr/bin/node',
  bootId: await hostBootId(),
})

async function leftover(sidecar: Sidecar | string): Promise<string> {
  const files = await createRunFiles({ env })
  await writeFile(files.sidecar, typeof sidecar === 'string' ? sidecar : JSON.stringify(sidecar))
  return files.directory
}

/** Typed, which vitest's own is not. */
const containing = (part: string): unknown => expect.stringContaining(part)

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

describe('run files', () => {
  it('lie in a directory of the user alone, with a sidecar that names the lab', async () => {
    const files = await createRunFiles({ env })
    expect((await stat(files.directory)).mode & 0o777).toBe(0o700)
    expect(await readdir(files.directory)).toEqual(['run.json'])
    await writeSidecar(files, await nobody())
    expect(await readdir(files.directory)).toEqual(['run.json'])
    await removeRunFiles(files)
    expect(await readdir(await baseDirectory({ env }))).toEqual([])
  })

  it('are refused where others could get at them', async () => {
    const base = await baseDirectory({ env })
    await chmod(base, 0o755)
    await expect(createRunFiles({ env })).rejects.toMatchObject({ code: 'refused' })
  })

  it('are refused where the path of a socket would be too long', async () => {
    const long = { XDG_RUNTIME_DIR: join(env.XDG_RUNTIME_DIR, 'x'.repeat(80)) }
    await mkdir(long.XDG_RUNTIME_DIR)
    await expect(createRunFiles({ env: long })).rejects.toMatchObject({
      code: 'usage',
      message: containing('the system allows 107'),
    })
  })

  it('lie below the directory for temporary files where there is no runtime directory of the user', async () => {
    const temporary = { XDG_RUNTIME_DIR: join(env.XDG_RUNTIME_DIR, 'missing'), TMPDIR: env.XDG_RUNTIME_DIR }
    expect(await baseDirectory({ env: temporary })).toBe(join(env.XDG_RUNTIME_DIR, `kho-lab-${process.getuid?.()}`))
  })

  it('are refused in plain words where no directory can be made', async () => {
    const file = join(env.XDG_RUNTIME_DIR, 'file')
    await writeFile(file, '')
    await expect(baseDirectory({ env: { TMPDIR: join(file, 'below') } })).rejects.toMatchObject({
      code: 'out-unwritable',
      hint: expect.stringMatching(/^Set XDG_RUNTIME_DIR, or TMPDIR,/) as unknown,
    })
  })
  it('hold bytes or links, and can be replaced', async () => {
    const files = await createRunFiles({ env })
    expect(await placeFile(files.next.kernel, Buffer.from('12345'))).toBe(5)
    const source = join(env.XDG_RUNTIME_DIR, 'source')
    await writeFile(source, '123')
    expect(await placeFile(files.next.kernel, source)).toBe(3)
    expect(await realpath(files.next.kernel)).toBe(await realpath(source))
  })
})

describe('isAlive', () => {
  it('needs pid, start time, boot and executable to agree', async () => {
    const me = await ownIdentity()
    expect(await isAlive(me)).toBe(true)
    expect(await isAlive({ ...me, startTime: '1' })).toBe(false)
    expect(await isAlive({ ...me, bootId: 'another' })).toBe(false)
    expect(await isAlive({ ...me, exe: '/usr/bin/qemu-system-x86_64' })).toBe(false)
    expect(await isAlive(await nobody())).toBe(false)
  })

  it('does not take a process that has ended for alive', async () => {
    const { identity, ended } = await sleeper()
    expect(await isAlive(identity)).toBe(true)
    process.kill(identity.pid, 'SIGKILL')
    await ended
    expect(await isAlive(identity)).toBe(false)
  })
})

describe('reapLeftovers', () => {
  it('kills the QEMU of a dead lab and removes its directory', async () => {
    const { identity, ended } = await sleeper()
    const directory = await leftover({ lab: await nobody(), qemu: identity })
    expect(await reapLeftovers({ env })).toEqual([
      { directory, text: `killed QEMU (process ${identity.pid}) and removed the directory of a run whose lab is gone` },
    ])
    await ended
    expect(await exists(directory)).toBe(false)
  })

  it('never kills a process that only has the same pid', async () => {
    const { identity } = await sleeper()
    const strangers: Identity[] = [
      { ...identity, startTime: `${Number(identity.startTime) - 1}` },
      { ...identity, exe: '/usr/bin/qemu-system-x86_64' },
      { ...identity, bootId: 'the boot before' },
    ]
    for (const stranger of strangers) await leftover({ lab: await nobody(), qemu: stranger })
    expect((await reapLeftovers({ env })).map(({ text }) => text)).toEqual(
      Array(3).fill('removed the directory of a run whose lab is gone'),
    )
    expect(await isAlive(identity)).toBe(true)
  })

  it('leaves the runs of a live lab alone', async () => {
    const { identity } = await sleeper()
    const directory = await leftover({ lab: await ownIdentity(), qemu: identity })
    expect(await reapLeftovers({ env })).toEqual([])
    expect(await isAlive(identity)).toBe(true)
    expect(await exists(directory)).toBe(true)
  })

  it('removes a directory without a usable sidecar only when it is no longer being made', async () => {
    const directory = await leftover('{"lab": ')
    expect(await reapLeftovers({ env })).toEqual([])
    await utimes(directory, new Date(0), new Date(0))
    expect(await reapLeftovers({ env })).toHaveLength(1)
    expect(await exists(directory)).toBe(false)
  })
})
