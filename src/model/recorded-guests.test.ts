import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fdtTotalSize } from '../abi/fdt.ts'
import { decodeKexecMetadata } from '../abi/kexec-metadata.ts'
import { decodeKhoRoot, type KhoRoot } from '../abi/kho-root.ts'
import { decodeLuo } from '../abi/luo.ts'
import { decodeMemblockFdt } from '../abi/memblock-fdt.ts'
import { decodeKhoSetupData } from '../abi/setup-data.ts'
import {
  ExperimentFile,
  completeExperiment,
  type Givens,
  type KernelFacts,
  type Subject,
  type SubjectValues,
} from '../shared/documents/index.ts'
import type { Json } from '../shared/json.ts'
import type { Result } from '../shared/result.ts'
import { fromHex, hex } from '../shared/units.ts'
import recorded from './fixtures/guests.json' with { type: 'json' }
import { predict } from './predict.ts'
import { resolve } from './resolve.ts'

/** The kernel that all recorded guests ran, by its bzImage header, and its purgatory by its ELF sections. */
const KERNEL = {
  release: '7.3.4',
  bzImageSha256: '0'.repeat(64),
  header: {
    initSize: 15912960,
    prefAddress: 0x1000000,
    kernelAlignment: 0x200000,
    relocatable: true,
    setupSects: 31,
    version: 527,
  },
  purgatorySize: 0x5000,
}

interface RecordedBoot {
  readonly release: string
  readonly kho: boolean
  readonly scratch?: readonly (readonly string[])[]
  /** Hexadecimal bytes, or `absent`. */
  readonly outFdt?: string
  readonly inFdt?: string
  readonly inSubtrees?: { readonly [name: string]: string | undefined }
  readonly outSubtrees?: { readonly [name: string]: string | undefined }
  readonly memmap: readonly (readonly string[])[]
  readonly code: string
  readonly ramdisk: readonly (string | number)[]
  readonly khoSetupData?: string
  readonly message?: string
  readonly reserved?: readonly (readonly string[])[]
  readonly segments?: readonly (readonly string[])[]
  readonly loaded?: boolean
  readonly initrdSize: number
}

const fromHexBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error)
  return result.value
}
function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the recording has no ${what}`)
  return value
}

const regionsOf = (boot: RecordedBoot) => boot.scratch?.map(([start = '', size = '']) => ({ start, size }))

/** The tree that boot `boot` built, as the next one was given it. */
function handedOver(next: RecordedBoot | undefined): { root: KhoRoot; blob: Uint8Array; address: string } | undefined {
  if (next?.inFdt === undefined || next.khoSetupData === undefined) return undefined
  const blob = fromHexBytes(next.inFdt)
  return {
    root: must(decodeKhoRoot(blob)),
    blob,
    address: hex(must(decodeKhoSetupData(fromHexBytes(next.khoSetupData))).fdtAddress),
  }
}

const memblockRegions = (boot: RecordedBoot) => {
  const blob = boot.outSubtrees?.['memblock']
  return blob === undefined
    ? undefined
    : must(decodeMemblockFdt(fromHexBytes(blob))).regions.map(({ name, start, size }) => ({
        name,
        start: hex(start),
        size: hex(size),
      }))
}

function givensOf(boots: readonly RecordedBoot[]): Givens {
  const givens: Record<string, Json> = {}
  boots.forEach((boot, hop) => {
    const put = (name: string, value: Json | undefined) => {
      if (value !== undefined) givens[`hop${hop}.${name}`] = value
    }
    put('scratch.regions', regionsOf(boot))
    put('tree.memblockRegions', memblockRegions(boot))
    const luo = boot.outSubtrees?.['LUO']
    if (luo !== undefined) put('tree.luoFlb', hex(must(decodeLuo(fromHexBytes(luo))).flbs))
    const tree = handedOver(boots[hop + 1])
    if (tree === undefined) return
    put('tree.address', tree.address)
    put('tree.memoryMap', hex(tree.root.memoryMap))
    put('tree.addresses', Object.fromEntries(tree.root.subtrees.map(({ name, address }) => [name, hex(address)])))
    put('tree.blob', {
      address: tree.address,
      size: tree.blob.length,
      sha256: createHash('sha256').update(tree.blob).digest('hex'),
    })
  })
  return givens
}

type Observed = { [S in Subject]?: SubjectValues[S] }

/** What the guest showed, in the subjects' shapes. */
function observedOf(boots: readonly RecordedBoot[], hop: number): Observed {
  const boot = present(boots[hop], `boot ${hop}`)
  const previous = boots[hop - 1]
  const regions = regionsOf(boot)
  const metadata = boot.outSubtrees?.['kexec-metadata']
  const luo = boot.outSubtrees?.['LUO']
  const tree = handedOver(boots[hop + 1])
  const setup = boot.khoSetupData === undefined ? undefined : must(decodeKhoSetupData(fromHexBytes(boot.khoSetupData)))
  const out = boot.outFdt === undefined || boot.outFdt === 'absent' ? undefined : fromHexBytes(boot.outFdt)
  const reserved = boots[hop + 1]?.reserved
  const memblock = memblockRegions(boot)
  return {
    'boot.release': boot.release,
    'boot.kho': boot.kho,
    'firmware.map': boot.memmap.map(([start = '', last = '', type = '']) => ({ start, end: hex(fromHex(last) + 1), type })),
    ...(regions && {
      'scratch.count': regions.length,
      'scratch.sizes': regions.map(({ size }) => size),
      'scratch.unchanged': regions,
      'scratch.alignment': {
        align: '0x400000',
        misaligned: regions.filter(({ start, size }) => fromHex(start) % 0x400000 !== 0 || fromHex(size) % 0x400000 !== 0),
      },
    }),
    ...(metadata !== undefined && { 'tree.kexec-metadata': must(decodeKexecMetadata(fromHexBytes(metadata))) }),
    ...(luo !== undefined && {
      'tree.LUO': {
        compatible: must(decodeLuo(fromHexBytes(luo))).compatible,
        liveupdateNumber: must(decodeLuo(fromHexBytes(luo))).liveupdateNumber,
      },
    }),
    ...(memblock && {
      'tree.memblock': { compatible: 'memblock-v1', regions: memblock.map(({ name, size }) => ({ name, size })) },
      'handover.reserveMem': memblock,
    }),
    ...(tree && {
      'tree.root': {
        compatible: tree.root.compatible,
        totalSize: tree.root.totalSize,
        subtrees: tree.root.subtrees.map(({ name, size }) => ({ name, size })),
      },
      'tree.bytes': { size: tree.blob.length, hex: Buffer.from(tree.blob).toString('hex') },
    }),
    ...(boot.outFdt === 'absent' && { 'debugfs.outFdt': { present: false as const } }),
    ...(out && {
      'debugfs.outFdt': { present: true as const, size: out.length, headerTotalSize: present(fdtTotalSize(out), 'totalsize') },
    }),
    ...(reserved && {
      'preserved.records': reserved.map(([start = '', end = '']) => ({
        start,
        order: Math.log2((fromHex(end) - fromHex(start)) / 4096),
      })),
    }),
    ...(boot.message !== undefined && { 'handover.message': boot.message }),
    ...(setup &&
      boot.inFdt !== undefined && {
        'handover.inFdt': {
          address: hex(setup.fdtAddress),
          size: boot.inFdt.length / 2,
          sha256: createHash('sha256').update(fromHexBytes(boot.inFdt)).digest('hex'),
        },
      }),
    ...(setup && {
      'handover.setupData': { fdtAddress: hex(setup.fdtAddress), fdtSize: setup.fdtSize, scratchSize: setup.scratchSize },
      'kexec.scratchArray': { address: hex(setup.scratchAddress) },
    }),
    ...(previous !== undefined && {
      'kexec.running': { start: boot.code },
      'kexec.initrd': { start: String(boot.ramdisk[0]), size: Number(boot.ramdisk[1]) },
    }),
    ...(previous?.segments && {
      'kexec.load': { accepted: true },
      // The kernel comes before the initrd, which is last.
      'kexec.kernel': { start: present(previous.segments.at(-2)?.[0], 'kernel segment') },
      'kexec.segments': previous.segments.map(([start = '', memsz = '']) => ({ start, memsz })),
    }),
  }
}

const guests: readonly { name: string; experiment: unknown; boots: readonly RecordedBoot[] }[] = recorded

/** Predicted and observed, for every claim that has both. */
function compared({ experiment: input, boots }: (typeof guests)[number]) {
  const experiment = present(completeExperiment(ExperimentFile.parse(input)).experiment, 'experiment')
  const kernel: KernelFacts = { ...KERNEL, initrdSize: present(boots[0], 'boot').initrdSize }
  const prediction = predict(
    experiment,
    experiment.kernels.map(() => kernel),
    { experimentSha256: '0'.repeat(64) },
  )
  const resolved = resolve(prediction, givensOf(boots))
  const observed = new Map(
    boots.flatMap((_boot, hop) =>
      Object.entries(observedOf(boots, hop)).map(([subject, value]): [string, unknown] => [`hop${hop}.${subject}`, value]),
    ),
  )
  const both = resolved
    .filter(({ id, predicted }) => predicted !== undefined && observed.has(id))
    .map(({ id, subject, predicted }) => ({ id, subject, predicted, observed: observed.get(id) }))
  return { resolved, both }
}

const Places = z.array(z.object({ kind: z.string(), within: z.array(z.object({ start: z.string(), end: z.string() })) }))

describe.each(guests)('recorded guest $name', (guest) => {
  const { resolved, both } = compared(guest)

  it('is as predicted wherever the model predicts and the recording shows it', () => {
    expect(Object.fromEntries(both.map(({ id, observed }) => [id, observed]))).toEqual(
      Object.fromEntries(both.map(({ id, predicted }) => [id, predicted])),
    )
  })

  it('has every scratch region in the memory of its kind', () => {
    guest.boots.forEach((boot, hop) => {
      const places = Places.safeParse(resolved.find(({ id }) => id === `hop${hop}.scratch.order`)?.predicted).data ?? []
      const misplaced = (regionsOf(boot) ?? []).filter(
        ({ start, size }, index) =>
          fromHex(size) !== 0 &&
          !places[index]?.within.some(
            (range) => fromHex(start) >= fromHex(range.start) && fromHex(start) + fromHex(size) <= fromHex(range.end),
          ),
      )
      expect(misplaced).toEqual([])
    })
  })

  it('was refused by kexec_file_load exactly where the model says so', () => {
    const refusals = guest.boots.flatMap(({ loaded }, hop) => (loaded === false ? [hop + 1] : []))
    const predicted = resolved.filter(
      ({ subject, predicted: value }) => subject === 'kexec.load' && JSON.stringify(value) === '{"accepted":false}',
    )
    expect(predicted.map(({ hop }) => hop)).toEqual(refusals)
  })
})

it('compares these subjects, in so many claims', () => {
  const counts = new Map<string, number>()
  for (const { subject } of guests.flatMap((guest) => compared(guest).both)) counts.set(subject, (counts.get(subject) ?? 0) + 1)
  expect(Object.fromEntries([...counts].sort())).toMatchInlineSnapshot(`
    {
      "boot.kho": 35,
      "boot.release": 43,
      "debugfs.outFdt": 37,
      "firmware.map": 43,
      "handover.inFdt": 20,
      "handover.message": 20,
      "handover.reserveMem": 7,
      "handover.setupData": 20,
      "kexec.initrd": 23,
      "kexec.kernel": 23,
      "kexec.load": 23,
      "kexec.running": 8,
      "kexec.scratchArray": 20,
      "kexec.segments": 23,
      "preserved.records": 20,
      "scratch.alignment": 37,
      "scratch.count": 37,
      "scratch.sizes": 9,
      "scratch.unchanged": 20,
      "tree.LUO": 13,
      "tree.bytes": 20,
      "tree.kexec-metadata": 37,
      "tree.memblock": 12,
      "tree.root": 20,
    }
  `)
})
