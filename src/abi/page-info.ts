import { RADIX_MAX_ORDER } from './radix.ts'

/** KHO_PAGE_MAGIC (kernel/liveupdate/kexec_handover.c, 6.18 to 7.3): "KHOP". */
const MAGIC = 0x4b484f50

/**
 * union kho_page_info (kernel/liveupdate/kexec_handover.c, 7.3) in page->private of the first page of a preserved block, from the
 * boot that received it until kho_restore_page(). Answers the order that the mark names; undefined where there is no mark, or
 * none with an order that a record can have.
 */
export function markedOrder(view: DataView, offset: number): number | undefined {
  const order = view.getUint32(offset, true)
  return view.getUint32(offset + 4, true) === MAGIC && order <= RADIX_MAX_ORDER ? order : undefined
}
