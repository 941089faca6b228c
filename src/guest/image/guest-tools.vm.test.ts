import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MiB } from '../../shared/units.ts'
import type { Machine } from '../machine.ts'
import { startMachine } from '../start-machine.ts'
import { appendCpio } from './cpio.ts'
import { ensureImage } from './image.ts'
import { KHOPROBE_LOG } from './modules-part.ts'
import { makeRunKeys } from './run-cpio.ts'

describe("the guest's own tools", () => {
  let machine: Machine

  beforeAll(async () => {
    const image = await ensureImage()
    const keys = makeRunKeys()
    machine = await startMachine({
      type: 'q35',
      memory: 256 * MiB,
      cpus: 1,
      nodes: [{ memory: 256 * MiB }],
      kernel: image.kernel,
      initrd: appendCpio(await readFile(image.initramfs), keys.cpio),
      cmdline: 'console=ttyS0 panic=-1 kho=on',
      accelerator: 'tcg',
      keys,
    })
    await machine.waitForBoot()
  })
  afterAll(() => machine.dispose())

  const run = async (command: string): Promise<{ code: number; out: string; err: string }> => {
    const { code, stdout, stderr } = await machine.exec(command)
    return { code, out: stdout.toString('latin1'), err: stderr.trim() }
  }

  it('khoprobe compiles under W=1 without a warning', async () => {
    const said = await readFile(path.join((await ensureImage()).directory, KHOPROBE_LOG), 'utf8')
    expect(said).toContain('W=1 modules')
    expect(said.match(/^.*(warning|error):.*$/gim) ?? []).toEqual([])
  })

  it('kho-capture frames files, directories and failures, and counts bytes itself', async () => {
    await run('mkdir -p /tmp/t/b && printf hello >/tmp/t/b/file && : >/tmp/t/a && ln -s a /tmp/t/link && mkfifo /tmp/t/fifo')
    const { code, out } = await run('kho-capture /tmp/t /tmp/none /tmp/t/link /tmp/t/fifo')
    expect({ code, out }).toEqual({
      code: 0,
      out: 'D 0 0 /tmp/t\nF 0 0 /tmp/t/a\nD 0 0 /tmp/t/b\nF 0 5 /tmp/t/b/file\nhelloF 2 0 /tmp/none\nF 40 0 /tmp/t/link\nF 22 0 /tmp/t/fifo\n',
    })
  })

  it('kho-capture reads files whose size lies, as cat does', async () => {
    const cat = await run('cat /sys/kernel/debug/kho/out/scratch_phys')
    const capture = await run('kho-capture /sys/kernel/debug/kho/out/scratch_phys')
    expect(capture.out).toBe(`F 0 ${cat.out.length} /sys/kernel/debug/kho/out/scratch_phys\n${cat.out}`)
  })

  it("kexec-load tells usage, unreadable files and the kernel's refusal apart", async () => {
    expect(await run('kexec-load')).toEqual({ code: 2, out: '', err: 'usage: kexec-load KERNEL INITRD CMDLINE|@FILE' })
    expect(await run('kexec-load /none /init x')).toEqual({
      code: 3,
      out: '',
      err: 'kexec-load: /none: No such file or directory (2)',
    })
    expect(await run('kexec-load /init /init @/none')).toEqual({
      code: 3,
      out: '',
      err: 'kexec-load: /none: No such file or directory (2)',
    })
    expect(await run('kexec-load /init /init x')).toEqual({ code: 4, out: '', err: 'kexec_file_load: Exec format error (8)' })
  })

  it('process 1 leaves no zombies of orphans', async () => {
    await run('(sleep 0.1 &) ; (sleep 0.1 &)')
    await run('sleep 0.5')
    expect(await run('ps -o stat,comm | grep -c "^Z"')).toEqual({ code: 1, out: '0\n', err: '' })
  })

  it("nothing in the image but the run's own cpio holds a key", async () => {
    expect((await run('ls /etc/dropbear /root/.ssh')).out).toBe(
      '/etc/dropbear:\ndropbear_ed25519_host_key\n\n/root/.ssh:\nauthorized_keys\n',
    )
  })
})
