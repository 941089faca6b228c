import { findQemus, type FoundQemu } from '../../guest/attach/discover.ts'
import { addressText } from '../../guest/attach/monitor.ts'
import { cut } from '../../report/words.ts'
import type { AttachableMachine } from '../../shared/contract.ts'

/** An argument may have 128 KiB (MAX_ARG_STRLEN, include/uapi/linux/binfmts.h), whoever wrote it. */
const NAME_LIMIT = 200
const PATH_LIMIT = 4096

/** The QEMU processes of this host that can be attached to, or why one cannot. */
export const listMachines = async (): Promise<readonly AttachableMachine[]> => (await findQemus()).map(attachable)

function attachable({ pid, x86, monitors, arguments: read }: FoundQemu): AttachableMachine {
  const { name, type, memory, cpus, accelerator, kernel, backends, mainBackend, nodes } = read
  const used = nodes.length > 0 ? nodes.map(({ backend }) => backend) : [mainBackend]
  const kinds = backends.filter(({ id }) => used.includes(id)).map(({ kind, share }) => (share ? `${kind}, shared` : kind))
  return {
    pid,
    x86,
    ...(name === undefined ? {} : { name: cut(name, NAME_LIMIT) }),
    ...(type === undefined ? {} : { type }),
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(accelerator === undefined ? {} : { accelerator }),
    ...(kernel === undefined ? {} : { kernel: cut(kernel, PATH_LIMIT) }),
    ram: kinds.length === 0 ? ['anonymous'] : [...new Set(kinds)],
    monitors: monitors.map((address) => cut(addressText(address), PATH_LIMIT)),
  }
}
