import { z } from 'zod'
import type { EventName, WireError } from './contract.ts'

/** What a page sends over the WebSocket of the browser host: one request of the contract. */
export const WireRequest = z.strictObject({ id: z.int().min(0), name: z.string().max(100), input: z.json() })
export type WireRequest = z.infer<typeof WireRequest>

/** How a host answers a request: the value, or the LabError as plain data. Electron's IPC carries the same envelope. */
export type WireAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: z.infer<typeof WireError> }

/** What the browser host sends: the answer to request `id`, or an event that was not asked for. */
export type WireMessage = ({ readonly id: number } & WireAnswer) | { readonly event: EventName; readonly payload: unknown }
