import { expect, it } from 'vitest'
import { LabError } from '../shared/result.ts'
import { errorText } from './error-text.ts'

it('shows what does not print: the words may be a guest’s', () => {
  const evil = '\u001b]0;x\u0007\u009b2J\u202e'
  const text = errorText(new LabError({ code: 'guest-panicked', message: evil, hint: evil, evidence: [evil, 'b'] }))
  expect(text).toBe(
    'kho-lab: \\x1b]0;x\\x07\\x9b2J\\u202e\n  | \\x1b]0;x\\x07\\x9b2J\\u202e\n  | b\n  \\x1b]0;x\\x07\\x9b2J\\u202e\n',
  )
})
