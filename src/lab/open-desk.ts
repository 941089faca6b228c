import type { RequestIn, RunListing } from '../shared/contract.ts'
import { Comparison } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { formats } from '../report/formats.ts'
import { attach, ramChoice } from './attach/attach.ts'
import { listMachines } from './attach/list.ts'
import { createDesk, type Desk } from './desk.ts'
import type { DeskDependencies, StartedRun } from './desk-use-cases.ts'
import { replayRun } from './desk-replay.ts'
import { diffStored } from './diff.ts'
import { diagnoseThisMachine } from './doctor-here.ts'
import { diagnoseKernel } from './doctor-kernel.ts'
import { experimentOfText, listExperiments } from './experiment-shelf.ts'
import { buildGuestImage, listBuiltImages } from './images.ts'
import { imagesOf } from './kernels.ts'
import { printWithChromium, type PrintHtml } from './pdf.ts'
import { predictExperiment, predictSweep } from './predict.ts'
import { parseDocument } from './read-document.ts'
import { readComparison, renderRunReport } from './report.ts'
import { readSettings, writeSettings } from './settings.ts'
import { parseSweep } from './sweep.ts'
import { LAB_VERSION } from './run/lab-version.ts'
import { RunHandle } from './run/controls.ts'
import { runExperiment } from './run/run-experiment.ts'
import { khoOfRun } from './run-kho.ts'
import { mapOfRun } from './run-map.ts'
import { ruleOfClaim } from './run-rule.ts'
import { findRun, listRuns, newRunFolder, runsDirectory } from './run/store.ts'

export interface DeskOptions {
  readonly host: 'electron' | 'browser'
  /** Where runs are kept; as the command line has it unless given. */
  readonly runs?: string
  /** How this host makes a PDF; through a Chromium of the machine unless given. */
  readonly print?: PrintHtml
}

/** The desk over the real lab. */
export function openDesk({ host, runs = runsDirectory(), print = printWithChromium }: DeskOptions): Promise<Desk> {
  const dependencies: DeskDependencies = {
    version: LAB_VERSION,
    host,
    doctor: diagnoseThisMachine,
    doctorKernel: diagnoseKernel,
    listImages: listBuiltImages,
    buildImage: async (options) => (await buildGuestImage({ fresh: false, ...options })).manifest,
    listExperiments: () => listExperiments(),
    predict: async (yaml) => predictExperiment(experimentOfText(yaml)),
    sweep: async (yaml, sweep) => predictSweep(experimentOfText(yaml), parseSweep(sweep)),
    startRun: (yaml, options) => startRun(runs, yaml, options),
    listRuns: () => listRuns(runs),
    runFolder: (id) => findRun(runs, id),
    storedEvents: async (id) => replayRun(await findRun(runs, id)),
    comparison: async (id) => readComparison(await findRun(runs, id)),
    kho: async (id, hop) => khoOfRun(await findRun(runs, id), hop),
    rule: async (id, claim) => ruleOfClaim(await findRun(runs, id), claim),
    map: async (id, hop) => mapOfRun(await findRun(runs, id), hop),
    report: async (id, format) => {
      const { mediaType, extension } = formats[format]
      return { name: `${id}.${extension}`, mediaType, text: await renderRunReport(await findRun(runs, id), format) }
    },
    pdf: async (id) => {
      const pdf = await print(await renderRunReport(await findRun(runs, id), 'html'))
      return { name: `${id}.pdf`, base64: Buffer.from(pdf).toString('base64') }
    },
    listMachines,
    attach: (target, options) => startAttach(runs, target, options),
    diff: async (a, b) => diffStored(await findRun(runs, a), await findRun(runs, b)),
    openReport: (name, text) => parseDocument(name, text, Comparison),
    settings: () => readSettings(),
    changeSettings: (settings) => writeSettings(settings),
  }
  return Promise.resolve(createDesk(dependencies))
}

async function startRun(
  runs: string,
  yaml: string,
  { signal, hold, onEvent }: Parameters<DeskDependencies['startRun']>[1],
): Promise<StartedRun> {
  const experiment = experimentOfText(yaml)
  // Said before a folder is made: a page can then offer to build what is missing.
  await imagesOf(experiment, { signal })
  const now = new Date()
  const { id, directory } = await newRunFolder(runs, now, experiment.name)
  const listing: RunListing = { id, name: experiment.name, state: 'running', startedAt: now.toISOString() }
  const controls = new RunHandle(hold, signal, onEvent)
  const done = runExperiment({
    experiment,
    source: yaml,
    out: directory,
    signal,
    onEvent,
    onMachine: controls.onMachine,
    hold: controls.hold,
  }).then(() => undefined)
  return { listing, done, controls }
}

async function startAttach(
  runs: string,
  { pid, qmp, serial, ssh, mayLogIn, ram = 'auto' }: RequestIn<'attach:start'>,
  { signal, onEvent }: Parameters<DeskDependencies['attach']>[1],
): Promise<StartedRun> {
  if ((pid === undefined) === (qmp === undefined))
    throw new LabError({
      code: 'usage',
      message: 'a machine is named by its process or by its monitor',
      hint: 'Choose one of the two.',
    })
  if (ssh !== undefined && mayLogIn !== true)
    throw new LabError({
      code: 'refused',
      message: 'nobody has said that the lab may log in to this guest',
      hint: 'A look without ssh changes nothing. To ask the guest as well, allow it to be logged in to.',
    })
  const only = ramChoice(ram)
  const now = new Date()
  const { id, directory } = await newRunFolder(runs, now, 'attached')
  const listing: RunListing = {
    id,
    name: pid === undefined ? 'attached machine' : `attached to process ${pid}`,
    state: 'running',
    startedAt: now.toISOString(),
  }
  const target = { pid, qmp, serial, ssh: ssh === undefined ? undefined : { destination: ssh }, ram: only }
  const done = attach({ ...target, out: directory, signal, onEvent }).then(() => undefined)
  return { listing, done }
}
