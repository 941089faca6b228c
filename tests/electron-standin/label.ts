/** No version of Electron has this name: whoever asks sees that it is the stand-in. */
export const STANDIN_VERSION = '0.0.0-standin'
