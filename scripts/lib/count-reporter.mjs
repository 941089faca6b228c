import { writeFileSync } from 'node:fs'

/** Counts the tests of one tier for scripts/test.mjs, with the reason of each skip, into the file that KHO_LAB_COUNTS names. */
export default class CountReporter {
  counts = { passed: 0, failed: 0, skipped: [] }

  onTestCaseResult(test) {
    const result = test.result()
    if (result.state === 'passed') this.counts.passed += 1
    if (result.state === 'failed') this.counts.failed += 1
    if (result.state === 'skipped') this.counts.skipped.push({ test: test.fullName, reason: result.note ?? 'no reason given' })
  }

  onTestRunEnd() {
    const file = process.env.KHO_LAB_COUNTS
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.counts))
  }
}
