import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FolderRawStore } from './folder-raw-store.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kho-lab-raw-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

test('keeps bytes in a file and answers with size, hash and hexadecimal', async () => {
  const store = new FolderRawStore(directory)
  const blob = store.put('hop0/guest/proc/cmdline', Buffer.from('abc'))
  await store.flush()
  expect(blob).toEqual({
    file: 'raw/hop0/guest/proc/cmdline',
    size: 3,
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    hex: '616263',
  })
  expect(await readFile(join(directory, 'raw/hop0/guest/proc/cmdline'), 'utf8')).toBe('abc')
  expect(store.put('big', new Uint8Array(64 * 1024 + 1)).hex).toBeUndefined()
})

test('the same name, and a file where a folder is, get another name', async () => {
  const store = new FolderRawStore(directory)
  expect(['a', 'a', 'a/b', 'c/d', 'c', 'a'].map((name) => store.put(name, new Uint8Array()).file)).toEqual([
    'raw/a',
    'raw/a~2',
    'raw/a~3/b',
    'raw/c/d',
    'raw/c~2',
    'raw/a~4',
  ])
})

test('no name leaves the folder, and every capture can be read back', async () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('..', '../../x', '/etc/passwd', '.', '', 'a/b', 'a', '~2', 'a~2', '\0'),
  )
  const store = new FolderRawStore(directory)
  const wanted = new Map<string, string>()
  fc.assert(
    fc.property(nasty, fc.string({ maxLength: 8 }), (name, text) => {
      const { file } = store.put(name, Buffer.from(text))
      if (file === undefined) throw new Error('no file')
      expect(wanted.has(file)).toBe(false)
      expect(resolve(directory, file).startsWith(join(directory, 'raw') + sep)).toBe(true)
      wanted.set(file, text)
    }),
  )
  await store.flush()
  for (const [file, text] of wanted) expect(await readFile(join(directory, file), 'utf8')).toBe(text)
  expect((await readdir(directory)).length).toBe(1)
})
