import { writeFileSync } from 'node:fs'

/**
 * Counts the tests of one tier for scripts/test.mjs, with what is wrong of each failure and the reason of each skip, into the file
 * that KHO_LAB_COUNTS names.
 */
export default class CountReporter {
  counts = { passed: 0, failed: [], skipped: [] }

  onTestCaseResult(test) {
    const result = test.result()
    if (result.state === 'passed') this.counts.passed += 1
    if (result.state === 'failed')
      this.counts.failed.push({ test: test.fullName, reason: result.errors[0]?.message ?? 'no error given' })
    if (result.state === 'skipped') this.counts.skipped.push({ test: test.fullName, reason: result.note ?? 'no reason given' })
  }

  onTestRunEnd(modules, unhandled) {
    const outside = modules.flatMap((module) =>
      module.errors().map(({ message }) => ({ test: module.moduleId, reason: message })),
    )
    const loose = unhandled.map(({ message }) => ({ test: 'outside any test', reason: message }))
    this.counts.failed.push(...outside, ...loose)
    const file = process.env.KHO_LAB_COUNTS
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.counts))
  }
}
