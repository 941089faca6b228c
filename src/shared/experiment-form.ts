/** A field of the form that is the twin of an experiment's YAML: one place in the file. */
export interface FormField {
  /** Keys from the root, joined by dots. */
  readonly path: string
  readonly label: string
  /** `yaml`: a list or mapping, written on one line. */
  readonly kind: 'text' | 'number' | 'choice' | 'switch' | 'yaml'
  readonly choices?: readonly string[]
  /** What holds when the file says nothing. */
  readonly fallback: string
  readonly words: string
}

export interface FormGroup {
  readonly title: string
  readonly fields: readonly FormField[]
}

const field = (
  path: string,
  label: string,
  kind: FormField['kind'],
  fallback: string,
  words: string,
  choices?: readonly string[],
): FormField => ({ path, label, kind, fallback, words, ...(choices === undefined ? {} : { choices }) })

/** Every key that an experiment may have at its top, in the order in which one thinks of them; the schema has the rest. */
export const EXPERIMENT_FORM: readonly FormGroup[] = [
  {
    title: 'experiment',
    fields: [
      field('name', 'name', 'text', '', 'required'),
      field('description', 'description', 'text', '', 'what it is to show'),
      field('hops', 'hops', 'number', '1', 'kexecs after the first boot, 0 to 50'),
      field('accelerator', 'accelerator', 'choice', 'auto', 'auto takes KVM where a guest really runs under it', [
        'auto',
        'kvm',
        'tcg',
      ]),
      field('seed', 'seed', 'number', '1', 'what the workload draws follows from it'),
    ],
  },
  {
    title: 'machine',
    fields: [
      field('machine.type', 'type', 'choice', 'q35', 'QEMU machine type', ['q35', 'pc']),
      field('machine.memory', 'memory', 'text', '1GiB', 'RAM of the whole guest: 512MiB, 4GiB'),
      field('machine.cpus', 'cpus', 'number', '2', 'how many processors the guest has'),
      field('machine.nodes', 'NUMA nodes', 'yaml', '1', 'a count, or [{ memory: 3GiB }, { memory: 1GiB }]'),
    ],
  },
  {
    title: 'kernel',
    fields: [
      field('kernel', 'kernel', 'yaml', '', '{ release: "7.3", cmdline: nokaslr }, or a list with one per boot'),
      field('kho.enabled', 'kho=on', 'switch', 'true', 'Kexec HandOver'),
      field('kho.liveupdate', 'liveupdate=on', 'switch', 'false', 'the Live Update Orchestrator'),
      field(
        'kho.scratch',
        'kho_scratch=',
        'text',
        '200 % of what is reserved',
        '"20M,0M,44M" (lowmem, global, per node) or "150%"',
      ),
    ],
  },
  {
    title: 'memory in use',
    fields: [
      field('reserveMem', 'reserve_mem=', 'yaml', '', '[{ name: trace, size: 12MiB, align: 4KiB }]'),
      field('hugepages', 'huge pages', 'yaml', '', '{ size: 2MiB, count: 32 }'),
      field('workload', 'workload', 'yaml', '', 'steps, boot by boot; long ones are easier in the YAML'),
    ],
  },
]

export const FORM_FIELDS: readonly FormField[] = EXPERIMENT_FORM.flatMap(({ fields }) => fields)
