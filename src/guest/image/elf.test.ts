import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { elfSections, neededLibraries, purgatorySize } from './elf.ts'

const ALLOC = 2
const PROGBITS = 1
const NOBITS = 8

/** An ELF64 file with nothing but section headers of (type, flags, size, align). */
function elfOf(sections: readonly (readonly [type: number, flags: number, size: number, align: number])[]): Buffer {
  const file = Buffer.alloc(64 + 64 * sections.length)
  file.write('\x7fELF\x02\x01', 'latin1')
  file.writeBigUInt64LE(64n, 0x28)
  file.writeUInt16LE(64, 0x3a)
  file.writeUInt16LE(sections.length, 0x3c)
  sections.forEach(([type, flags, size, align], index) => {
    const at = 64 + 64 * index
    file.writeUInt32LE(type, at + 4)
    file.writeBigUInt64LE(BigInt(flags), at + 8)
    file.writeBigUInt64LE(BigInt(size), at + 32)
    file.writeBigUInt64LE(BigInt(align), at + 48)
  })
  return file
}

describe('purgatorySize', () => {
  it('adds up purgatory.ro of a 7.3.4 kernel, which the guest loaded as 0x5000 bytes', () => {
    // `readelf -SW arch/x86/purgatory/purgatory.ro` of linux-source-7.3 7.3.4-1~bpo13+1 with lab.config, gcc 12.2.
    const file = elfOf([
      [0, 0, 0, 0],
      [PROGBITS, 0x6, 0xddd, 16],
      [4, 0x40, 0x4c8, 8],
      [PROGBITS, ALLOC, 0x280, 32],
      [PROGBITS, ALLOC, 0x8d, 1],
      [PROGBITS, 0x32, 0x32, 1],
      [PROGBITS, 0x3, 0x1000, 4096],
      [PROGBITS, 0x3, 0x120, 32],
      [NOBITS, 0x3, 0x1000, 4096],
      [PROGBITS, 0x30, 0x78, 1],
    ])
    expect(purgatorySize(file)).toBe(0x5000)
  })

  it('aligns bss behind the content and leaves out what is not loaded', () => {
    expect(
      purgatorySize(
        elfOf([
          [PROGBITS, ALLOC, 1, 1],
          [NOBITS, ALLOC, 1, 4096],
          [PROGBITS, 0, 0x9000, 1],
        ]),
      ),
    ).toBe(0x2000)
    expect(purgatorySize(elfOf([]))).toBe(0)
  })

  it('knows no size of something else', () => {
    expect(purgatorySize(Buffer.from('#!/bin/sh\n'.padEnd(100)))).toBeUndefined()
  })
})

describe('neededLibraries', () => {
  it('agrees with readelf on a program of this machine', () => {
    const listed = execFileSync('readelf', ['-d', process.execPath], { encoding: 'utf8' })
    expect(neededLibraries(readFileSync(process.execPath))).toEqual(
      [...listed.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]),
    )
  })

  it('is empty for a file without a dynamic section', () => {
    expect({ needed: neededLibraries(elfOf([])), sections: elfSections(Buffer.from('text')) }).toEqual({
      needed: [],
      sections: undefined,
    })
  })
})
