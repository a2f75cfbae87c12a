import { UsageError } from './command.ts'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/

/** `90s`, `1h30m`, `2d`, or as Kafka's tools want it `PT1H30M`; in ms. */
export const durationMs = (text: string, option: string): number => {
  const iso = ISO.exec(text)
  if (iso && text.length > 2) {
    const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1).map((part) => Number(part ?? 0))
    return days * UNITS.d + hours * UNITS.h + minutes * UNITS.m + seconds * UNITS.s
  }
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new UsageError(`--${option} ${text}: write a duration such as 90s, 15m, 1h30m, 2d or PT1H30M`)
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0)
}

/** RFC 3339, or without a zone (then UTC, as in Kafka's tools), or ms since 1970. */
export const timeMs = (text: string, option: string): number => {
  if (/^\d{10,}$/.test(text)) return Number(text)
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text)
  const parsed = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(hasZone ? text : text.includes('T') ? `${text}Z` : `${text}T00:00:00Z`) : NaN
  if (Number.isNaN(parsed)) throw new UsageError(`--${option} ${text}: write a time such as 2026-11-21T08:00:00Z, or ms since 1970`)
  return parsed
}

/** An age as kubectl shows it: two units at most, the finer one only while it matters. */
export const ageText = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)]
  const pair = (big: number, bigUnit: string, small: number, unit: string) => `${big}${bigUnit}${small > 0 ? `${small}${unit}` : ''}`
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (hours < 3) return `${minutes}m`
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (days < 2) return `${hours}h`
  if (days < 8) return pair(days, 'd', hours % 24, 'h')
  return `${days}d`
}
