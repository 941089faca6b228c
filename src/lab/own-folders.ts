import { ownPath } from '../guest/own-files.ts'

/** The experiments that come with the lab. */
export const EXPERIMENTS_DIRECTORY = ownPath('experiments')

/** The built page, the same for a window and a browser. */
export const PAGE_DIRECTORY = ownPath('out/renderer')
