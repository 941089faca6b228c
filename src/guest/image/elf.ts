import { PAGE_SIZE, roundUp } from '../../shared/units.ts'

/** What the image builder needs to know of an ELF64 little-endian section. */
export interface ElfSection {
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly align: number
}

const SHT_DYNAMIC = 6
const SHT_NOBITS = 8
const SHF_ALLOC = 0x2
const DT_NEEDED = 1n

/** Section headers of an ELF64 file, or undefined when it is no ELF64 little-endian file. Throws RangeError for a torn one. */
export function elfSections(file: Buffer): readonly ElfSection[] | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined
  const start = Number(file.readBigUInt64LE(0x28))
  const entrySize = file.readUInt16LE(0x3a)
  const count = file.readUInt16LE(0x3c)
  const names = start + file.readUInt16LE(0x3e) * entrySize
  const namesOffset = count > 0 ? Number(file.readBigUInt64LE(names + 24)) : 0
  return Array.from({ length: count }, (_unused, index) => {
    const at = start + index * entrySize
    const name = namesOffset + file.readUInt32LE(at)
    return {
      name: file.toString('latin1', name, file.indexOf(0, name)),
      type: file.readUInt32LE(at + 4),
      flags: Number(file.readBigUInt64LE(at + 8)),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      align: Math.max(1, Number(file.readBigUInt64LE(at + 48))),
    }
  })
}

/** Names of the shared libraries that a program or library asks for, in its order. Empty for a static one. */
export function neededLibraries(file: Buffer): readonly string[] {
  const sections = elfSections(file) ?? []
  const dynamic = sections.find((section) => section.type === SHT_DYNAMIC)
  const strings = dynamic && sections[dynamic.link]
  if (!dynamic || !strings) return []
  const names: string[] = []
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    if (file.readBigInt64LE(at) !== DT_NEEDED) continue
    const from = strings.offset + Number(file.readBigUInt64LE(at + 8))
    names.push(file.toString('utf8', from, file.indexOf(0, from)))
  }
  return names
}

/**
 * Bytes, rounded up to pages, that purgatory occupies when it is loaded: the sums and alignments of
 * kexec_purgatory_setup_kbuf(), kernel/kexec_file.c (7.3), and the rounding of memsz in kexec_add_buffer().
 * Returns undefined when `file` is no ELF64 file.
 */
export function purgatorySize(file: Buffer): number | undefined {
  const loaded = elfSections(file)?.filter((section) => section.flags % (2 * SHF_ALLOC) >= SHF_ALLOC)
  if (loaded === undefined) return undefined
  let content = 0
  let bss = 0
  let bssAlign = 1
  for (const section of loaded) {
    if (section.type === SHT_NOBITS) {
      bssAlign = Math.max(bssAlign, section.align)
      bss = roundUp(bss, section.align) + section.size
    } else {
      content = roundUp(content, section.align) + section.size
    }
  }
  return roundUp(roundUp(content, bssAlign) + bss, PAGE_SIZE)
}
