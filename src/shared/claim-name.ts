/** What a claim is called where its boot is known: `zone.managed.node0.DMA32` of `hop1.zone.managed.node0.DMA32`. */
export const claimName = ({ id }: { readonly id: string }): string => id.replace(/^hop\d+\./, '')
