import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Comparison, type Experiment } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { documentSha256 } from '../predict.ts'
import { readDocumentIfThere } from '../read-document.ts'
import { RUN_FILE } from '../run/run-folder.ts'
import type { Trial } from './tally.ts'

/**
 * What an earlier proof has found out about this experiment, where it ran to its end. A run that was lost or stopped is put aside as
 * `0007.again-1`, so that it can be repeated and its evidence stays. Throws LabError usage where the folder is another seed's.
 */
export async function earlierTrial(folder: string, index: number, experiment: Experiment): Promise<Trial | undefined> {
  const file = join(folder, 'comparison.json')
  const comparison = await readDocumentIfThere(file, Comparison)
  if (comparison !== undefined && comparison.experiment.sha256 !== documentSha256(experiment))
    throw new LabError({
      code: 'usage',
      message: `${folder} has "${comparison.experiment.name}", not "${experiment.name}" as it is drawn now`,
      hint: 'Resume with the seed and the release that the folder was begun with, or give another folder with --out.',
    })
  if (comparison === undefined || comparison.lost !== undefined) {
    await putAside(folder)
    return undefined
  }
  const seconds = ((await stat(file)).mtimeMs - (await stat(join(folder, RUN_FILE))).mtimeMs) / 1000
  return { index, name: experiment.name, seconds, end: { kind: 'compared', comparison } }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function putAside(folder: string): Promise<void> {
  if (!(await isThere(folder))) return
  for (let time = 1; ; time++) {
    const aside = `${folder}.again-${time}`
    if (await isThere(aside)) continue
    return rename(folder, aside)
  }
}
