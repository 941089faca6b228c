import { z } from 'zod'
import { orderBytes } from '../abi/preserve.ts'
import { eachRecordIn, entryBytes } from '../abi/record-list.ts'
import { Hex, PageDigest, PreservedRecord, Range, ScratchRegion, Sha256 } from '../shared/documents/common.ts'
import { ProbeTableView } from '../shared/documents/workload/observed.ts'
import { PAGE_SIZE, fromHex, hex, roundDown } from '../shared/units.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { firmwareMap, processorOf } from './firmware-map.ts'
import { kexecRules } from './kexec-rules.ts'
import { loaderRules } from './loader-rules.ts'
import { memoryRules } from './memory-rules.ts'
import { documentRecords, nodeOfPfn, preservedSet, radixShape, type PlainRecord } from './preserved-set.ts'
import { rootFdt } from './root-fdt.ts'
import { defineRule, type Rule } from './rule.ts'
import { tableRecords, workloadRules } from './workload/rules.ts'

const NoInputs = z.strictObject({})
const Addresses = z.record(z.string(), Hex)
const NamedRegion = z.object({ name: z.string(), start: Hex, size: Hex })
const HashedRecord = PreservedRecord.extend({ digest: PageDigest })
const RegionInputs = z.array(z.object({ name: z.string(), size: z.int().positive() }))

const bytesToHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

const CalledRecords = z.array(z.object({ index: z.int(), start: Hex, order: z.int().min(0).max(52) }))

/** Records that calls made, by their steps. One that KHO refused made none; what calls answer is a claim of its own. */
const recordsOfCalls = (indexes: readonly number[], called: z.output<typeof CalledRecords> = []): readonly PlainRecord[] =>
  called.filter(({ index }) => indexes.includes(index)).map(({ start, order }) => ({ start: fromHex(start), order }))

const PreservedInputs = z.strictObject({
  /** Sub nodes whose blob is a preserved page. */
  subtrees: z.array(z.string()),
  regions: RegionInputs,
  nodes: z.array(z.array(Range)),
  /** Steps whose call made a record that is in no set. */
  calls: z.array(z.int()).optional(),
  /** Steps whose record was taken back. */
  emptied: z.array(z.int()).optional(),
})
const PreservedGiven = z.object({
  'tree.address': Hex,
  'tree.addresses': Addresses,
  'tree.memblockRegions': z.array(NamedRegion).optional(),
  'tree.luoFlb': Hex.optional(),
  'workload.table': ProbeTableView.optional(),
  'workload.calls': CalledRecords.optional(),
})

/** All records of a boot, from where the guest says that its pages are; sizes come from the experiment. */
function preservedRecords(
  inputs: z.output<typeof PreservedInputs>,
  given: z.output<typeof PreservedGiven>,
): Result<ReturnType<typeof preservedSet>> {
  const pages = [given['tree.address'], ...(given['tree.luoFlb'] === undefined ? [] : [given['tree.luoFlb']])].map(fromHex)
  for (const name of inputs.subtrees) {
    const address = given['tree.addresses'][name]
    if (address === undefined) return err(`the root FDT has no sub node ${name}`)
    pages.push(roundDown(fromHex(address), PAGE_SIZE))
  }
  const regions = []
  for (const { name, size } of inputs.regions) {
    const start = given['tree.memblockRegions']?.find((region) => region.name === name)?.start
    if (start === undefined) return err(`the memblock subtree has no region ${name}`)
    regions.push({ start: fromHex(start), size })
  }
  const nodes = inputs.nodes.map((spans) => spans.map(({ start, end }) => ({ start: fromHex(start), end: fromHex(end) })))
  const nodeOf = nodeOfPfn(nodes)
  const table = given['workload.table']
  const sets = table === undefined ? ok([]) : tableRecords(table, nodeOf)
  if (!sets.ok) return sets
  const called = recordsOfCalls(inputs.calls ?? [], given['workload.calls'])
  return ok(preservedSet(pages, regions, [...sets.value, ...called], nodeOf))
}

/**
 * Digest of a page of zeros: what a kho_block is until luo_session_serialize() and luo_file_freeze() (7.3) fill it, on the way
 * into the kexec.
 */
const ZERO_PAGE = '8ac958e20b1e28a1a3099eb4380537a3'

