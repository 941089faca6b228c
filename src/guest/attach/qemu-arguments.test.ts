import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../../shared/units.ts'
import { qemuArguments } from './qemu-arguments.ts'

describe('qemuArguments', () => {
  it('reads a plain command line', () => {
    const argv =
      '-M q35 -accel kvm -smp 4 -m 4G -kernel bz -initrd rd -append kho=on -object memory-backend-memfd,id=m,size=4G -machine memory-backend=m -qmp unix:/run/q,server=on,wait=off'
    expect(qemuArguments(argv.split(' '))).toEqual({
      name: undefined,
      type: 'q35',
      memory: 4 * GiB,
      cpus: 4,
      nodes: [],
      accelerator: 'kvm',
      kernel: 'bz',
      initrd: 'rd',
      append: 'kho=on',
      backends: [{ id: 'm', kind: 'memfd', size: 4 * GiB, path: undefined, share: true }],
      mainBackend: 'm',
      monitors: [{ path: '/run/q' }],
      unusual: undefined,
    })
  })

  it('reads one as libvirt writes it', () => {
    const argv = [
      ...['-name', 'guest=vm one,debug-threads=on', '-machine', 'pc-q35-7.2,usb=off,memory-backend=pc.ram'],
      ...['-accel', 'kvm', '-m', 'size=4194304k,slots=16,maxmem=8G', '-smp', '8,sockets=2,cores=4,threads=1'],
      ...[
        '-object',
        '{"qom-type":"memory-backend-file","id":"pc.ram","mem-path":"/dev/hugepages/1","share":true,"size":4294967296}',
      ],
      ...['-chardev', 'socket,id=charmonitor,fd=22,server=on,wait=off', '-mon', 'chardev=charmonitor,id=monitor,mode=control'],
    ]
    expect(qemuArguments(argv)).toMatchObject({
      name: 'vm one',
      type: 'q35',
      memory: 4 * GiB,
      cpus: 8,
      accelerator: 'kvm',
      backends: [{ id: 'pc.ram', kind: 'file', size: 4 * GiB, path: '/dev/hugepages/1', share: true }],
      monitors: [{ fd: 22 }],
    })
  })

  it('sorts nodes by their id and takes their memory from the backends', () => {
    const argv =
      '-object memory-backend-ram,id=a,size=1G -object memory-backend-ram,id=b,size=2G -numa node,nodeid=1,memdev=a -numa node,nodeid=0,memdev=b -m 3072'
    expect(qemuArguments(argv.split(' '))).toMatchObject({
      memory: 3 * GiB,
      nodes: [
        { memory: 2 * GiB, backend: 'b' },
        { memory: GiB, backend: 'a' },
      ],
    })
  })

  it('has the defaults of qemu-system-x86_64', () => {
    expect(qemuArguments([])).toMatchObject({
      type: 'pc',
      memory: 128 * MiB,
      cpus: 1,
      accelerator: 'tcg',
      monitors: [],
      append: undefined,
    })
  })

  it.each([
    ['-append', '-m 5 -kernel x', { memory: 128 * MiB, kernel: undefined, append: '-m 5 -kernel x' }],
    ['-machine', 'microvm', { type: undefined }],
    ['-machine', 'q35,max-ram-below-4g=1G', { unusual: 'max-ram-below-4g' }],
    ['-readconfig', 'f', { unusual: 'a configuration file (-readconfig)' }],
    ['-m', 'lots', { memory: undefined }],
    ['-smp', 'sockets=2,cores=3', { cpus: 6 }],
    ['-smp', '-1', { cpus: undefined }],
    ['-object', '{"qom-type":', { backends: [] }],
    ['-object', 'memory-backend-file,id=x,mem-path=/a,,b,c,size=1M', { backends: [{ path: '/a,b', share: false }] }],
    ['-qmp', 'unix:/q', { monitors: [] }],
    ['-qmp', 'tcp::4444,server', { monitors: [{ host: '127.0.0.1', port: 4444 }] }],
    ['-mon', 'chardev=none,mode=control', { monitors: [] }],
    ['-enable-kvm', '', { accelerator: 'kvm' }],
    ['-m', undefined, { memory: undefined }],
  ])('%s %s', (name, value, expected) => {
    expect(qemuArguments(value === undefined ? [name] : [name, value])).toMatchObject(expected)
  })
})
