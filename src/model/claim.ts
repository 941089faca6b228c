import type { Basis, GivenValues, HostGivenValues, PredictedClaim, Subject, SubjectValues } from '../shared/documents/index.ts'
import { JsonValue, type Json } from '../shared/json.ts'
import type { Boot } from './boots.ts'
import type { DefectId } from './findings.ts'
import type { RuleName } from './rules.ts'

export type Prediction = PredictedClaim['prediction']

/** A subject, and which of the things it is about where there are several. */
type About<S extends Subject> = S | { readonly subject: S; readonly part: string }

/** A claim of boot `boot`; its family is the subject's first word. */
export function claim<S extends Subject>(
  boot: Boot,
  about: About<S>,
  title: string,
  basis: readonly Basis[],
  prediction: { readonly value: SubjectValues[S] } | Prediction,
  finding?: DefectId,
): PredictedClaim {
  const { subject, part } = typeof about === 'string' ? { subject: about, part: undefined } : about
  return {
    id: `hop${boot.hop}.${subject}${part === undefined ? '' : `.${part}`}`,
    subject,
    ...(part === undefined ? {} : { part }),
    family: subject.slice(0, subject.indexOf('.')),
    hop: boot.hop,
    title,
    basis: [...basis],
    prediction: 'value' in prediction ? { kind: 'value', value: plain(prediction.value) } : prediction,
    ...(finding === undefined ? {} : { finding }),
  }
}

export const unpredicted = (reason: string): Exclude<Prediction, { kind: 'value' | 'rule' }> => ({ kind: 'unpredicted', reason })

export const byRule = (rule: RuleName, inputs: Json, given: readonly string[]): Extract<Prediction, { kind: 'rule' }> => ({
  kind: 'rule',
  rule,
  inputs,
  given: [...given],
})

/** The name of a given value of boot `hop`. */
export const givenOf = (hop: number, name: keyof GivenValues): string => `hop${hop}.${name}`
export const hostGiven = (name: keyof HostGivenValues): string => name

/** Subject values are JSON by their types; drops optional keys that are undefined, as writing and reading would. */
const plain = (value: SubjectValues[Subject] | Json): Json => JsonValue.parse(JSON.parse(JSON.stringify(value)))

/** Kernel functions by file, release 7.3. */
export const in73 =
  (file: string) =>
  (...functions: readonly string[]): readonly Basis[] =>
    functions.map((name) => ({ function: name, file, release: '7.3' }))

export const kho = in73('kernel/liveupdate/kexec_handover.c')
export const khoHeader = in73('include/linux/kexec_handover.h')
export const khoDebugfs = in73('kernel/liveupdate/kexec_handover_debugfs.c')
export const luo = in73('kernel/liveupdate/luo_core.c')
export const luoSession = in73('kernel/liveupdate/luo_session.c')
export const luoFile = in73('kernel/liveupdate/luo_file.c')
export const khoBlock = in73('kernel/liveupdate/kho_block.c')
export const memfdLuo = in73('mm/memfd_luo.c')
export const luoFlb = in73('kernel/liveupdate/luo_flb.c')
export const kexecFile = in73('kernel/kexec_file.c')
export const kexecCore = in73('kernel/kexec.c')
export const extable = in73('arch/x86/mm/extable.c')
export const tasks = in73('kernel/exit.c')
export const bzImage64 = in73('arch/x86/kernel/kexec-bzimage64.c')
export const resource = in73('kernel/resource.c')
export const memblock = in73('mm/memblock.c')
export const pageAlloc = in73('mm/page_alloc.c')
/** Functions of the lab's own kernel module. */
export const khoprobe = (...functions: readonly string[]): readonly Basis[] =>
  functions.map((name) => ({ function: name, file: 'qemu-images/khoprobe', release: 'khoprobe-v1' }))
export const x86Setup = in73('arch/x86/kernel/setup.c')
export const e820 = in73('arch/x86/kernel/e820.c')
export const compressed = in73('arch/x86/boot/compressed/kaslr.c')
export const mmInit = in73('mm/mm_init.c')
export const percpu = in73('mm/percpu.c')
export const hugetlb = in73('mm/hugetlb.c')
export const vmstat = in73('mm/vmstat.c')
export const x86Init = in73('arch/x86/mm/init.c')
export const version = in73('init/version.c')
/** Functions of QEMU; 7.2 is the release that they were read for. */
export const qemu = (file: string, ...functions: readonly string[]): readonly Basis[] =>
  functions.map((name) => ({ function: name, file: `qemu/${file}`, release: 'QEMU 7.2' }))
export const seabios = (file: string, ...functions: readonly string[]): readonly Basis[] =>
  functions.map((name) => ({ function: name, file: `seabios/${file}`, release: 'SeaBIOS 1.16' }))
