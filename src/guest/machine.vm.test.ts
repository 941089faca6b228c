import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LabError, toLabError } from '../shared/result.ts'
import { GiB, MiB, TiB } from '../shared/units.ts'
import { appendCpio } from './image/cpio.ts'
import { ensureImage } from './image/image.ts'
import { makeRunKeys } from './image/run-cpio.ts'
import type { Machine, MachineOptions, MachineSpec } from './machine.ts'
import { startMachine } from './start-machine.ts'
import { chooseAccelerator } from './qemu/accelerator.ts'
import { baseDirectory } from './qemu/files.ts'
import { reapLeftovers } from './qemu/reap.ts'
import type { GuestImage } from './types.ts'

let image: GuestImage
let initramfs: Buffer
let runtime: string
const keys = makeRunKeys()
const machines: Machine[] = []

beforeAll(async () => {
  image = await ensureImage()
  initramfs = await readFile(image.initramfs)
})
beforeEach(async () => {
  runtime = await mkdtemp(join(tmpdir(), 'kho-vm-'))
  process.env['XDG_RUNTIME_DIR'] = runtime
})
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose()
  expect(await readdir(await baseDirectory())).toEqual([])
  await rm(runtime, { recursive: true })
})

const CMDLINE = 'console=ttyS0 panic=-1 kho=on'

const spec = (changes: Partial<MachineSpec> = {}): MachineSpec => ({
  type: 'q35',
  memory: 512 * MiB,
  cpus: 2,
  nodes: [{ memory: 512 * MiB }],
  kernel: image.kernel,
  initrd: appendCpio(initramfs, keys.cpio),
  cmdline: CMDLINE,
  accelerator: 'tcg',
  keys,
  ...changes,
})

async function started(changes: Partial<MachineSpec> = {}, options: MachineOptions = {}): Promise<Machine> {
  const machine = await startMachine(spec(changes), options)
  machines.push(machine)
  return machine
}

/** What a promise that must fail fails with. */
const failure = (promise: Promise<unknown>): Promise<LabError> =>
  promise.then(() => {
    throw new Error('did not fail')
  }, toLabError)

/** Typed, which vitest's own is not. */
const containing = (part: string): unknown => expect.stringContaining(part)

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const text = async (machine: Machine, command: string): Promise<string> => (await machine.exec(command)).stdout.toString().trim()

describe('a machine', () => {
  it('boots, runs commands, shows its RAM, hops twice and powers off', async () => {
    const events: string[] = []
    const serialLog = join(runtime, 'serial.log')
    const machine = await started({ serialLog }, { onPhase: ({ hop, phase }) => events.push(`${hop} ${phase}`) })
    const first = await machine.waitForBoot()
    expect(await text(machine, 'cat /proc/cmdline')).toBe(CMDLINE)
    expect(await machine.exec('cat; echo bad >&2; exit 3', { stdin: Buffer.from('in') })).toEqual({
      code: 3,
      stdout: Buffer.from('in'),
      stderr: 'bad\n',
    })
    expect(machine.memory.ranges).toEqual([{ start: 0, end: 512 * MiB }])

    const monitor = connect(machine.monitorSocket)
    const greeting = await new Promise<string>((resolve) => monitor.once('data', (chunk) => resolve(chunk.toString())))
    expect(greeting).toContain('"QMP"')
    monitor.destroy()

    expect(await failure(machine.loadKernel({ kernel: Buffer.from('no kernel'), initrd: keys.cpio, cmdline: '' }))).toMatchObject(
      { code: 'kexec-refused' },
    )
    const boots = [first.bootId]
    for (const hop of [1, 2]) {
      await machine.loadKernel({
        kernel: image.kernel,
        initrd: appendCpio(initramfs, keys.cpio),
        cmdline: `${CMDLINE} it's=hop${hop}`,
      })
      await machine.kexec()
      const asked = text(machine, 'cat /proc/cmdline')
      const boot = await machine.waitForBoot()
      expect(await asked).toContain(`hop${hop}`)
      expect(boot.hop).toBe(hop)
      expect(await text(machine, 'cat /proc/cmdline')).toBe(`${CMDLINE} it's=hop${hop}`)
      boots.push(boot.bootId)
    }
    expect(new Set(boots).size).toBe(3)
    expect(events).toEqual([
      '0 firmware',
      '0 kernel',
      '0 init',
      '0 ssh',
      '0 debugfs',
      '1 kernel',
      '1 init',
      '1 ssh',
      '1 debugfs',
      '2 kernel',
      '2 init',
      '2 ssh',
      '2 debugfs',
    ])
    const stopped = await machine.stop()
    expect(stopped.by).toBe('powerdown')
    expect(runs(machine.pid)).toBe(false)
    // A guest's last words stay readable: the interrupt vectors of real mode are never all zero after SeaBIOS.
    expect(machine.memory.read(0, 4096)?.some((byte) => byte !== 0)).toBe(true)
    expect((await readFile(serialLog, 'latin1')).match(/Linux version/g)).toHaveLength(3)
    expect(await failure(machine.exec('true'))).toMatchObject({ code: 'cancelled' })
  })

  it('has the nodes that were asked for, on pc as well, and memory on both sides of 4 GiB', async () => {
    const machine = await started({
      type: 'pc',
      memory: 4 * GiB,
      cpus: 3,
      nodes: [{ memory: 3 * GiB }, { memory: 0 }, { memory: GiB }],
    })
    await machine.waitForBoot()
    expect(machine.memory.ranges).toEqual([
      { start: 0, end: 3 * GiB },
      { start: 4 * GiB, end: 5 * GiB },
    ])
    expect(await text(machine, 'cat /sys/devices/system/node/has_cpu /sys/devices/system/node/has_memory')).toBe('0-2\n0,2')
    await machine.stop({ powerdown: false })
  })

  it('tells a kexec that cannot be', async () => {
    const machine = await started()
    await machine.waitForBoot()
    await machine.kexec()
    expect(await failure(machine.waitForBoot())).toMatchObject({ code: 'kexec-refused' })
    expect(await text(machine, 'echo still here')).toBe('still here')
  })
})

