import { parseFdt } from '../abi/fdt.ts'
import { MEMORY_MAP } from '../abi/kho-root.ts'
import type { Fault, InjectedFault } from '../shared/documents/index.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { GiB, PAGE_SIZE, hex } from '../shared/units.ts'
import type { WritableMemory } from './qemu/ram.ts'

/** Faults that are bytes in guest RAM; the rest is done by other means. */
export type RamFault = Extract<Fault, { fault: 'compatible' | 'radix-root' }>

interface Edit {
  readonly what: string
  readonly address: number
  readonly bytes: Uint8Array
}

/**
 * Does what the fault says to the handover tree whose root FDT lies at `rootAddress`. The guest must stand still. Answers what
 * was changed, or why nothing was.
 */
export function injectFault(memory: WritableMemory, rootAddress: number, fault: RamFault): Result<InjectedFault> {
  const edit =
    fault.fault === 'compatible' ? compatibleEdit(memory, rootAddress, fault.value) : rootEdit(memory, rootAddress, fault.at)
  if (!edit.ok) return edit
  const { what, address, bytes } = edit.value
  const found = memory.read(address, bytes.length)
  const before = found && hexBytes(found)
  if (before === undefined || !memory.write(address, bytes)) return err(`${what}: ${hex(address)} is not in RAM`)
  return ok({ what, address: hex(address), before, after: hexBytes(bytes) })
}

function compatibleEdit(memory: WritableMemory, rootAddress: number, wanted: string): Result<Edit> {
  const place = propertyOf(memory, rootAddress, 'compatible')
  if (!place.ok) return place
  const length = place.value.value.length - 1
  if (wanted.length !== length)
    return err(`'${wanted}' has ${wanted.length} characters, the kernel's own compatible has ${length}`)
  return ok({ what: 'compatible of the handover FDT', address: place.value.address, bytes: new TextEncoder().encode(wanted) })
}

function rootEdit(memory: WritableMemory, rootAddress: number, at: 'outside-ram' | 'cycle' | 'garbage'): Result<Edit> {
  const place = propertyOf(memory, rootAddress, MEMORY_MAP)
  if (!place.ok) return place
  if (place.value.value.length !== 8) return err(`${MEMORY_MAP} has ${place.value.value.length} bytes instead of 8`)
  const what = `${MEMORY_MAP} of the handover FDT`
  switch (at) {
    case 'outside-ram': {
      const end = memory.ranges.at(-1)?.end ?? 0
      return ok({ what, address: place.value.address, bytes: u64(end + GiB) })
    }
    case 'garbage':
      // A page that is certainly there and certainly no node: the FDT itself.
      return ok({ what, address: place.value.address, bytes: u64(rootAddress) })
    case 'cycle':
      return cycleEdit(memory, Number(new DataView(place.value.value.slice().buffer).getBigUint64(0, true)))
  }
}

/** The root's first child becomes the root. */
function cycleEdit(memory: WritableMemory, root: number): Result<Edit> {
  const node = memory.read(root, PAGE_SIZE)
  if (node === undefined) return err(`the radix root at ${hex(root)} is not in RAM`)
  const view = new DataView(node.buffer, node.byteOffset, node.length)
  for (let offset = 0; offset < PAGE_SIZE; offset += 8)
    if (view.getBigUint64(offset, true) !== 0n)
      return ok({ what: `slot ${offset / 8} of the radix root`, address: root + offset, bytes: u64(root) })
  return err(`the radix root at ${hex(root)} has no child to replace`)
}

/** A property of the root node, and where its value lies. */
function propertyOf(memory: WritableMemory, rootAddress: number, name: string): Result<{ address: number; value: Uint8Array }> {
  const page = memory.read(rootAddress, PAGE_SIZE)
  if (page === undefined) return err(`the handover FDT at ${hex(rootAddress)} is not in RAM`)
  const fdt = parseFdt(page)
  if (!fdt.ok) return err(`the handover FDT at ${hex(rootAddress)}: ${fdt.error}`)
  const value = fdt.value.root.properties.find((property) => property.name === name)?.value
  if (value === undefined) return err(`the handover FDT has no ${name}`)
  return ok({ address: rootAddress + value.byteOffset - page.byteOffset, value })
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}

const hexBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
