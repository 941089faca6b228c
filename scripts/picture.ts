import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const PICTURE = fileURLToPath(new URL('../docs/hello-report.png', import.meta.url))
const CHROMIUM = '/usr/bin/chromium'
const WIDTH = 1180

/** Draws the README's picture: the top of a run's report, from the verdict to the memory map of the first boot. */
const directory = process.argv[2]
if (directory === undefined) {
  process.stderr.write('npm run picture -- RUN_FOLDER\n')
  process.exit(64)
}
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
try {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 2000 }, colorScheme: 'light' })
  await page.goto(pathToFileURL(resolve(directory, 'report.html')).href)
  const map = await page.locator('#memory svg.map').first().boundingBox()
  if (map === null) throw new Error('the report has no memory map')
  await page.screenshot({ path: PICTURE, clip: { x: 0, y: 0, width: WIDTH, height: Math.ceil(map.y + map.height) } })
} finally {
  await browser.close()
}
process.stdout.write(`${PICTURE}\n`)
