import { recogniseTrouble } from './qemu/serial.ts'

/** Before the kernel has a clock: so early nothing prints registers and goes on. The caller's id may follow (CONFIG_PRINTK_CALLER). */
const REGISTERS = /^\[ +0\.000000\](?:\[[ CT\d]+\])? RIP: 0010:(\w+)\+0x/
const BEGINNING = /Linux version \d/
const END_OF_TRACE = /<\/TASK>$/

/**
 * Hears the console for a kernel that halts for good: early_fixup_exception() (arch/x86/mm/extable.c, 7.3) prints registers and a call
 * trace, without any word of what they are for, and nothing after them. Where a word comes first it is an oops, and that goes on.
 */
export class EarlyHalt {
  #oops = false
  #at: string | undefined

  /** The function that the kernel halted in, once it has said all that it will. */
  hear(line: string): string | undefined {
    if (BEGINNING.test(line)) [this.#oops, this.#at] = [false, undefined]
    this.#oops ||= recogniseTrouble(line) !== undefined
    if (this.#oops) return undefined
    this.#at ??= REGISTERS.exec(line)?.[1]
    return END_OF_TRACE.test(line.trimEnd()) ? this.#at : undefined
  }
}