describe('a guest that fails', () => {
  it.each(['panic=-1', 'panic=0'])('panics (%s)', async (panic) => {
    const machine = await started({ cmdline: `console=ttyS0 rdinit=/nonexistent init=/nonexistent ${panic}` })
    const error = await failure(machine.waitForBoot())
    expect(error).toMatchObject({ code: 'guest-panicked', message: containing('Kernel panic - not syncing: ') })
    expect(error.evidence.join('\n')).toContain('Kernel panic')
  })

  it('says nothing', async () => {
    const kernel = join(runtime, 'silent')
    const bytes = await readFile(image.kernel)
    // The protected-mode code begins after the boot sector and setup_sects sectors (Documentation/arch/x86/boot.rst): jmp to itself.
    bytes.set([0xeb, 0xfe], ((bytes[0x1f1] ?? 0) + 1) * 512)
    await writeFile(kernel, bytes)
    const machine = await started({ kernel, bounds: { firmware: 3000 } })
    expect(await failure(machine.waitForBoot())).toMatchObject({
      code: 'guest-silent',
      message: 'the guest is silent: waited 3 s in phase firmware for a first byte from the kernel on the console',
      evidence: [],
    })
  })

  it('resets, which ends a command in the middle', async () => {
    const machine = await started()
    await machine.waitForBoot()
    expect(await failure(machine.exec('reboot -f; sleep 60'))).toMatchObject({
      code: 'guest-died',
      message: containing('the guest reset itself'),
    })
  })

  it('has no ssh', async () => {
    const machine = await started({ initrd: initramfs, bounds: { init: 3000 } })
    expect(await failure(machine.waitForBoot())).toMatchObject({
      code: 'guest-silent',
      message: containing("in phase init for the guest's ssh server"),
    })
  })

  it('is not the guest of this run', async () => {
    const machine = await started({ keys: { ...keys, hostPublicKey: makeRunKeys().hostPublicKey } })
    expect(await failure(machine.waitForBoot())).toMatchObject({ code: 'ssh-failed', message: containing('another host key') })
  })

  it('does not know the client', async () => {
    const machine = await started({ keys: { ...keys, clientPrivateKey: makeRunKeys().clientPrivateKey } })
    expect(await failure(machine.waitForBoot())).toMatchObject({
      code: 'ssh-failed',
      message: containing('does not let the lab in'),
    })
  })
})

