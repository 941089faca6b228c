import type { Command } from 'commander'
import { newCommand, parsePort, type Cli } from '../command.ts'
import { interruptible } from '../interrupt.ts'

const MORE = `
The same window as the desktop app, in a browser. It listens on loopback and the address holds a token: whoever has that
can start virtual machines as you. The line printed also says how to reach it from another machine through ssh.
Ctrl-C ends it and stops its guests.
`

interface ServeOptions {
  readonly port: number
  readonly host: string
  readonly open?: boolean
}

export const serveCommand = (cli: Cli): Command =>
  newCommand('serve', 'Serve the lab to a browser on this machine', MORE)
    .option('--port <PORT>', 'port to listen on; 0 takes a free one', parsePort, 0)
    .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
    .option('--open', 'open the browser as well')
    .action(async (options: ServeOptions) => {
      const [{ startWebHost, webHostLine }, { openDesk }] = await Promise.all([
        import('../../web/server.ts'),
        import('../../lab/open-desk.ts'),
      ])
      const desk = await openDesk({ host: 'browser' })
      await interruptible(cli.terminal, async (signal) => {
        const host = await startWebHost({ desk, port: options.port, host: options.host })
        cli.terminal.out(
          cli.json ? `${JSON.stringify({ url: host.url, port: host.port, host: host.host })}\n` : `${webHostLine(host)}\n`,
        )
        if (options.open === true) await openBrowser(host.url)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
        await desk.dispose()
        await host.close()
      })
    })

/** Best effort: the address is printed in any case. */
async function openBrowser(url: string): Promise<void> {
  const { spawn } = await import('node:child_process')
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
