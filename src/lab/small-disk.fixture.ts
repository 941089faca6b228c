import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A file system of its own, which needs root; `size` as mount takes it. */
export function smallDisk(size: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-disk-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory])
  onTestFinished(() => void execFileSync('umount', ['-l', directory]))
  return directory
}

/** Leaves not a byte on a disk of at most 64 MiB. */
export function fillDisk(directory: string): void {
  const file = join(directory, 'filler')
  if (existsSync(file)) return
  try {
    writeFileSync(file, Buffer.alloc(64 * 2 ** 20))
  } catch {
    // It is full: that was the aim.
  }
}
