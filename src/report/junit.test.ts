import { describe, expect, it } from 'vitest'
import { compare } from '../compare/compare.ts'
import { sampleClaims, sampleMeta, sampleObservation, samplePrediction } from '../compare/sample.fixture.ts'
import { seen, type Comparison } from '../shared/documents/index.ts'
import { renderJunit } from './junit.ts'

const HOSTILE = ']]><failure>& "\u0000\u001b[2J\u0085\u202e\ud800\ufffe\uffff\n'

function rendered(text: string, changes: Partial<Comparison> = {}): string {
  const observation = sampleObservation()
  const [first] = observation.hops
  if (first !== undefined) first.guest.release = seen(text)
  const meta = sampleMeta()
  const comparison = compare(sampleClaims(), observation, { ...meta, experiment: { ...meta.experiment, name: text } })
  return renderJunit({ ...comparison, ...changes }, { observation, prediction: samplePrediction(), rawFiles: [], serialTail: [] })
}

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
}

/** XML 1.0 as far as a report uses it, strictly: what is not well-formed throws. */
function parse(xml: string): Element {
  // Char of XML 1.0, without the two white space characters that a report does not use.
  expect(xml).toMatch(/^[\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u)
  const root: Element = { name: '', attributes: {}, children: [] }
  const open = [root]
  for (const [token] of xml.replace(/^<\?xml[^?]*\?>/, '').matchAll(/<[^>]*>|[^<]+/g)) {
    const current = open.at(-1) ?? root
    const match = /^<(\/?)([a-z-]+)((?: [a-z]+="(?:[^<&"]|&#\d+;)*")*)(\/?)>$/.exec(token)
    if (match === null) {
      expect(token).toMatch(/^(?:[^<&]|&#\d+;)+$/)
      continue
    }
    const [, closes, name = '', attributes = '', empty] = match
    if (closes === '/') {
      expect(name).toBe(current.name)
      open.pop()
      continue
    }
    const pairs = [...attributes.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']): [string, string] => [
      key,
      value,
    ])
    const element = { name, attributes: Object.fromEntries(pairs), children: [] }
    current.children.push(element)
    if (empty !== '/') open.push(element)
  }
  expect(open).toHaveLength(1)
  const [only] = root.children
  if (only === undefined) throw new Error('no root element')
  return only
}

const all = (element: Element, name: string): Element[] =>
  element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...all(child, name)])

describe('junit', () => {
  it('is well-formed, and has the same elements whatever the guest says', () => {
    const names = (element: Element): unknown => [element.name, element.children.map(names)]
    expect(names(parse(rendered(HOSTILE)))).toEqual(names(parse(rendered('x'.repeat(HOSTILE.length)))))
  })

  it('counts as its cases say, in every suite and in all', () => {
    const root = parse(rendered('plain'))
    expect(root.name).toBe('testsuites')
    for (const part of [root, ...all(root, 'testsuite')]) {
      const { tests, failures, errors, skipped } = part.attributes
      expect([tests, failures, errors, skipped]).toEqual(
        ['testcase', 'failure', 'error', 'skipped'].map((name) => String(all(part, name).length)),
      )
    }
    expect(all(root, 'failure').length).toBeGreaterThan(0)
    const cases = all(root, 'testcase').map(({ attributes }) => `${attributes['classname']} ${attributes['name']}`)
    expect(new Set(cases).size).toBe(cases.length)
  })

  it('ends with an error when the run was lost, and never without', () => {
    expect(all(parse(rendered('plain')), 'error')).toEqual([])
    const lost = all(parse(rendered('plain', { lost: 'boot 1: the guest panicked' })), 'error')
    expect(lost.map(({ attributes }) => attributes)).toEqual([{ message: 'boot 1: the guest panicked', type: 'lost' }])
  })
})
