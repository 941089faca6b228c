import { createHash } from 'node:crypto'
import { arch, cpus, release, totalmem } from 'node:os'
import { z } from 'zod'
import { compare } from '../../compare/compare.ts'
import type { AttachedRam } from '../../guest/attach/attached-ram.ts'
import { predictionAfterKexec } from '../../model/attached.ts'
import { resolve } from '../../model/resolve.ts'
import type { Comparison, HopObservation, Observation, Prediction, RunEnvironment } from '../../shared/documents/index.ts'
import { SERIAL_LOG } from '../report.ts'
import { givensFrom } from '../run/givens.ts'
import { LAB_VERSION } from '../run/lab-version.ts'
import { writeDocuments } from '../run/results.ts'
import type { RunFolder } from '../run/run-folder.ts'
import type { AttachRequest } from './attach.ts'
import type { Reached } from './reach.ts'

export interface Looked {
  readonly folder: RunFolder
  readonly name: string
  readonly startedAt: string
  readonly reached: Reached
  readonly ram: AttachedRam
  readonly prediction: Prediction
  readonly sealed: { readonly sha256: string; readonly at: string }
  readonly request: AttachRequest
  readonly hop: HopObservation
  readonly serial: Buffer | undefined
}

/** Compares what was seen with what was sealed, and writes the same documents and reports as a run. */
export async function writeAttached(looked: Looked): Promise<Comparison> {
  const { folder, prediction, sealed, hop, serial, name } = looked
  await folder.flush()
  if (serial !== undefined) await folder.writeText(SERIAL_LOG, serial.toString('utf8'))
  const observation: Observation = {
    document: 'kho-lab/observation',
    version: 1,
    environment: await environment(looked),
    hops: [hop],
    raw: [...folder.raw.entries(), ...(serial === undefined ? [] : [serialEntry(serial)])],
  }
  const applied = hop.host.inRoot === undefined ? prediction : predictionAfterKexec(prediction, KEXECED)
  const comparison = compare(resolve(applied, givensFrom(observation)), observation, {
    experiment: { name, sha256: prediction.experimentSha256 },
    prediction: sealed,
    resolutions: [],
  })
  await writeDocuments(folder, observation, prediction, comparison)
  return comparison
}

const KEXECED = 'the machine has gone through a kexec: its arguments no longer say which kernel runs and how'

function serialEntry(serial: Buffer): Observation['raw'][number] {
  const text = Buffer.from(serial.toString('utf8'))
  return { file: SERIAL_LOG, size: text.length, sha256: createHash('sha256').update(text).digest('hex') }
}

async function environment({ startedAt, reached, ram, request, hop }: Looked): Promise<RunEnvironment> {
  const { qemu, monitor, monitorWords } = reached
  const processors = cpus()
  return {
    startedAt,
    endedAt: new Date().toISOString(),
    lab: { version: LAB_VERSION, node: process.version },
    host: { kernel: release(), cpuModel: processors[0]?.model.trim() ?? arch(), cpus: processors.length, memory: totalmem() },
    qemu: {
      version: monitor?.version.version ?? 'not asked',
      binary: qemu?.program ?? '',
      argv: qemu === undefined ? [] : [qemu.program, ...qemu.argv],
    },
    accelerator: await accelerator(reached),
    image: { id: 'attached', kernelVersion: runningRelease(hop) },
    attached: {
      ...(qemu === undefined ? {} : { pid: qemu.pid }),
      ...(qemu?.arguments.name === undefined ? {} : { name: qemu.arguments.name }),
      ram: [...ram.words],
      monitor: monitorWords,
      guest: request.ssh === undefined ? 'not asked' : `ssh to ${request.ssh.destination}`,
    },
  }
}

const Kvm = z.object({ enabled: z.boolean() })

async function accelerator({ qemu, monitor }: Reached): Promise<RunEnvironment['accelerator']> {
  const answer = Kvm.safeParse(await monitor?.execute('query-kvm'))
  if (answer.success) return { used: answer.data.enabled ? 'kvm' : 'tcg', why: 'as query-kvm says' }
  return { used: qemu?.arguments.accelerator ?? 'tcg', why: "by QEMU's arguments; it was not asked" }
}

function runningRelease({ guest, host }: HopObservation): string {
  if (guest.release.ok) return guest.release.value
  const word = host.banner.ok ? host.banner.value.text.split(' ')[2] : undefined
  return word ?? 'not known'
}
