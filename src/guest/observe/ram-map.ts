import { z } from 'zod'
import { notSeen, seen, type HostView } from '../../shared/documents/index.ts'
import { hex } from '../../shared/units.ts'
import type { GuestChannel } from '../types.ts'
import { parseMtree, ramRanges } from './mtree.ts'
import type { RawStore } from './raw-store.ts'

const Backends = z.array(z.object({ id: z.string() }))

/** RAM in guest physical address space as QEMU has it: the flat view's blocks of the memory backends, neighbours joined. */
export async function readRamMap(channel: GuestChannel, raw: RawStore): Promise<HostView['ramMap']> {
  const [devices, text] = await Promise.all([
    channel.qmp('query-memdev'),
    channel.qmp('human-monitor-command', { 'command-line': 'info mtree -f' }),
  ])
  const backends = Backends.safeParse(devices)
  if (!backends.success || typeof text !== 'string')
    return notSeen('QEMU answered query-memdev or info mtree in a form that the lab does not know')
  raw.put('qmp/info-mtree-f.txt', Buffer.from(text))
  raw.put('qmp/query-memdev.json', Buffer.from(JSON.stringify(devices)))
  const blocks = parseMtree(text, new Set(backends.data.map(({ id }) => id)))
  if (!blocks.ok) return notSeen(blocks.error)
  return seen(ramRanges(blocks.value).map(({ start, end }) => ({ start: hex(start), end: hex(end) })))
}
