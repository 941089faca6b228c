import { STYLE } from '../../report/html/style.ts'
import { html } from '../../report/visible.ts'
import type { Study, StudyMap, StudyPrimitive, StudyResult } from '../../shared/documents/index.ts'
import { writeReport } from '../report.ts'
import { LAB_VERSION } from '../run/lab-version.ts'
import { cellChart, CHART_LEGEND, heldBackChart } from './charts.ts'
import { MAP_LEGEND, MAP_STYLE, mapLanes } from './map-chart.ts'
import { cutShortWords, roughSize, summarise, valueText, type PolicySummary } from '../../shared/study-summary.ts'

export interface StudyReport {
  readonly study: Study
  readonly result: StudyResult
  /** The command that gives the same numbers again. */
  readonly command: string
  /** Of the first seed, in order. */
  readonly maps: readonly StudyMap[]
}

/** Writes the page. Rejects with LabError out-unwritable or disk-full. */
export const writeStudyReport = (file: string, report: StudyReport): Promise<void> => writeReport(file, studyHtml(report))

/** One self-contained page: no script, no request. The same study gives the same bytes. */
export function studyHtml({ study, result, command, maps }: StudyReport): string {
  const summaries = summarise(result)
  const base = result.vary === undefined ? summaries : summaries.filter(({ value }) => value === summaries[0]?.value)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${html(study.name)} – kho-lab policy study</title>
<style>${STYLE}${MAP_STYLE}</style></head><body>
<nav><div><b>kho-lab</b><a href="#survival">Survival</a>${result.vary === undefined ? '' : '<a href="#sensitivity">Sensitivity</a>'}<a href="#held-back">Held back</a><a href="#map">Map</a><a href="#numbers">Numbers</a><a href="#primitive">Primitive</a><a href="#repeat">Repeat</a></div></nav>
<main><h1>${html(study.name)}</h1>
<p>${html(study.description ?? '')}</p>
<p class="muted">${html(`${study.policies.length} policies, ${result.seeds} seeds, ${result.generations} generations, ${roughSize(study.machine.memory)} of RAM`)}. What a model of pages says, not a measurement of a kernel.</p>
${cutShort(result)}
<section id="survival"><h2>Survival over generations</h2>${CHART_LEGEND}
<p class="muted">How much of a cell is filled is the share of the seeds whose every handover up to that generation was possible${result.vary === undefined ? '' : html(`; ${result.vary} is ${valueText(summaries[0]?.value)}`)}.</p>
${survivalChart(base)}</section>
${sensitivity(result, summaries)}
<section id="held-back"><h2>Memory held back against survival</h2>${heldBackChart(base)}</section>
${mapSection(base, maps)}
<section id="numbers"><h2>Numbers</h2>${numbers(summaries, result.vary)}</section>
<section id="primitive"><h2>The driver's primitive</h2>
<p class="muted">One folio of order 3 on an otherwise idle machine: alloc_pages, to_kho, kexec, from_kho, folio_put.</p>${primitives(result.primitives)}</section>
<section id="repeat"><h2>To repeat it</h2><pre>${html(command)}</pre><p>kho-lab ${html(LAB_VERSION)}. The study, complete:</p><pre>${JSON.stringify(study, undefined, 2).split('\n').map(html).join('\n')}</pre></section>
</main></body></html>
`
}

function survivalChart(summaries: readonly PolicySummary[]): string {
  const generations = summaries[0]?.alive.length ?? 0
  const rows = summaries.map(({ policy, alive, seeds }) => ({
    name: policy,
    cells: alive.map((share, generation) => ({
      share,
      title: `${policy}, generation ${generation}: ${Math.round(share * seeds)} of ${seeds} seeds`,
    })),
  }))
  return cellChart(
    'generation',
    Array.from({ length: generations }, (_unused, at) => String(at)),
    rows,
  )
}

function cutShort(result: StudyResult): string {
  const words = cutShortWords(result)
  return words === undefined ? '' : `<p class="differ">Cancelled: ${words}. They are not counted below.</p>`
}

/** First and last generation of each policy, where it lived for more than one. */
function mapSection(base: readonly PolicySummary[], maps: readonly StudyMap[]): string {
  const shown = base.flatMap(({ policy, value }) => {
    const own = maps.filter((map) => map.policy === policy && map.value === value)
    return [own[0], ...(own.length > 1 ? [own.at(-1)] : [])].filter((map) => map !== undefined)
  })
  if (shown.length === 0) return ''
  return `<section id="map"><h2>What lay where</h2><p class="muted">All of memory, from left to right, just before the first and the last kexec with seed 1; the number beside a policy is the generation. The line below a lane marks the boot regions, the thick part where the next kernel boots.</p>${MAP_LEGEND}${mapLanes(shown)}</section>`
}

/** Handovers that were possible before the first that was not, as a share of all, by value. */
function sensitivity({ vary, generations }: StudyResult, summaries: readonly PolicySummary[]): string {
  if (vary === undefined) return ''
  const values = [...new Set(summaries.map(({ value }) => value))]
  const rows = [...Map.groupBy(summaries, ({ policy }) => policy)].map(([policy, ofPolicy]) => ({
    name: policy,
    cells: ofPolicy.map(({ alive, value, steps }) => {
      const lived = alive.reduce((sum, share) => sum + share, 0)
      return {
        share: lived / generations,
        title: `${policy}, ${vary} ${String(value)}: ${lived.toFixed(1)} of ${generations} handovers ${steps.join(', ')}`,
        text: lived.toFixed(lived % 1 === 0 ? 0 : 1),
      }
    }),
  }))
  return `<section id="sensitivity"><h2>Sensitivity to ${html(vary)}</h2><p class="muted">Handovers until the first that was not possible, mean over seeds.</p>${cellChart(vary, values.map(valueText), rows)}</section>`
}

function numbers(summaries: readonly PolicySummary[], vary: string | undefined): string {
  const head = [
    ...(vary === undefined ? [] : [vary]),
    'policy',
    'survived',
    'failed at',
    'held back',
    'boot margin',
    'longest gap',
    'copied',
    'migrated',
    'cost',
    'refused',
    'overwritten',
    'allocations failed',
  ]
  const rows = summaries.map((one) => [
    ...(vary === undefined ? [] : [valueText(one.value)]),
    one.policy,
    `${Math.round(one.survived * one.seeds)}/${one.seeds}`,
    one.failedAt === undefined ? '' : `${one.failedAt}: ${one.steps.join(', ')}`,
    roughSize(one.heldBack),
    roughSize(one.bootMargin),
    roughSize(one.largestWithoutPreserved),
    roughSize(one.copiedBytes),
    roughSize(one.migratedFrames * 4096),
    String(one.cost),
    String(one.refusedFolios),
    String(one.overwrittenFrames),
    String(one.allocationFailures),
  ])
  return tableOf(head, rows)
}

function primitives(list: readonly StudyPrimitive[]): string {
  const mark = (held: boolean | undefined): string => (held === undefined ? '' : held ? 'kept' : 'not kept')
  return tableOf(
    ['policy', 'order', 'refcount', 'gfp', 'frame', 'address', 'folio_put frees it'],
    list.map((one) => [
      one.policy + (one.failedStep === undefined ? '' : `: ${one.failedStep}`),
      mark(one.order),
      mark(one.refcount),
      mark(one.gfp),
      mark(one.frame),
      mark(one.address),
      one.put === true ? 'yes' : '',
    ]),
  )
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><thead><tr>${head.map((text) => `<th>${html(text)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((text) => `<td>${html(text)}</td>`).join('')}</tr>`).join('')}</tbody></table>`
