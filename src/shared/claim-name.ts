/** What a claim is called where its boot is known: `zone.managed.node0.DMA32` of `hop1.zone.managed.node0.DMA32`. */
export const claimName = ({ id }: { readonly id: string }): string => id.replace(/^hop\d+\./, '')

interface Conditional {
  readonly id: string
  readonly onlyIf?: readonly { readonly claim: string; readonly is: boolean }[] | undefined
}

/** Under which conditions something is claimed; undefined where it always is. */
export const conditionText = ({ onlyIf }: Conditional): string | undefined =>
  onlyIf && `only if ${onlyIf.map(({ claim, is }) => `${claim} is ${is}`).join(' and ')}`

/** Tells claims apart that are about the same under different conditions. */
export const claimKey = (claim: Conditional): string => [claim.id, conditionText(claim)].filter(Boolean).join(' ')
