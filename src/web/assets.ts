import { readFile, readdir } from 'node:fs/promises'
import { extname, join, relative, resolve, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import { LabError } from '../shared/result.ts'

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

export interface Asset {
  readonly mediaType: string
  readonly body: Buffer
  /** Present where it is smaller: pages are often opened through a tunnel. */
  readonly gzip?: Buffer
}

/**
 * Reads every file of the built page once. A request is a look-up in this map, so no path of a request ever
 * reaches the file system. Keys are URL paths such as `/assets/index.js`. Unknown kinds of file are left out.
 */
export async function loadAssets(directory: string): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>()
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new LabError(
      {
        code: 'tool-missing',
        message: `the page of the lab is not built: nothing is in ${directory}`,
        hint: `In a checkout: cd ${resolve(directory, '../..')} && npm run build`,
      },
      { cause },
    )
  })
  for (const entry of entries) {
    const mediaType = MEDIA_TYPES[extname(entry.name)]
    if (!entry.isFile() || mediaType === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const body = await readFile(file)
    const packed = gzipSync(body, { level: 6 })
    const url = `/${relative(directory, file).split(sep).join('/')}`
    assets.set(url, packed.length < body.length ? { mediaType, body, gzip: packed } : { mediaType, body })
  }
  return assets
}
