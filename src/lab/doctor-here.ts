import { execFile } from 'node:child_process'
import { defaultCacheRoot } from '../guest/image/cache.ts'
import type { Diagnosis } from '../shared/contract.ts'
import { findImage } from '../guest/image/image.ts'
import { diagnose } from './doctor.ts'
import { listBuiltImages } from './images.ts'

const PROGRAM_MS = 5000

/** The doctor's checks on this machine, as this user. */
export const diagnoseThisMachine = (): Promise<readonly Diagnosis[]> =>
  diagnose({
    env: process.env,
    cacheDirectory: defaultCacheRoot(),
    images: async () =>
      (await listBuiltImages()).map(({ manifest, size }) => ({
        id: manifest.id,
        release: manifest.release,
        kernel: manifest.kernelRelease,
        size,
      })),
    readyImage: async () => (await findImage())?.manifest.id,
    capture: (command, args) =>
      new Promise((resolve) => {
        execFile(command, [...args], { timeout: PROGRAM_MS }, (error, stdout) => resolve(error === null ? stdout : undefined))
      }),
  })
