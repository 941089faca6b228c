import type { StudyMap } from './documents/index.ts'
import { STUDY_MAP_KINDS } from './study-names.ts'

const KINDS = STUDY_MAP_KINDS.length
/** The digit that stands for all of a cell. */
const ALL = 35

export const mapCells = ({ shares }: Pick<StudyMap, 'shares'>): number => Math.floor(shares.length / KINDS)

/** Share of each kind in a cell, 0 to 1, in the order of STUDY_MAP_KINDS. Shares are rounded up when they are written, so they are made to fit here. */
export function cellShares({ shares }: Pick<StudyMap, 'shares'>, cell: number): readonly number[] {
  const digits = Array.from({ length: KINDS }, (_unused, kind) => Number.parseInt(shares[cell * KINDS + kind] ?? '0', 36))
  const sum = digits.reduce((total, digit) => total + digit, 0)
  return digits.map((digit) => digit / Math.max(ALL, sum))
}
