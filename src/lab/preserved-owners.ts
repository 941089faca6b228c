import { decodeLuo, LUO_NODE } from '../abi/luo.ts'
import { decodeMemblockFdt, MEMBLOCK_NODE } from '../abi/memblock-fdt.ts'
import type { HopObservation, Reading, RootFdtView } from '../shared/documents/index.ts'
import { fromHex, PAGE_SIZE } from '../shared/units.ts'

/**
 * Who preserved a record, by its first address, as far as the structures themselves tell: the tree's own blobs, regions that
 * reserve_mem named, LUO's blocks, and the sets of khoprobe with the pages of their lists.
 */
export function ownersOf({ host }: Pick<HopObservation, 'host'>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  nameTree(owners, host.outRoot)
  if (host.probeTable?.ok !== true) return owners
  const { address, sets } = host.probeTable.value
  owners.set(fromHex(address), "khoprobe's table")
  for (const { name, kind, records, listPages } of sets) {
    const set = `khoprobe set ${name}`
    for (const { start } of records) owners.set(fromHex(start), kind === 'vmalloc' ? `${set}, vmalloc area` : set)
    for (const { start, end } of listPages)
      for (let page = fromHex(start); page < fromHex(end); page += PAGE_SIZE) owners.set(page, `${set}, list and vmalloc chunks`)
  }
  return owners
}

function nameTree(owners: Map<number, string>, root: Reading<RootFdtView>): void {
  if (!root.ok) return
  owners.set(fromHex(root.value.address), 'root FDT')
  for (const { name, address, blob } of root.value.subtrees) {
    owners.set(fromHex(address), `subtree ${name}`)
    if (!blob.ok || blob.value.hex === undefined) continue
    const bytes = new Uint8Array(Buffer.from(blob.value.hex, 'hex'))
    if (name === MEMBLOCK_NODE) nameRegions(owners, bytes)
    if (name === LUO_NODE) nameLuo(owners, bytes)
  }
}

function nameRegions(owners: Map<number, string>, bytes: Uint8Array): void {
  const memblock = decodeMemblockFdt(bytes)
  for (const { name, start } of memblock.ok ? memblock.value.regions : []) owners.set(start, `reserve_mem ${name}`)
}

function nameLuo(owners: Map<number, string>, bytes: Uint8Array): void {
  const luo = decodeLuo(bytes)
  if (!luo.ok) return
  owners.set(luo.value.flbs, 'LUO, objects bound to file lifecycles')
  if (luo.value.sessions > 0) owners.set(luo.value.sessions, 'LUO, sessions')
}
