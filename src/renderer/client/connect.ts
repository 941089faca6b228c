import { ref } from 'vue'
import type { Connection } from './connection.ts'
import { connectWebSocket } from './web-socket.ts'

export function connect(page: Window): Connection {
  if (page.lab) return { client: page.lab, link: ref('connected'), onReturn: () => undefined }
  return connectWebSocket(`${page.location.protocol === 'https:' ? 'wss' : 'ws'}://${page.location.host}/lab`)
}
