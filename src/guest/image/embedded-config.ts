import { spawn } from 'node:child_process'
import { gunzip, zstdDecompress, type InputType } from 'node:zlib'
import { promisify } from 'node:util'
import { MiB } from '../../shared/units.ts'
import { err, messageOf, ok, type Result } from '../../shared/result.ts'

/** A kernel has tens of MiB; a payload that unpacks to more is none. */
const KERNEL_LIMIT = 512 * MiB
const CONFIG_LIMIT = 4 * MiB
/** Around the gzipped configuration (kernel/configs.c, 7.3). */
const [BEGIN, END] = [Buffer.from('IKCFG_ST'), Buffer.from('IKCFG_ED')]

/** How a payload begins, and who unpacks it (scripts/Makefile.lib and scripts/extract-vmlinux, 7.3). */
const PACKERS: readonly {
  readonly magic: string
  readonly name: string
  readonly unpack: (payload: Buffer) => Promise<Buffer>
}[] = [
  { magic: '1f8b08', name: 'gzip', unpack: (payload) => unzipped(payload, KERNEL_LIMIT) },
  { magic: '28b52ffd', name: 'zstd', unpack: (payload) => unzstd(withoutSize(payload)) },
  { magic: 'fd377a585a00', name: 'xz', unpack: (payload) => through(['xz', '-dc'], withoutSize(payload)) },
  { magic: '5d0000', name: 'lzma', unpack: (payload) => through(['xz', '-dc', '--format=lzma'], withoutSize(payload)) },
  { magic: '02214c18', name: 'lz4', unpack: (payload) => through(['lz4', '-dc'], withoutSize(payload)) },
  { magic: '425a68', name: 'bzip2', unpack: (payload) => through(['bzip2', '-dc'], withoutSize(payload)) },
]

/** All but gzip have the unpacked size behind their data (size_append, scripts/Makefile.lib, 7.3). */
const withoutSize = (payload: Buffer): Buffer => payload.subarray(0, -4)

/** The .config that a kernel carries with CONFIG_IKCONFIG=y; `payload` is that of its bzImage. */
export async function embeddedConfig(payload: Uint8Array): Promise<Result<string>> {
  const packed = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const packer = PACKERS.find(({ magic }) => packed.subarray(0, magic.length / 2).toString('hex') === magic)
  if (packer === undefined) return err('its payload is packed in a way that the lab does not know')
  try {
    const kernel = await packer.unpack(packed)
    const begin = kernel.indexOf(BEGIN)
    const end = begin < 0 ? -1 : kernel.indexOf(END, begin)
    if (end < 0) return err('it does not carry its configuration: CONFIG_IKCONFIG is not built in')
    return ok((await unzipped(kernel.subarray(begin + BEGIN.length, end), CONFIG_LIMIT)).toString('latin1'))
  } catch (error) {
    return err(`its ${packer.name} payload cannot be unpacked: ${messageOf(error)}`)
  }
}

const unzipped = (bytes: InputType, limit: number): Promise<Buffer> =>
  promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip)(bytes, { maxOutputLength: limit })

/** Node has it since 22.15; the program does the same. */
const unzstd = (bytes: Buffer): Promise<Buffer> =>
  typeof zstdDecompress === 'function'
    ? promisify<InputType, { maxOutputLength: number }, Buffer>(zstdDecompress)(bytes, { maxOutputLength: KERNEL_LIMIT })
    : through(['zstd', '-dc'], bytes)

function through([program = '', ...args]: readonly string[], input: Buffer): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const out: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > KERNEL_LIMIT) child.kill()
    else out.push(chunk)
  })
  // A program that ends before it has read all is told of by its exit.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`${program} ended with ${code ?? 'a signal'}`)),
    )
  })
}
