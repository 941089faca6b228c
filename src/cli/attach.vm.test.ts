import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  PLAIN_CMDLINE,
  plainKeys,
  plainQemu,
  qemuStatus,
  textIfThere,
  type PlainQemu,
} from '../guest/attach/plain-qemu.fixture.ts'
import { appendCpio } from '../guest/image/cpio.ts'
import { ensureImage } from '../guest/image/image.ts'
import { QmpClient } from '../guest/qemu/qmp.ts'
import { startMachine } from '../guest/start-machine.ts'
import { MiB } from '../shared/units.ts'
import { kholabProcess, scratchDirectory, type CliResult } from './cli.fixture.ts'

beforeAll(() => ensureImage())

const Looked = z.object({
  directory: z.string(),
  summary: z.object({ run: z.string(), differ: z.int(), match: z.int() }),
  attached: z.object({ ram: z.array(z.string()), monitor: z.string(), guest: z.string() }),
  claims: z.array(z.object({ subject: z.string(), verdict: z.string(), host: z.json(), guest: z.json() })),
})
type Looked = z.infer<typeof Looked>

/** `attach` into a folder of its own, twice checked: the exit code fits the verdict, and the guest still runs. */
async function attach(
  plain: Pick<PlainQemu, 'directory'>,
  args: readonly string[],
  name = 'out',
): Promise<CliResult & { looked: Looked }> {
  const result = await kholabProcess(['attach', ...args, '--out', join(plain.directory, name), '--json'])
  const parsed = Looked.safeParse(JSON.parse(result.stdout))
  if (!parsed.success) throw new Error(`attach tells no comparison: ${result.stdout}${result.stderr}`)
  const looked = parsed.data
  expect(result.code).toBe({ agreed: 0, disagreed: 1, incomplete: 2, lost: 2 }[looked.summary.run])
  return { ...result, looked }
}

const hostValue = ({ claims }: Looked, subject: string): unknown => claims.find((claim) => claim.subject === subject)?.host
const verdicts = ({ claims }: Looked): Record<string, string> =>
  Object.fromEntries(claims.map(({ subject, verdict }) => [subject, verdict]))

const FROM_RAM_ALONE = {
  'boot.release': 'match',
  'firmware.ram': 'match',
  'invariant.addresses-inside-ram': 'match',
  'invariant.lengths-agree': 'match',
  'invariant.preserved-outside-scratch': 'match',
  'scratch.alignment': 'match',
  'scratch.count': 'match',
  'scratch.order': 'match',
  'scratch.sizes': 'match',
  'tree.LUO': 'match',
  'tree.kexec-metadata': 'match',
  'tree.memblock': 'match',
  'preserved.radix': 'unpredicted',
  'preserved.records': 'unpredicted',
  'scratch.addresses': 'unpredicted',
  'tree.bytes': 'unpredicted',
  'tree.root': 'unpredicted',
}

