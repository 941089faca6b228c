import type { PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { byRule, bzImage64, claim, e820, hostGiven, qemu, seabios, unpredicted } from '../claim.ts'
import { firmwareMap, processorOf, ramSpans, socketsOf, toRange, whyRamUnknown } from '../firmware-map.ts'

/** kexec hands the same map on (setup_e820_entries()), so what holds for the first boot holds for every hop. */
export function firmwareClaims(boot: Boot): readonly PredictedClaim[] {
  const { type, memory } = boot.experiment.machine
  const split = type === 'q35' ? qemu('hw/i386/pc_q35.c', 'pc_q35_init') : qemu('hw/i386/pc_piix.c', 'pc_init1')
  const basis = [
    ...split,
    ...qemu('hw/i386/pc.c', 'pc_memory_init'),
    ...seabios('src/post.c', 'bda_init'),
    ...seabios('src/malloc.c', 'malloc_preinit', 'malloc_prepboot'),
    ...seabios('src/fw/paravirt.c', 'qemu_preinit'),
    ...seabios('src/fw/biostables.c', 'smbios_romfile_setup'),
    ...(type === 'q35' ? seabios('src/fw/pciinit.c', 'mch_mem_addr_setup', 'mch_isa_bridge_setup') : []),
    ...e820('e820__memory_setup', 'e820__reserve_resources'),
    ...(boot.hop === 0 ? [] : bzImage64('setup_e820_entries')),
  ]
  const reason = whyRamUnknown(boot.experiment)
  const tooLarge = reason === undefined ? undefined : unpredicted(reason)
  return [
    claim(boot, 'firmware.map', 'Memory map from the firmware', basis, tooLarge ?? mapPrediction(boot)),
    claim(
      boot,
      'firmware.e820',
      'Memory map in boot_params, as the kernel log has it',
      [...basis, ...e820('e820__memory_setup_default')],
      tooLarge ?? mapPrediction(boot),
    ),
    claim(boot, 'firmware.ram', 'RAM below and above 4 GiB', split, tooLarge ?? { value: ramSpans(type, memory).map(toRange) }),
  ]
}

/** What KVM and the host's processor add is known only when the accelerator is: with `tcg` now, else when the lab has chosen. */
function mapPrediction({ hop, experiment: { machine, accelerator, faults } }: Boot) {
  if (faults.some((fault) => fault.fault === 'kexec-load' && fault.hop <= hop))
    return unpredicted('with kexec_load(2) the program that calls it makes the map, and every kexec after it hands that on')
  const { type, memory } = machine
  const sockets = socketsOf(machine)
  return accelerator === 'tcg'
    ? { value: firmwareMap(type, memory, processorOf('tcg', ''), sockets) }
    : byRule('firmware-map', { type, memory, sockets }, [hostGiven('host.accelerator')])
}
