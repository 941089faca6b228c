import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runClaims } from '../renderer/state/claims.ts'
import { ClaimTable } from '../shared/contract.ts'
import { Comparison } from '../shared/documents/index.ts'
import { claimsNamed, claimTable } from './claim-table.ts'

const comparison = Comparison.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../tests/recorded/two-hops/comparison.json'), 'utf8')),
)

it('gives the page every claim as it is, without its values', () => {
  const { claims } = runClaims(ClaimTable.parse(claimTable(comparison)))
  expect(claims).toEqual(
    comparison.claims.map(({ id, hop, family, title, verdict, reason }) => ({ id, hop, family, title, verdict, reason })),
  )
})

it('gives the values of those that are asked for', () => {
  expect(claimsNamed(comparison, ['hop1.boot.release', 'hop9.none'])).toEqual(
    comparison.claims.filter(({ id }) => id === 'hop1.boot.release'),
  )
})
