import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { experimentError, parseExperimentYaml } from './experiment-file.ts'
import { editDistance, nearest, validKeys } from './experiment-words.ts'

/** `line:column path: message` of every issue. */
function issuesOf(text: string): readonly string[] {
  const parsed = parseExperimentYaml(text, 'x.yaml')
  return parsed.ok ? [] : parsed.error.issues.map((issue) => `${issue.line}:${issue.column} ${issue.path}: ${issue.message}`)
}

describe('an experiment file', () => {
  it('needs only a name; everything else has a default', () => {
    expect(parseExperimentYaml('name: hello\n', 'x.yaml')).toEqual({
      ok: true,
      value: {
        name: 'hello',
        description: undefined,
        machine: { type: 'q35', memory: 2 ** 30, cpus: 2, nodes: [{ memory: 2 ** 30 }] },
        kernels: [{ cmdline: '' }, { cmdline: '' }],
        kho: { enabled: true, liveupdate: false },
        reserveMem: [],
        seed: 1,
        workload: [[], []],
        hugepages: undefined,
        accelerator: 'auto',
        faults: [],
        hops: 1,
      },
    })
  })

  it('says where an unknown key stands, what was meant and what there is', () => {
    expect(issuesOf('name: a\nmachine:\n  memroy: 4GiB\n')).toEqual([
      '3:3 machine.memroy: unknown key memroy: did you mean memory? valid keys in machine: type, memory, cpus, nodes',
    ])
  })

  it('says where a key belongs that stands at the wrong depth', () => {
    expect(issuesOf('name: a\nliveupdate: true\n')).toEqual([
      '2:1 liveupdate: unknown key liveupdate: liveupdate belongs at kho.liveupdate; valid keys at the top: ' +
        'name, description, machine, kernel, kho, reserveMem, hugepages, accelerator, seed, workload, faults, selftest, hops',
    ])
  })

  it('words every kind of wrong value, in the order of the text', () => {
    const text = [
      'machine: { type: q53, memory: lots, cpus: 300, nodes: two }',
      'kernel: [{ release: 7.3 }, { relase: "7.3" }]',
      'reserveMem: [{ name: 9, size: 1MiB }]',
      'accelerator: kvn',
      'workload: [{ boot: 0, steps: [{ alocate: { name: a } }] }]',
      'hops: 1.5',
      '',
    ].join('\n')
    expect(issuesOf(text)).toEqual([
      '1:1 name: name is required',
      '1:18 machine.type: expected one of q35, pc, found the text "q53"; did you mean q35?',
      '1:31 machine.memory: not a size: lots (write 512MiB, 4GiB or bytes)',
      '1:43 machine.cpus: 300 is too much: at most 255',
      '1:55 machine.nodes: expected a number or a list, found the text "two"',
      '2:21 kernel[0].release: expected a text, found 7.3; write it in quotes: "7.3"',
      '2:30 kernel[1].relase: unknown key relase: did you mean release? valid keys in kernel[1]: release, image, cmdline, initrdPadding',
      '3:22 reserveMem[0].name: expected a text, found 9; write it in quotes: "9"',
      '4:14 accelerator: expected one of auto, kvm, tcg, found the text "kvn"; did you mean kvm?',
      '5:33 workload[0].steps[0].alocate: unknown key alocate: did you mean allocate? valid keys in workload[0].steps[0]: ' +
        'allocate, churn, preserve, unpreserve, free, wait, restore, verify, put, kho_restore_folio, kho_preserve_pages, kho_unpreserve_pages, luoCreate, luoFill, luoRetrieve',
      '6:7 hops: expected a whole number, found 1.5',
    ])
  })

  it('checks what only the keys together can say', () => {
    expect(issuesOf('name: a\nhops: 2\nkernel: [{}, {}]\nmachine:\n  memory: 4GiB\n  nodes: [{ memory: 1GiB }]\n')).toEqual([
      '3:9 kernel: 2 kernels for 3 boots (the first boot and 2 hops)',
      '6:10 machine.nodes: the nodes have 1073741824 bytes together, the machine 4294967296',
    ])
  })

  it('refuses a key that is given twice, tabs, an empty file and several documents', () => {
    expect(issuesOf('name: a\nhops: 1\nhops: 2\n')).toEqual(['3:1 : Map keys must be unique'])
    expect(issuesOf('name: a\nmachine:\n\tcpus: 1\n')).toEqual(['3:1 : Tabs are not allowed as indentation'])
    expect(issuesOf('')).toEqual(['1:1 : the file is empty; an experiment needs at least a name'])
    expect(issuesOf('name: a\n---\nname: b\n')).toEqual(['2:1 : a second document begins here; a file holds one experiment'])
  })

  it('refuses aliases that multiply instead of expanding them', () => {
    const levels = Array.from(
      { length: 12 },
      (_unused, n) =>
        `k${n}: &a${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*a${n - 1}`)
          .join(', ')}]`,
    )
    expect(issuesOf(levels.join('\n'))).toEqual([
      '1:1 : cannot read the YAML: Excessive alias count indicates a resource exhaustion attack',
    ])
  })

  it('becomes one error for people', () => {
    const parsed = parseExperimentYaml('name: a\nhops: x\nkho: 1\n', 'try.yaml')
    expect(parsed.ok ? undefined : experimentError(parsed.error).toJSON()).toEqual({
      code: 'bad-experiment',
      message: 'try.yaml:2:7: hops: expected a number, found the text "x" (and 1 more)',
      hint: 'Correct the file; schemas/experiment.json lists every key, and experiments/ has examples.',
      evidence: ['try.yaml:3:6: kho: expected a group of keys, found 1'],
    })
  })

  it('answers any text with an experiment or with places inside the text', () => {
    const fragments = fc.constantFrom(
      'name: a',
      'machine:',
      '  memory: 1GiB',
      'kho: {',
      '}',
      '[',
      ']',
      '- ',
      '&a',
      '*a',
      '"',
      '\t',
      ': ',
      '!!map',
      '---',
      '%YAML',
      '\u0000',
      '🦀',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fragments, { maxLength: 30 }).map((parts) => parts.join('\n')),
    )
    fc.assert(
      fc.property(text, (input) => {
        const parsed = parseExperimentYaml(input, 'x.yaml')
        if (parsed.ok) return
        expect(parsed.error.issues.length).toBeGreaterThan(0)
        // YAML breaks lines at \n, \r and \r\n only.
        const lines = input.split(/\r\n|\r|\n/)
        for (const issue of parsed.error.issues) expect(issue.line).toBeLessThanOrEqual(lines.length + 1)
      }),
      { numRuns: 500 },
    )
  })

  it('survives nesting deeper than any stack, and does not repeat itself for pages', () => {
    expect(issuesOf('['.repeat(200_000))).toHaveLength(20)
  })

  it('reads back what was written, whatever the shape', () => {
    const nodes = fc.array(
      fc.integer({ min: 64, max: 4096 }).map((mib) => mib * 2 ** 20),
      { minLength: 2, maxLength: 8 },
    )
    fc.assert(
      fc.property(nodes, fc.integer({ min: 0, max: 50 }), (memory, hops) => {
        const total = memory.reduce((sum, each) => sum + each, 0)
        const text = stringify({ name: 'p', hops, machine: { memory: total, nodes: memory.map((each) => ({ memory: each })) } })
        const parsed = parseExperimentYaml(text, 'x.yaml')
        expect(
          parsed.ok ? [parsed.value.machine.nodes.map((node) => node.memory), parsed.value.kernels.length] : parsed.error,
        ).toEqual([memory, hops + 1])
      }),
    )
  })
})

describe('finding the word that was meant', () => {
  it('counts edits', () => {
    expect([
      editDistance('memroy', 'memory'),
      editDistance('', 'abc'),
      editDistance('kvn', 'kvm'),
      editDistance('same', 'same'),
    ]).toEqual([1, 3, 1, 0])
  })
  it('is a metric: symmetric, and zero only for equal words', () => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => editDistance(a, b) === editDistance(b, a) && (editDistance(a, b) === 0) === (a === b)),
    )
  })
  it('suggests nothing for a word that is like none', () => {
    expect(nearest('colour', validKeys(['machine']))).toBeUndefined()
  })
  it('knows the keys of each group, also inside lists', () => {
    expect([validKeys(['machine', 'nodes', 3]), validKeys(['reserveMem', 0]), validKeys(['hops'])]).toEqual([
      ['memory'],
      ['name', 'size', 'align'],
      [],
    ])
  })
})
