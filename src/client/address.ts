/** Where a broker listens. */
export type Address = { host: string; port: number }
