import type { Prediction } from '../shared/documents/index.ts'
import type { ComparisonMeta } from './compare.ts'
import { RELEASE, sha256 } from './sample-facts.fixture.ts'

/**
 * Two boots of a 1 GiB guest with `liveupdate=on` and one reserve_mem region, made up but consistent: the addresses are those
 * that a real guest showed, the blobs are encoded as the kernel does. Tests take it apart to see that compare notices.
 */
export { sampleClaims } from './sample-claims.fixture.ts'
export { blobOf } from './sample-facts.fixture.ts'
export { sampleObservation } from './sample-observation.fixture.ts'

export const sampleMeta = (): ComparisonMeta => ({
  experiment: { name: 'one GiB, liveupdate, reserve_mem', sha256: sha256('experiment') },
  prediction: { sha256: sha256('prediction'), at: '2026-11-22T10:00:01.500Z' },
  resolutions: [{ hop: 0, sha256: sha256('resolution'), at: '2026-11-22T10:00:05.000Z' }],
})

export const samplePrediction = (): Prediction => ({
  document: 'kho-lab/prediction',
  version: 1,
  experimentSha256: sha256('experiment'),
  model: { version: '0.1.0' },
  kernels: [0, 1].map(() => ({
    release: RELEASE,
    bzImageSha256: sha256('bzImage'),
    initrdSize: 3_452_212,
    header: {
      initSize: 0xcbb000,
      prefAddress: 0x1000000,
      kernelAlignment: 0x200000,
      relocatable: true,
      setupSects: 39,
      version: 0x20f,
    },
    purgatorySize: 0x5000,
    configSha256: sha256('config'),
  })),
  cmdlines: ['console=ttyS0 kho=on liveupdate=on', 'console=ttyS0 kho=on liveupdate=on'],
  claims: [],
})
