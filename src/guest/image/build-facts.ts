import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { KERNEL_BUILD_OPTIONS, KERNEL_BUILD_SYMBOLS, KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import { elfSections } from './elf.ts'
import type { KernelConfig } from './kernel-config.ts'

const SECTION = '.kho_lab.facts'
/** struct fact of qemu-images/kernel/facts.c */
const NAME_BYTES = 56
const FACT_BYTES = 64

/**
 * Compiled as built-in code (obj-y), as the files that are included are; by their path in the source tree.
 */
const MAKEFILE = 'obj-y := facts.o\nccflags-y := -I$(srctree)\n'

/** Where facts.c is compiled: a folder for an external module. Returns what make is told. */
export async function prepareFacts(folder: string, source: string): Promise<readonly string[]> {
  await mkdir(folder)
  await writeFile(path.join(folder, 'facts.c'), source)
  await writeFile(path.join(folder, 'Makefile'), MAKEFILE)
  return [`M=${folder}`, 'facts.o']
}

export const readFactsObject = (folder: string): Promise<Buffer> => readFile(path.join(folder, 'facts.o'))

/** The numbers in the object file of facts.c, by name. Empty when it has no section of facts. */
export function factNumbers(object: Buffer): Readonly<Record<string, number>> {
  const section = elfSections(object)?.find(({ name }) => name === SECTION)
  if (section === undefined) return {}
  const facts: Record<string, number> = {}
  for (let at = section.offset; at + FACT_BYTES <= section.offset + section.size; at += FACT_BYTES) {
    const name = object.toString('latin1', at, object.indexOf(0, at))
    facts[name] = Number(object.readBigUInt64LE(at + NAME_BYTES))
  }
  return facts
}

/** Addresses of the symbols that are asked for, as hexadecimal, from the text of System.map. */
export function symbolAddresses(systemMap: string, names: readonly string[]): Readonly<Record<string, string>> {
  const wanted = new Set(names)
  const found: Record<string, string> = {}
  for (const line of systemMap.split('\n')) {
    const [address, , name] = line.split(' ')
    if (address !== undefined && name !== undefined && wanted.has(name)) found[name] = hex(BigInt(`0x${address}`))
  }
  return found
}

/** Fails, naming what is missing, for a release whose build does not have all that the model asks for. */
export function kernelBuildFacts(build: {
  readonly object: Buffer
  readonly systemMap: string
  readonly config: KernelConfig
}): Result<KernelBuildFacts> {
  const parsed = KernelBuildFacts.safeParse({
    symbols: symbolAddresses(build.systemMap, KERNEL_BUILD_SYMBOLS),
    numbers: factNumbers(build.object),
    options: KERNEL_BUILD_OPTIONS.filter((option) => build.config.get(`CONFIG_${option}`) === 'y'),
  })
  if (parsed.success) return ok(parsed.data)
  return err(`the build does not say ${parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')}`)
}
