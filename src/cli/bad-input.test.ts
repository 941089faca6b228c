import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { kholab, scratchDirectory } from './cli.fixture.ts'

const HELLO = join(import.meta.dirname, '../../experiments/hello.yaml')

const ErrorDocument = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    evidence: z.array(z.string()).optional(),
  }),
})

describe('wrong usage ends with 64 and one sentence', () => {
  it.each([
    [['--frobnicate'], "unknown option '--frobnicate'"],
    [['run', HELLO, '--otu', 'r'], "unknown option '--otu' (Did you mean --out?)"],
    [['rum'], "unknown command 'rum' (Did you mean run?)"],
    [['run'], "missing required argument 'FILE'"],
    [['run', 'a.yaml', 'b.yaml'], 'too many arguments'],
    [['run', HELLO, '--accelerator', 'hvf'], 'Allowed choices are auto, kvm, tcg'],
    [['report', 'r', '--format', 'doc'], 'Allowed choices are html, md, txt, ktap, junit, json, pdf'],
    [['report', 'r', '--format', 'pdf'], 'a PDF is not for the terminal'],
    [['diff', 'r'], "missing required argument 'RUN2'"],
    [['attach', '--out', 'x'], '--out needs --pid or --qmp'],
    [['attach', '--pid', 'x'], 'a process is named by its number'],
    [['attach', '--pid', '1'], 'process 1 is no QEMU'],
    [['attach', '--pid', '1', '--ram', 'guess'], '--ram guess: no such way to read RAM'],
    [['decode', 'ram', 'x'], "required option '--map-root <ADDR>' not specified"],
    [['decode', 'ram', 'x', '--map-root', 'here'], 'an address is written 0x1234000'],
    [['serve', '--port', '99999'], 'a port is a number from 0'],
    [['image', 'build', '--source', 'zip:x'], 'no kernel source: zip:x'],
    [['image', 'build', '--release', '2.6'], 'knows no kernel release "2.6"'],
    [[], 'no command given'],
    [['image'], 'no command given'],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await kholab(args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr.split('\n').filter((line) => line.startsWith('kho-lab: '))).toEqual([expect.stringContaining(sentence)])
  })

  it('is also said as JSON', async () => {
    const { code, stdout } = await kholab(['run', '--json'])
    expect([code, ErrorDocument.parse(JSON.parse(stdout)).error]).toEqual([
      64,
      {
        code: 'usage',
        message: "missing required argument 'FILE'",
        hint: 'kho-lab --help lists the commands, kho-lab COMMAND --help its options.',
      },
    ])
  })
})

describe('a wrong experiment ends with 64 and names the line', () => {
  it.each(['run', 'predict'])('%s', async (command) => {
    const file = join(scratchDirectory(), 'wrong.yaml')
    writeFileSync(file, 'name: wrong\nmachine:\n  memroy: 1GiB\nhops: [1\n')
    const broken = await kholab([command, file])
    expect([broken.code, broken.stdout]).toEqual([64, ''])
    expect(broken.stderr).toContain(`${file}:5:1: `)
    writeFileSync(file, 'name: wrong\nmachine:\n  memroy: 1GiB\nhops: 1.5\n')
    const unknown = await kholab([command, file])
    expect([unknown.code, unknown.stderr.replaceAll(file, 'FILE')]).toEqual([
      64,
      'kho-lab: FILE:3:3: machine.memroy: unknown key memroy: did you mean memory? valid keys in machine: type, memory, cpus, nodes (and 1 more)\n' +
        '  | FILE:4:7: hops: expected a whole number, found 1.5\n' +
        '  Correct the file; schemas/experiment.json lists every key, and experiments/ has examples.\n',
    ])
  })

  it('that is not there', async () => {
    const { code, stderr } = await kholab(['predict', '/nonexistent/x.yaml'])
    expect([code, stderr]).toEqual([
      64,
      'kho-lab: cannot read /nonexistent/x.yaml: there is no such file\n  Check the path and its permissions.\n',
    ])
  })
})

