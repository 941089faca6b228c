import { z } from 'zod'

/** Where the fields of struct page lie in a kernel build, and how its direct map begins: see qemu-images/kernel/page-facts.c. */
export const PageFacts = z.object({
  sizeofPage: z.int().positive(),
  offsetPrivate: z.int().min(0),
  offsetRefcount: z.int().min(0),
  /** 4 or 5 levels of page tables are decided at boot; this is what the build can have at most. */
  pagetableLevels: z.int().min(4).max(5),
})
export type PageFacts = z.infer<typeof PageFacts>
