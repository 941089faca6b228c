import { renderHtml } from './html/page.ts'
import type { ReportFormatName } from '../shared/contract.ts'
import { jsonText } from '../shared/visible.ts'
import { renderJunit } from './junit.ts'
import { renderKtap } from './ktap.ts'
import { renderMarkdown } from './markdown.ts'
import type { Render, ReportFormat } from './report.ts'
import { renderText } from './text.ts'

/** The comparison itself, indented. */
const renderJson: Render = (comparison) => `${jsonText(comparison)}\n`

/** Every format, all with one signature. */
export const formats = {
  html: { render: renderHtml, mediaType: 'text/html; charset=utf-8', extension: 'html' },
  md: { render: renderMarkdown, mediaType: 'text/markdown; charset=utf-8', extension: 'md' },
  txt: { render: renderText, mediaType: 'text/plain; charset=utf-8', extension: 'txt' },
  ktap: { render: renderKtap, mediaType: 'text/plain; charset=utf-8', extension: 'ktap' },
  junit: { render: renderJunit, mediaType: 'application/xml', extension: 'xml' },
  json: { render: renderJson, mediaType: 'application/json', extension: 'json' },
} as const satisfies Readonly<Record<ReportFormatName, ReportFormat>>

export type FormatName = ReportFormatName
