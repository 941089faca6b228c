import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FORM_FIELDS } from '../shared/experiment-form.ts'
import { parseExperimentYaml } from './experiment-file.ts'
import { EXPERIMENTS_DIRECTORY } from './own-folders.ts'
import { editForm, formOf } from './experiment-form.ts'

const TEXT = `# why it is here
name: two
machine:
  memory: 4GiB # all of it
  nodes: [{ memory: 3GiB }, { memory: 1GiB }]
kho: { liveupdate: true }
`

describe('the form', () => {
  it('shows what the text says', () => {
    expect(formOf(TEXT)).toEqual({
      readable: true,
      issues: [],
      values: {
        name: 'two',
        'machine.memory': '4GiB',
        'machine.nodes': '[ { memory: 3GiB }, { memory: 1GiB } ]',
        'kho.liveupdate': 'true',
      },
    })
  })

  it('changes one place and leaves comments and the rest alone', () => {
    const edited = editForm(editForm(TEXT, 'machine.memory', '8GiB'), 'hops', '3')
    expect(edited).toBe(`${TEXT.replace('4GiB', '8GiB')}hops: 3\n`)
    expect(editForm(edited, 'hops', '')).toContain('memory: 8GiB # all of it')
    expect(parseExperimentYaml(editForm(edited, 'hops', ''), 'f')).toEqual(parseExperimentYaml(TEXT.replace('4GiB', '8GiB'), 'f'))
    expect(editForm(TEXT, 'kho.liveupdate', '')).not.toContain('kho')
  })

  it('puts an error at its field', () => {
    const { issues } = formOf(editForm(TEXT, 'machine.cpus', '9999'))
    expect(issues.map(({ path, line }) => [path, line])).toEqual([['machine.cpus', 6]])
  })

  it('keeps a number a number and a text a text', () => {
    expect(parseExperimentYaml(editForm('name: x\n', 'name', '7.3'), 'f')).toMatchObject({ ok: true, value: { name: '7.3' } })
    expect(parseExperimentYaml(editForm('name: x\n', 'hops', '2'), 'f')).toMatchObject({ ok: true, value: { hops: 2 } })
  })

  it('says that it cannot edit what is no mapping, and what is no YAML', () => {
    expect(formOf('[1, 2').readable).toBe(false)
    expect(() => editForm('- 1\n', 'name', 'x')).toThrow('no YAML mapping')
    expect(() => editForm(TEXT, 'reserveMem', '[{ name: ')).toThrow('this is no YAML')
    expect(() => editForm(TEXT, '__proto__.x', '1')).toThrow('no such field')
  })

  it('and the text stay twins for any value of any field', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FORM_FIELDS.filter(({ kind }) => kind === 'text')),
        fc.string({ unit: 'binary', minLength: 1 }),
        ({ path }, value) => {
          if (value.trim() === '' || !value.isWellFormed()) return
          expect(formOf(editForm(TEXT, path, value)).values[path]).toBe(value)
        },
      ),
    )
  })

  it.each(['two-nodes', 'reserve-mem', 'three-hops'])('leaves the meaning of %s alone when nothing is changed', (name) => {
    const text = readFileSync(join(EXPERIMENTS_DIRECTORY, `${name}.yaml`), 'utf8')
    const { values } = formOf(text)
    const again = Object.entries(values).reduce((edited, [path, value]) => editForm(edited, path, value), text)
    expect(parseExperimentYaml(again, 'f')).toEqual(parseExperimentYaml(text, 'f'))
  })
})
