import { FETCH } from './qemu/argv.ts'
import { quoted } from './ssh/session.ts'

export interface NextKernel {
  /** Path or bytes of a bzImage. */
  readonly kernel: string | Uint8Array
  readonly initrd: string | Uint8Array
  readonly cmdline: string
  /** The system call that loads it; `kexec_file_load` by default, the only one that takes part in KHO. */
  readonly loader?: 'kexec_file_load' | 'kexec_load'
}

const LOAD = {
  kexec_file_load: 'kexec-load kernel initrd @cmdline',
  // -c: kexec_load(2), also where the other would do.
  kexec_load: 'kexec -c -l kernel --initrd=initrd --command-line="$(cat cmdline)"',
} as const

/** For the guest's shell: fetch both files at once, check that they came whole, load them, and free their memory again. */
export function loadScript({ cmdline, loader = 'kexec_file_load' }: NextKernel, kernelSize: number, initrdSize: number): string {
  return `set -e
mkdir -p /run/kho-lab; cd /run/kho-lab; trap 'rm -f kernel initrd cmdline' EXIT
nc ${FETCH.host} ${FETCH.kernelPort} </dev/null >kernel & nc ${FETCH.host} ${FETCH.initrdPort} </dev/null >initrd; wait
[ $(wc -c <kernel) = ${kernelSize} ] && [ $(wc -c <initrd) = ${initrdSize} ] || { echo 'the files did not arrive whole' >&2; exit 5; }
printf %s ${quoted(cmdline)} >cmdline
${LOAD[loader]}`
}
