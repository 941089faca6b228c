import { describe, expect, it } from 'vitest'
import { parseFdt } from '../abi/fdt.ts'
import { decodeKhoRoot } from '../abi/kho-root.ts'
import { kernelRootFdt } from '../abi/libfdt-layout.ts'
import { SyntheticMemory } from '../abi/testing/synthetic-memory.ts'
import { injectFault, type RamFault } from './inject.ts'
import type { WritableMemory } from './qemu/ram.ts'

const FDT = 0x5000
const ROOT = 0x9000

function guest(): { readonly ram: SyntheticMemory; readonly memory: WritableMemory } {
  const ram = new SyntheticMemory([{ start: 0, end: 0x100000 }])
  ram.write(FDT, kernelRootFdt({ compatible: 'kho-v4', memoryMap: ROOT, subtrees: [] }))
  ram.write(ROOT + 16, Uint8Array.of(0, 0xa0, 0, 0, 0, 0, 0, 0))
  const memory: WritableMemory = {
    ranges: ram.ranges,
    read: (address, length) => ram.read(address, length),
    write(address, bytes) {
      if (address + bytes.length > 0x100000) return false
      ram.write(address, bytes)
      return true
    },
  }
  return { ram, memory }
}

const after = (fault: RamFault) => {
  const { ram, memory } = guest()
  const injected = injectFault(memory, FDT, fault)
  return { injected, page: ram.read(FDT, 4096) ?? new Uint8Array(), root: ram.read(ROOT, 64) ?? new Uint8Array() }
}

describe('what a fault changes in the handover tree', () => {
  it('compatible: the string, and nothing else', () => {
    const { injected, page } = after({ fault: 'compatible', hop: 1, value: 'kho-v9' })
    expect(injected).toMatchObject({ ok: true, value: { before: '6b686f2d7634', after: '6b686f2d7639' } })
    expect(decodeKhoRoot(page)).toMatchObject({ ok: false, error: "compatible 'kho-v9' is not one of kho-v3, kho-v4" })
    expect(parseFdt(page).ok).toBe(true)
  })

  it('the radix root points behind the end of RAM, or at the FDT itself', () => {
    expect(decodeKhoRoot(after({ fault: 'radix-root', hop: 1, at: 'outside-ram' }).page)).toMatchObject({
      value: { memoryMap: 0x4010_0000 },
    })
    expect(decodeKhoRoot(after({ fault: 'radix-root', hop: 1, at: 'garbage' }).page)).toMatchObject({ value: { memoryMap: FDT } })
  })

  it('a cycle: the first child of the root is the root', () => {
    const { injected, root } = after({ fault: 'radix-root', hop: 1, at: 'cycle' })
    expect(injected).toMatchObject({ ok: true, value: { what: 'slot 2 of the radix root', address: '0x9010' } })
    expect(new DataView(root.buffer, root.byteOffset).getBigUint64(16, true)).toBe(BigInt(ROOT))
  })

  it('says why nothing was changed', () => {
    const { memory } = guest()
    expect(injectFault(memory, FDT, { fault: 'compatible', hop: 1, value: 'kho-v10' })).toEqual({
      ok: false,
      error: "'kho-v10' has 7 characters, the kernel's own compatible has 6",
    })
    expect(injectFault(memory, 0x20000, { fault: 'compatible', hop: 1, value: 'kho-v3' })).toMatchObject({ ok: false })
    expect(injectFault(memory, 0x200000, { fault: 'radix-root', hop: 1, at: 'cycle' })).toEqual({
      ok: false,
      error: 'the handover FDT at 0x200000 is not in RAM',
    })
  })
})
