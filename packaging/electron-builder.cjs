const { join } = require('node:path')

/**
 * Used by scripts/package.mjs, which says in the environment where things are. The app is in its archive; what the command
 * needs as plain files lies beside it, in resources/, laid out as the npm package is.
 */
const { KHO_LAB_STAGE: stage, KHO_LAB_ELECTRON: electronDist, KHO_LAB_ELECTRON_VERSION: electronVersion } = process.env
const standIn = process.env.KHO_LAB_STAND_IN === '1'

module.exports = {
  appId: 'kho-lab',
  productName: 'kho-lab',
  electronVersion,
  electronDist,
  npmRebuild: false,
  // The stand-in is Node, which reads no archive and has no fuses.
  asar: !standIn,
  directories: { output: join(stage, '..') },
  files: ['out/main/**', 'out/preload/**', 'out/renderer/**', 'package.json'],
  // node_modules is left out of a folder unless it is named.
  extraResources: [
    { from: join(stage, 'resources'), to: '.' },
    { from: join(stage, 'resources/node_modules'), to: 'node_modules' },
  ],
  extraFiles: [{ from: join(__dirname, 'kho-lab.sh'), to: 'kho-lab' }],
  linux: { target: 'dir', executableName: 'kho-lab-app', category: 'Development' },
  ...(standIn
    ? {}
    : {
        electronFuses: {
          runAsNode: false,
          enableNodeOptionsEnvironmentVariable: false,
          enableNodeCliInspectArguments: false,
          enableCookieEncryption: true,
          enableEmbeddedAsarIntegrityValidation: true,
          onlyLoadAppFromAsar: true,
          // The page is a local file and its script a module, which needs this one.
          grantFileProtocolExtraPrivileges: true,
        },
      }),
}
