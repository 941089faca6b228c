import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../../shared/units.ts'
import { earlyOptions } from './options.ts'

describe('crashkernel=', () => {
  const asked = (cmdline: string, ram = 2 * GiB): unknown => {
    const { crashkernel } = earlyOptions(cmdline)
    return crashkernel && { ...crashkernel, size: crashkernel.size(ram) / MiB }
  }

  it.each([
    ['crashkernel=128M', { size: 128, offset: undefined, high: false, low: undefined }],
    ['crashkernel=64M crashkernel=96M', { size: 96, offset: undefined, high: false, low: undefined }],
    ['crashkernel=128M@512M', { size: 128, offset: 512 * MiB, high: false, low: undefined }],
    ['crashkernel=256M,high', { size: 256, offset: undefined, high: true, low: undefined }],
    ['crashkernel=64M,high crashkernel=32M,low', { size: 64, offset: undefined, high: true, low: 32 * MiB }],
    ['crashkernel=1G-4G:100M,4G-:200M', { size: 100, offset: undefined, high: false, low: undefined }],
    ['crashkernel=32M,low', undefined],
    ['crashkernel=lots', undefined],
  ])('%s', (cmdline, request) => {
    expect(asked(cmdline)).toEqual(request)
  })

  it('counts RAM in units of 128 MiB where it names ranges', () => {
    const ranges = 'crashkernel=1G-4G:100M,4G-:200M'
    expect([GiB - 128 * MiB, GiB - MiB, 4 * GiB - MiB].map((ram) => earlyOptions(ranges).crashkernel?.size(ram))).toEqual([
      0,
      100 * MiB,
      200 * MiB,
    ])
  })

  it('is not modelled from CMA', () => {
    expect(earlyOptions('crashkernel=64M crashkernel=32M,cma').notModelled).toBe('crashkernel=,cma')
  })
})

describe('hugepages=', () => {
  it.each([
    ['hugepagesz=1G hugepages=3', [[3, []]]],
    ['default_hugepagesz=1G hugepages=2', [[2, []]]],
    ['hugepages=2 default_hugepagesz=1G', [[2, []]]],
    [
      'hugepagesz=1G hugepages=0:1,2:2',
      [
        [
          3,
          [
            [0, 1],
            [2, 2],
          ],
        ],
      ],
    ],
    ['hugepagesz=2M hugepages=8', []],
    ['hugepagesz=3M hugepages=8', []],
    ['hugepages=8', []],
  ])('%s', (cmdline, pages) => {
    expect(earlyOptions(cmdline).giganticPages.map(({ count, perNode }) => [count, [...perNode]])).toEqual(pages)
  })
})
