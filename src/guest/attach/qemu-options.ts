/** One option's value as QEMU reads it: `first,key=value,flag`, commas doubled inside values; or a JSON object. */
export interface OptionValue {
  /** What stands before the first comma when it has no `=`: the implied key's value. */
  readonly first: string | undefined
  readonly keys: ReadonlyMap<string, string>
}

/** Options of qemu-system-x86_64 that are read here; each takes a value. */
const READ: ReadonlySet<string> = new Set([
  'accel',
  'append',
  'chardev',
  'initrd',
  'kernel',
  'M',
  'm',
  'machine',
  'mon',
  'name',
  'numa',
  'object',
  'qmp',
  'qmp-pretty',
  'readconfig',
  'serial',
  'smp',
])

/** The options that say something about the machine, in order, each with its value. `argv` is without the program. */
export function readOptions(argv: readonly string[]): { readonly name: string; readonly value: string }[] {
  const options: { name: string; value: string }[] = []
  for (let at = 0; at < argv.length; at++) {
    const name = /^--?([A-Za-z][\w-]*)$/.exec(argv[at] ?? '')?.[1]
    if (name === 'enable-kvm') options.push({ name, value: '' })
    if (name === undefined || !READ.has(name)) continue
    at += 1
    options.push({ name, value: argv[at] ?? '' })
  }
  return options
}

export function optionValue(text: string): OptionValue {
  if (text.startsWith('{')) return { first: undefined, keys: jsonKeys(text) }
  const parts = splitAtCommas(text)
  const [first = ''] = parts
  const implied = first.includes('=') ? undefined : unescaped(first)
  const keys = new Map<string, string>()
  for (const part of implied === undefined ? parts : parts.slice(1)) {
    const at = part.indexOf('=')
    if (at >= 0) keys.set(part.slice(0, at), unescaped(part.slice(at + 1)))
    else if (part.startsWith('no')) keys.set(part, 'on').set(part.slice(2), 'off')
    else keys.set(part, 'on')
  }
  return { first: implied, keys }
}

/** A comma ends a part unless it is doubled (qemu_opts_do_parse(), util/qemu-option.c). */
function splitAtCommas(text: string): string[] {
  const parts: string[] = []
  let part = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== ',') part += text.charAt(at)
    else if (text[at + 1] === ',') {
      part += ',,'
      at += 1
    } else {
      parts.push(part)
      part = ''
    }
  }
  return [...parts, part]
}

const unescaped = (text: string): string => text.replaceAll(',,', ',')

/** `-object` and `-machine` as libvirt writes them. Nested objects hold nothing that is read here. */
function jsonKeys(text: string): ReadonlyMap<string, string> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return new Map()
    return new Map(
      Object.entries(value).flatMap(([key, inner]): [string, string][] => {
        if (typeof inner === 'boolean') return [[key, inner ? 'on' : 'off']]
        return typeof inner === 'string' || typeof inner === 'number' ? [[key, String(inner)]] : []
      }),
    )
  } catch (error) {
    if (error instanceof SyntaxError) return new Map()
    throw error
  }
}

/** on, yes, true, y, and their opposites (qapi_bool_parse()); `fallback` for anything else. */
export function onOff(text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback
  if (/^(on|yes|true|y)$/.test(text)) return true
  return /^(off|no|false|n)$/.test(text) ? false : fallback
}