describe('a start that fails', () => {
  it('shows what QEMU said', async () => {
    expect(await failure(started({ cpus: 300 }))).toMatchObject({
      code: 'qemu-start-failed',
      message: containing('The max CPUs supported'),
    })
  })

  it('shows that the kernel is none', async () => {
    const error = await failure(started({ kernel: image.initramfs }))
    expect(error.code).toBe('qemu-start-failed')
    expect(error.evidence.at(-1)).toBe('exit code 1')
  })

  it('says how much RAM there is', async () => {
    const error = await failure(started({ memory: 4096 * TiB, nodes: [{ memory: 4096 * TiB }] }))
    expect(error).toMatchObject({ code: 'not-enough-memory', message: containing('the machine wants 4096 TiB of RAM') })
  })

  it('says that QEMU is missing', async () => {
    expect(await failure(started({ qemu: 'qemu-system-none' }))).toMatchObject({ code: 'qemu-missing' })
  })

  it('says that the log cannot be written, or that the disk is full', async () => {
    expect(await failure(started({ serialLog: join(runtime, 'no', 'such') }))).toMatchObject({ code: 'out-unwritable' })
    const machine = await started({ serialLog: '/dev/full' })
    expect(await failure(machine.waitForBoot())).toMatchObject({ code: 'disk-full' })
  })
})

describe('an end that nobody planned', () => {
  it('is said to be the OOM killer, where that took ssh', async () => {
    const machine = await started({
      memory: 192 * MiB,
      nodes: [{ memory: 192 * MiB }],
      cmdline: 'console=ttyS0 panic=-1 kho=off',
    })
    await machine.waitForBoot()
    // ssh is made the first victim; the second is what eats the memory, so that the guest itself lives on.
    const eat =
      'for p in $(pidof dropbear); do echo 1000 > /proc/$p/oom_score_adj; done; echo 0 > /proc/self/oom_score_adj; tail /dev/zero'
    const error = await failure(machine.exec(eat))
    expect(error).toMatchObject({
      code: 'guest-out-of-memory',
      message: expect.stringMatching(
        /^the guest ran out of memory: Killed process \d+ \(.*\); then the ssh connection/,
      ) as unknown,
    })
  })

  it('is cancelled at any time', async () => {
    const controller = new AbortController()
    const machine = await started({}, { signal: controller.signal, onPhase: () => controller.abort() })
    expect(await failure(machine.waitForBoot())).toMatchObject({ code: 'cancelled' })
    await machine.dispose()
    expect(runs(machine.pid)).toBe(false)
  })

  /** A lab in a process of its own that boots a guest and says its QEMU's pid. */
  async function labOfItsOwn(): Promise<{ lab: ChildProcess; qemu: number }> {
    const initrd = join(runtime, 'initrd')
    await writeFile(initrd, appendCpio(initramfs, keys.cpio))
    const given = { ...spec(), initrd, keys: { clientPrivateKey: keys.clientPrivateKey, hostPublicKey: [...keys.hostPublicKey] } }
    const program = `
      import { startMachine } from ${JSON.stringify(join(import.meta.dirname, 'start-machine.ts'))}
      const given = ${JSON.stringify(given)}
      const machine = await startMachine({ ...given, keys: { ...given.keys, hostPublicKey: Uint8Array.from(given.keys.hostPublicKey) } })
      console.log(machine.pid)
      await machine.waitForBoot()
      console.log('up')
      setInterval(() => undefined, 1000)`
    const lab = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface(lab.stdout)[Symbol.asyncIterator]()
    const { value } = await lines.next()
    await lines.next()
    return { lab, qemu: Number(value) }
  }

  it('is kill -9 of the lab: QEMU goes with it, and nothing is in the way of the next start', async () => {
    const { lab, qemu } = await labOfItsOwn()
    expect(runs(qemu)).toBe(true)
    const exit = once(lab, 'exit')
    lab.kill('SIGKILL')
    await exit
    await expect.poll(() => runs(qemu), { timeout: 5000 }).toBe(false)
    const machine = await started()
    expect(await reapLeftovers()).toHaveLength(1)
    await machine.waitForBoot()
  })
})

describe('the accelerator', () => {
  it('is KVM only if a guest speaks under it', async () => {
    const options = { kernel: image.kernel, cacheDirectory: runtime }
    const chosen = await chooseAccelerator('auto', options)
    const again = performance.now()
    expect(await chooseAccelerator('auto', options)).toEqual(chosen)
    expect(performance.now() - again).toBeLessThan(100)
    expect(chosen.why).toMatch(
      chosen.used === 'kvm' ? /^a guest spoke/ : /^(KVM is there, but|this host has no|\/dev\/kvm may not)/,
    )
    expect(await chooseAccelerator('auto', { ...options, device: '/nonexistent' })).toEqual({
      used: 'tcg',
      why: 'this host has no /nonexistent',
    })
  })
})
