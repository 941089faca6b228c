import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProbeOptions, chooseAccelerator } from './accelerator.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kho-accelerator-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** A host whose KVM behaves as the script does; counts how often it was asked. */
async function host(script: string): Promise<ProbeOptions & { asked: () => Promise<number> }> {
  const qemu = join(directory, 'qemu')
  const count = join(directory, 'count')
  await writeFile(count, '')
  await writeFile(qemu, `#!/bin/sh\necho >>${count}\n${script}\n`)
  await chmod(qemu, 0o755)
  return {
    kernel: '/bzImage',
    qemu,
    device: '/dev/null',
    cacheDirectory: join(directory, 'cache'),
    boundMs: 300,
    asked: async () => (await readFile(count, 'utf8')).length,
  }
}

describe('chooseAccelerator', () => {
  it('takes KVM when a guest spoke, and remembers', async () => {
    const options = await host('echo "Linux version"; exec sleep 100')
    const chosen = { used: 'kvm', why: 'a guest spoke under KVM' }
    expect(await chooseAccelerator('auto', options)).toEqual(chosen)
    expect(await chooseAccelerator('auto', options)).toEqual(chosen)
    expect(await options.asked()).toBe(1)
  })

  it('takes TCG when the guest is mute, and when QEMU dies, saying which', async () => {
    expect(await chooseAccelerator('auto', await host('exec sleep 100'))).toEqual({
      used: 'tcg',
      why: 'KVM is there, but a guest under it said nothing for 0.3 s',
    })
    await rm(join(directory, 'cache'), { recursive: true })
    expect(await chooseAccelerator('auto', await host('echo "kvm.c: Assertion failed" >&2; exit 134'))).toEqual({
      used: 'tcg',
      why: 'KVM is there, but QEMU ended under it: kvm.c: Assertion failed',
    })
  })

  it('asks again after QEMU has changed, and when what it kept is unreadable', async () => {
    const options = await host('echo x')
    await chooseAccelerator('auto', options)
    await writeFile(options.qemu ?? '', `${await readFile(options.qemu ?? '', 'utf8')}# newer\n`)
    await chooseAccelerator('auto', options)
    expect(await options.asked()).toBe(2)
    await writeFile(join(directory, 'cache', 'accelerator.json'), '{"used"')
    await chooseAccelerator('auto', options)
    expect(await options.asked()).toBe(3)
  })

  it('does not keep the answer of a probe that was cancelled', async () => {
    const options = await host('exec sleep 100')
    const signal = AbortSignal.timeout(50)
    await expect(chooseAccelerator('auto', { ...options, signal })).rejects.toHaveProperty('name', 'TimeoutError')
    expect((await chooseAccelerator('auto', options)).why).toContain('said nothing')
  })

  it('obeys, and knows a host without KVM', async () => {
    const options = await host('exit 1')
    expect(await chooseAccelerator('tcg', options)).toEqual({ used: 'tcg', why: 'the experiment asks for it' })
    expect(await chooseAccelerator('kvm', options)).toEqual({ used: 'kvm', why: 'the experiment asks for it' })
    expect(await chooseAccelerator('auto', { ...options, device: '/nonexistent' })).toEqual({
      used: 'tcg',
      why: 'this host has no /nonexistent',
    })
    expect(await options.asked()).toBe(0)
  })
})
