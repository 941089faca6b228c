import type { Basis, PredictedClaim, SubjectValues } from '../../shared/documents/index.ts'
import { canonicalJson } from '../../shared/json.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bootInput, tcgProcessor } from '../boot/first-boot.ts'
import { NOT_RANDOM } from '../boot/input.ts'
import { earlyOptions } from '../boot/options.ts'
import { bootMemory } from '../boot/schedule.ts'
import type { Boot } from '../boots.ts'
import { claim, e820, hugetlb, kho, memblock, mmInit, unpredicted, vmstat, x86Init, x86Setup } from '../claim.ts'
import { nodesWithMemory } from '../firmware-map.ts'
import { partOf, type MemoryAnswer } from '../memory-answers.ts'
import { NO_LOG_ROOM, overflowsLog } from '../workload/log-room.ts'
import { GIGANTIC_SIZE, HUGE_SIZE } from '../zones/hugepages.ts'
import { nodeZones, zoneRanges, type NodeZone } from '../zones/layout.ts'
import { RELEASED } from '../zones/released.ts'
import { KHO_SCHEDULE, SCHEDULE } from './schedules.ts'
import { logClaims } from './log.ts'
import { answered, wasGiven, whyNoMemory, type Answer } from './memory-answer.ts'

const LAYOUT: readonly Basis[] = [...mmInit('free_area_init', 'calculate_node_totalpages'), ...x86Init('arch_zone_limits_init')]
/** What they free is what the schedule left: the claim of memblock.reserved names all of its steps. */
const MANAGED: readonly Basis[] = [...memblock('memblock_free_all'), ...RELEASED.map(({ basis }) => basis)]

/** What this kernel says of its memory once it runs: zones, and what memblock was left with. */
export function memoryClaims(boot: Boot): readonly PredictedClaim[] {
  const zones = zonesOf(boot)
  if (!zones.ok)
    return [
      claim(boot, 'zone.populated', POPULATED, LAYOUT, unpredicted(zones.error)),
      claim(boot, 'zone.totalRam', TOTAL, MANAGED, unpredicted(zones.error)),
    ]
  const populated = zones.value.map(({ node, zone }) => ({ node, zone }))
  return [
    claim(boot, 'zone.populated', POPULATED, LAYOUT, { value: populated }),
    ...zones.value.flatMap((zone) => zoneClaims(boot, zone)),
    claim(boot, 'zone.totalRam', TOTAL, MANAGED, counted(boot, 'zone.totalRam')),
    claim(
      boot,
      'memblock.nodeRanges',
      NODE_RANGES,
      [...LAYOUT, ...kho('kho_extend_scratch')],
      answered(boot, 'memblock.nodeRanges'),
    ),
    claim(
      boot,
      'memblock.reserved',
      RESERVED,
      wasGiven(boot) ? KHO_SCHEDULE : SCHEDULE,
      overflowsLog(boot.experiment) ? unpredicted(NO_LOG_ROOM) : answered(boot, 'memblock.reserved'),
    ),
    ...logClaims(boot),
    claim(
      boot,
      'iomem.memory',
      'RAM, what is reserved, and what the kernel takes, as /proc/iomem has it',
      IOMEM,
      answered(boot, 'iomem.memory'),
    ),
    ...hugepageClaims(boot),
    claim(boot, 'invariant.buddy-within-managed', 'No zone has more free pages than pages', vmstat('frag_show_print'), {
      value: { violations: [] },
    }),
  ]
}

const IOMEM: readonly Basis[] = [
  ...e820('e820__reserve_resources', 'e820__reserve_resources_late'),
  ...x86Setup('setup_kernel_resources'),
  { function: 'insert_crashkernel_resources', file: 'kernel/crash_reserve.c', release: '7.3' },
]

/** Gigantic pages come from memblock, others from the page allocator: of those only the number on all nodes is certain. */
function hugepageClaims(boot: Boot): readonly PredictedClaim[] {
  const basis = hugetlb('hugetlb_bootmem_alloc', 'gather_bootmem_prealloc', 'hugetlb_hstate_alloc_pages')
  const ofSize = (part: string, title: string) =>
    claim(boot, { subject: 'hugetlb.pages', part }, title, basis, answered(boot, 'hugetlb.pages', part))
  const small = ofSize(HUGE_SIZE, 'Huge pages of 2 MiB')
  if (earlyOptions(boot.cmdline).giganticPages.length === 0) return [small]
  return [
    small,
    ofSize(GIGANTIC_SIZE, 'Huge pages of 1 GiB'),
    ...nodesWithMemory(boot.experiment.machine).map((node) => {
      const part = `${GIGANTIC_SIZE}.node${node}`
      const title = `Huge pages of 1 GiB on node ${node}`
      return claim(boot, { subject: 'hugetlb.nodePages', part }, title, basis, answered(boot, 'hugetlb.nodePages', part))
    }),
  ]
}

const NODE_RANGES = 'Memory by node, cut where scratch and its extension begin and end'
const POPULATED = 'Zones that have pages'
const TOTAL = 'Memory of the page allocator (MemTotal)'
const RESERVED = 'Everything reserved when the page allocator takes over'

function zoneClaims(boot: Boot, zone: NodeZone): readonly PredictedClaim[] {
  const part = partOf(zone)
  const name = `Zone ${zone.zone} of node ${zone.node}`
  const { start: startPfn, spanned, present } = zone
  const of = <S extends MemoryAnswer>(subject: S) => ({ subject, part })
  return [
    claim(boot, { subject: 'zone.span', part }, `${name}: first page, pages spanned and present`, LAYOUT, {
      value: { startPfn, spanned, present },
    }),
    claim(boot, of('zone.managed'), `${name}: pages of the page allocator`, MANAGED, counted(boot, 'zone.managed', part)),
    claim(boot, of('zone.cma'), `${name}: pages counted as CMA`, CMA, answered(boot, 'zone.cma', part)),
    claim(boot, of('zone.cmaBlocks'), `${name}: page blocks of CMA`, CMA, answered(boot, 'zone.cmaBlocks', part)),
  ]
}

const TAKEN_BACK =
  'this kernel has tests of KHO or LUO built in, which take back what they preserved at random before the pages are counted'

/** kho_test_restore() (lib/test_kho.c, 7.3) runs as an initcall of every boot that is given a tree. */
const counted = <S extends MemoryAnswer>(boot: Boot, subject: S, part?: string): Answer<SubjectValues[S]> =>
  boot.kernel.hasOwnTests === true && wasGiven(boot) ? unpredicted(TAKEN_BACK) : answered(boot, subject, part)

const CMA: readonly Basis[] = [...mmInit('init_cma_reserved_pageblock'), ...kho('kho_init')]

/** Zones follow from the firmware's map and nodes alone, and kexec hands the same map on. */
function zonesOf(boot: Boot): Result<readonly NodeZone[]> {
  const reason = whyNoMemory(boot)
  const { build, header, initrdSize } = boot.kernel
  if (reason !== undefined || build === undefined) return err(reason ?? 'nothing is known of how this kernel was built')
  const { machine } = boot.experiment
  return boot.context.once.get(`zones ${canonicalJson([machine, build.options])}`, () => {
    const processor = tcgProcessor(boot.cmdline)
    const first = { machine, build, initrdSize, cmdline: boot.cmdline, processor, scratchAlignment: 1 }
    const booted = bootMemory(bootInput(first, header.prefAddress, NOT_RANDOM), 'nodes of memory')
    if (!booted.ok) return booted
    const memory = booted.value.memblock.memory.regions
    return ok(nodeZones(memory, zoneRanges(memory, build.options)))
  })
}
