/** How often the property tests try: more under `./scripts/test --soak`. */
export const isSoak = process.env.LANLINE_SOAK !== undefined

/** Seeded mutations of the vectors given to a decoder. */
export const mutations = isSoak ? 10_000_000 : 200_000

/** Generated values per property. */
export const runs = isSoak ? 20_000 : 500
