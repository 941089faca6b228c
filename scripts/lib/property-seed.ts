import fc from 'fast-check'

// The same cases each time, so that what passed here passes elsewhere. KHO_LAB_SEED=N tries others; a failure names its seed.
fc.configureGlobal({ seed: Number(process.env['KHO_LAB_SEED'] ?? 1) })
