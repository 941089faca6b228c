import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Names under which this machine reaches itself. A tunnel changes the port, never the name, so any port is taken. */
const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  // Terminal and report set styles from script; neither can run script by it.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CSP,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=()',
}

/**
 * Why the request may not be answered, or undefined when it may. The Host header must be a name of this machine
 * (else a page elsewhere could rebind its DNS name to us), and the Origin must be this very page.
 */
export function refusal(request: IncomingMessage, listenHost: string, originRequired: boolean): string | undefined {
  const { host, origin } = request.headers
  if (host === undefined) return 'no Host header'
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const local = request.socket.localAddress ?? ''
  const own = [listenHost.toLowerCase(), local, `[${local}]`]
  if (!LOOPBACK_NAMES.has(name) && !own.includes(name)) return 'the Host header names another machine'
  if (origin === undefined) return originRequired ? 'no Origin header' : undefined
  if (origin !== `http://${host}`) return 'the request comes from another origin'
  return undefined
}

/** Compares in time that does not depend on where the texts differ. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

export function cookieValue(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, ...rest] = part.trim().split('=')
    if (key === name) return rest.join('=')
  }
  return undefined
}