describe('predict refuses machines that cannot be, and names what is wrong', () => {
  it.each([
    ['{ nodes: 0 }', 'machine.nodes: 0 is too little: at least 1'],
    ['{ nodes: [] }', 'machine.nodes: [] is too little: at least 1 entries'],
    ['{ nodes: -1 }', 'machine.nodes: -1 is too little: at least 1'],
    ['{ nodes: 1.5 }', 'machine.nodes: expected a whole number or a list, found 1.5'],
    ['{ nodes: 65 }', 'machine.nodes: 65 is too much: at most 64'],
    ['{ nodes: [{ memory: 2GiB }] }', "machine.nodes[0].memory: node 0 has 2147483648 bytes, more than the machine's 1073741824"],
    ['{ nodes: [{ memory: 512MiB }] }', 'machine.nodes: the nodes have 536870912 bytes together, the machine 1073741824'],
    ['{ nodes: [{ memory: 0 }, { memory: 0 }] }', 'machine.nodes: the nodes have 0 bytes together, the machine 1073741824'],
    ['{ nodes: [{ memory: -1GiB }, { memory: 2GiB }] }', 'machine.nodes[0].memory: not a size: -1GiB'],
    ['{ memory: 0 }', 'machine.memory: 0 is too little: more than 0'],
    ['{ memory: -1 }', 'machine.memory: -1 is too little: more than 0'],
    ['{ memory: -1GiB }', 'machine.memory: not a size: -1GiB'],
    ['{ memory: nothing }', 'machine.memory: not a size: nothing'],
    ['{ memory: 64MiB }', 'machine.memory: less than 128MiB'],
    ['{ memory: 1GiB1 }', 'machine.memory: not a size: 1GiB1'],
    ['{ memory: 1073741825 }', 'machine.memory: not a multiple of 8KiB'],
    ['{ memory: 9007199254740992 }', 'machine.memory: 9007199254740992 is too much'],
    ['{ memory: 8PiB }', 'machine.memory: not a size: 8PiB'],
    ['{ memory: 8192TiB }', 'machine.memory: not a size: 8192TiB'],
    ['{ memory: 4097TiB }', 'machine.memory: more than the 2^52 bytes that x86-64 can address'],
    ['{ memory: 1e300 }', 'machine.memory: 1e+300 is too much'],
    ['{ cpus: 0 }', 'machine.cpus: 0 is too little: at least 1'],
    ['{ cpus: -2 }', 'machine.cpus: -2 is too little: at least 1'],
    ['{ cpus: 256 }', 'machine.cpus: 256 is too much: at most 255'],
    ['{ type: microvm }', 'machine.type: expected one of q35, pc, found the text "microvm"'],
  ])('%s', async (machine, sentence) => {
    const file = join(scratchDirectory(), 'machine.yaml')
    writeFileSync(file, `name: nonsense\nmachine: ${machine}\n`)
    const { code, stdout, stderr } = await kholab(['predict', file])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr.split('\n')[0]).toContain(`machine.yaml:2:`)
    expect(stderr.split('\n')[0]).toContain(sentence)
  })
})

describe('a kernel that is none ends with 64', () => {
  it.each(['run', 'predict'])('%s', async (command) => {
    const directory = scratchDirectory()
    const kernel = join(directory, 'vmlinux')
    writeFileSync(kernel, `\u007fELF${'x'.repeat(4096)}`)
    const out = command === 'run' ? ['--out', join(directory, 'out')] : []
    const { code, stdout } = await kholab([command, HELLO, '--kernel', kernel, '--json', ...out])
    const { error } = ErrorDocument.parse(JSON.parse(stdout))
    expect([code, error.code]).toEqual([64, 'bad-kernel'])
    expect(error.message).toContain(kernel)
  })
})

describe('an output folder that cannot be used ends with 2, before anything is started', () => {
  const run = async (out: string): Promise<readonly unknown[]> => {
    const { code, stdout } = await kholab(['run', HELLO, '--out', out, '--json'])
    const { error } = ErrorDocument.parse(JSON.parse(stdout))
    return [code, error.code, error.message.replace(out, 'OUT')]
  }
  it('because it holds something', async () => {
    const out = scratchDirectory()
    writeFileSync(join(out, 'thesis.tex'), 'precious')
    expect(await run(out)).toEqual([2, 'out-unwritable', 'OUT is not empty: a run overwrites nothing'])
  })
  it('because it is a file, lies below one, or on a file system that takes no files', async () => {
    const file = join(scratchDirectory(), 'file')
    writeFileSync(file, '')
    expect([await run(file), await run(join(file, 'below')), await run('/proc/kho-lab')]).toMatchInlineSnapshot(`
      [
        [
          2,
          "out-unwritable",
          "cannot write OUT: a part of its path is not a directory",
        ],
        [
          2,
          "out-unwritable",
          "cannot write OUT: a part of its path is not a directory",
        ],
        [
          2,
          "out-unwritable",
          "cannot write OUT: there is no such file",
        ],
      ]
    `)
  })
})

describe('what is no run', () => {
  it.each(['html', 'md', 'txt', 'ktap', 'junit', 'json'])('cannot be reported as %s', async (format) => {
    const directory = scratchDirectory()
    const { code, stdout, stderr } = await kholab(['report', directory, '--format', format])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('is no finished run')
  })

  it('nor what only looks like one', async () => {
    const directory = scratchDirectory()
    for (const name of ['comparison.json', 'observation.json', 'prediction.json'])
      writeFileSync(join(directory, name), '{"document": "other"}')
    const { code, stdout } = await kholab(['report', directory, '--json'])
    expect([code, ErrorDocument.parse(JSON.parse(stdout)).error.code]).toEqual([2, 'bad-document'])
  })
})
