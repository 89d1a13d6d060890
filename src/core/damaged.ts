/** Where a database that was damaged lies beside the one that took its place: the store puts it there, the doctor sees it. */
export const damagedFile = 'lanline-damaged.db'