const handedOver = {
  /** Scratch is reused for the whole chain of kexecs: kho_memory_init() (7.3) retrieves instead of reserving. */
  'scratch-unchanged': defineRule(NoInputs, z.object({ 'scratch.regions': z.array(ScratchRegion) }), (_inputs, given) =>
    ok(given['scratch.regions']),
  ),
  'handed-over-fdt': defineRule(
    NoInputs,
    z.object({ 'tree.blob': z.object({ address: Hex, size: z.int(), sha256: Sha256 }) }),
    (_inputs, given) => ok(given['tree.blob']),
  ),
  /** kho_populate() (7.3); fdt_node_check_compatible() answers 1 for a list without the string. */
  'handover-refused': defineRule(z.strictObject({ wanted: z.string() }), z.object({ 'tree.address': Hex }), ({ wanted }, given) =>
    ok([`setup: handover FDT (${given['tree.address']}) is incompatible with '${wanted}': 1`, 'disabling KHO revival']),
  ),
  /** kho_preserved_memory_reserve() (7.3): one memblock_reserve() per record. */
  'records-reserved': defineRule(NoInputs, z.object({ 'preserved.records': z.array(PreservedRecord) }), (_inputs, given) =>
    ok(
      [...eachRecordIn(given['preserved.records'])]
        .sort((a, b) => a.start - b.start || a.order - b.order)
        .map(({ start, order }) => ({ start: hex(start), end: hex(start + orderBytes(order)) })),
    ),
  ),
  /** kho_preserved_memory_reserve() (7.3) marks the first page of each record; kho_restore_page() clears it of those that are freed. */
  'pages-marked': defineRule(
    z.strictObject({ freed: z.array(z.string()) }),
    z.object({ 'preserved.records': z.array(PreservedRecord), 'tree.addresses': Addresses }),
    ({ freed }, given) => {
      const gone = freed
        .flatMap((name) => given['tree.addresses'][name] ?? [])
        .map((address) => roundDown(fromHex(address), PAGE_SIZE))
      const records = [...eachRecordIn(given['preserved.records'])].filter(({ start }) => !gone.includes(start))
      const listed = documentRecords(preservedSet([], [], records, () => 0))
      return listed.ok ? ok({ records: listed.value, others: 0 }) : listed
    },
  ),
  /** Nothing writes to preserved pages during a hop but to those that a kernel frees, and drivers that own a region. */
  'content-kept': defineRule(
    z.strictObject({
      freed: z.array(z.string()),
      written: z.array(z.string()),
      serialized: z.boolean().optional(),
      calls: z.array(z.int()).optional(),
    }),
    z.object({
      'workload.calls': CalledRecords.optional(),
      'preserved.hashes': z.array(HashedRecord),
      'tree.addresses': Addresses,
      'tree.memblockRegions': z.array(NamedRegion).optional(),
    }),
    ({ freed, written, serialized = false, calls = [] }, given) => {
      const addresses = given['tree.addresses']
      const called = recordsOfCalls(calls, given['workload.calls'])
      const left = [
        ...freed.flatMap((name) => (addresses[name] === undefined ? [] : [{ start: fromHex(addresses[name]), size: 1 }])),
        ...(given['tree.memblockRegions'] ?? [])
          .filter(({ name }) => written.includes(name))
          .map(({ start, size }) => ({ start: fromHex(start), size: fromHex(size) })),
        ...called.map(({ start, order }) => ({ start, size: orderBytes(order) })),
      ]
      return ok(
        given['preserved.hashes'].filter(
          ({ digest, ...record }) =>
            !(serialized && digest === ZERO_PAGE) &&
            !left.some(
              ({ start, size }) => start < fromHex(record.start) + entryBytes(record) && start + size > fromHex(record.start),
            ),
        ),
      )
    },
  ),
  /** setup_kho() (arch/x86/kernel/kexec-bzimage64.c, 7.3): the size is always that of the page, whatever the blob has. */
  'kho-setup-data': defineRule(
    z.strictObject({ scratchCount: z.int() }),
    z.object({ 'tree.address': Hex }),
    ({ scratchCount }, given) => ok({ fdtAddress: given['tree.address'], fdtSize: PAGE_SIZE, scratchSize: scratchCount * 16 }),
  ),
  /** reserve_mem_kho_revive() (mm/memblock.c, 7.3): same name, size and alignment, so the same place. */
  'regions-revived': defineRule(
    z.strictObject({ regions: RegionInputs }),
    z.object({ 'tree.memblockRegions': z.array(NamedRegion) }),
    ({ regions }, given) => {
      const revived = []
      for (const { name, size } of regions) {
        const start = given['tree.memblockRegions'].find((region) => region.name === name)?.start
        if (start === undefined) return err(`the boot before had no region ${name}`)
        revived.push({ name, start, size: hex(size) })
      }
      return ok(revived)
    },
  ),
} satisfies Record<string, Rule>

/** Every rule by the name that a prediction uses. Adding a rule is adding an entry here or in a registry that is spread here. */
export const rules = {
  'firmware-map': defineRule(
    z.strictObject({ type: z.enum(['q35', 'pc']), memory: z.int().positive(), sockets: z.int().positive() }),
    z.object({ 'host.accelerator': z.object({ used: z.enum(['tcg', 'kvm']), cpuModel: z.string() }) }),
    ({ type, memory, sockets }, given) => {
      const { used, cpuModel } = given['host.accelerator']
      return ok(firmwareMap(type, memory, processorOf(used, cpuModel), sockets))
    },
  ),
  'root-fdt': defineRule(
    z.strictObject({ compatible: z.string(), subtrees: z.array(z.object({ name: z.string(), size: z.int() })) }),
    z.object({ 'tree.memoryMap': Hex, 'tree.addresses': Addresses }),
    ({ compatible, subtrees }, given) => {
      const placed = []
      for (const { name, size } of subtrees) {
        const address = given['tree.addresses'][name]
        if (address === undefined) return err(`the root FDT has no sub node ${name}`)
        placed.push({ name, size, address: fromHex(address) })
      }
      const blob = rootFdt(compatible, fromHex(given['tree.memoryMap']), placed)
      return ok({ size: blob.length, hex: bytesToHex(blob) })
    },
  ),
  'preserved-records': defineRule(PreservedInputs, PreservedGiven, (inputs, given) => {
    const records = preservedRecords(inputs, given)
    return records.ok ? documentRecords(records.value) : records
  }),
  'preserved-radix': defineRule(PreservedInputs, PreservedGiven, (inputs, given) => {
    const records = preservedRecords(inputs, given)
    if (!records.ok) return records
    return ok(radixShape(records.value, recordsOfCalls(inputs.emptied ?? [], given['workload.calls'])))
  }),
  ...handedOver,
  ...kexecRules,
  ...loaderRules,
  ...workloadRules,
  ...memoryRules,
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

/** Looked up by own key only: a prediction may name anything. */
export const ruleOf = (name: string): Rule | undefined => new Map<string, Rule>(Object.entries(rules)).get(name)
