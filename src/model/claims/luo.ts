import type { PredictedClaim, SubjectValues } from '../../shared/documents/index.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import type { Boot, KhoOn } from '../boots.ts'
import { claim, kho, khoBlock, luo, luoFile, luoSession, memfdLuo, unpredicted } from '../claim.ts'

/** What LUO does in this boot: with the sessions that it was given, and with those that it creates. */
export function luoClaims(boot: Boot, state: KhoOn): readonly PredictedClaim[] {
  return [...receivedSessions(boot, state), ...ownSessions(boot)]
}

function receivedSessions(boot: Boot, state: KhoOn): readonly PredictedClaim[] {
  const { previous } = boot
  if (!state.received || previous?.kho.kind !== 'on' || !previous.options.liveupdate) return []
  return [
    claim(boot, 'luo.message', 'LUO says that it was handed its state', luo('luo_early_startup'), {
      value: `Retrieved live update data, liveupdate number: ${previous.kho.liveupdateNumber}`,
    }),
    ...(previous.luo.calls.length === 0 ? [] : [sessionsClaim(boot, previous)]),
  ]
}

function sessionsClaim(boot: Boot, previous: Boot): PredictedClaim {
  const sessions: SubjectValues['luo.sessions'] = previous.luo.sessions.map(({ name, memfds }) => ({
    name,
    files: memfds.map(({ token, size }) => {
      const pages = size / PAGE_SIZE
      return { token, compatible: 'memfd-v2', size, folios: pages, intactPages: pages }
    }),
  }))
  const basis = [
    ...luoSession('luo_session_serialize'),
    ...luoFile('luo_file_freeze'),
    ...khoBlock('kho_block_set_it_reserve_entry'),
    ...memfdLuo('memfd_luo_preserve'),
  ]
  return claim(boot, 'luo.sessions', 'Sessions and memfds that were handed over, and their content', basis, { value: sessions })
}

function ownSessions(boot: Boot): readonly PredictedClaim[] {
  const { calls, reports, pages } = boot.luo
  if (calls.length === 0) return []
  const basis = [
    ...luoSession('luo_session_create', 'luo_session_retrieve'),
    ...luoFile('luo_preserve_file', 'luo_retrieve_file'),
  ]
  const preserved = [
    ...kho('kho_alloc_preserve', 'kho_preserve_folio', 'kho_preserve_vmalloc'),
    ...memfdLuo('memfd_luo_preserve'),
  ]
  const others = boot.experiment.workload[boot.hop]?.length !== calls.length
  return [
    claim(boot, 'luo.operations', 'What /dev/liveupdate answers', basis, { value: reports }),
    claim(
      boot,
      'luo.records',
      'Records that sessions and memfds add to the tree',
      preserved,
      others ? unpredicted('other steps of this boot preserve memory as well') : { value: { order0: pages, other: 0 } },
    ),
  ]
}
