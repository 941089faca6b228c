import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  contentKey,
  listKeys,
  makeWorkDirectory,
  publish,
  readIndex,
  readPart,
  removeDeadWorkDirectories,
  requireDisk,
  writeIndex,
} from './cache.ts'
import { listImages, readImage, removeImage } from './store.ts'

const Part = z.object({ made: z.string() })
const KEY = '0123456789abcdef'

const KILLED_BUILDER = `
  import { makeWorkDirectory, publish } from ${JSON.stringify(path.join(import.meta.dirname, 'cache.ts'))}
  import { mkdirSync, writeFileSync } from 'node:fs'
  const root = process.argv[1]
  const work = await makeWorkDirectory(root)
  mkdirSync(work + '/kernel')
  writeFileSync(work + '/kernel/bzImage', 'half')
  process.stdout.write(work)
  setInterval(() => undefined, 1000)
`

describe('the cache', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kho-lab-cache-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  async function finishedFolder(made: string): Promise<string> {
    const folder = path.join(await makeWorkDirectory(root), 'kernel')
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'bzImage'), 'kernel')
    writeFileSync(
      path.join(folder, 'part.json'),
      JSON.stringify({ made, files: [{ name: 'bzImage', size: 6, sha256: 'a'.repeat(64) }] }),
    )
    return folder
  }

  it('shows nothing of a builder that was killed, and clears up after it', async () => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', KILLED_BUILDER, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const work = String((await once(child.stdout, 'data'))[0])
    await removeDeadWorkDirectories(root)
    expect(existsSync(path.join(work, 'kernel/bzImage'))).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await listKeys(root, 'kernels')).toEqual([])
    await removeDeadWorkDirectories(root)
    expect(readdirSync(path.join(root, 'tmp'))).toEqual([])
  })

  it('keeps the first of two results with one key', async () => {
    await publish(root, 'kernels', KEY, await finishedFolder('first'))
    await publish(root, 'kernels', KEY, await finishedFolder('second'))
    expect({ part: readPart(root, 'kernels', KEY, Part), keys: await listKeys(root, 'kernels') }).toEqual({
      part: { made: 'first' },
      keys: [KEY],
    })
  })

  it('replaces a result that has lost a file or its description', async () => {
    await publish(root, 'kernels', KEY, await finishedFolder('first'))
    writeFileSync(path.join(root, 'kernels', KEY, 'bzImage'), '')
    await publish(root, 'kernels', KEY, await finishedFolder('second'))
    expect(readPart(root, 'kernels', KEY, Part)).toEqual({ made: 'second' })
    writeFileSync(path.join(root, 'kernels', KEY, 'part.json'), '')
    expect(readPart(root, 'kernels', KEY, Part)).toBeUndefined()
    await publish(root, 'kernels', KEY, await finishedFolder('third'))
    expect(readPart(root, 'kernels', KEY, Part)).toEqual({ made: 'third' })
  })

  it('does not know a part whose description it cannot read', async () => {
    await publish(root, 'kernels', KEY, await finishedFolder('x'))
    expect(readPart(root, 'kernels', KEY, z.object({ other: z.string() }))).toBeUndefined()
  })

  it('keeps the newest index entry, and believes no broken one', async () => {
    const inputs = contentKey({ a: 1 })
    await writeIndex(root, inputs, 'fedcba9876543210')
    await writeIndex(root, inputs, KEY)
    expect(readIndex(root, inputs)).toBe(KEY)
    writeFileSync(path.join(root, 'index', inputs), 'torn')
    expect(readIndex(root, inputs)).toBeUndefined()
  })

  it('has keys that depend on content, not on the order of keys', () => {
    expect(contentKey({ a: 1, b: [2] })).toBe(contentKey({ b: [2], a: 1 }))
    expect(contentKey({ a: 1 })).not.toBe(contentKey({ a: 2 }))
  })

  it('refuses to begin when the disk is too small, and says how much is needed', async () => {
    await expect(requireDisk(root, 2 ** 52, 'building the kernel')).rejects.toMatchObject({
      code: 'not-enough-disk',
      message: expect.stringContaining('building the kernel needs 4096 TiB of disk') as unknown,
    })
  })
})

describe('images in the cache', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kho-lab-store-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const sha256 = 'a'.repeat(64)

  function put(kind: string, key: string, files: Record<string, string>): void {
    mkdirSync(path.join(root, kind, key), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, kind, key, name), text)
  }

  function putImage(id: string, kernel: string, builtAt: string): void {
    const files = [
      { name: 'bzImage', size: 6, sha256 },
      { name: 'initramfs.cpio.gz', size: 4, sha256 },
    ]
    const manifest = {
      document: 'kho-lab/image',
      version: 1,
      id,
      release: '7.3',
      kernelRelease: '7.3.4',
      source: 'test',
      packages: [],
      files,
      builtAt,
    }
    put('kernels', kernel, { 'part.json': '{}' })
    put('initramfs', '00000000000000ff', { 'part.json': '{}' })
    put('images', id, {
      bzImage: 'kernel',
      'initramfs.cpio.gz': 'cpio',
      'manifest.json': JSON.stringify(manifest),
      'parts.json': JSON.stringify({ kernels: kernel, initramfs: '00000000000000ff' }),
    })
  }

  it('are listed newest first, with their size, and only when complete', async () => {
    putImage('0000000000000001', '000000000000000a', '2026-01-01T00:00:00.000Z')
    putImage('0000000000000002', '000000000000000b', '2026-02-01T00:00:00.000Z')
    putImage('0000000000000003', '000000000000000c', '2026-03-01T00:00:00.000Z')
    writeFileSync(path.join(root, 'images/0000000000000003/bzImage'), '')
    expect((await listImages(root)).map(({ manifest, size, config }) => ({ id: manifest.id, size, config }))).toEqual([
      { id: '0000000000000002', size: 10, config: undefined },
      { id: '0000000000000001', size: 10, config: undefined },
    ])
    expect(await readImage(root, '0000000000000003')).toBeUndefined()
  })

  it('take the parts with them that no other image uses', async () => {
    putImage('0000000000000001', '000000000000000a', '2026-01-01T00:00:00.000Z')
    putImage('0000000000000002', '000000000000000b', '2026-02-01T00:00:00.000Z')
    await removeImage('0000000000000001', root)
    expect({
      images: await listKeys(root, 'images'),
      kernels: await listKeys(root, 'kernels'),
      initramfs: await listKeys(root, 'initramfs'),
      tmp: readdirSync(path.join(root, 'tmp')),
    }).toEqual({ images: ['0000000000000002'], kernels: ['000000000000000b'], initramfs: ['00000000000000ff'], tmp: [] })
    expect(readFileSync(path.join(root, 'images/0000000000000002/bzImage'), 'utf8')).toBe('kernel')
  })

  it('that are not there cannot be removed', async () => {
    await expect(removeImage('0000000000000009', root)).rejects.toMatchObject({ code: 'image-missing' })
  })
})
