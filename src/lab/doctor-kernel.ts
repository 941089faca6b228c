import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bzImagePayload, parseBzImage } from '../abi/bzimage.ts'
import { embeddedConfig } from '../guest/image/embedded-config.ts'
import { parseKernelConfig, type KernelConfig } from '../guest/image/kernel-config.ts'
import type { Diagnosis } from '../shared/contract.ts'
import { LabError } from '../shared/result.ts'
import { KERNEL_NEEDS, KHO_SINCE, type KernelNeed, type Series } from './kernel-needs.ts'
import { readNamedFile } from './read-file.ts'

interface FoundConfig {
  /** `uname -r`, where it is told. */
  readonly release: string | undefined
  readonly text: string
  /** Where the configuration was. */
  readonly source: string
}

/**
 * What a kernel of the user's own lacks for an experiment, option by option. `file` is a bzImage, whose configuration is taken
 * from the kernel itself or from where builds and distributions put it, or a configuration. Rejects with LabError bad-kernel.
 */
export async function diagnoseKernel(file: string): Promise<readonly Diagnosis[]> {
  const { release, text, source } = await configOf(file)
  const config = parseKernelConfig(text)
  if (config.size === 0) throw new LabError({ code: 'bad-kernel', message: `${source} holds no options of a kernel`, hint: HINT })
  const series = seriesOf(release)
  return [
    kernelLine(release, series, source),
    ...KERNEL_NEEDS.filter((need) => applies(need, series)).map((need) => diagnosis(need, config)),
  ]
}

const HINT = 'Give arch/x86/boot/bzImage of a 64-bit build, or its .config.'

async function configOf(file: string): Promise<FoundConfig> {
  const bytes = await readNamedFile(file, 'bad-kernel')
  const header = parseBzImage(bytes)
  if (!header.ok) {
    const text = bytes.toString('latin1')
    if (!/^(# )?CONFIG_\w+/m.test(text.slice(0, 65536)))
      throw new LabError({
        code: 'bad-kernel',
        message: `${file} is neither bzImage nor configuration: ${header.error}`,
        hint: HINT,
      })
    // scripts/kconfig/confdata.c, conf_write(): "# Linux/x86 7.3.4 Kernel Configuration".
    return { release: /^# Linux\/\S+ (\S+) Kernel Configuration$/m.exec(text)?.[1], text, source: file }
  }
  const { release } = header.value
  const payload = bzImagePayload(bytes)
  const own = payload.ok ? await embeddedConfig(payload.value) : payload
  if (own.ok) return { release, text: own.value, source: `the configuration in ${file}` }
  const directory = dirname(file)
  for (const place of [`config-${release}`, 'config', '../../../.config'].map((name) => join(directory, name))) {
    const text = await readIfThere(place)
    if (text !== undefined) return { release, text, source: place }
  }
  throw new LabError({
    code: 'bad-kernel',
    message: `the configuration of ${file} is not known: ${own.error}`,
    hint: 'Give its .config instead.',
  })
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1')
  } catch {
    // Not there, or not for us: the next place is tried.
    return undefined
  }
}

function seriesOf(release: string | undefined): Series | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? []
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)]
}

const before = (a: Series, b: Series): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])

/** Of a release that is not told all needs are shown that the newest has. */
const applies = ({ from, to }: KernelNeed, series: Series | undefined): boolean =>
  series === undefined
    ? to === undefined
    : (from === undefined || !before(series, from)) && (to === undefined || !before(to, series))

function kernelLine(release: string | undefined, series: Series | undefined, source: string): Diagnosis {
  const known = { id: 'kernel', title: 'Kernel', detail: `${release ?? 'of a release that is not told'}, by ${source}` }
  return series !== undefined && before(series, KHO_SINCE)
    ? { ...known, state: 'missing', detail: `${known.detail}: KHO came with 6.16`, fix: 'Build a newer kernel.' }
    : { ...known, state: 'ok' }
}

function diagnosis({ option, wanted, state, why }: KernelNeed, config: KernelConfig): Diagnosis {
  const name = `CONFIG_${option}`
  const value = config.get(name)
  const shown = value === undefined ? 'is not set' : `is ${value}`
  const known = { id: name, title: name }
  if (wanted === 'n')
    return value === undefined || value === 'n'
      ? { ...known, state: 'ok', detail: 'is not set, as it should be' }
      : { ...known, state, detail: `${shown}: ${why}`, fix: `scripts/config -d ${option} && make olddefconfig` }
  return value === 'y'
    ? { ...known, state: 'ok', detail: shown }
    : { ...known, state, detail: `${shown}: ${why}`, fix: `scripts/config -e ${option} && make olddefconfig` }
}
