import { ref } from 'vue'
import type { Connection } from './connection.ts'
import { printing } from './printing.ts'
import { connectWebSocket } from './web-socket.ts'

export function connect(page: Window): Connection {
  if (page.lab) return { client: printing(page.lab), link: ref('connected'), onReturn: () => undefined }
  const connection = connectWebSocket(`${page.location.protocol === 'https:' ? 'wss' : 'ws'}://${page.location.host}/lab`)
  return { ...connection, client: printing(connection.client) }
}
