import { recogniseTrouble } from './qemu/serial.ts'

/** The caller's id may follow the stamp (CONFIG_PRINTK_CALLER). */
const REGISTERS = /^\[ *\d+\.\d{6}\](?:\[[ CT\d]+\])? RIP: 0010:(\w+)\+0x/
const BEGINNING = /Linux version \d/
/** kmem_cache_init(), mm/slub.c, 7.3: trap_init() has put the handlers in their places by then, and so late a kernel has words. */
const HANDLERS = /\] SLUB: HWalign=/
/** What comes before registers of a kernel that goes on: __warn() in kernel/panic.c, ex_handler_msr() in arch/x86/mm/extable.c, 7.3. */
const WARNS = /\] (?:-+\[ cut here |WARNING: |unchecked MSR access error: )/
const END_OF_TRACE = /<\/TASK>$/

/**
 * Hears the console for a kernel that halts for good: early_fixup_exception() (arch/x86/mm/extable.c, 7.3) prints registers and a call
 * trace, without any word of what they are for, and nothing after them. Where a word comes first it is an oops, and that goes on.
 */
export class EarlyHalt {
  /** A word came first, or it is late. */
  #told = false
  #at: string | undefined

  /** The function that the kernel halted in, once it has said all that it will. */
  hear(line: string): string | undefined {
    if (BEGINNING.test(line)) [this.#told, this.#at] = [false, undefined]
    this.#told ||= HANDLERS.test(line) || WARNS.test(line) || recogniseTrouble(line) !== undefined
    if (this.#told) return undefined
    this.#at ??= REGISTERS.exec(line)?.[1]
    return END_OF_TRACE.test(line.trimEnd()) ? this.#at : undefined
  }
}
