import type { Basis, PredictedClaim, SubjectValues } from '../../shared/documents/index.ts'
import { ok } from '../../shared/result.ts'
import type { Boot } from '../boots.ts'
import { claim, kho, memblock, mmInit, pageAlloc, percpu } from '../claim.ts'
import { khoLines } from '../log/kho-lines.ts'
import type { MemoryAnswer } from '../memory-answers.ts'
import { answered, asked, wasGiven, wasRejected, type Answer } from './memory-answer.ts'

/** What the kernel must say of its memory while it boots. */
export function logClaims(boot: Boot): readonly PredictedClaim[] {
  const line = (subject: Extract<MemoryAnswer, `log.${string}`>, title: string, basis: readonly Basis[]) =>
    claim(boot, subject, title, basis, answered(boot, subject))
  return [
    line('log.zones', 'Lines of zones, nodes and holes', mmInit('free_area_init', 'free_area_init_node', 'memmap_init')),
    line('log.zonelists', 'Line of zonelists and pages', pageAlloc('build_all_zonelists')),
    line('log.percpu', 'Line of the percpu areas', percpu('pcpu_embed_first_chunk')),
    line('log.hashTables', 'Sizes of hash tables', mmInit('alloc_large_system_hash', 'calc_nr_kernel_pages')),
    line('log.memory', 'Line of all memory, without the free pages', mmInit('mem_init_print_info')),
    line('log.freed', 'Lines of memory that is given back', memblock('free_reserved_area')),
    ...(wasRejected(boot) ? [] : [khoClaim(boot)]),
    ...(wasGiven(boot) && boot.options.reserveMem.length > 0 && boot.kernel.checksScratch === true
      ? [line('log.reserveMem', 'Lines of reserve_mem', memblock('reserve_mem_kho_revive', 'prepare_kho_fdt'))]
      : []),
  ]
}

/** What is said of a handover that is rejected has a claim of its own. */
const khoClaim = (boot: Boot): PredictedClaim =>
  claim(boot, 'log.kho', 'Lines of KHO', kho('kho_populate', 'kho_parse_scratch_size', 'kho_in_kexec_metadata'), linesOfKho(boot))

function linesOfKho(boot: Boot): Answer<SubjectValues['log.kho']> {
  const before = boot.previous?.kho
  const execFrom =
    before?.kind === 'on' ? `exec from: ${boot.previous?.kernel.release ?? ''} (count ${before.kexecCount})` : undefined
  return asked(boot, 'kho-lines', execFrom === undefined ? {} : { execFrom }, (memory) => ok(khoLines(memory, execFrom)))
}
