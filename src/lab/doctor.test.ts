import { describe, expect, it } from 'vitest'
import { CHECKS, diagnose, qemuVersion, type DoctorContext } from './doctor.ts'

const NOTHING: DoctorContext = {
  env: { PATH: '' },
  capture: async () => undefined,
  images: async () => [],
  readyImage: async () => undefined,
  cacheDirectory: '/nonexistent/cache',
}

async function check(id: string, context: Partial<DoctorContext> = {}): Promise<unknown> {
  const [diagnosis] = await diagnose(
    { ...NOTHING, ...context },
    CHECKS.filter((each) => each.id === id),
  )
  return diagnosis
}

describe('doctor', () => {
  it('reads the version from what QEMU prints', () => {
    expect([
      qemuVersion('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright'),
      qemuVersion('QEMU emulator version 10.1'),
      qemuVersion('bochs 2.7'),
    ]).toEqual([[7, 2, 22], [10, 1, 0], undefined])
  })

  it.each([
    ['6.9.1', 'missing'],
    ['7.1.9', 'missing'],
    ['7.2.0', 'ok'],
    ['10.0.0', 'ok'],
  ])('takes QEMU %s as %s', async (version, state) => {
    expect(await check('qemu', { capture: async () => `QEMU emulator version ${version}` })).toMatchObject({ state })
  })

  it('says how to get what is missing', async () => {
    expect(await check('qemu')).toEqual({
      id: 'qemu',
      title: 'QEMU',
      state: 'missing',
      detail: 'qemu-system-x86_64 is not in PATH',
      fix: 'apt-get install -y --no-install-recommends qemu-system-x86',
    })
    expect(await check('image')).toMatchObject({ state: 'missing', fix: 'kho-lab image build' })
    expect(await check('test-tools')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/: dtc, cpio, .*chromium$/) as unknown,
      fix: expect.stringMatching(/^apt-get install -y --no-install-recommends device-tree-compiler cpio .*chromium$/) as unknown,
    })
    expect(await check('display')).toMatchObject({ state: 'warning' })
  })

  it('tells the image that a run takes from those that older sources made', async () => {
    const image = (id: string) => ({ id, release: '7.3', kernel: '7.3.4', size: 9 * 2 ** 20 })
    const images = async () => [image('a'), image('b'), image('c')]
    expect(await check('image', { images })).toMatchObject({
      state: 'missing',
      detail: "none is built of the lab's present sources; 3 more, 27 MiB: kho-lab image list",
      fix: 'kho-lab image build',
    })
    expect(await check('image', { images, readyImage: async () => 'b' })).toMatchObject({
      state: 'ok',
      detail: '7.3 (7.3.4, 9 MiB); 2 more, 18 MiB: kho-lab image list',
    })
  })

  it('finds programs in PATH', async () => {
    expect(await check('test-tools', { env: { PATH: '/nowhere:/usr/bin' } })).toMatchObject({ state: 'ok' })
  })

  it('goes on when a check itself fails', async () => {
    const context = { ...NOTHING, images: () => Promise.reject(new Error('cache is a file')) }
    const diagnoses = await diagnose(context)
    expect(diagnoses.map(({ id }) => id)).toEqual(CHECKS.map(({ id }) => id))
    expect(diagnoses.find(({ id }) => id === 'image')).toEqual({
      id: 'image',
      title: 'Guest image',
      state: 'warning',
      detail: 'could not be checked: cache is a file',
      fix: 'Check it by hand.',
    })
  })

  it('tells a fix for everything that is not well', async () => {
    const diagnoses = await diagnose(NOTHING)
    expect(diagnoses.filter(({ state, fix }) => (state === 'ok') === (fix !== undefined))).toEqual([])
  })
})
