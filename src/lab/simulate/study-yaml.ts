import { stringify } from 'yaml'
import type { Study } from '../../shared/documents/index.ts'

/** The study as a file that `kho-lab simulate` reads, every key written out. */
export const studyYaml = (study: Study): string => stringify(study, { lineWidth: 120 })
