/** metav1.Time: RFC 3339 with seconds. */
export const timestamp = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`
/** metav1.MicroTime. */
export const microTimestamp = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z')