describe('a QEMU that somebody else started', () => {
  it('is read from its RAM alone, whatever is behind it, and runs on', async () => {
    const file = join(scratchDirectory(), 'ram')
    const machines = [
      { words: /^pc\.ram: \/proc\/\d+\/mem at 0x/, plain: await plainQemu(['-M', 'q35']) },
      {
        words: /^m: memfd \/memfd:memory-backend-memfd \(deleted\) through \/proc\/\d+\/fd\/\d+$/,
        plain: await plainQemu(['-M', 'q35,memory-backend=m', '-object', 'memory-backend-memfd,id=m,size=512M']),
      },
      {
        words: /^f: file .*\/ram through \/proc\/\d+\/fd\/\d+$/,
        plain: await plainQemu([
          '-M',
          'pc,memory-backend=f',
          '-object',
          `memory-backend-file,id=f,size=512M,share=on,mem-path=${file}`,
        ]),
      },
      {
        // What the guest writes reaches no file here, though there is one.
        words: /^p: \/proc\/\d+\/mem at 0x/,
        plain: await plainQemu(['-M', 'q35,memory-backend=p', '-object', `memory-backend-file,id=p,size=512M,mem-path=${file}2`]),
      },
    ]
    for (const { words, plain } of machines) {
      const { looked } = await attach(plain, ['--pid', `${plain.pid}`])
      expect(looked.attached.ram).toEqual([expect.stringMatching(words)])
      expect(looked.attached.monitor).toBe(`QMP at ${plain.qmp}`)
      expect(verdicts(looked)).toEqual(FROM_RAM_ALONE)
      expect(looked.summary.run).toBe('agreed')
      const saved = await attach(plain, ['--qmp', plain.qmp, '--ram', 'pmemsave'], 'saved')
      expect(saved.looked.attached.ram).toEqual(['pmemsave: QEMU copies the pages that are asked for into a file'])
      for (const subject of ['tree.bytes', 'preserved.records', 'scratch.addresses'])
        expect(hostValue(saved.looked, subject)).toEqual(hostValue(looked, subject))
      expect(await qemuStatus(plain.qmp)).toMatchObject({ status: 'running', running: true })
    }
    const listed = await kholabProcess(['attach', '--json'])
    expect(JSON.parse(listed.stdout)).toEqual(
      expect.arrayContaining(
        machines.map(({ plain }) => expect.objectContaining({ pid: plain.pid, name: 'by hand' }) as unknown),
      ),
    )
  })

  it('with a monitor that is taken is read without it, and a monitor that is asked for is said to be busy in 3 s', async () => {
    const plain = await plainQemu(['-M', 'q35'])
    const { client } = await QmpClient.open(connect(plain.qmp))
    onTestFinished(() => client.close())
    const { looked } = await attach(plain, ['--pid', `${plain.pid}`])
    expect(looked.attached.monitor).toContain('another client has it')
    expect(looked.attached.ram).toEqual([expect.stringMatching(/^pc\.ram: \/proc\/\d+\/mem at 0x/)])
    // Nobody said where RAM lies: the rule by which it was laid out is no observation.
    expect(verdicts(looked)).toEqual({
      ...FROM_RAM_ALONE,
      'firmware.ram': 'unobserved',
      'invariant.addresses-inside-ram': 'unobserved',
    })
    const refused = await kholabProcess(['attach', '--qmp', plain.qmp, '--out', join(plain.directory, 'none')])
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toContain('does not answer: another client has it')
  })

  it('is asked by ssh as well, without anything being written in it', async () => {
    const plain = await plainQemu([
      '-M',
      'q35',
      '-object',
      'memory-backend-memfd,id=a,size=256M',
      '-object',
      'memory-backend-memfd,id=b,size=256M',
      '-numa',
      'node,memdev=a',
      '-numa',
      'node,memdev=b',
    ])
    const [key, config, hosts] = ['key', 'config', 'hosts'].map((name) => join(plain.directory, name)) as [string, string, string]
    writeFileSync(key, plainKeys.clientPrivateKey)
    chmodSync(key, 0o600)
    writeFileSync(hosts, `[127.0.0.1]:${plain.sshPort} ssh-ed25519 ${Buffer.from(plainKeys.hostPublicKey).toString('base64')}\n`)
    writeFileSync(
      config,
      `Host vm\nHostName 127.0.0.1\nPort ${plain.sshPort}\nUser root\nIdentityFile ${key}\nUserKnownHostsFile ${hosts}\n`,
    )
    const { looked } = await attach(plain, [
      '--pid',
      `${plain.pid}`,
      '--ssh',
      'vm',
      '--ssh-config',
      config,
      '--serial',
      join(plain.directory, 'console'),
    ])
    expect(looked.attached.ram).toHaveLength(2)
    expect(verdicts(looked)).toMatchObject({
      'boot.cmdline': 'match',
      'boot.kho': 'match',
      'scratch.count': 'match',
      'scratch.sizes': 'match',
    })
    // The defect of 7.3: debugfs shows less of the root than lies in RAM. Guest and host do not get the same bytes.
    expect(looked.summary.differ).toBe(0)
    const report = readFileSync(join(looked.directory, 'report.txt'), 'utf8')
    expect(report).toContain('not started by the lab')
    expect(textIfThere(join(looked.directory, 'raw/serial.log'))).toContain('Linux version')
    const refused = await kholabProcess([
      'attach',
      '--pid',
      `${plain.pid}`,
      '--ssh',
      'vm',
      '--ssh-config',
      '/dev/null',
      '--out',
      join(plain.directory, 'none'),
    ])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('cannot be asked by ssh')
  })

  it('after a kexec is not held to arguments that are void', async () => {
    const directory = scratchDirectory()
    const image = await ensureImage()
    const initrd = appendCpio(await readFile(image.initramfs), plainKeys.cpio)
    const next = { kernel: image.kernel, initrd, cmdline: PLAIN_CMDLINE }
    const machine = await startMachine({
      ...next,
      type: 'q35',
      memory: 512 * MiB,
      cpus: 2,
      nodes: [{ memory: 512 * MiB }],
      accelerator: 'tcg',
      keys: plainKeys,
    })
    onTestFinished(() => machine.dispose())
    await machine.waitForBoot()
    await machine.loadKernel(next)
    await machine.kexec()
    await machine.waitForBoot()
    const { looked } = await attach({ directory }, ['--qmp', machine.monitorSocket])
    expect(verdicts(looked)).toMatchObject({
      'firmware.ram': 'match',
      'tree.kexec-metadata': 'unpredicted',
      'invariant.preserved-outside-scratch': 'match',
    })
    expect(hostValue(looked, 'tree.kexec-metadata')).toEqual({ value: { version: 1, previousRelease: '7.3.4', kexecCount: 2 } })
    expect(looked.summary.run).toBe('agreed')
  })
})
