import { z } from 'zod'
import type { Bytes } from '../../units.ts'
import { Size } from '../size.ts'

/** LIVEUPDATE_SESSION_NAME_LENGTH less its NUL, include/uapi/linux/liveupdate.h, 7.3; and what a shell takes without quoting. */
const SessionName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'a letter or digit, then up to 62 letters, digits, _ . or -')
  .meta({ description: 'name of a LUO session' })

const Memfd = z.strictObject({
  token: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .meta({ description: 'by which the next kernel finds it' }),
  size: Size.refine((size) => size % 4096 === 0, 'not a multiple of 4KiB').refine((size) => size <= 2 ** 30, 'more than 1GiB'),
})

const Create = z.strictObject({
  session: SessionName,
  memfds: z
    .array(Memfd)
    .max(500)
    .default([])
    .refine((list) => new Set(list.map(({ token }) => token)).size === list.length, 'two memfds have the same token'),
})
const Fill = z.strictObject({
  count: z.int().min(1).max(5000).meta({ description: 'sessions, named PREFIX0, PREFIX1 and so on' }),
  prefix: z
    .string()
    .regex(/^[a-z][a-z-]{0,29}$/, 'lower-case letters and -, up to 30')
    .default('fill-'),
  duplicate: z.boolean().default(false).meta({ description: 'then tries to create the first of them once more' }),
})
const Retrieve = z.strictObject({
  session: SessionName,
  keep: z.boolean().default(false).meta({ description: 'hands the same memfds over once more, in a new session of that name' }),
})

/** Steps over /dev/liveupdate: one key of a step each. All of them need kho.liveupdate. */
export const luoSteps = {
  luoCreate: Create.meta({ description: 'creates a LUO session that preserves memfds filled with a pattern, and holds it' }),
  luoFill: Fill.meta({ description: 'creates many empty LUO sessions and holds them' }),
  luoRetrieve: Retrieve.meta({
    description: 'takes a session of the boot before, compares its memfds with their pattern, and finishes it',
  }),
} as const

export type LuoStep =
  | {
      readonly step: 'luoCreate'
      readonly session: string
      readonly memfds: readonly { readonly token: number; readonly size: Bytes }[]
    }
  | { readonly step: 'luoFill'; readonly count: number; readonly prefix: string; readonly duplicate: boolean }
  | { readonly step: 'luoRetrieve'; readonly session: string; readonly keep: boolean }

type Written = { readonly [K in keyof typeof luoSteps]?: z.output<(typeof luoSteps)[K]> | undefined }

/** What a written step means; undefined when it is of another family. */
export function luoStepsOf({ luoCreate, luoFill, luoRetrieve }: Written): readonly LuoStep[] | undefined {
  if (luoCreate !== undefined) return [{ step: 'luoCreate', ...luoCreate }]
  if (luoFill !== undefined) return [{ step: 'luoFill', ...luoFill }]
  if (luoRetrieve !== undefined) return [{ step: 'luoRetrieve', ...luoRetrieve }]
  return undefined
}

export const isLuoStep = (step: { readonly step: string }): step is LuoStep => Object.hasOwn(luoSteps, step.step)
