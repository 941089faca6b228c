import { claimName } from '../../shared/claim-name.ts'
import type { ComparedClaim, Comparison, Side, Verdict } from '../../shared/documents/index.ts'
import { sameJson } from '../../shared/json.ts'
import { html } from '../visible.ts'
import { basisText, familiesOf, hopsOf, hopTitle, valueText, VERDICTS } from '../words.ts'
import { valueHtml } from './values.ts'

const MARKS: Readonly<Record<Verdict, string>> = { match: '✓', differ: '≠', unobserved: '○', unpredicted: '–' }

export const verdictMark = (verdict: Verdict): string => `<span class="${verdict}">${MARKS[verdict]} ${verdict}</span>`

/** Values up to this long are repeated on each side; longer ones that equal the prediction are named as equal. */
const REPEAT = 90

/** All claims by hop and family. The filter is radio buttons and CSS, so the file needs no script. */
export function claimsSection(comparison: Comparison): string {
  const choices = ['all', ...VERDICTS] as const
  const inputs = choices.map((choice) => {
    const count = choice === 'all' ? comparison.claims.length : comparison.summary[choice]
    const checked = choice === 'all' ? ' checked' : ''
    return `<input class="filter" type="radio" name="filter" id="f-${choice}"${checked}><label for="f-${choice}">${choice} ${count}</label>`
  })
  const rules = VERDICTS.map((verdict) => `#f-${verdict}:checked~.hops tr.claim:not(.v-${verdict}){display:none}`)
  return [
    '<section id="claims"><h2>Claims</h2>',
    `<style>@media screen{${rules.join('')}}</style>`,
    inputs.join(''),
    '<div class="hops">',
    ...hopsOf(comparison).map((hop) => hopTable(comparison, hop)),
    '</div></section>',
  ].join('\n')
}

function hopTable(comparison: Comparison, hop: number): string {
  return [
    `<h3 id="claims-hop${hop}">${hopTitle(comparison, hop)}</h3>`,
    '<table class="claims"><colgroup><col class="c-verdict"><col class="c-claim"><col><col><col><col class="c-basis"></colgroup>',
    '<thead><tr><th>Verdict</th><th>Claim</th><th>Predicted</th><th>Guest</th><th>Host</th><th>Basis, given</th></tr></thead>',
    ...familiesOf(comparison, hop).map(
      ({ family, claims }) =>
        `<tbody><tr class="family"><th colspan="6">${html(family)}</th></tr>${claims.map(claimRow).join('\n')}</tbody>`,
    ),
    '</table>',
  ].join('\n')
}

function claimRow(claim: ComparedClaim): string {
  const reason = isSelfEvident(claim) ? '' : `<span class="reason">${html(claim.reason)}</span>`
  return [
    `<tr class="claim v-${claim.verdict}" id="${html(claim.id)}">`,
    `<td>${verdictMark(claim.verdict)}</td>`,
    `<td><a class="mono" href="#${html(claim.id)}">${html(claimName(claim))}</a><span class="title">${html(claim.title)}</span>${reason}</td>`,
    `<td>${claim.predicted === undefined ? '<span class="none">not predicted</span>' : valueHtml(claim.predicted)}</td>`,
    `<td>${sideHtml(claim.guest, claim)}</td>`,
    `<td>${sideHtml(claim.host, claim)}</td>`,
    `<td>${basisHtml(claim)}</td></tr>`,
  ].join('')
}

/** A match needs no sentence: the cells say it all. */
const isSelfEvident = (claim: ComparedClaim): boolean => claim.verdict === 'match'

function sideHtml(side: Side, claim: ComparedClaim): string {
  if (!('value' in side)) return `<span class="none">${html(side.unobserved)}</span>`
  const { predicted } = claim
  if (predicted === undefined) return valueHtml(side.value)
  if (!sameJson(side.value, predicted)) return valueHtml(side.value, predicted)
  return valueText(side.value).length <= REPEAT ? valueHtml(side.value) : '<span class="muted">= predicted</span>'
}

function basisHtml(claim: ComparedClaim): string {
  const [first, ...others] = claim.basis.map((basis) => html(basis.function))
  const more = others.length === 0 ? '' : ` <span class="muted">+${others.length}</span>`
  const given = Object.entries(claim.given)
  const details = [
    ...claim.basis.map((basis) => `<div>${html(basisText(basis))}</div>`),
    ...given.map(([name, value]) => `<div><span class="muted">given ${html(name)}</span> ${valueHtml(value)}</div>`),
  ]
  const count = given.length === 0 ? '' : ` <span class="muted">· ${given.length} given</span>`
  return `<details><summary><span class="mono">${first ?? ''}</span>${more}${count}</summary>${details.join('')}</details>`
}
