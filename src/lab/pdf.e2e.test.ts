import { expect, it } from 'vitest'
import { printWithChromium } from './pdf.ts'

it('prints a report as a PDF of as many pages as it needs, by a Chromium of this machine', async () => {
  const pages = 3
  const body = Array.from({ length: pages }, (_unused, page) => `<p style="break-after:page">page ${page}</p>`).join('')
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`
  const text = Buffer.from(await printWithChromium(`<!doctype html>${policy}${body}`)).toString('latin1')
  expect([text.startsWith('%PDF-'), text.match(/\/Type \/Page\b/g)?.length]).toEqual([true, pages])
})
