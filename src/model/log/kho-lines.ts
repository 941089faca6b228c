import { MiB } from '../../shared/units.ts'
import type { ScratchOutcome } from '../boot/input.ts'
import { parseScratch } from '../scratch.ts'
import type { RunningMemory } from '../zones/running.ts'

/**
 * What KHO says of itself until the kernel has started (kernel/liveupdate/kexec_handover.c, 7.3). `execFrom`: what the boot before
 * put into the kexec-metadata, as this kernel says it.
 */
export function khoLines({ input, booted }: RunningMemory, execFrom: string | undefined): readonly string[] {
  const received = input.handover !== undefined
  return [
    ...(received ? ['found kexec handover data.'] : []),
    ...scratchOptionLines(input.cmdline),
    ...(received || booted.scratch === undefined ? [] : failureLines(booted.scratch)),
    ...(execFrom !== undefined && input.options.kho ? [execFrom] : []),
  ].map((line) => `KHO: ${line}`)
}

/** kho_parse_scratch_size(): also printed where a handover makes it meaningless. */
function scratchOptionLines(cmdline: string): readonly string[] {
  const texts = cmdline
    .split(/\s+/)
    .flatMap((word) => (word.startsWith('kho_scratch=') ? [word.slice('kho_scratch='.length)] : []))
  return texts.flatMap((text) => {
    const request = parseScratch([text])
    if (request.refused !== undefined) return []
    if (text.endsWith('%')) return [`scratch scale is ${Number(text.slice(0, -1))}%`]
    if (request.kind !== 'sizes') return []
    const [lowmem, global, perNode] = [request.lowmem, request.global, request.perNode].map((size) => Math.floor(size / MiB))
    return [`scratch areas: lowmem: ${lowmem}MiB global: ${global}MiB pernode: ${perNode}MiB`]
  })
}

/** kho_reserve_scratch() */
function failureLines(scratch: ScratchOutcome): readonly string[] {
  if (scratch.ok) return []
  return [`Failed to reserve ${bufferName(scratch.region)}`, 'Failed to reserve scratch area, disabling kexec handover']
}

function bufferName(region: string): string {
  if (region === 'the array') return 'scratch array'
  return `${region.replace(/^node/, 'nid ')} scratch buffer`
}
