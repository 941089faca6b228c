import { parentPort } from 'node:worker_threads'
import { toLabError } from '../../shared/result.ts'
import { doJob } from './do-job.ts'
import type { Job, WorkerMessage } from './job.ts'

/** A thread that does one job after the other as they are sent. */
const say = (message: WorkerMessage): void => parentPort?.postMessage(message)

parentPort?.on('message', (job: Job) => {
  try {
    say({ type: 'done', primitive: doJob(job, (generation) => say({ type: 'generation', generation })) })
  } catch (error) {
    say({ type: 'broken', error: toLabError(error).toJSON() })
  }
})
