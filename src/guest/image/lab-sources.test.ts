import { describe, expect, it } from 'vitest'
import { effectiveFragment, optionsNotTaken, parseKernelConfig } from './kernel-config.ts'
import { findRelease, readLabSources, Releases } from './lab-sources.ts'

describe("the lab's own image sources", () => {
  const sources = readLabSources()

  it('are complete and valid', () => {
    expect(sources.releases.map((row) => row.series)).toEqual(['7.3', '7.3-without-kho', '7.3-test', '7.2'])
    expect(Object.keys(sources.tools)).toEqual([
      'kexec-load.c',
      'kho-capture.c',
      'khoprobe.c',
      'lab-idle.c',
      'luo.c',
      'main.c',
      'tools.h',
    ])
    expect(sources.init.startsWith('#!/bin/sh\n')).toBe(true)
  })

  it('never hold a key', () => {
    expect(JSON.stringify(sources)).not.toMatch(/PRIVATE KEY|ssh-ed25519 AAAA/)
  })

  it('ask for every option once, in a form that kconfig reads', () => {
    const lines = sources.fragment.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.filter((line) => !/^CONFIG_\w+=\S+$/.test(line))).toEqual([])
    expect(parseKernelConfig(sources.fragment).size).toBe(lines.length)
  })

  it('name the releases there are when one is unknown', () => {
    expect(findRelease(sources, undefined).series).toBe('7.3')
    expect(() => findRelease(sources, '9.9')).toThrow(
      expect.objectContaining({
        code: 'usage',
        hint: expect.stringContaining('Known are 7.3, 7.3-without-kho, 7.3-test, 7.2') as unknown,
      }) as Error,
    )
  })
})

describe('releases.json', () => {
  const row = {
    series: '7.3',
    package: 'linux-source-7.3',
    suite: 'sid',
    component: 'main',
    config: [],
    optional: [],
    expected: { buildLines: 1, buildSeconds: 1 },
  }

  it.each([
    ['an unknown key', { ...row, colour: 'blue' }],
    ['a package that is none', { ...row, package: '-o Dir::Etc=/' }],
    ['a suite with a space', { ...row, suite: 'sid main' }],
    ['a configuration line that is none', { ...row, config: ['X=y'] }],
    ['a point release as series', { ...row, series: '7.3.4' }],
  ])('is refused with %s', (_what, bad) => {
    expect(Releases.safeParse([bad]).success).toBe(false)
  })

  it('may not have a series twice or be empty', () => {
    expect([Releases.safeParse([row]).success, Releases.safeParse([row, row]).success, Releases.safeParse([]).success]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('optionsNotTaken', () => {
  const requested = parseKernelConfig('CONFIG_A=y\nCONFIG_B=16\nCONFIG_C=y\n# CONFIG_D is not set\n# a comment\n')

  it('is empty when kconfig took everything', () => {
    expect(optionsNotTaken(requested, parseKernelConfig('CONFIG_A=y\nCONFIG_B=16\nCONFIG_C=y\n'), [])).toEqual([])
  })

  it('lists what was dropped, changed or turned on', () => {
    expect(
      optionsNotTaken(requested, parseKernelConfig('CONFIG_A=m\nCONFIG_B=16\n# CONFIG_C is not set\nCONFIG_D=y\n'), []),
    ).toEqual([
      { option: 'CONFIG_A', wanted: 'y', got: 'm' },
      { option: 'CONFIG_C', wanted: 'y', got: undefined },
      { option: 'CONFIG_D', wanted: undefined, got: 'y' },
    ])
  })

  it('excuses an optional option that is missing, not one that changed', () => {
    const actual = parseKernelConfig('CONFIG_A=m\nCONFIG_B=16\n')
    expect(optionsNotTaken(requested, actual, ['CONFIG_A', 'CONFIG_C'])).toEqual([{ option: 'CONFIG_A', wanted: 'y', got: 'm' }])
  })

  it('lets the lines of a release win over the fragment', () => {
    expect(parseKernelConfig(effectiveFragment('CONFIG_A=y\nCONFIG_B=1\n', ['# CONFIG_A is not set']))).toEqual(
      new Map([
        ['CONFIG_A', undefined],
        ['CONFIG_B', '1'],
      ]),
    )
  })
})
