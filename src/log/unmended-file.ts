/** A write failed and its bytes could not be taken back: what the file holds beyond its known end is undefined. */
export class UnmendedFile extends Error {}
