import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { unhex } from '../abi/testing/captured-guest.ts'
import { diagnoseKernel } from './doctor-kernel.ts'
import { KERNEL_NEEDS } from './kernel-needs.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kho-lab-kernel-'))
})
function put(name: string, content: string | Uint8Array): string {
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, name)
  writeFileSync(file, content)
  return file
}

/** A .config that has all that is needed, but for the lines that are given. */
function config(release: string, ...lines: readonly string[]): string {
  const good = KERNEL_NEEDS.filter(({ wanted }) => wanted === 'y').map(({ option }) => `CONFIG_${option}=y`)
  return [`# Linux/x86 ${release} Kernel Configuration`, ...good, ...lines, ''].join('\n')
}

const lacking = async (file: string): Promise<string[]> =>
  (await diagnoseKernel(file)).flatMap(({ id, state, detail, fix }) =>
    state === 'ok' ? [] : [`${state} ${id} ${detail} | ${fix}`],
  )

/** Bytes 0x1f1 to 0x26c of a bzImage of Linux 7.3.4 (src/abi/bzimage.test.ts), with a payload of its own. */
function bzImage(payload: Uint8Array): Uint8Array {
  const header =
    '1f0100404e03000000ffff000055aaeb6a486472530f02000000000010c0350001008000001000000000000000000000000000c04e000000000000ffffff7f' +
    '0000200001156300ff070000000000000000000000000000c40200008eb932000000000000000000000000010000000000d0f2000000000020c83400'
  const bytes = new Uint8Array(32 * 512 + payload.length)
  bytes.set(unhex(header), 0x1f1)
  bytes.set(new TextEncoder().encode('7.3.4 (root@vm) #1'), 0x37c0)
  bytes.set(payload, 32 * 512)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x248, 0, true)
  view.setUint32(0x24c, payload.length, true)
  return bytes
}
const packed = (text: string): Uint8Array =>
  gzipSync(Buffer.concat([Buffer.from('\u007fELF… IKCFG_ST', 'latin1'), gzipSync(text), Buffer.from('IKCFG_ED …', 'latin1')]))

it('finds nothing wrong where nothing is', async () => {
  expect(await lacking(put('.config', config('7.3.4')))).toEqual([])
  expect((await diagnoseKernel(join(directory, '.config')))[0]).toMatchObject({
    id: 'kernel',
    state: 'ok',
    detail: `7.3.4, by ${join(directory, '.config')}`,
  })
})

it('names each option that is missing, a module, or in the way, with what mends it', async () => {
  const lines = ['# CONFIG_KEXEC_HANDOVER is not set', 'CONFIG_VIRTIO_NET=m', 'CONFIG_KEXEC_SIG_FORCE=y']
  expect(await lacking(put('.config', config('7.3.4', ...lines)))).toEqual([
    'missing CONFIG_KEXEC_HANDOVER is not set: without it the kernel hands nothing over and takes nothing | scripts/config -e KEXEC_HANDOVER && make olddefconfig',
    'missing CONFIG_KEXEC_SIG_FORCE is y: kexec_file_load() would refuse a kernel without signature | scripts/config -d KEXEC_SIG_FORCE && make olddefconfig',
    'missing CONFIG_VIRTIO_NET is m: the lab asks the guest by ssh, over a virtio network card | scripts/config -e VIRTIO_NET && make olddefconfig',
  ])
})

it('asks of each release what it has', async () => {
  const of = ['DEFERRED_STRUCT_PAGE_INIT', 'KEXEC_HANDOVER_DEBUG', 'KEXEC_HANDOVER_DEBUGFS', 'LIVEUPDATE', 'LIVEUPDATE_MEMFD']
  const asked: string[][] = []
  for (const release of ['6.17.8', '6.18.15', '6.19.11', '7.1.13', '7.2.13']) {
    const ids = (await diagnoseKernel(put('.config', config(release)))).map(({ id }) => id)
    asked.push(of.filter((option) => ids.includes(`CONFIG_${option}`)))
  }
  expect(asked).toEqual([of.slice(0, 1), of.slice(0, 2), of.slice(0, 4), of, of.slice(1)])
  expect(await lacking(put('.config', config('6.12.3')))).toEqual([
    expect.stringMatching(/^missing kernel 6\.12\.3, .*KHO came with 6\.16/),
  ])
})

it('takes the configuration out of a bzImage, or from beside it', async () => {
  const file = put('bzImage', bzImage(packed(config('7.3.4', '# CONFIG_CMA is not set'))))
  expect(await lacking(file)).toEqual([expect.stringContaining('missing CONFIG_CMA is not set')])
  const bare = put('bzImage', bzImage(gzipSync('no configuration in here')))
  await expect(diagnoseKernel(bare)).rejects.toMatchObject({
    code: 'bad-kernel',
    message: `the configuration of ${bare} is not known: it does not carry its configuration: CONFIG_IKCONFIG is not built in`,
  })
  put('config-7.3.4', config('7.3.4', 'CONFIG_NUMA=n'))
  expect(await lacking(bare)).toEqual([expect.stringContaining('warning CONFIG_NUMA is n')])
})

it('says what is no kernel, and what cannot be unpacked', async () => {
  await expect(diagnoseKernel(put('thesis', 'x'.repeat(5000)))).rejects.toMatchObject({ code: 'bad-kernel' })
  const broken = packed(config('7.3.4')).subarray(0, 60)
  await expect(diagnoseKernel(put('bzImage', bzImage(broken)))).rejects.toMatchObject({
    message: expect.stringContaining('its gzip payload cannot be unpacked') as unknown,
  })
  await expect(diagnoseKernel(put('bzImage', bzImage(Buffer.from('what is this'))))).rejects.toMatchObject({
    message: expect.stringContaining('packed in a way that the lab does not know') as unknown,
  })
})
