import manifest from '../../../package.json' with { type: 'json' }

/** The lab's own version, as every report names it. */
export const LAB_VERSION: string = manifest.version
