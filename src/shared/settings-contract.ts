import { z } from 'zod'

/** What a person has chosen for all windows of the lab. */
export const Settings = z.strictObject({
  /** Tell the desktop when a run, a study or a build ends. */
  notify: z.boolean(),
})
export type Settings = z.infer<typeof Settings>

/** A part of the contract. */
export const settingsRequests = {
  'lab:settings': { in: z.strictObject({}), out: Settings },
  'lab:set': { in: Settings, out: Settings },
} as const
