import type { MemoryStep } from '../../shared/documents/index.ts'
import { PAGE_SIZE } from '../../shared/units.ts'

/** FNV-1a, 32 bits: a seed of its own for every set and churn of an experiment. */
function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5
  for (const character of `${seed}/${name}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return hash
}

/**
 * The line for a step, in the language of qemu-images/khoprobe/command.c. `index`: the step's place in its boot; `at`: where a
 * range has to lie.
 */
export function probeCommand(step: MemoryStep, seed: number, hop: number, index: number, at?: string): string {
  switch (step.step) {
    case 'allocate': {
      const [first = 0] = step.orders
      const last = step.orders.at(-1) ?? first
      const size = step.kind === 'folio' ? `${first}..${last} ${step.count}` : `${step.pages}`
      const options = [
        `seed=${seedOf(seed, step.name)}`,
        ...(step.node === undefined ? [] : [`node=${step.node}`]),
        ...(step.movable ? ['movable'] : []),
        ...(step.huge ? ['huge'] : []),
        ...(at === undefined ? [] : [`at=${at}`]),
      ]
      return `alloc ${step.name} ${step.kind} ${size} ${options.join(' ')}`
    }
    case 'churn':
      return `churn ${step.operations} ${step.maxOrder} ${Math.floor(step.hold / PAGE_SIZE)} ${seedOf(seed, `churn/${hop}/${index}`)}`
    case 'wait':
      return `wait ${step.ms}`
    case 'preserve':
    case 'unpreserve':
    case 'free':
    case 'restore':
    case 'verify':
    case 'put':
      return `${step.step} ${step.name}`
    case 'kho_restore_folio':
      return `${step.step} ${step.name} ${step.entry}`
    case 'kho_preserve_pages':
    case 'kho_unpreserve_pages':
      return `${step.step} ${step.name} ${step.entry} ${step.order}`
  }
}
